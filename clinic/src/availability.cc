#include "clinicdb/clinic/availability.h"

#include "check_parts.h"
#include "clinicdb/clinic/check.h"
#include "clinicdb/clinic/identifiers.h"
#include "clinicdb/clinic/tables.h"
#include "fhir/merge.h"
#include "record_calls.h"
#include "scheduling/exception_places.h"
#include "scheduling/slots.h"
#include "scheduling/working_hours.h"

namespace clinicdb::clinic {

namespace {

using engine::Key;

constexpr std::uint32_t kDayMinutes = 24 * 60;
constexpr int kProfessionalsMax = 64;
constexpr std::int64_t kSearchUsMax = 400 * kStretchUsMax;

Status check_place(ResourceKind kind, const std::string& id, const std::string& noun) {
  if (kind != RESOURCE_KIND_PROFESSIONAL && kind != RESOURCE_KIND_ROOM)
    return refuse(noun + ".kind", "a professional or a room is needed");
  return check_id(id, noun + ".resource_id", true);
}

Status check_stretch(std::uint32_t from, std::uint32_t until, std::string_view field) {
  if (from < until && until <= kDayMinutes) return {};
  return refuse(field, "it begins before it ends, and ends by minute 1440 of the day");
}

Status check_hours(Hours& hours) {
  RETURN_IF_ERROR(check_id(hours.id(), "hours.id", true));
  RETURN_IF_ERROR(check_place(hours.kind(), hours.resource_id(), "hours"));
  RETURN_IF_ERROR(check_id(hours.clinic_id(), "hours.clinic_id"));
  RETURN_IF_ERROR(check_id(hours.location_id(), "hours.location_id"));
  if (!hours.zone().empty() && !is_zone(hours.zone()))
    return refuse("hours.zone", "not the name of an IANA time zone known here");
  if (hours.has_valid_from())
    RETURN_IF_ERROR(check_date(hours.valid_from(), false, "hours.valid_from"));
  if (hours.has_valid_until())
    RETURN_IF_ERROR(check_date(hours.valid_until(), false, "hours.valid_until"));
  if (hours.weekly_size() > kWeeklyMax || hours.breaks_size() > kWeeklyMax)
    return refuse("hours.weekly", "at most " + std::to_string(kWeeklyMax) + " are possible");
  for (const WeeklyHours& stretch : hours.weekly()) {
    if (stretch.weekday() < 1 || stretch.weekday() > 7)
      return refuse("hours.weekly.weekday", "1 is Monday, 7 is Sunday");
    RETURN_IF_ERROR(
        check_stretch(stretch.from_minute(), stretch.until_minute(), "hours.weekly.until_minute"));
  }
  for (const WeeklyHours& pause : hours.breaks()) {
    if (pause.weekday() > 7)
      return refuse("hours.breaks.weekday", "1 is Monday, 7 is Sunday, 0 each day");
    RETURN_IF_ERROR(
        check_stretch(pause.from_minute(), pause.until_minute(), "hours.breaks.until_minute"));
  }
  return {};
}

Status check_exception(AvailabilityException& exception) {
  RETURN_IF_ERROR(check_id(exception.id(), "exception.id", true));
  if (exception.hours_id().empty())
    RETURN_IF_ERROR(check_place(exception.kind(), exception.resource_id(), "exception"));
  RETURN_IF_ERROR(check_id(exception.clinic_id(), "exception.clinic_id"));
  RETURN_IF_ERROR(check_size(exception.reason(), kNoteBytesMax, "exception.reason"));
  const std::int64_t most = exception.works() ? kStretchUsMax : kExceptionUsMax;
  // Compared as unsigned: bounds far apart would overflow.
  const auto length = static_cast<std::uint64_t>(exception.end_us()) -
                      static_cast<std::uint64_t>(exception.start_us());
  if (exception.start_us() < exception.end_us() && length <= static_cast<std::uint64_t>(most))
    return {};
  return refuse("exception.end_us", exception.works()
                                        ? "it ends after it starts, and at most a day later"
                                        : "it ends after it starts, and at most 400 days later");
}

Status check_holiday(Holiday& holiday) {
  RETURN_IF_ERROR(check_id(holiday.id(), "holiday.id", true));
  RETURN_IF_ERROR(check_id(holiday.clinic_id(), "holiday.clinic_id"));
  RETURN_IF_ERROR(check_date(holiday.day(), false, "holiday.day"));
  RETURN_IF_ERROR(check_size(holiday.name(), kNameBytesMax, "holiday.name"));
  if (holiday.open_from_minute() == 0 && holiday.open_until_minute() == 0) return {};
  return check_stretch(holiday.open_from_minute(), holiday.open_until_minute(),
                       "holiday.open_until_minute");
}

Status in_order(Hours& hours, const Hours* current) {
  if (current != nullptr) {
    keep_fhir(hours, *current);
    // Lists show neither, so that who edits what a list showed need not know of them.
    if (hours.identifiers().empty()) *hours.mutable_identifiers() = current->identifiers();
  }
  RETURN_IF_ERROR(fhir::merge(hours));
  return check_hours(hours);
}
Status in_order(AvailabilityException& exception, const AvailabilityException* current) {
  if (current != nullptr) {
    keep_fhir(exception, *current);
    if (exception.identifiers().empty()) *exception.mutable_identifiers() = current->identifiers();
    exception.set_hours_id(current->hours_id());
  }
  if (!exception.hours_id().empty()) {
    if (current == nullptr)
      return refuse("exception.hours_id", "what belongs to hours comes as a FHIR Slot");
    // Its hours say whose it is.
    exception.set_kind(current->kind());
    exception.set_resource_id(current->resource_id());
    exception.set_clinic_id(current->clinic_id());
  }
  RETURN_IF_ERROR(fhir::merge(exception));
  return check_exception(exception);
}
Status in_order(Holiday& holiday, const Holiday*) { return check_holiday(holiday); }

/// What is asked of a search, before anything is read.
Status check_search(const FindSlotsRequest& request) {
  RETURN_IF_ERROR(check_id(request.clinic_id(), "clinic_id"));
  RETURN_IF_ERROR(check_id(request.service_id(), "service_id"));
  RETURN_IF_ERROR(check_id(request.patient_id(), "patient_id"));
  if (request.professional_ids().empty() || request.professional_ids_size() > kProfessionalsMax)
    return refuse("professional_ids", "from 1 to 64 professionals are possible");
  for (const std::string& id : request.professional_ids())
    RETURN_IF_ERROR(check_id(id, "professional_ids", true));
  if (request.room_ids_size() > kProfessionalsMax)
    return refuse("room_ids", "at most 64 rooms are possible");
  for (const std::string& id : request.room_ids()) RETURN_IF_ERROR(check_id(id, "room_ids", true));
  if (request.duration_minutes() > kServiceMinutesMax)
    return refuse("duration_minutes", "at most 24 hours are possible");
  if (request.step_minutes() > kDayMinutes)
    return refuse("step_minutes", "at most a day is possible");
  if (request.weekdays() > 127) return refuse("weekdays", "bit 0 is Monday, bit 6 is Sunday");
  if (request.until_us() == 0) return {};
  const auto length = static_cast<std::uint64_t>(request.until_us()) -
                      static_cast<std::uint64_t>(request.from_us());
  if (request.until_us() > request.from_us() && length <= static_cast<std::uint64_t>(kSearchUsMax))
    return {};
  return refuse("until_us", "it is after from_us, and at most 400 days later");
}

}  // namespace

Result<PutHoursResponse> Availability::put_hours(const CallContext& context,
                                                 PutHoursRequest request) const {
  Hours& given = *request.mutable_hours();
  RETURN_IF_ERROR(core_.authorise(METHOD_AVAILABILITY_PUT_HOURS, context, given.id()));
  SaveOptions options{"hours",
                      Existing::kEither,
                      {},
                      request_hash(context, METHOD_AVAILABILITY_PUT_HOURS, request),
                      EVENT_HOURS_CHANGED,
                      EVENT_HOURS_CHANGED};
  if (request.has_expected_version()) options.expected_version = request.expected_version();
  if (given.id().empty()) given.set_id(std::string(core_.new_id().view()));
  const std::string id = given.id();
  // What it becomes, where that gives its exceptions another place.
  std::optional<Hours> moved;
  return core_.save<PutHoursResponse>(
      context, hours_table(), std::move(given), id, options,
      [&](Hours& edited, const Hours* current) -> Status {
        RETURN_IF_ERROR(in_order(edited, current));
        moved.reset();
        if (current == nullptr || moves_exceptions(*current, edited)) moved = edited;
        return {};
      },
      [&](engine::Transaction& tx) {
        return moved ? place_exceptions(tx, moved->id(), &*moved) : Status();
      },
      [](const Hours&, EventPayload&) {});
}

Result<PutExceptionResponse> Availability::put_exception(const CallContext& context,
                                                         PutExceptionRequest request) const {
  return put_record<PutExceptionResponse>(
      core_, context, {METHOD_AVAILABILITY_PUT_EXCEPTION, "exception", EVENT_EXCEPTION_CHANGED},
      exceptions_table(), request, *request.mutable_exception(), &in_order);
}

Result<PutHolidayResponse> Availability::put_holiday(const CallContext& context,
                                                     PutHolidayRequest request) const {
  return put_record<PutHolidayResponse>(
      core_, context, {METHOD_AVAILABILITY_PUT_HOLIDAY, "holiday", EVENT_HOLIDAY_CHANGED},
      holidays_table(), request, *request.mutable_holiday(), &in_order);
}

Result<RemoveHoursResponse> Availability::remove_hours(const CallContext& context,
                                                       const RemoveHoursRequest& request) const {
  return remove_record<RemoveHoursResponse>(
      core_, context, {METHOD_AVAILABILITY_REMOVE_HOURS, "hours", EVENT_HOURS_CHANGED},
      hours_table(), request, request.id(),
      [&](engine::Transaction& tx) { return place_exceptions(tx, request.id(), nullptr); });
}

Result<RemoveExceptionResponse> Availability::remove_exception(
    const CallContext& context, const RemoveExceptionRequest& request) const {
  return remove_record<RemoveExceptionResponse>(
      core_, context, {METHOD_AVAILABILITY_REMOVE_EXCEPTION, "exception", EVENT_EXCEPTION_CHANGED},
      exceptions_table(), request, request.id());
}

Result<RemoveHolidayResponse> Availability::remove_holiday(
    const CallContext& context, const RemoveHolidayRequest& request) const {
  return remove_record<RemoveHolidayResponse>(
      core_, context, {METHOD_AVAILABILITY_REMOVE_HOLIDAY, "holiday", EVENT_HOLIDAY_CHANGED},
      holidays_table(), request, request.id());
}

Result<ListHoursResponse> Availability::list_hours(const CallContext& context,
                                                   const ListHoursRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_AVAILABILITY_LIST_HOURS, context, request.resource_id()));
  RETURN_IF_ERROR(check_id(request.resource_id(), "resource_id", true));
  ASSIGN_OR_RETURN(const std::unique_ptr<engine::Reader> reader,
                   core_.store().view(context.tenant));
  ListHoursResponse response;
  Status failure;
  RETURN_IF_ERROR(
      reader
          ->scan(hours_table().def(), HoursIndex::kResource,
                 engine::KeyRange::prefix(resource_key(request.kind(), request.resource_id())), {},
                 [&](const engine::IndexEntry& entry) {
                   failure = parse_body(entry.covered, *response.add_hours());
                   return failure.ok();
                 })
          .status());
  if (!failure.ok()) return failure;
  return response;
}

