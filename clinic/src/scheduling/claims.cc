#include "scheduling/claims.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "calendar_covered.h"
#include "clinicdb/clinic/identity.h"
#include "clinicdb/clinic/schema/event.pb.h"
#include "clinicdb/engine/key.h"
#include "scheduling/time_spans.h"
#include "scheduling/working_hours.h"
#include "zones.h"

namespace clinicdb::clinic {

namespace {

using engine::Key;

/// One claim that an appointment makes, with the words for its refusal.
struct Claim {
  ResourceKind kind;
  std::string key;
  TimeSpan span;
  std::string_view what;
  std::string_view field;
};

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

/// A claim of another appointment.
struct Obstacle {
  std::string appointment_id;
  TimeSpan span;
  AppointmentStatus status;
};

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

/// Overbooked appointments but `own_id` that may share time of the resource with `span`.
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

/// The claim that the appointment makes on that resource, if it makes one.
std::optional<Claim> claim_on(const Appointment& appointment, std::string_view key) {
  for (Claim& claim : claims_of(appointment)) {
    if (claim.key == key) return std::move(claim);
  }
  return {};
}

bool is_same(TimeSpan a, TimeSpan b) { return a.start_us == b.start_us && a.end_us == b.end_us; }

/// Whether the two share time, and are not one.
bool overlaps_otherwise(TimeSpan a, TimeSpan b) {
  return a.start_us < b.end_us && b.start_us < a.end_us && !is_same(a, b);
}

/// Overbooked appointments in time that `before` had and `claim` would keep. They claim none of it,
/// so that no claim shows them; what moves may no more be put on them than anything else. Where
/// `claim` is what it was, nothing is put anywhere.
Status add_overbooked(engine::Reader& reader, const Claim& claim, const Appointment& before,
                      std::vector<Obstacle>& found) {
  if (claim.kind != RESOURCE_KIND_PROFESSIONAL && claim.kind != RESOURCE_KIND_ROOM) return {};
  const std::optional<Claim> old = claim_on(before, claim.key);
  if (!old || !overlaps_otherwise(old->span, claim.span)) return {};
  const TimeSpan kept{std::max(old->span.start_us, claim.span.start_us),
                      std::min(old->span.end_us, claim.span.end_us)};
  ASSIGN_OR_RETURN(const std::vector<std::string> ids,
                   overbooked_beside(reader, claim.key, kept, before.id()));
  for (const std::string& id : ids) {
    ASSIGN_OR_RETURN(const std::optional<engine::Stored<Appointment>> other,
                     reader.get(appointments_table(), id));
    if (!other) continue;
    const TimeSpan span = claimed_span(other->record);
    if (span.start_us < kept.end_us && kept.start_us < span.end_us)
      found.push_back({id, span, other->record.status()});
  }
  return {};
}

/// What keeps the appointment from making the claim.
Result<std::vector<Obstacle>> in_the_way(engine::Reader& reader, const Claim& claim,
                                         const Appointment& appointment,
                                         const Appointment* before) {
  ASSIGN_OR_RETURN(std::vector<Obstacle> found,
                   obstacles(reader, claim.key, claim.span, appointment.id()));
  if (before != nullptr) RETURN_IF_ERROR(add_overbooked(reader, claim, *before, found));
  return found;
}

/// What is in the way is told only to who may read the schedule.
Status refusal(const Claim& claim, const Obstacle& obstacle, bool may_read) {
  std::string message = "the " + std::string(claim.what) + " is taken";
  if (may_read) {
    message += " from " + format_utc(Time{obstacle.span.start_us}) + " to " +
               format_utc(Time{obstacle.span.end_us}) + " by appointment " +
               Uuid::from_bytes(obstacle.appointment_id).to_string();
  }
  return failed_precondition(std::move(message)).with_field(claim.field);
}

Result<std::optional<std::uint32_t>> free_unit(engine::Reader& reader, ResourceKind kind,
                                               const std::string& id, std::uint32_t units,
                                               TimeSpan span, std::string_view own_id) {
  for (std::uint32_t unit = 1; unit <= units; ++unit) {
    ASSIGN_OR_RETURN(const std::vector<Obstacle> taken,
                     obstacles(reader, unit_key(kind, id, unit), span, own_id));
    if (taken.empty()) return std::optional<std::uint32_t>(unit);
  }
  return std::optional<std::uint32_t>();
}

Status choose_equipment(engine::Reader& reader, Appointment& appointment) {
  auto& units = *appointment.mutable_equipment_units();
  units.Clear();
  for (const std::string& id : appointment.equipment_ids()) {
    ASSIGN_OR_RETURN(const std::optional<engine::Stored<Equipment>> found,
                     reader.get(equipment_table(), id));
    if (!found) {
      return not_found("appointment.equipment_ids: no such equipment")
          .with_field("appointment.equipment_ids");
    }
    ASSIGN_OR_RETURN(
        const std::optional<std::uint32_t> unit,
        free_unit(reader, RESOURCE_KIND_EQUIPMENT, id, std::max(found->record.units(), 1u),
                  claimed_span(appointment), appointment.id()));
    units.Add(unit.value_or(1));
  }
  return {};
}

Status choose_seat(engine::Reader& reader, Appointment& appointment) {
  ASSIGN_OR_RETURN(const std::optional<engine::Stored<Appointment>> group,
                   reader.get(appointments_table(), appointment.session_id()));
  constexpr std::string_view kField = "appointment.session_id";
  if (!group || group->record.capacity() < 2)
    return not_found("appointment.session_id: no such group").with_field(kField);
  if (!claims_time(group->record.status()) ||
      group->record.status() == APPOINTMENT_STATUS_COMPLETED) {
    return failed_precondition("the group is over, or cancelled").with_field(kField);
  }
  // Its place in time and space is the group's, whatever was asked for.
  appointment.set_clinic_id(group->record.clinic_id());
  appointment.set_professional_id(group->record.professional_id());
  appointment.set_room_id(group->record.room_id());
  appointment.set_service_id(group->record.service_id());
  appointment.set_start_us(group->record.start_us());
  appointment.set_end_us(group->record.end_us());
  ASSIGN_OR_RETURN(
      const std::optional<std::uint32_t> seat,
      free_unit(reader, RESOURCE_KIND_SEAT, appointment.session_id(), group->record.capacity(),
                {appointment.start_us(), appointment.end_us()}, appointment.id()));
  if (!seat) {
    const std::string all = std::to_string(group->record.capacity());
    return failed_precondition("the group is full: " + all + " of " + all + " seats are taken")
        .with_field(kField);
  }
  appointment.set_seat(*seat);
  return {};
}

/// Any unit of the equipment will do, so that a hold of another unit than the one that was tried
/// may be what is in the way.
Result<bool> remove_expired_equipment(engine::Transaction& tx, const Appointment& appointment) {
  constexpr std::size_t kHoldsMax = 64;
  std::vector<std::string> ids;
  RETURN_IF_ERROR(tx.scan(appointments_table().def(), AppointmentIndex::kHeldUntil,
                          {{}, Key().time(Time{tx.now().us + 1}).str()}, {false, kHoldsMax, {}},
                          [&](const engine::IndexEntry& entry) {
                            ids.emplace_back(entry.record_key);
                            return true;
                          })
                      .status());
  bool removed = false;
  const auto& wanted = appointment.equipment_ids();
  for (const std::string& id : ids) {
    ASSIGN_OR_RETURN(const std::optional<engine::Stored<Appointment>> hold,
                     tx.get(appointments_table(), id));
    if (!hold) continue;
    const auto& held = hold->record.equipment_ids();
    if (std::find_first_of(wanted.begin(), wanted.end(), held.begin(), held.end()) == wanted.end())
      continue;
    RETURN_IF_ERROR(remove_hold(tx, hold->record, appointment.id()));
    removed = true;
  }
  return removed;
}

/// Whether there was an expired hold in the way.
Result<bool> remove_expired(engine::Transaction& tx, const Appointment& appointment) {
  bool removed = false;
  for (const Claim& claim : claims_of(appointment)) {
    ASSIGN_OR_RETURN(const std::vector<Obstacle> taken,
                     obstacles(tx, claim.key, claim.span, appointment.id()));
    for (const Obstacle& obstacle : taken) {
      if (obstacle.status != APPOINTMENT_STATUS_HELD) continue;
      ASSIGN_OR_RETURN(const std::optional<engine::Stored<Appointment>> hold,
                       tx.get(appointments_table(), obstacle.appointment_id));
      if (!hold || hold->record.hold_until_us() > tx.now().us) continue;
      RETURN_IF_ERROR(remove_hold(tx, hold->record, appointment.id()));
      removed = true;
    }
  }
  if (removed || appointment.equipment_ids().empty()) return removed;
  return remove_expired_equipment(tx, appointment);
}

/// Of the claims of these kinds, those that others have are left to them.
Status claim_what_is_left(engine::Reader& reader, Appointment& appointment,
                          const std::vector<int>& kinds, const Appointment* before) {
  Appointment::Overbooking& overbooking = *appointment.mutable_overbooking();
  overbooking.clear_pieces();
  for (const Claim& claim : claims_of(appointment)) {
    if (std::find(kinds.begin(), kinds.end(), claim.kind) == kinds.end()) continue;
    ASSIGN_OR_RETURN(const std::vector<Obstacle> taken,
                     in_the_way(reader, claim, appointment, before));
    TimeSpans spans;
    for (const Obstacle& obstacle : taken) spans.push_back(obstacle.span);
    join_spans(spans);  // overbooked ones may lie across each other
    for (const TimeSpan piece : subtract_spans({claim.span}, spans)) {
      Appointment::Piece& added = *overbooking.add_pieces();
      added.set_kind(claim.kind);
      added.set_start_us(piece.start_us);
      added.set_end_us(piece.end_us);
    }
  }
  return {};
}

/// Makes the appointment an overbooked one. Refused where a patient, a seat or equipment is in the
/// way: these cannot be in two places at once, whoever says so.
Status overbook(engine::Transaction& tx, Appointment& appointment, const ClaimRules& rules) {
  std::vector<int> kinds;
  Appointment::Overbooking overbooking;
  if (!tx.user().is_nil()) overbooking.set_user_id(std::string(tx.user().view()));
  overbooking.set_time_us(tx.now().us);
  for (const Claim& claim : claims_of(appointment)) {
    ASSIGN_OR_RETURN(const std::vector<Obstacle> taken,
                     in_the_way(tx, claim, appointment, rules.before));
    if (taken.empty()) continue;
    if (claim.kind != RESOURCE_KIND_PROFESSIONAL && claim.kind != RESOURCE_KIND_ROOM)
      return refusal(claim, taken.front(), rules.may_read);
    kinds.push_back(claim.kind);
    overbooking.add_kinds(claim.kind);
    for (const Obstacle& obstacle : taken) {
      const auto& over = overbooking.over_ids();
      if (std::find(over.begin(), over.end(), obstacle.appointment_id) == over.end())
        overbooking.add_over_ids(obstacle.appointment_id);
    }
  }
  *appointment.mutable_overbooking() = std::move(overbooking);
  return claim_what_is_left(tx, appointment, kinds, rules.before);
}

Status explain(engine::Reader& reader, const Appointment& appointment, const ClaimRules& rules,
               const Status& otherwise) {
  for (const Claim& claim : claims_of(appointment)) {
    if (is_overbooked(appointment, claim.kind)) continue;  // it shares that time already
    ASSIGN_OR_RETURN(const std::vector<Obstacle> taken,
                     in_the_way(reader, claim, appointment, rules.before));
    if (!taken.empty()) return refusal(claim, taken.front(), rules.may_read);
  }
  return otherwise;
}

/// Whether the move would put the appointment on an overbooked one that it shared time with.
Result<bool> stands_on_overbooked(engine::Reader& reader, const Appointment& appointment,
                                  const engine::PutOptions& options, const Appointment& before) {
  // Most changes move nothing, or move it out of its own time: nothing is read for them.
  if (!claims_time(appointment.status())) return false;
  if (!overlaps_otherwise(claimed_span(before), claimed_span(appointment))) return false;
  std::vector<Obstacle> found;
  for (const Claim& claim : claims_of(appointment))
    RETURN_IF_ERROR(add_overbooked(reader, claim, before, found));
  if (found.empty()) return false;
  // Where somebody was faster, `before` is past, and the put itself says so.
  ASSIGN_OR_RETURN(const std::optional<engine::Stored<Appointment>> current,
                   reader.get(appointments_table(), appointment.id()));
  return current &&
         (!options.expected_version || current->meta.version == *options.expected_version);
}

bool is_claim_conflict(const Status& status) {
  return status.code() == StatusCode::kFailedPrecondition && status.field() == "claims";
}

}  // namespace

Status choose_units(engine::Reader& reader, Appointment& appointment) {
  if (!appointment.session_id().empty()) return choose_seat(reader, appointment);
  if (appointment.equipment_ids().empty()) return {};
  return choose_equipment(reader, appointment);
}

Result<engine::PutResult> put_claiming(engine::Transaction& tx, Appointment& appointment,
                                       const engine::PreparedRecord& prepared,
                                       const engine::PutOptions& options, const ClaimRules& rules) {
  bool shared = false;
  if (rules.before != nullptr) {
    ASSIGN_OR_RETURN(shared, stands_on_overbooked(tx, appointment, options, *rules.before));
  }
  const auto put_again = [&]() -> Result<engine::PutResult> {
    if (shared)
      return failed_precondition("an overbooked appointment is there").with_field("claims");
    return tx.put(appointments_table(), appointment, options);
  };
  Result<engine::PutResult> put = shared ? put_again() : tx.put(prepared, options);
  if (put || !is_claim_conflict(put.error())) return put;
  ASSIGN_OR_RETURN(const bool removed, remove_expired(tx, appointment));
  if (removed) {
    if (appointment.has_overbooking()) {
      const auto& kinds = appointment.overbooking().kinds();
      RETURN_IF_ERROR(
          claim_what_is_left(tx, appointment, {kinds.begin(), kinds.end()}, rules.before));
    }
    put = put_again();
  }
  if (put || !is_claim_conflict(put.error())) return put;
  if (!appointment.session_id().empty() || !appointment.equipment_ids().empty()) {
    RETURN_IF_ERROR(choose_units(tx, appointment));
    put = put_again();
    if (put || !is_claim_conflict(put.error())) return put;
  }
  if (!rules.overbook) return explain(tx, appointment, rules, put.error());
  RETURN_IF_ERROR(overbook(tx, appointment, rules));
  return tx.put(appointments_table(), appointment, options);
}

void forget_moved_overbooking(const Appointment& before, Appointment& appointment) {
  if (!appointment.has_overbooking()) return;
  Appointment::Overbooking& overbooking = *appointment.mutable_overbooking();
  const auto stays = [&](int kind) {
    const bool room = kind == RESOURCE_KIND_ROOM;
    return is_same(claimed_span(before), claimed_span(appointment)) &&
           (room ? before.room_id() == appointment.room_id()
                 : before.professional_id() == appointment.professional_id());
  };
  auto& pieces = *overbooking.mutable_pieces();
  pieces.erase(
      std::remove_if(pieces.begin(), pieces.end(),
                     [&](const Appointment::Piece& piece) { return !stays(piece.kind()); }),
      pieces.end());
  auto& kinds = *overbooking.mutable_kinds();
  kinds.erase(std::remove_if(kinds.begin(), kinds.end(), [&](int kind) { return !stays(kind); }),
              kinds.end());
  if (kinds.empty()) appointment.clear_overbooking();
}

Status give_freed_time(engine::Transaction& tx, const Appointment& released,
                       std::string_view changing) {
  if (!released.session_id().empty()) return {};
  const TimeSpan freed = claimed_span(released);
  std::vector<std::string> beside;
  const auto find_beside = [&](ResourceKind kind, const std::string& id) -> Status {
    if (id.empty()) return {};
    ASSIGN_OR_RETURN(const std::vector<std::string> ids,
                     overbooked_beside(tx, resource_key(kind, id), freed, released.id()));
    for (const std::string& found : ids) {
      if (found != changing && std::find(beside.begin(), beside.end(), found) == beside.end())
        beside.push_back(found);
    }
    return {};
  };
  RETURN_IF_ERROR(find_beside(RESOURCE_KIND_PROFESSIONAL, released.professional_id()));
  RETURN_IF_ERROR(find_beside(RESOURCE_KIND_ROOM, released.room_id()));
  for (const std::string& id : beside) {
    ASSIGN_OR_RETURN(std::optional<engine::Stored<Appointment>> found,
                     tx.get(appointments_table(), id));
    if (!found) continue;
    const std::string before = found->record.SerializeAsString();
    const auto& kinds = found->record.overbooking().kinds();
    RETURN_IF_ERROR(claim_what_is_left(tx, found->record,
                                       std::vector<int>(kinds.begin(), kinds.end()), nullptr));
    if (found->record.SerializeAsString() == before) continue;
    ASSIGN_OR_RETURN(const engine::PutResult put,
                     tx.put(appointments_table(), found->record, {found->meta.version, false}));
    RETURN_IF_ERROR(
        tx.emit(EVENT_APPOINTMENT_CLAIMS_CHANGED, appointment_event(found->record, put.version)));
  }
  return {};
}

Status remove_hold(engine::Transaction& tx, const Appointment& hold, std::string_view changing) {
  RETURN_IF_ERROR(tx.remove(appointments_table().def(), hold.id(), {}));
  RETURN_IF_ERROR(tx.emit(EVENT_APPOINTMENT_RELEASED, appointment_event(hold, 0)));
  if (!hold.waitlist_id().empty()) {
    ASSIGN_OR_RETURN(std::optional<engine::Stored<WaitlistEntry>> entry,
                     tx.get(waitlist_table(), hold.waitlist_id()));
    if (entry && entry->record.status() == WAITLIST_STATUS_OFFERED &&
        entry->record.hold_id() == hold.id()) {
      WaitlistEntry& waiting = entry->record;
      waiting.set_status(WAITLIST_STATUS_WAITING);
      waiting.clear_hold_id();
      waiting.set_declined(waiting.declined() + 1);
      auto& starts = *waiting.mutable_declined_starts_us();
      constexpr int kDeclinedKept = 32;
      if (starts.size() >= kDeclinedKept) starts.erase(starts.begin());
      starts.Add(hold.start_us());
      RETURN_IF_ERROR(tx.put(waitlist_table(), waiting, {entry->meta.version, false}).status());
    }
  }
  return give_freed_time(tx, hold, changing);
}

Result<std::vector<std::string>> participants_of(engine::Reader& reader,
                                                 std::string_view group_id) {
  std::vector<std::string> ids;
  RETURN_IF_ERROR(reader
                      .scan(appointments_table().def(), AppointmentIndex::kClaims,
                            engine::KeyRange::prefix(resource_key(RESOURCE_KIND_SEAT, group_id)),
                            {},
                            [&](const engine::IndexEntry& entry) {
                              ids.emplace_back(entry.record_key);
                              return true;
                            })
                      .status());
  return ids;
}

Result<std::string> find_group(engine::Reader& reader, const Appointment& group) {
  const std::string professional =
      resource_key(RESOURCE_KIND_PROFESSIONAL, group.professional_id());
  ASSIGN_OR_RETURN(const std::vector<Obstacle> taken,
                   obstacles(reader, professional, claimed_span(group), group.id()));
  std::vector<std::string> ids;
  for (const Obstacle& obstacle : taken) ids.push_back(obstacle.appointment_id);
  if (!ids.empty()) {
    // One that was overbooked may claim nothing of its time: it shares that with what was found.
    ASSIGN_OR_RETURN(const std::vector<std::string> overbooked,
                     overbooked_beside(reader, professional, claimed_span(group), group.id()));
    ids.insert(ids.end(), overbooked.begin(), overbooked.end());
  }
  for (const std::string& id : ids) {
    ASSIGN_OR_RETURN(const std::optional<engine::Stored<Appointment>> found,
                     reader.get(appointments_table(), id));
    if (found && found->record.capacity() > 1 && found->record.start_us() == group.start_us() &&
        found->record.service_id() == group.service_id())
      return id;
  }
  return std::string();
}

std::string appointment_event(const Appointment& appointment, std::uint64_t version) {
  EventPayload payload;
  payload.set_id(appointment.id());
  payload.set_version(version);
  payload.set_patient_id(appointment.patient_id());
  payload.set_professional_id(appointment.professional_id());
  payload.set_start_us(appointment.start_us());
  return payload.SerializeAsString();
}

}  // namespace clinicdb::clinic
