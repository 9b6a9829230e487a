#include "clinicdb/clinic/calendar.h"

#include <algorithm>

#include "check_parts.h"
#include "clinicdb/clinic/identifiers.h"
#include "clinicdb/engine/key.h"
#include "core.h"
#include "day_list.h"
#include "scheduling/clinic_zone.h"
#include "scheduling/counts.h"
#include "zones.h"

namespace clinicdb::clinic {

namespace {

using engine::Key;

constexpr std::uint32_t kDaysDefault = 7;
constexpr std::uint32_t kDaysMax = 42;
constexpr std::uint32_t kCountDaysMax = 3660;

Result<Filled<ListCalendarResponse>> read_days(const Core& core, const CallContext& context,
                                               engine::Reader& reader,
                                               const ListCalendarRequest& request) {
  const bool of_clinic = request.kind() == RESOURCE_KIND_CLINIC;
  std::vector<engine::CacheTag> tags;
  ASSIGN_OR_RETURN(std::string name, zone_for(reader, request.zone(),
                                              of_clinic ? request.id() : std::string_view(), tags));
  auto answer = make_answer<ListCalendarResponse>(context.use_cache);
  const std::int32_t first = day_number(request.from());
  const std::uint32_t days = request.days() == 0 ? kDaysDefault : request.days();
  for (std::uint32_t i = 0; i < days; ++i) {
    CalendarDay& day = *answer->add_days();
    *day.mutable_day() = date_of(first + static_cast<std::int32_t>(i));
    ASSIGN_OR_RETURN(const DayBounds bounds, day_bounds(name, day.day(), "from"));
    day.set_start_us(bounds.start.us);
    day.set_end_us(bounds.end.us);
  }
  const TimeSpan span{answer->days(0).start_us(),
                      answer->days(static_cast<int>(days) - 1).end_us()};
  google::protobuf::RepeatedPtrField<CalendarEntry> entries;
  RETURN_IF_ERROR(read_calendar(core, reader, request.kind(), request.id(), span,
                                of_clinic && request.include_released(), entries));
  int day = 0;
  for (CalendarEntry& entry : entries) {
    while (entry.start_us() >= answer->days(day).end_us()) ++day;
    *answer->mutable_days(day)->add_entries() = std::move(entry);
  }
  answer->set_zone(std::move(name));
  append_calendar_tags(reader.tenant(), request.kind(), request.id(), span, tags);
  return Filled<ListCalendarResponse>{std::move(answer), std::move(tags)};
}

/// A place in a patient's list: start, then id.
struct ListPlace {
  std::int64_t start_us = 0;
  std::string id;
  auto operator<=>(const ListPlace&) const = default;

  std::string encode() const { return Key().time(Time{start_us}).raw(id).str(); }
  static bool decode(std::string_view bytes, ListPlace& out) {
    Time start;
    if (!Key::take_time(bytes, start) || bytes.size() != 16) return false;
    out = {start.us, std::string(bytes)};
    return true;
  }
};

CalendarEntry entry_of(const Appointment& appointment) {
  CalendarEntry entry;
  entry.set_appointment_id(appointment.id());
  entry.set_start_us(appointment.start_us());
  entry.set_end_us(appointment.end_us());
  entry.set_status(appointment.status());
  entry.set_clinic_id(appointment.clinic_id());
  entry.set_professional_id(appointment.professional_id());
  entry.set_room_id(appointment.room_id());
  entry.set_patient_id(appointment.patient_id());
  entry.set_title(std::string(cut_text(appointment.title(), kCoveredTitleBytesMax)));
  entry.set_service_id(appointment.service_id());
  entry.set_participant(!appointment.session_id().empty());
  return entry;
}

/// Reads a patient's list from its two indexes: what claims time, and what was released.
class PatientList {
 public:
  PatientList(engine::Reader& reader, const ListPatientAppointmentsRequest& request)
      : reader_(reader), request_(request), newest_first_(!request.has_after_us()) {}

  Result<ListPatientAppointmentsResponse> run() {
    const std::size_t limit = page_limit(request_.limit());
    RETURN_IF_ERROR(find_bounds());
    // One more than fits says whether there is another page.
    RETURN_IF_ERROR(collect(AppointmentIndex::kClaims,
                            resource_key(RESOURCE_KIND_PATIENT, request_.patient_id()), limit + 1));
    RETURN_IF_ERROR(collect(AppointmentIndex::kPatientReleased, request_.patient_id(), limit + 1));
    std::sort(places_.begin(), places_.end());
    if (newest_first_) std::reverse(places_.begin(), places_.end());
    ListPatientAppointmentsResponse response;
    if (places_.size() > limit) {
      places_.resize(limit);
      response.set_cursor(places_.back().encode());
    }
    for (const ListPlace& place : places_) {
      ASSIGN_OR_RETURN(const std::optional<engine::Stored<Appointment>> found,
                       reader_.get(appointments_table(), place.id));
      if (found) *response.add_entries() = entry_of(found->record);
    }
    return response;
  }

