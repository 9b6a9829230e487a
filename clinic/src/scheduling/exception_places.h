// Exceptions that belong to hours, as FHIR's Slots belong to a Schedule: whose they are, and where,
// is what the hours say, and is kept with each of them, so that free time is read by resource.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "clinicdb/base/result.h"
#include "clinicdb/clinic/schema/appointment.pb.h"
#include "clinicdb/clinic/schema/availability.pb.h"
#include "clinicdb/engine/transaction.h"

namespace clinicdb::clinic {

/// Gives the exception the place of its hours; none where that is nullptr: it then opens and closes
/// nothing.
void set_place(const Hours* hours, AvailabilityException& exception);
/// The same from what the store has of its hours. Nothing to do for one without.
Status find_place(engine::Reader& reader, AvailabilityException& exception);
/// How far place_exceptions goes in one commit.
struct PlaceBounds {
  std::size_t changed = SIZE_MAX;  ///< exceptions that get another place
  std::size_t read = SIZE_MAX;
  std::string after = {};  ///< where an earlier step ended, which says where the next begins
};
/// Gives the hours' exceptions their place, in the commit that changes, makes or removes the hours,
/// or, where they are many, in bounded steps before it. True when all have it, as far as was read;
/// else bounds.after is set. kResourceExhausted where they are more than one commit may change.
Result<bool> place_exceptions(engine::Transaction& tx, std::string_view hours_id,
                              const Hours* hours, PlaceBounds& bounds);
Status place_exceptions(engine::Transaction& tx, std::string_view hours_id, const Hours* hours);
/// The appointment gives its time up: the Slots that it came with, busy because of it, are free
/// again in the same commit, so that their time can be booked. Nothing for one that names none, and
/// nothing of a Slot that it was not in. `now`: what it has become where it was moved; a Slot that
/// it is still in stays busy.
Status free_slots(engine::Transaction& tx, const Appointment& released,
                  const Appointment* now = nullptr);
/// Whether exceptions of these hours have another place when they become those.
bool moves_exceptions(const Hours& before, const Hours& after);

}  // namespace clinicdb::clinic
