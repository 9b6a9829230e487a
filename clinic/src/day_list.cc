#include "day_list.h"

#include <utility>

#include "clinicdb/clinic/tables.h"
#include "clinicdb/engine/key.h"
#include "zones.h"

namespace clinicdb::clinic {

namespace {

using engine::Key;

/// The zone that a request leaves open, and the records that the answer to that depends on.
Result<std::string> find_zone(engine::Reader& reader, const ListDayRequest& request,
                              std::vector<engine::CacheTag>& tags) {
  if (!request.zone().empty()) return request.zone();
  if (request.kind() == RESOURCE_KIND_CLINIC) {
    ASSIGN_OR_RETURN(const std::optional<engine::Stored<ClinicSite>> clinic,
                     reader.get(clinics_table(), request.id()));
    if (!clinic) return not_found("no such clinic").with_field("id");
    tags.push_back(
        engine::cache_tag_record(reader.tenant(), clinics_table().def().id, request.id()));
    if (!clinic->record.zone().empty()) return clinic->record.zone();
  }
  ASSIGN_OR_RETURN(const std::optional<engine::Stored<TenantProfile>> profile,
                   reader.get(tenant_profiles_table(), kTenantProfileKey));
  tags.push_back(engine::cache_tag_record(reader.tenant(), tenant_profiles_table().def().id,
                                          kTenantProfileKey));
  if (profile && !profile->record.zone().empty()) return profile->record.zone();
  return std::string(kDefaultZone);
}

/// Gives the entry the id that its key begins with, which is not carried along.
void set_key_id(ResourceKind kind, std::string_view id, CalendarEntry& entry) {
  switch (kind) {
    case RESOURCE_KIND_PROFESSIONAL:
      return entry.set_professional_id(id.data(), id.size());
    case RESOURCE_KIND_ROOM:
      return entry.set_room_id(id.data(), id.size());
    case RESOURCE_KIND_PATIENT:
      return entry.set_patient_id(id.data(), id.size());
    default:
      return entry.set_clinic_id(id.data(), id.size());
  }
}

bool decode_entry(ResourceKind kind, const ListDayRequest& request, const engine::IndexEntry& entry,
                  CalendarEntry& out) {
  if (entry.key.size() < sizeof(std::int64_t)) return false;
  std::string_view start_bytes = entry.key.substr(entry.key.size() - sizeof(std::int64_t));
  Time start;
  if (!Key::take_time(start_bytes, start) || !decode_calendar_covered(entry.covered, out))
    return false;
  out.set_start_us(start.us);
  if (kind != RESOURCE_KIND_CLINIC) out.set_end_us(entry.end.us);
  set_key_id(kind, request.id(), out);
  out.set_appointment_id(entry.record_key.data(), entry.record_key.size());
  return true;
}

}  // namespace

Result<Filled<ListDayResponse>> read_day(engine::Reader& reader, const ListDayRequest& request) {
  const ResourceKind kind = request.kind();
  if (kind == RESOURCE_KIND_UNSPECIFIED || !ResourceKind_IsValid(kind)) {
    return invalid_argument("kind: a day is that of a clinic, professional, room or patient")
        .with_field("kind");
  }
  const bool of_clinic = kind == RESOURCE_KIND_CLINIC;
  std::vector<engine::CacheTag> tags;
  ASSIGN_OR_RETURN(std::string zone, find_zone(reader, request, tags));
  ASSIGN_OR_RETURN(const DayBounds bounds, day_bounds(zone, request.day(), "day"));

  const engine::TableDef& table = appointments_table().def();
  const engine::IndexNumber index =
      of_clinic ? AppointmentIndex::kClinicStart : AppointmentIndex::kClaims;
  const std::string prefix = of_clinic ? request.id() : resource_key(kind, request.id());
  auto answer = make_answer<ListDayResponse>();
  bool corrupt = false;
  RETURN_IF_ERROR(reader
                      .scan(table, index,
                            {Key().raw(prefix).time(bounds.start).str(),
                             Key().raw(prefix).time(bounds.end).str()},
                            {},
                            [&](const engine::IndexEntry& entry) {
                              CalendarEntry& item = *answer->add_entries();
                              corrupt = !decode_entry(kind, request, entry, item);
                              if (!claims_time(item.status()) && !request.include_released()) {
                                answer->mutable_entries()->RemoveLast();
                              }
                              return !corrupt;
                            })
                      .status());
  if (corrupt)
    return data_loss("an index entry of table \"appointment\" does not carry what it should");
  answer->set_day_start_us(bounds.start.us);
  answer->set_day_end_us(bounds.end.us);
  answer->set_zone(std::move(zone));
  tags.push_back(engine::cache_tag_range(reader.tenant(), table.id, index, prefix));
  return Filled<ListDayResponse>{std::move(answer), std::move(tags)};
}

}  // namespace clinicdb::clinic
