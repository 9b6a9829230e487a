#include "clinicdb/clinic/series.h"

#include <algorithm>

#include "check_parts.h"
#include "clinicdb/clinic/check.h"
#include "clinicdb/clinic/identifiers.h"
#include "clinicdb/clinic/identity.h"
#include "clinicdb/clinic/tables.h"
#include "clinicdb/engine/key.h"
#include "core.h"
#include "fhir/merge.h"
#include "patient_links.h"
#include "scheduling/appointment_states.h"
#include "scheduling/booking.h"
#include "scheduling/claims.h"
#include "scheduling/clinic_zone.h"
#include "scheduling/recurrence.h"
#include "scheduling/waiting_list.h"
#include "zones.h"

namespace clinicdb::clinic {

namespace {

/// One appointment of a series on its way into a commit.
struct Planned {
  Appointment appointment;
  engine::PreparedRecord prepared;
};

struct SeriesPlan {
  Series series;
  std::vector<Planned> items;
};

Occurrence occurrence_of(const Appointment& appointment) {
  Occurrence occurrence;
  occurrence.set_number(appointment.series_number());
  occurrence.set_start_us(appointment.start_us());
  occurrence.set_end_us(appointment.end_us());
  occurrence.set_appointment_id(appointment.id());
  return occurrence;
}

/// Whether a refusal concerns this one appointment, so that others may be booked without it.
bool is_conflict(const Status& status) { return status.code() == StatusCode::kFailedPrecondition; }

Status name_occurrence(Status status, const Appointment& appointment) {
  return std::move(status).with_context("appointment " +
                                        std::to_string(appointment.series_number()) + " of " +
                                        format_utc(Time{appointment.start_us()}));
}

/// Days and instants of the rule, less those that are left out; numbers as planned.
Result<std::vector<std::pair<std::uint32_t, std::int64_t>>> planned_starts(
    const BookSeriesRequest& request, const Zone& zone, LocalTime first) {
  ASSIGN_OR_RETURN(const RecurrenceRule rule, parse_rule(request.rule()));
  ASSIGN_OR_RETURN(const std::vector<std::int32_t> days, rule_days(rule, first.day));
  std::vector<std::int32_t> without;
  for (const Date& day : request.without()) {
    RETURN_IF_ERROR(check_date(day, false, "without"));
    without.push_back(day_number(day));
  }
  std::vector<std::pair<std::uint32_t, std::int64_t>> starts;
  std::uint32_t number = 0;
  for (const std::int32_t day : days) {
    const Time start = zone.instant_kept(day, first.minute);
    if (rule.until && start > *rule.until) break;
    ++number;
    if (std::find(without.begin(), without.end(), day) == without.end())
      starts.emplace_back(number, start.us);
  }
  if (starts.empty()) return refuse("without", "it leaves no day");
  return starts;
}

Result<SeriesPlan> make_plan(const Core& core, const CallContext& context,
                             const BookSeriesRequest& request) {
  SeriesPlan plan;
  Appointment first = request.appointment();
  clear_given(core, first);
  RETURN_IF_ERROR(fill_from_service(core, context, first));
  if (first.capacity() > 1 || !first.session_id().empty())
    return refuse("appointment.service_id", "a series is of appointments with one patient");
  first.set_status(APPOINTMENT_STATUS_BOOKED);
  RETURN_IF_ERROR(check(first));
  RETURN_IF_ERROR(check_references(core, context, first));
  ASSIGN_OR_RETURN(const std::unique_ptr<engine::Reader> reader, core.store().view(context.tenant));
  std::vector<engine::CacheTag> unused;
  ASSIGN_OR_RETURN(const std::string zone_name,
                   zone_for(*reader, request.zone(), first.clinic_id(), unused));
  ASSIGN_OR_RETURN(const Zone zone, Zone::find(zone_name, "zone"));
  const LocalTime local = zone.local(Time{first.start_us()});
  ASSIGN_OR_RETURN(const auto starts, planned_starts(request, zone, local));

  Series& series = plan.series;
  series.set_id(std::string(core.new_id().view()));
  series.set_clinic_id(first.clinic_id());
  series.set_patient_id(first.patient_id());
  series.set_rule(request.rule());
  series.set_zone(zone_name);
  *series.mutable_first_day() = date_of(local.day);
  series.set_start_minute(static_cast<std::uint32_t>(local.minute));
  const std::int64_t length = first.end_us() - first.start_us();
  series.set_duration_minutes(static_cast<std::uint32_t>(length / kMinuteUs));
  *series.mutable_without() = request.without();
  series.set_count(static_cast<std::uint32_t>(starts.size()));
  // What of a start is finer than a minute stays with each of them.
  const std::int64_t rest = first.start_us() - zone.instant_kept(local.day, local.minute).us;
  for (const auto& [number, start_us] : starts) {
    Planned& item = plan.items.emplace_back();
    item.appointment = first;
    item.appointment.set_id(std::string(core.new_id().view()));
    item.appointment.set_series_id(series.id());
    item.appointment.set_series_number(number);
    item.appointment.set_start_us(start_us + rest);
    item.appointment.set_end_us(start_us + rest + length);
    RETURN_IF_ERROR(choose_units(*reader, item.appointment));
    Result<engine::PreparedRecord> prepared = appointments_table().prepare(item.appointment);
    if (!prepared) return name_fields(std::move(prepared).error(), "appointment");
    item.prepared = std::move(prepared).value();
  }
  return plan;
}

Result<std::vector<engine::Stored<Appointment>>> read_series(engine::Reader& reader,
                                                             const std::string& series_id,
                                                             std::uint32_t from_number) {
  std::vector<std::string> ids;
  RETURN_IF_ERROR(reader
                      .scan(appointments_table().def(), AppointmentIndex::kSeries,
                            {engine::Key().raw(series_id).u32(from_number).str(),
                             engine::prefix_end(series_id)},
                            {},
                            [&](const engine::IndexEntry& entry) {
                              ids.emplace_back(entry.record_key);
                              return true;
                            })
                      .status());
  std::vector<engine::Stored<Appointment>> list;
  for (const std::string& id : ids) {
    ASSIGN_OR_RETURN(std::optional<engine::Stored<Appointment>> found,
                     reader.get(appointments_table(), id));
    if (found) list.push_back(std::move(*found));
  }
  return list;
}

/// An edit of a series within its commit.
class SeriesEdit {
 public:
  SeriesEdit(const Core& core, const CallContext& context, const EditSeriesRequest& request,
             engine::Transaction& tx)
      : core_(core), context_(context), request_(request), tx_(tx) {}

