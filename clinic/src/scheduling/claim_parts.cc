#include "scheduling/claim_parts.h"

#include <utility>

#include "calendar_covered.h"
#include "clinicdb/clinic/identity.h"
#include "clinicdb/engine/key.h"
#include "scheduling/working_hours.h"
#include "zones.h"

namespace clinicdb::clinic {

using engine::Key;

std::vector<Claim> claims_of(const Appointment& appointment) {
  std::vector<Claim> claims;
  const TimeSpan own{appointment.start_us(), appointment.end_us()};
  const TimeSpan whole = claimed_span(appointment);
  const auto add = [&](ResourceKind kind, const std::string& id, TimeSpan span,
                       std::string_view what, std::string_view field) {
    if (!id.empty()) claims.push_back({kind, resource_key(kind, id), span, what, field});
  };
  if (appointment.session_id().empty()) {
    add(RESOURCE_KIND_PROFESSIONAL, appointment.professional_id(), whole, "professional",
        "appointment.professional_id");
    add(RESOURCE_KIND_ROOM, appointment.room_id(), whole, "room", "appointment.room_id");
    for (int i = 0; i < appointment.equipment_units_size(); ++i) {
      claims.push_back({RESOURCE_KIND_EQUIPMENT,
                        unit_key(RESOURCE_KIND_EQUIPMENT, appointment.equipment_ids(i),
                                 appointment.equipment_units(i)),
                        whole, "equipment", "appointment.equipment_ids"});
    }
  } else {
    claims.push_back({RESOURCE_KIND_SEAT,
                      unit_key(RESOURCE_KIND_SEAT, appointment.session_id(), appointment.seat()),
                      own, "seat", "appointment.session_id"});
  }
  add(RESOURCE_KIND_PATIENT, appointment.patient_id(), own, "patient", "appointment.patient_id");
  return claims;
}

std::optional<Claim> claim_on(const Appointment& appointment, std::string_view key) {
  for (Claim& claim : claims_of(appointment)) {
    if (claim.key == key) return std::move(claim);
  }
  return {};
}

bool is_same_span(TimeSpan a, TimeSpan b) {
  return a.start_us == b.start_us && a.end_us == b.end_us;
}

bool overlaps_otherwise(TimeSpan a, TimeSpan b) {
  return a.start_us < b.end_us && b.start_us < a.end_us && !is_same_span(a, b);
}

Result<std::vector<Obstacle>> obstacles(engine::Reader& reader, std::string_view resource,
                                        TimeSpan span, std::string_view own_id) {
  std::vector<Obstacle> found;
  bool corrupt = false;
  RETURN_IF_ERROR(reader
                      .scan_claims(appointments_table().def(), AppointmentIndex::kClaims, resource,
                                   Time{span.start_us}, Time{span.end_us}, {},
                                   [&](const engine::IndexEntry& entry) {
                                     if (entry.record_key == own_id) return true;
                                     std::string_view start = entry.key.substr(resource.size());
                                     Time begins;
                                     CalendarCovered item;
                                     corrupt = !Key::take_time(start, begins) ||
                                               !item.decode(entry.covered);
                                     if (corrupt) return false;
                                     found.push_back({std::string(entry.record_key),
                                                      {begins.us, entry.end.us},
                                                      item.status});
                                     return true;
                                   })
                      .status());
  if (corrupt)
    return data_loss("an index entry of table \"appointment\" does not carry what it should");
  return found;
}

Result<std::vector<std::string>> overbooked_beside(engine::Reader& reader,
                                                   const std::string& resource, TimeSpan span,
                                                   std::string_view own_id) {
  std::vector<std::string> ids;
  RETURN_IF_ERROR(
      reader
          .scan(appointments_table().def(), AppointmentIndex::kOverbooked,
                {Key().raw(resource).time(Time{span.start_us - kStretchUsMax - kBufferUsMax}).str(),
                 Key().raw(resource).time(Time{span.end_us + kBufferUsMax}).str()},
                {},
                [&](const engine::IndexEntry& entry) {
                  if (entry.record_key != own_id) ids.emplace_back(entry.record_key);
                  return true;
                })
          .status());
  return ids;
}

Result<std::vector<Obstacle>> in_the_way(engine::Reader& reader, const Claim& claim,
                                         const Appointment& appointment,
                                         const Appointment* before) {
  ASSIGN_OR_RETURN(std::vector<Obstacle> found,
                   obstacles(reader, claim.key, claim.span, appointment.id()));
  if (before != nullptr) RETURN_IF_ERROR(add_overbooked_obstacles(reader, claim, *before, found));
  return found;
}

Status refusal(const Claim& claim, const Obstacle& obstacle, bool may_read) {
  std::string message = "the " + std::string(claim.what) + " is taken";
  if (may_read) {
    message += " from " + format_utc(Time{obstacle.span.start_us}) + " to " +
               format_utc(Time{obstacle.span.end_us}) + " by appointment " +
               Uuid::from_bytes(obstacle.appointment_id).to_string();
  }
  return failed_precondition(std::move(message)).with_field(claim.field);
}

}  // namespace clinicdb::clinic
