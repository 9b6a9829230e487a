#include "scheduling/claims.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "clinicdb/clinic/schema/event.pb.h"
#include "clinicdb/engine/key.h"
#include "scheduling/claim_parts.h"

namespace clinicdb::clinic {

namespace {

using engine::Key;

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

bool is_claim_conflict(const Status& status) {
  return status.code() == StatusCode::kFailedPrecondition && status.field() == "claims";
}

}  // namespace

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
