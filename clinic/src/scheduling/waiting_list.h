// The waiting list's part in other commits: offering time that was freed. See waitlist.proto.
#pragma once

#include <optional>
#include <string>

#include "clinicdb/base/function_ref.h"
#include "clinicdb/base/ids.h"
#include "clinicdb/base/result.h"
#include "clinicdb/clinic/tables.h"
#include "clinicdb/engine/transaction.h"
#include "core.h"

namespace clinicdb::clinic {

/// Free time at a place.
struct FreedTime {
  std::string clinic_id;
  std::string professional_id;
  std::string room_id;
  TimeSpan span;
};

struct WaitlistOffer {
  std::string entry_id;
  std::string hold_id;
};

/// Holds the time for the first in the list that it suits, for kOfferUs or until it begins.
/// Nothing where it suits nobody, lies in the past, or is not free. `new_id` gives the hold's.
Result<std::optional<WaitlistOffer>> offer_time(FunctionRef<Uuid()> new_id, engine::Transaction& tx,
                                                const FreedTime& freed);
Result<std::optional<WaitlistOffer>> offer_time(const Core& core, engine::Transaction& tx,
                                                const FreedTime& freed);
/// Whether what the appointment gives up when it is cancelled is offered: a group's time, or a seat
/// of one, suits nobody who waits for a time of their own.
bool is_offered(const Appointment& appointment);

/// What an appointment holds, as it would be offered.
FreedTime freed_time(const Appointment& appointment);
/// Marks the entry that a hold was offered to as booked. Nothing where it was offered to nobody.
Status settle_offer(engine::Transaction& tx, const Appointment& hold);

/// How long an offer stands.
constexpr std::int64_t kOfferUs = 120 * kMinuteUs;
/// Entries of a clinic that one offer looks at, in their order.
constexpr std::size_t kOfferCandidatesMax = 200;

}  // namespace clinicdb::clinic
