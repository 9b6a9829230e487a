// Subscription: what happens to a tenant's records, pushed as it happens: domain events in the
// order of their commits, from any position on, without a gap and without a repetition, also over
// lost connections and servers that stop.
//
//   clinic::ReadEventsRequest from;
//   from.set_after_lsn(last_seen);
//   from.add_types(clinic::EVENT_APPOINTMENT_BOOKED);
//   Subscription events(*client, from);
//   for (;;) {
//     ASSIGN_OR_RETURN(const auto page, events.next(std::chrono::seconds(30)));
//     for (const clinic::DomainEvent& event : page->events()) use(event);
//     keep(events.position());   // with what was made of the events
//   }
//
// Who does not call next() is sent no more than a window's bytes. async.h has async_next, for
// coroutines. Confined to one thread at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "clinicdb/base/result.h"
#include "clinicdb/client/stream.h"
#include "clinicdb/clinic/schema/feed.pb.h"

namespace clinicdb::client {

class Subscription {
 public:
  /// `from` says after which LSN, and which types; its limit is of what one next() gives. `client`
  /// outlives it.
  Subscription(Client& client, clinic::ReadEventsRequest from);
  ~Subscription();
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;

  /// The next events, at least one; waits up to `wait` for it, and gives an answer without events
  /// when none came. An error is the server's refusal; a lost connection is none, but is made
  /// again, and again, until the time is over: then kUnavailable. After an error it goes on where
  /// it was.
  Result<std::shared_ptr<const clinic::ReadEventsResponse>> next(std::chrono::milliseconds wait);

  /// A subscription that begins with it goes on where this one is.
  const clinic::ReadEventsRequest& position() const { return position_; }

  // For next() and async_next; not for programs.
  /// The stream that brings what is next.
  Result<Stream*> stream();
  struct Step {
    bool events = false;                 ///< the page has some
    std::chrono::milliseconds pause{0};  ///< before the next attempt
  };
  /// What came of a read from it. An error is the subscription's.
  Result<Step> took(const Result<bool>& more, const clinic::ReadEventsResponse& page);

 private:
  Client& client_;
  clinic::ReadEventsRequest position_;
  std::unique_ptr<Stream> stream_;
  std::chrono::milliseconds pause_{0};
};

}  // namespace clinicdb::client
