#include "day_list.h"

#include <algorithm>
#include <utility>

#include "clinic_limits.h"
#include "clinicdb/clinic/tables.h"
#include "clinicdb/engine/key.h"
#include "scheduling/clinic_zone.h"
#include "zones.h"

namespace clinicdb::clinic {

namespace {

using engine::Key;

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

bool decode_entry(ResourceKind kind, std::string_view id, const engine::IndexEntry& entry,
                  CalendarEntry& out) {
  if (entry.key.size() < sizeof(std::int64_t)) return false;
  std::string_view start_bytes = entry.key.substr(entry.key.size() - sizeof(std::int64_t));
  Time start;
  CalendarBuffers buffers;
  if (!Key::take_time(start_bytes, start) || !decode_calendar_covered(entry.covered, out, &buffers))
    return false;
  // A claim is longer than its appointment by the buffers.
  out.set_start_us(start.us + buffers.before_minutes * kMinuteUs);
  if (out.end_us() == 0) out.set_end_us(entry.end.us - buffers.after_minutes * kMinuteUs);
  set_key_id(kind, id, out);
  out.set_appointment_id(entry.record_key.data(), entry.record_key.size());
  return true;
}

/// Whether anything of the tenant was ever overbooked and still is: seldom, so that it is not worth
/// a seek for each day that is read. Kept, and as fresh as any kept answer.
Result<bool> has_overbooked(const Core& core, engine::Reader& reader) {
  const engine::TableDef& table = appointments_table().def();
  const engine::CacheKey key{reader.tenant(), METHOD_SCHEDULING_LIST_DAY, 0, "overbooked"};
  ASSIGN_OR_RETURN(const std::shared_ptr<const void> found,
                   core.store().cache().get(key, reader.lsn(), [&]() -> Result<engine::CacheFill> {
                     bool any = false;
                     RETURN_IF_ERROR(reader
                                         .scan(table, AppointmentIndex::kOverbooked,
                                               engine::KeyRange::all(), {false, 1, {}},
                                               [&](const engine::IndexEntry&) {
                                                 any = true;
                                                 return false;
                                               })
                                         .status());
                     return engine::CacheFill{
                         std::make_shared<const bool>(any),
                         sizeof(bool),
                         reader.lsn(),
                         {engine::cache_tag_range(reader.tenant(), table.id,
                                                  AppointmentIndex::kOverbooked, {})}};
                   }));
  return *static_cast<const bool*>(found.get());
}

Status damaged() {
  return data_loss("an index entry of table \"appointment\" does not carry what it should");
}

}  // namespace

void append_calendar_tags(TenantId tenant, ResourceKind kind, std::string_view id, TimeSpan span,
                          std::vector<engine::CacheTag>& tags) {
  const bool of_clinic = kind == RESOURCE_KIND_CLINIC;
  const engine::TableId table = appointments_table().def().id;
  const engine::IndexNumber index =
      of_clinic ? AppointmentIndex::kClinicStart : AppointmentIndex::kClaims;
  const std::string prefix = of_clinic ? std::string(id) : resource_key(kind, id);
  const std::int64_t from = of_clinic ? span.start_us : span.start_us - kBufferUsMax;
  for (std::int64_t n = from >> 40; n <= (span.end_us - 1) >> 40; ++n) {
    const std::string key = Key().raw(prefix).time(Time{n * kTagSpanUs}).str();
    tags.push_back(engine::cache_tag_range(
        tenant, table, index, std::string_view(key).substr(0, prefix.size() + kTagTimeBytes)));
  }
  if (kind == RESOURCE_KIND_PROFESSIONAL || kind == RESOURCE_KIND_ROOM) {
    tags.push_back(engine::cache_tag_range(tenant, table, AppointmentIndex::kOverbooked, prefix));
  }
}

namespace {

/// The overbooked appointments of a resource that may touch `span`, whose claims are pieces of
/// their time and no entries of a calendar.
Status read_overbooked(const Core& core, engine::Reader& reader, ResourceKind kind,
                       const std::string& id, TimeSpan span, std::vector<CalendarEntry>& out) {
  ASSIGN_OR_RETURN(const bool some, has_overbooked(core, reader));
  if (!some) return {};
  const std::string prefix = resource_key(kind, id);
  constexpr std::int64_t kLongestUs = kAppointmentUsMax + kBufferUsMax;
  bool corrupt = false;
  RETURN_IF_ERROR(reader
                      .scan(appointments_table().def(), AppointmentIndex::kOverbooked,
                            {Key().raw(prefix).time(Time{span.start_us - kLongestUs}).str(),
                             Key().raw(prefix).time(Time{span.end_us + kBufferUsMax}).str()},
                            {},
                            [&](const engine::IndexEntry& entry) {
                              corrupt = !decode_entry(kind, id, entry, out.emplace_back());
                              return !corrupt;
                            })
                      .status());
  return corrupt ? damaged() : Status();
}

}  // namespace

Status read_calendar(const Core& core, engine::Reader& reader, ResourceKind kind,
                     const std::string& id, TimeSpan span, bool include_released,
                     google::protobuf::RepeatedPtrField<CalendarEntry>& out) {
  const bool of_clinic = kind == RESOURCE_KIND_CLINIC;
  const bool can_be_overbooked = kind == RESOURCE_KIND_PROFESSIONAL || kind == RESOURCE_KIND_ROOM;
  std::vector<CalendarEntry> overbooked;
  if (can_be_overbooked) RETURN_IF_ERROR(read_overbooked(core, reader, kind, id, span, overbooked));
  const auto starts_within = [&](const CalendarEntry& item) {
    return item.start_us() >= span.start_us && item.start_us() < span.end_us;
  };
  // Overbooked elsewhere, say for its room, it claims this resource as any other does.
  const auto is_piece = [&](const CalendarEntry& item) {
    return item.overbooked() &&
           std::any_of(overbooked.begin(), overbooked.end(), [&](const CalendarEntry& other) {
             return other.appointment_id() == item.appointment_id();
           });
  };
  const std::string prefix = of_clinic ? id : resource_key(kind, id);
  const std::int64_t from_us = of_clinic ? span.start_us : span.start_us - kBufferUsMax;
  const int first = out.size();
  bool corrupt = false;
  RETURN_IF_ERROR(reader
                      .scan(appointments_table().def(),
                            of_clinic ? AppointmentIndex::kClinicStart : AppointmentIndex::kClaims,
                            {Key().raw(prefix).time(Time{from_us}).str(),
                             Key().raw(prefix).time(Time{span.end_us}).str()},
                            {},
                            [&](const engine::IndexEntry& entry) {
                              CalendarEntry& item = *out.Add();
                              corrupt = !decode_entry(kind, id, entry, item);
                              const bool shown = (include_released || claims_time(item.status())) &&
                                                 starts_within(item);
                              if (!shown || is_piece(item)) out.RemoveLast();
                              return !corrupt;
                            })
                      .status());
  if (corrupt) return damaged();
  if (overbooked.empty()) return {};
  for (CalendarEntry& item : overbooked) {
    if (starts_within(item)) *out.Add() = std::move(item);
  }
  std::stable_sort(
      out.begin() + first, out.end(),
      [](const CalendarEntry& a, const CalendarEntry& b) { return a.start_us() < b.start_us(); });
  return {};
}

Status check_calendar_kind(ResourceKind kind) {
  if (kind >= RESOURCE_KIND_PROFESSIONAL && kind <= RESOURCE_KIND_CLINIC) return {};
  return invalid_argument("kind: a day is that of a clinic, professional, room or patient")
      .with_field("kind");
}

Result<Filled<ListDayResponse>> read_day(const Core& core, engine::Reader& reader,
                                         const ListDayRequest& request) {
  const ResourceKind kind = request.kind();
  RETURN_IF_ERROR(check_calendar_kind(kind));
  const bool of_clinic = kind == RESOURCE_KIND_CLINIC;
  std::vector<engine::CacheTag> tags;
  ASSIGN_OR_RETURN(std::string zone, zone_for(reader, request.zone(),
                                              of_clinic ? request.id() : std::string_view(), tags));
  ASSIGN_OR_RETURN(const DayBounds bounds, day_bounds(zone, request.day(), "day"));
  const TimeSpan span{bounds.start.us, bounds.end.us};
  auto answer = make_answer<ListDayResponse>();
  RETURN_IF_ERROR(read_calendar(core, reader, kind, request.id(), span,
                                of_clinic && request.include_released(),
                                *answer->mutable_entries()));
  answer->set_day_start_us(span.start_us);
  answer->set_day_end_us(span.end_us);
  answer->set_zone(std::move(zone));
  append_calendar_tags(reader.tenant(), kind, request.id(), span, tags);
  return Filled<ListDayResponse>{std::move(answer), std::move(tags)};
}

}  // namespace clinicdb::clinic
