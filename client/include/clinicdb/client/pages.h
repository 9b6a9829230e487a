// Pages and ChangeFeed: lists that go on behind a cursor, and what happened behind a position.
//
//   auto pages = pages_of(request, [&](const SearchPatientsRequest& r) {
//     return client->patients().search(r);
//   });
//   for (;;) {
//     ASSIGN_OR_RETURN(const auto page, pages.next());
//     if (page == nullptr) break;
//     for (const PatientSummary& patient : page->patients()) show(patient);
//   }
//
// Confined to one thread at a time.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "clinicdb/base/result.h"
#include "clinicdb/client/services.h"

namespace clinicdb::client {

/// The pages of a list, from the request's cursor on.
template <class Request, class Fetch>
class Pages {
 public:
  /// `fetch` gives the page of a request; it lives as long as what it refers to.
  Pages(Request request, Fetch fetch) : request_(std::move(request)), fetch_(std::move(fetch)) {}

  /// The next page, which may be empty though more follow; nullptr when there is none. After an
  /// error it asks for the same page again.
  auto next() -> decltype(std::declval<Fetch&>()(std::declval<const Request&>())) {
    if (done_) return {nullptr};
    auto page = fetch_(request_);
    if (!page) return page;
    done_ = *page == nullptr || (*page)->cursor().empty();
    if (!done_) request_.set_cursor((*page)->cursor());
    return page;
  }
  /// Where next() goes on: for a list that is continued elsewhere. Empty: at the beginning.
  const std::string& cursor() const { return request_.cursor(); }

 private:
  Request request_;
  Fetch fetch_;
  bool done_ = false;
};

template <class Request, class Fetch>
Pages<Request, Fetch> pages_of(Request request, Fetch fetch) {
  return Pages<Request, Fetch>(std::move(request), std::move(fetch));
}

/// A tenant's domain events in the order of their commits, without a gap, from a position on. Keep
/// request() with what was made of the events, and a feed that begins with it goes on where this
/// one was.
class ChangeFeed {
 public:
  /// `request` says after which LSN, and which types. `caller` outlives it.
  ChangeFeed(Caller& caller, clinic::ReadEventsRequest request)
      : service_(caller), request_(std::move(request)) {}

  /// The next events, at least one; waits up to `wait` for it, and gives an answer without events
  /// when none came. After an error it asks for the same again.
  Result<std::shared_ptr<const clinic::ReadEventsResponse>> next(std::chrono::milliseconds wait);
  const clinic::ReadEventsRequest& request() const { return request_; }

 private:
  FeedService service_;
  clinic::ReadEventsRequest request_;
};

}  // namespace clinicdb::client
