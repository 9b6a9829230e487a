#include "clinicdb/client/subscription.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "clinicdb/client/client.h"

namespace clinicdb::client {

namespace {

constexpr std::chrono::milliseconds kPauseFirst{5};
constexpr std::chrono::milliseconds kPauseLongest{500};

using std::chrono::steady_clock;

std::chrono::milliseconds left(steady_clock::time_point until) {
  return std::max(std::chrono::milliseconds(0),
                  std::chrono::ceil<std::chrono::milliseconds>(until - steady_clock::now()));
}

}  // namespace

Subscription::Subscription(Client& client, clinic::ReadEventsRequest from)
    : client_(client), position_(std::move(from)) {}

Subscription::~Subscription() = default;

Result<Stream*> Subscription::stream() {
  if (!stream_) {
    ASSIGN_OR_RETURN(stream_, Stream::open(client_, kFeedServiceFollow, position_, {}));
    stream_->end_sending();
  }
  return stream_.get();
}

Result<Subscription::Step> Subscription::took(const Result<bool>& more,
                                              const clinic::ReadEventsResponse& page) {
  Step step;
  if (more && *more) {
    // Only a page that came whole moves the position: so what is asked for again is what is next.
    position_.set_after_lsn(page.next_after_lsn());
    position_.set_cursor(page.cursor());
    pause_ = std::chrono::milliseconds(0);
    step.events = page.events_size() > 0;
    return step;
  }
  stream_.reset();
  if (!more && more.error().code() != StatusCode::kUnavailable) return more.error();
  pause_ = pause_.count() == 0 ? kPauseFirst : std::min(2 * pause_, kPauseLongest);
  step.pause = pause_;
  return step;
}

Result<std::shared_ptr<const clinic::ReadEventsResponse>> Subscription::next(
    std::chrono::milliseconds wait) {
  const steady_clock::time_point until = steady_clock::now() + wait;
  for (;;) {
    ASSIGN_OR_RETURN(Stream * from, stream());
    auto page = std::make_shared<clinic::ReadEventsResponse>();
    const Result<std::optional<bool>> came = from->read_within(*page, left(until));
    if (came && !*came) {
      page->set_next_after_lsn(position_.after_lsn());
      page->set_cursor(position_.cursor());
      return std::shared_ptr<const clinic::ReadEventsResponse>(std::move(page));
    }
    const Result<bool> more = came ? Result<bool>(**came) : Result<bool>(came.error());
    ASSIGN_OR_RETURN(const Step step, took(more, *page));
    if (step.events) return std::shared_ptr<const clinic::ReadEventsResponse>(std::move(page));
    if (step.pause.count() == 0) continue;
    if (steady_clock::now() + step.pause >= until)
      return more ? unavailable("the server ended the feed") : more.error();
    std::this_thread::sleep_for(step.pause);
  }
}

}  // namespace clinicdb::client