 private:
  Status find_bounds() {
    if (request_.has_after_us()) from_us_ = request_.after_us();
    if (request_.has_before_us()) until_us_ = request_.before_us();
    if (request_.cursor().empty()) return {};
    if (!ListPlace::decode(request_.cursor(), behind_))
      return invalid_argument("cursor: it is not one of this method's").with_field("cursor");
    if (newest_first_) {
      until_us_ = std::min(until_us_, behind_.start_us + 1);
    } else {
      from_us_ = std::max(from_us_, behind_.start_us);
    }
    return {};
  }

  Status collect(engine::IndexNumber index, const std::string& prefix, std::size_t most) {
    std::size_t collected = 0;
    return reader_
        .scan(appointments_table().def(), index,
              {Key().raw(prefix).time(Time{from_us_}).str(),
               Key().raw(prefix).time(Time{until_us_}).str()},
              {newest_first_, SIZE_MAX, {}},
              [&](const engine::IndexEntry& entry) {
                std::string_view start_bytes = entry.key.substr(prefix.size());
                Time start;
                if (!Key::take_time(start_bytes, start)) return true;
                ListPlace place{start.us, std::string(entry.record_key)};
                const bool before_page = !request_.cursor().empty() &&
                                         (newest_first_ ? place >= behind_ : place <= behind_);
                if (before_page) return true;
                places_.push_back(std::move(place));
                return ++collected < most;
              })
        .status();
  }

  engine::Reader& reader_;
  const ListPatientAppointmentsRequest& request_;
  bool newest_first_;
  std::int64_t from_us_ = INT64_MIN;
  std::int64_t until_us_ = INT64_MAX;
  ListPlace behind_;
  std::vector<ListPlace> places_;
};

}  // namespace

Result<std::shared_ptr<const ListCalendarResponse>> Calendar::list(
    const CallContext& context, const ListCalendarRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_CALENDAR_LIST, context, request.id()));
  RETURN_IF_ERROR(check_id(request.id(), "id", true));
  RETURN_IF_ERROR(check_calendar_kind(request.kind()));
  RETURN_IF_ERROR(check_date(request.from(), false, "from"));
  if (request.days() > kDaysMax) return refuse("days", "at most 42 are possible");
  return core_.cached<ListCalendarResponse>(
      METHOD_CALENDAR_LIST, context, request.SerializeAsString(),
      [&](engine::Reader& reader) { return read_days(core_, context, reader, request); });
}

Result<ListPatientAppointmentsResponse> Calendar::list_patient(
    const CallContext& context, const ListPatientAppointmentsRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_CALENDAR_LIST_PATIENT, context, request.patient_id()));
  RETURN_IF_ERROR(check_id(request.patient_id(), "patient_id", true));
  ASSIGN_OR_RETURN(const std::unique_ptr<engine::Reader> reader,
                   core_.store().view(context.tenant));
  return PatientList(*reader, request).run();
}

Result<std::shared_ptr<const CountAppointmentsResponse>> Calendar::count(
    const CallContext& context, const CountAppointmentsRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_CALENDAR_COUNT, context, request.clinic_id()));
  RETURN_IF_ERROR(check_id(request.clinic_id(), "clinic_id", true));
  RETURN_IF_ERROR(check_date(request.from(), false, "from"));
  if (request.days() == 0 || request.days() > kCountDaysMax)
    return refuse("days", "from 1 to 3660 are possible");
  ASSIGN_OR_RETURN(const std::unique_ptr<engine::Reader> reader,
                   core_.store().view(context.tenant));
  std::vector<engine::CacheTag> unused;
  ASSIGN_OR_RETURN(const std::string zone,
                   kept_zone_for(core_, *reader, request.zone(), request.clinic_id(), unused));
  ASSIGN_OR_RETURN(const DayBounds first, day_bounds(zone, request.from(), "from"));
  const Date last_day =
      date_of(day_number(request.from()) + static_cast<std::int32_t>(request.days()) - 1);
  ASSIGN_OR_RETURN(const DayBounds last, day_bounds(zone, last_day, "days"));
  return count_appointments(core_, context, *reader, request.clinic_id(), zone,
                            {first.start.us, last.end.us});
}

}  // namespace clinicdb::clinic