Result<ListExceptionsResponse> Availability::list_exceptions(
    const CallContext& context, const ListExceptionsRequest& request) const {
  RETURN_IF_ERROR(
      core_.authorise(METHOD_AVAILABILITY_LIST_EXCEPTIONS, context, request.resource_id()));
  RETURN_IF_ERROR(check_id(request.resource_id(), "resource_id", true));
  ASSIGN_OR_RETURN(const std::unique_ptr<engine::Reader> reader,
                   core_.store().view(context.tenant));
  const std::string prefix = resource_key(request.kind(), request.resource_id());
  std::vector<std::string> ids;
  RETURN_IF_ERROR(
      reader
          ->scan(exceptions_table().def(), ExceptionIndex::kResource,
                 {Key().raw(prefix).time(Time{request.from_us() - kExceptionUsMax}).str(),
                  Key().raw(prefix).time(Time{request.until_us()}).str()},
                 {},
                 [&](const engine::IndexEntry& entry) {
                   ids.emplace_back(entry.record_key);
                   return true;
                 })
          .status());
  ListExceptionsResponse response;
  for (const std::string& id : ids) {
    ASSIGN_OR_RETURN(std::optional<engine::Stored<AvailabilityException>> found,
                     reader->get(exceptions_table(), id));
    if (found && found->record.end_us() > request.from_us())
      *response.add_exceptions() = std::move(found->record);
  }
  return response;
}

