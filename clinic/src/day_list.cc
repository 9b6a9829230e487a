#include "day_list.h"

#include <algorithm>
#include <utility>

#include "calendar_covered.h"
#include "clinic_limits.h"
#include "clinicdb/clinic/tables.h"
#include "clinicdb/engine/fine_tag.h"
#include "clinicdb/engine/key.h"
#include "scheduling/clinic_zone.h"
#include "zones.h"

namespace clinicdb::clinic {

/// No text of a day's is long, so that what lies in the arena says enough.
template <>
bool AnswerPlace<ListDayResponse>::clear() {
  if (arena_.SpaceAllocated() > kFreeAnswerBytesMax) return false;
  answer_->Clear();
  return true;
}

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

/// An index entry, looked at where it lies.
struct Seen {
  CalendarCovered covered;
  std::int64_t start_us = 0;

  bool decode(const engine::IndexEntry& entry) {
    if (entry.key.size() < sizeof(std::int64_t)) return false;
    std::string_view start_bytes = entry.key.substr(entry.key.size() - sizeof(std::int64_t));
    Time start;
    if (!Key::take_time(start_bytes, start) || !covered.decode(entry.covered)) return false;
    // A claim is longer than its appointment by the buffers.
    start_us = start.us + covered.buffers.before_minutes * kMinuteUs;
    return true;
  }
  void fill(ResourceKind kind, std::string_view id, const engine::IndexEntry& entry,
            CalendarEntry& out) const {
    covered.fill(out);
    out.set_start_us(start_us);
    if (!covered.end_us) out.set_end_us(entry.end.us - covered.buffers.after_minutes * kMinuteUs);
    set_key_id(kind, id, out);
    out.set_appointment_id(entry.record_key.data(), entry.record_key.size());
  }
};

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
  constexpr std::int64_t kFineUs = kTagSpanUs / 16;
  constexpr std::int64_t kFineTagsMax = 10;
  const bool fine = span.end_us - from < kFineTagsMax * kFineUs;
  const std::int64_t bucket_us = fine ? kFineUs : kTagSpanUs;
  const std::size_t tag_bytes = prefix.size() + kTagTimeBytes;
  std::int64_t start = from & ~(bucket_us - 1);
  for (; start < span.end_us; start += bucket_us) {
    const std::string key = Key().raw(prefix).time(Time{start}).str();
    tags.push_back(fine ? engine::cache_tag_sixteenth(tenant, table, index, key, tag_bytes)
                        : engine::cache_tag_range(tenant, table, index,
                                                  std::string_view(key).substr(0, tag_bytes)));
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
                              Seen seen;
                              corrupt = !seen.decode(entry);
                              if (!corrupt) seen.fill(kind, id, entry, out.emplace_back());
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
  const auto starts_within = [&](std::int64_t start_us) {
    return start_us >= span.start_us && start_us < span.end_us;
  };
  // Overbooked elsewhere, say for its room, it claims this resource as any other does.
  const auto is_piece = [&](const Seen& seen, std::string_view appointment_id) {
    return seen.covered.overbooked &&
           std::any_of(overbooked.begin(), overbooked.end(), [&](const CalendarEntry& other) {
             return other.appointment_id() == appointment_id;
           });
  };
  const std::string prefix = of_clinic ? id : resource_key(kind, id);
  const std::int64_t from_us = of_clinic ? span.start_us : span.start_us - kBufferUsMax;
  const int first = out.size();
  bool corrupt = false;
  Seen seen;
  RETURN_IF_ERROR(reader
                      .scan(appointments_table().def(),
                            of_clinic ? AppointmentIndex::kClinicStart : AppointmentIndex::kClaims,
                            {Key().raw(prefix).time(Time{from_us}).str(),
                             Key().raw(prefix).time(Time{span.end_us}).str()},
                            {},
                            [&](const engine::IndexEntry& entry) {
                              corrupt = !seen.decode(entry);
                              if (corrupt) return false;
                              const bool shown =
                                  (include_released || claims_time(seen.covered.status)) &&
                                  starts_within(seen.start_us);
                              if (shown && !is_piece(seen, entry.record_key))
                                seen.fill(kind, id, entry, *out.Add());
                              return true;
                            })
                      .status());
  if (corrupt) return damaged();
  if (overbooked.empty()) return {};
  for (CalendarEntry& item : overbooked) {
    if (starts_within(item.start_us())) *out.Add() = std::move(item);
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

Result<Filled<ListDayResponse>> read_day(const Core& core, const CallContext& context,
                                         engine::Reader& reader, const ListDayRequest& request) {
  const ResourceKind kind = request.kind();
  RETURN_IF_ERROR(check_calendar_kind(kind));
  const bool of_clinic = kind == RESOURCE_KIND_CLINIC;
  std::vector<engine::CacheTag> tags;
  ASSIGN_OR_RETURN(std::string zone,
                   kept_zone_for(core, reader, request.zone(),
                                 of_clinic ? request.id() : std::string_view(), tags));
  ASSIGN_OR_RETURN(const DayBounds bounds, day_bounds(zone, request.day(), "day"));
  const TimeSpan span{bounds.start.us, bounds.end.us};
  auto answer = make_answer<ListDayResponse>(context.use_cache);
  RETURN_IF_ERROR(read_calendar(core, reader, kind, request.id(), span,
                                of_clinic && request.include_released(),
                                *answer->mutable_entries()));
  answer->set_day_start_us(span.start_us);
  answer->set_day_end_us(span.end_us);
  answer->set_zone(std::move(zone));
  if (context.use_cache) append_calendar_tags(reader.tenant(), kind, request.id(), span, tags);
  return Filled<ListDayResponse>{std::move(answer), std::move(tags)};
}

}  // namespace clinicdb::clinic