  Status run(EditSeriesResponse& response) {
    RETURN_IF_ERROR(read());
    // A uniform shift keeps their order, so that none meets another of the series that has yet to
    // go, when those go first that lie ahead.
    if (!request_.cancel() && is_later()) std::reverse(items_.begin(), items_.end());
    for (engine::Stored<Appointment>& item : items_) RETURN_IF_ERROR(change(item, response));
    std::sort(response.mutable_occurrences()->begin(), response.mutable_occurrences()->end(),
              [](const Occurrence& a, const Occurrence& b) { return a.number() < b.number(); });
    return put_series(response);
  }

 private:
  Status read() {
    ASSIGN_OR_RETURN(std::optional<engine::Stored<Appointment>> found,
                     tx_.get(appointments_table(), request_.appointment_id()));
    if (!found) return not_found("no such appointment").with_field("appointment_id");
    const std::string series_id = found->record.series_id();
    if (series_id.empty()) {
      return failed_precondition("the appointment is of no series").with_field("appointment_id");
    }
    ASSIGN_OR_RETURN(std::optional<engine::Stored<Series>> series,
                     tx_.get(series_table(), series_id));
    if (!series) return data_loss("an appointment's series is not there");
    series_ = std::move(*series);
    ASSIGN_OR_RETURN(zone_, Zone::find(series_.record.zone(), "zone"));
    if (request_.scope() == SERIES_SCOPE_ONE) {
      items_.push_back(std::move(*found));
    } else {
      const std::uint32_t from =
          request_.scope() == SERIES_SCOPE_FOLLOWING ? found->record.series_number() : 0;
      ASSIGN_OR_RETURN(items_, read_series(tx_, series_id, from));
    }
    std::erase_if(items_, [&](const engine::Stored<Appointment>& item) {
      return !can_move(item.record.status());
    });
    if (items_.empty()) {
      return failed_precondition("nothing of it is still to come").with_field("appointment_id");
    }
    if (request_.scope() == SERIES_SCOPE_FOLLOWING) {
      split_ = series_.record;
      split_->set_id(std::string(core_.new_id().view()));
      split_->set_split_from(series_id);
    }
    return {};
  }

  TimeSpan moved(const Appointment& appointment) const {
    const LocalTime local = zone_->local(Time{appointment.start_us()});
    const std::int32_t minute = request_.has_start_minute()
                                    ? static_cast<std::int32_t>(request_.start_minute())
                                    : local.minute;
    const std::int64_t start = zone_->instant_kept(local.day + request_.shift_days(), minute).us;
    const std::int64_t length = request_.duration_minutes() != 0
                                    ? request_.duration_minutes() * kMinuteUs
                                    : appointment.end_us() - appointment.start_us();
    return {start, start + length};
  }

