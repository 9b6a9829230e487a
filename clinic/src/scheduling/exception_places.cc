#include "scheduling/exception_places.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "clinicdb/clinic/tables.h"
#include "fhir/json_tree.h"
#include "fhir/merge.h"
#include "fhir/reference.h"
#include "scheduling/working_hours.h"

namespace clinicdb::clinic {

namespace {

/// The ids of the Slots that the appointment's body names.
Result<std::vector<std::string>> slots_of(const Appointment& appointment) {
  std::vector<std::string> ids;
  // Most come without, or not as FHIR at all.
  if (appointment.fhir().find("\"slot\"") == std::string::npos) return ids;
  fhir::JsonTree tree;
  RETURN_IF_ERROR(tree.parse_copy(appointment.fhir()));
  for (const fhir::JsonValue slot : tree.root().member("slot").children()) {
    const fhir::JsonValue reference = slot.member(fhir::kReferenceMember);
    if (!reference.is_string()) continue;
    if (const auto id = fhir::referenced_id(reference.text(), RESOURCE_TYPE_SLOT, {}))
      ids.emplace_back(id->view());
  }
  return ids;
}

/// Whether its body says "busy", which is that something is booked there, and no more than that.
Result<bool> is_busy(const AvailabilityException& exception) {
  if (exception.works() || exception.fhir().empty()) return false;
  fhir::JsonTree tree;
  RETURN_IF_ERROR(tree.parse_copy(exception.fhir()));
  const fhir::JsonValue status = tree.root().member("status");
  return status.is_string() && status.text() == "busy";
}

bool has_place(const Hours* hours, const AvailabilityException& exception) {
  if (hours == nullptr) return exception.resource_id().empty() && exception.clinic_id().empty();
  return exception.kind() == hours->kind() && exception.resource_id() == hours->resource_id() &&
         exception.clinic_id() == hours->clinic_id();
}

}  // namespace

void set_place(const Hours* hours, AvailabilityException& exception) {
  exception.set_kind(hours == nullptr ? RESOURCE_KIND_UNSPECIFIED : hours->kind());
  exception.set_resource_id(hours == nullptr ? std::string() : hours->resource_id());
  exception.set_clinic_id(hours == nullptr ? std::string() : hours->clinic_id());
}

Status find_place(engine::Reader& reader, AvailabilityException& exception) {
  if (exception.hours_id().empty()) return {};
  ASSIGN_OR_RETURN(const std::optional<engine::Stored<Hours>> hours,
                   reader.get(hours_table(), exception.hours_id()));
  set_place(hours ? &hours->record : nullptr, exception);
  return {};
}

Result<bool> place_exceptions(engine::Transaction& tx, std::string_view hours_id,
                              const Hours* hours, PlaceBounds& bounds) {
  std::vector<std::string> ids;
  engine::ScanOptions scan;
  scan.limit = bounds.read;
  scan.after = std::exchange(bounds.after, {});
  Result<engine::ScanEnd> scanned = tx.scan(exceptions_table().def(), ExceptionIndex::kHours,
                                            engine::KeyRange::prefix(std::string(hours_id)), scan,
                                            [&](const engine::IndexEntry& entry) {
                                              ids.emplace_back(entry.record_key);
                                              return true;
                                            });
  // While the index is being built: nothing is wrong with what is put.
  if (!scanned && scanned.error().code() == StatusCode::kFailedPrecondition)
    return unavailable(std::string(scanned.error().message()));
  RETURN_IF_ERROR(scanned.status());
  std::size_t changed = 0;
  for (const std::string& id : ids) {
    ASSIGN_OR_RETURN(std::optional<engine::Stored<AvailabilityException>> found,
                     tx.get(exceptions_table(), id));
    if (!found || has_place(hours, found->record)) continue;
    if (changed++ == bounds.changed) return false;
    set_place(hours, found->record);
    engine::PutOptions options;
    options.expected_version = found->meta.version;
    RETURN_IF_ERROR(tx.put(exceptions_table(), found->record, options).status());
  }
  bounds.after = scanned->cursor;
  return bounds.after.empty();
}

Status place_exceptions(engine::Transaction& tx, std::string_view hours_id, const Hours* hours) {
  PlaceBounds all;
  return place_exceptions(tx, hours_id, hours, all).status();
}

Status free_slots(engine::Transaction& tx, const Appointment& released, const Appointment* now) {
  const auto is_in = [](const Appointment& appointment, const AvailabilityException& slot) {
    return appointment.start_us() < slot.end_us() && appointment.end_us() > slot.start_us();
  };
  const bool stays = now != nullptr && now->professional_id() == released.professional_id() &&
                     now->room_id() == released.room_id();
  ASSIGN_OR_RETURN(const std::vector<std::string> ids, slots_of(released));
  for (const std::string& id : ids) {
    ASSIGN_OR_RETURN(std::optional<engine::Stored<AvailabilityException>> found,
                     tx.get(exceptions_table(), id));
    if (!found) continue;
    AvailabilityException& slot = found->record;
    ASSIGN_OR_RETURN(const bool busy, is_busy(slot));
    if (!busy || slot.end_us() - slot.start_us() > kStretchUsMax) continue;
    // Left by an earlier move it may be somebody else's; moved within it, it is still this one's.
    if (!is_in(released, slot) || (stays && is_in(*now, slot))) continue;
    slot.set_works(true);
    RETURN_IF_ERROR(fhir::merge(slot));
    engine::PutOptions options;
    options.expected_version = found->meta.version;
    RETURN_IF_ERROR(tx.put(exceptions_table(), slot, options).status());
  }
  return {};
}

bool moves_exceptions(const Hours& before, const Hours& after) {
  return before.kind() != after.kind() || before.resource_id() != after.resource_id() ||
         before.clinic_id() != after.clinic_id();
}

}  // namespace clinicdb::clinic
