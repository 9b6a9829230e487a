// What the parts of claims.h share: the claims of one appointment, and what is in their way. Pure
// but for the reader.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "clinicdb/base/result.h"
#include "clinicdb/clinic/tables.h"
#include "clinicdb/engine/transaction.h"
#include "scheduling/claims.h"

namespace clinicdb::clinic {

/// One claim that an appointment makes, with the words for its refusal.
struct Claim {
  ResourceKind kind;
  std::string key;
  TimeSpan span;
  std::string_view what;
  std::string_view field;
};

std::vector<Claim> claims_of(const Appointment& appointment);
/// The claim that the appointment makes on that resource, if it makes one.
std::optional<Claim> claim_on(const Appointment& appointment, std::string_view key);

/// A claim of another appointment.
struct Obstacle {
  std::string appointment_id;
  TimeSpan span;
  AppointmentStatus status;
};

/// Those on the resource in that time, but the appointment's own.
Result<std::vector<Obstacle>> obstacles(engine::Reader& reader, std::string_view resource,
                                        TimeSpan span, std::string_view own_id);
/// Overbooked appointments but `own_id` that may share time of the resource with `span`.
Result<std::vector<std::string>> overbooked_beside(engine::Reader& reader,
                                                   const std::string& resource, TimeSpan span,
                                                   std::string_view own_id);
/// What keeps the appointment from making the claim.
Result<std::vector<Obstacle>> in_the_way(engine::Reader& reader, const Claim& claim,
                                         const Appointment& appointment, const Appointment* before);
/// What is in the way is told only to who may read the schedule.
Status refusal(const Claim& claim, const Obstacle& obstacle, bool may_read);

bool is_same_span(TimeSpan a, TimeSpan b);
/// Whether the two share time, and are not one.
bool overlaps_otherwise(TimeSpan a, TimeSpan b);

// Overbooking (overbooking.cc).

/// Overbooked appointments in time that `before` had and `claim` would keep. They claim none of it,
/// so that no claim shows them; what moves may no more be put on them than anything else. Where
/// `claim` is what it was, nothing is put anywhere.
Status add_overbooked_obstacles(engine::Reader& reader, const Claim& claim,
                                const Appointment& before, std::vector<Obstacle>& found);
/// Of the claims of these kinds, those that others have are left to them.
Status claim_what_is_left(engine::Reader& reader, Appointment& appointment,
                          const std::vector<int>& kinds, const Appointment* before);
/// Makes the appointment an overbooked one. Refused where a patient, a seat or equipment is in the
/// way: these cannot be in two places at once, whoever says so.
Status overbook(engine::Transaction& tx, Appointment& appointment, const ClaimRules& rules);
/// Whether the move would put the appointment on an overbooked one that it shared time with.
Result<bool> stands_on_overbooked(engine::Reader& reader, const Appointment& appointment,
                                  const engine::PutOptions& options, const Appointment& before);

}  // namespace clinicdb::clinic