Result<ListHolidaysResponse> Availability::list_holidays(const CallContext& context,
                                                         const ListHolidaysRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_AVAILABILITY_LIST_HOLIDAYS, context, request.clinic_id()));
  RETURN_IF_ERROR(check_id(request.clinic_id(), "clinic_id"));
  RETURN_IF_ERROR(check_date(request.from(), false, "from"));
  RETURN_IF_ERROR(check_date(request.until(), false, "until"));
  ASSIGN_OR_RETURN(const std::unique_ptr<engine::Reader> reader,
                   core_.store().view(context.tenant));
  std::vector<std::string> scopes{holiday_scope({})};
  if (!request.clinic_id().empty()) scopes.push_back(holiday_scope(request.clinic_id()));
  std::vector<std::string> ids;
  for (const std::string& scope : scopes) {
    RETURN_IF_ERROR(reader
                        ->scan(holidays_table().def(), HolidayIndex::kDay,
                               {scope + date_key(request.from()),
                                engine::prefix_end(scope + date_key(request.until()))},
                               {},
                               [&](const engine::IndexEntry& entry) {
                                 ids.emplace_back(entry.record_key);
                                 return true;
                               })
                        .status());
  }
  ListHolidaysResponse response;
  for (const std::string& id : ids) {
    ASSIGN_OR_RETURN(std::optional<engine::Stored<Holiday>> found,
                     reader->get(holidays_table(), id));
    if (found) *response.add_holidays() = std::move(found->record);
  }
  return response;
}

Result<std::shared_ptr<const FindSlotsResponse>> Availability::find_slots(
    const CallContext& context, const FindSlotsRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_AVAILABILITY_FIND_SLOTS, context, request.clinic_id()));
  RETURN_IF_ERROR(check_search(request));
  // The kept parts of such answers have keys that begin with another letter.
  const std::string arguments = "S" + request.SerializeAsString();
  return core_.cached<FindSlotsResponse>(
      METHOD_AVAILABILITY_FIND_SLOTS, context, arguments,
      [&](engine::Reader& reader) { return search_slots(core_, context, reader, request); });
}

}  // namespace clinicdb::clinic
