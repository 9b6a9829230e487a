// Overbooked appointments: what they claim, what they get when something beside them is freed, and
// what may not be moved onto them.
#include <algorithm>
#include <optional>
#include <utility>

#include "clinicdb/clinic/schema/event.pb.h"
#include "scheduling/claim_parts.h"
#include "scheduling/time_spans.h"

namespace clinicdb::clinic {

Status add_overbooked_obstacles(engine::Reader& reader, const Claim& claim,
                                const Appointment& before, std::vector<Obstacle>& found) {
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

Result<bool> stands_on_overbooked(engine::Reader& reader, const Appointment& appointment,
                                  const engine::PutOptions& options, const Appointment& before) {
  // Most changes move nothing, or move it out of its own time: nothing is read for them.
  if (!claims_time(appointment.status())) return false;
  if (!overlaps_otherwise(claimed_span(before), claimed_span(appointment))) return false;
  std::vector<Obstacle> found;
  for (const Claim& claim : claims_of(appointment))
    RETURN_IF_ERROR(add_overbooked_obstacles(reader, claim, before, found));
  if (found.empty()) return false;
  // Where somebody was faster, `before` is past, and the put itself says so.
  ASSIGN_OR_RETURN(const std::optional<engine::Stored<Appointment>> current,
                   reader.get(appointments_table(), appointment.id()));
  return current &&
         (!options.expected_version || current->meta.version == *options.expected_version);
}

void forget_moved_overbooking(const Appointment& before, Appointment& appointment) {
  if (!appointment.has_overbooking()) return;
  Appointment::Overbooking& overbooking = *appointment.mutable_overbooking();
  const auto stays = [&](int kind) {
    const bool room = kind == RESOURCE_KIND_ROOM;
    return is_same_span(claimed_span(before), claimed_span(appointment)) &&
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

}  // namespace clinicdb::clinic