  bool is_later() const {
    return moved(items_.front().record).start_us > items_.front().record.start_us();
  }

  Status adjust(Appointment& appointment) const {
    if (split_) appointment.set_series_id(split_->id());
    if (request_.cancel()) {
      appointment.set_status(APPOINTMENT_STATUS_CANCELLED);
      appointment.mutable_cancellation()->set_reason(request_.reason());
      appointment.mutable_cancellation()->set_time_us(tx_.now().us);
      if (!tx_.user().is_nil())
        appointment.mutable_cancellation()->set_user_id(std::string(tx_.user().view()));
      return {};
    }
    const Appointment before = appointment;
    const TimeSpan span = moved(appointment);
    appointment.set_start_us(span.start_us);
    appointment.set_end_us(span.end_us);
    if (!request_.professional_id().empty())
      appointment.set_professional_id(request_.professional_id());
    if (!request_.room_id().empty()) appointment.set_room_id(request_.room_id());
    forget_moved_overbooking(before, appointment);
    RETURN_IF_ERROR(check(appointment));
    return choose_units(tx_, appointment);
  }

  Status change(engine::Stored<Appointment>& item, EditSeriesResponse& response) {
    const Appointment before = item.record;
    Appointment after = before;
    RETURN_IF_ERROR(adjust(after));
    RETURN_IF_ERROR(fhir::merge(after));
    Result<engine::PreparedRecord> prepared = appointments_table().prepare(after, item);
    if (!prepared) return std::move(prepared).error();
    const ClaimRules rules{context_.rights.allows(ACCESS_RIGHT_SCHEDULE_READ), false, &before};
    Result<engine::PutResult> put =
        put_claiming(tx_, after, *prepared, {item.meta.version, false}, rules);
    if (!put) {
      if (!is_conflict(put.error()) || request_.on_conflict() != CONFLICT_POLICY_SKIP)
        return name_occurrence(std::move(put).error(), after);
      *response.add_occurrences() = occurrence_of(before);
      response.mutable_occurrences()->rbegin()->set_refusal(std::string(put.error().message()));
      return {};
    }
    RETURN_IF_ERROR(
        tx_.emit(request_.cancel() ? EVENT_APPOINTMENT_CANCELLED : EVENT_APPOINTMENT_RESCHEDULED,
                 appointment_event(after, put->version)));
    RETURN_IF_ERROR(give_freed_time(tx_, before));
    if (request_.cancel()) RETURN_IF_ERROR(offer_time(core_, tx_, freed_time(before)).status());
    *response.add_occurrences() = occurrence_of(after);
    return {};
  }

  Status put_series(EditSeriesResponse& response) {
    Series& series = split_ ? *split_ : series_.record;
    response.mutable_result()->set_id(series.id());
    response.mutable_result()->set_version(split_ ? 1 : series_.meta.version);
    if (request_.scope() == SERIES_SCOPE_ONE) return {};
    if (!request_.cancel()) {
      if (request_.has_start_minute()) series.set_start_minute(request_.start_minute());
      if (request_.duration_minutes() != 0)
        series.set_duration_minutes(request_.duration_minutes());
      const std::int32_t first = zone_->local(Time{response.occurrences(0).start_us()}).day;
      if (split_ || request_.shift_days() != 0) *series.mutable_first_day() = date_of(first);
    }
    series.set_count(static_cast<std::uint32_t>(response.occurrences_size()));
    engine::PutOptions options;
    options.expected_version = split_ ? 0 : series_.meta.version;
    ASSIGN_OR_RETURN(const engine::PutResult put, tx_.put(series_table(), series, options));
    response.mutable_result()->set_version(put.version);
    EventPayload payload;
    payload.set_id(series.id());
    payload.set_version(put.version);
    payload.set_patient_id(series.patient_id());
    return tx_.emit(EVENT_SERIES_CHANGED, payload.SerializeAsString());
  }

