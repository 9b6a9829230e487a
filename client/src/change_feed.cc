#include <algorithm>
#include <thread>

#include "clinicdb/client/pages.h"

namespace clinicdb::client {

namespace {
// What a feed that is idle costs the server, and how late an event may be seen.
constexpr std::chrono::milliseconds kPauseFirst{5};
constexpr std::chrono::milliseconds kPauseLongest{200};
}  // namespace

Result<std::shared_ptr<const clinic::ReadEventsResponse>> ChangeFeed::next(
    std::chrono::milliseconds wait) {
  const auto until = std::chrono::steady_clock::now() + wait;
  std::chrono::milliseconds pause = kPauseFirst;
  for (;;) {
    ASSIGN_OR_RETURN(std::shared_ptr<const clinic::ReadEventsResponse> page,
                     service_.read_events(request_));
    if (page == nullptr) return internal_error("the server answers the feed with nothing");
    request_.set_after_lsn(page->next_after_lsn());
    request_.set_cursor(page->cursor());
    if (page->events_size() > 0) return page;
    // A page that was cut short says by its cursor that more is there.
    if (!page->cursor().empty()) continue;
    const auto now = std::chrono::steady_clock::now();
    if (now >= until) return page;
    std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(pause, until - now));
    pause = std::min(2 * pause, kPauseLongest);
  }
}

}  // namespace clinicdb::client
