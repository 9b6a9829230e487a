// What there are several of: units of equipment, seats of a group, and groups themselves.
#include <algorithm>
#include <optional>

#include "scheduling/claim_parts.h"

namespace clinicdb::clinic {

namespace {

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

}  // namespace

Status choose_units(engine::Reader& reader, Appointment& appointment) {
  if (!appointment.session_id().empty()) return choose_seat(reader, appointment);
  if (appointment.equipment_ids().empty()) return {};
  return choose_equipment(reader, appointment);
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

}  // namespace clinicdb::clinic