  const Core& core_;
  const CallContext& context_;
  const EditSeriesRequest& request_;
  engine::Transaction& tx_;
  engine::Stored<Series> series_;
  std::optional<Zone> zone_;
  std::optional<Series> split_;
  std::vector<engine::Stored<Appointment>> items_;
};

}  // namespace

Result<BookSeriesResponse> SeriesBookings::book(const CallContext& context,
                                                BookSeriesRequest request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_SERIES_BOOK, context, request.appointment().patient_id()));
  const std::uint64_t hash = request_hash(context, METHOD_SERIES_BOOK, request);
  ASSIGN_OR_RETURN(SeriesPlan plan, make_plan(core_, context, request));
  const ClaimRules rules{context.rights.allows(ACCESS_RIGHT_SCHEDULE_READ), false};
  const bool skip = request.on_conflict() == CONFLICT_POLICY_SKIP;
  return core_.execute<BookSeriesResponse>(
      context, hash, [&](engine::Transaction& tx, BookSeriesResponse& response) -> Status {
        RETURN_IF_ERROR(check_patient(tx, plan.series.patient_id(), "appointment.patient_id"));
        std::size_t booked = 0;
        Status last_refusal;
        for (Planned& item : plan.items) {
          Result<engine::PutResult> put =
              put_claiming(tx, item.appointment, item.prepared, {std::uint64_t{0}, false}, rules);
          Occurrence& occurrence = *response.add_occurrences();
          occurrence = occurrence_of(item.appointment);
          if (put) {
            ++booked;
            RETURN_IF_ERROR(tx.emit(EVENT_APPOINTMENT_SCHEDULED,
                                    appointment_event(item.appointment, put->version)));
            continue;
          }
          if (!skip || !is_conflict(put.error()))
            return name_occurrence(std::move(put).error(), item.appointment);
          occurrence.clear_appointment_id();
          occurrence.set_refusal(std::string(put.error().message()));
          last_refusal = put.error();
        }
        if (booked == 0)
          return name_occurrence(std::move(last_refusal), plan.items.back().appointment);
        ASSIGN_OR_RETURN(const engine::PutResult put,
                         tx.put(series_table(), plan.series, {std::uint64_t{0}, false}));
        response.mutable_result()->set_id(plan.series.id());
        response.mutable_result()->set_version(put.version);
        EventPayload payload;
        payload.set_id(plan.series.id());
        payload.set_version(put.version);
        payload.set_patient_id(plan.series.patient_id());
        payload.set_count(booked);
        return tx.emit(EVENT_SERIES_BOOKED, payload.SerializeAsString());
      });
}

Result<GetSeriesResponse> SeriesBookings::get(const CallContext& context,
                                              const GetSeriesRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_SERIES_GET, context, request.id()));
  RETURN_IF_ERROR(check_id(request.id(), "id", true));
  ASSIGN_OR_RETURN(const std::unique_ptr<engine::Reader> reader,
                   core_.store().view(context.tenant));
  ASSIGN_OR_RETURN(const std::optional<engine::Stored<Series>> series,
                   reader->get(series_table(), request.id()));
  if (!series) return not_found("no such series").with_field("id");
  GetSeriesResponse response;
  *response.mutable_series() = series->record;
  set_meta(series->meta, *response.mutable_meta());
  ASSIGN_OR_RETURN(const std::vector<engine::Stored<Appointment>> items,
                   read_series(*reader, request.id(), 0));
  for (const engine::Stored<Appointment>& item : items)
    *response.add_occurrences() = occurrence_of(item.record);
  return response;
}

Result<EditSeriesResponse> SeriesBookings::edit(const CallContext& context,
                                                const EditSeriesRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_SERIES_EDIT, context, request.appointment_id()));
  RETURN_IF_ERROR(check_id(request.appointment_id(), "appointment_id", true));
  if (request.scope() == SERIES_SCOPE_UNSPECIFIED || !SeriesScope_IsValid(request.scope()))
    return refuse("scope", "one, this and following, or all");
  constexpr std::uint32_t kDayMinutes = 24 * 60;
  if (request.has_start_minute() && request.start_minute() >= kDayMinutes)
    return refuse("start_minute", "a day has 1440 minutes");
  if (request.duration_minutes() > kDayMinutes)
    return refuse("duration_minutes", "at most 24 hours are possible");
  constexpr std::int32_t kShiftMax = 3660;
  if (request.shift_days() < -kShiftMax || request.shift_days() > kShiftMax)
    return refuse("shift_days", "at most ten years are possible");
  Appointment places;
  places.set_professional_id(request.professional_id());
  places.set_room_id(request.room_id());
  RETURN_IF_ERROR(check_references(core_, context, places));
  return core_.execute<EditSeriesResponse>(
      context, request_hash(context, METHOD_SERIES_EDIT, request),
      [&](engine::Transaction& tx, EditSeriesResponse& response) {
        return SeriesEdit(core_, context, request, tx).run(response);
      });
}

}  // namespace clinicdb::clinic
