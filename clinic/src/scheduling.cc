#include "clinicdb/clinic/scheduling.h"

#include <algorithm>
#include <utility>

#include "check_parts.h"
#include "clinicdb/clinic/check.h"
#include "clinicdb/clinic/identity.h"
#include "clinicdb/clinic/tables.h"
#include "clinicdb/engine/key.h"
#include "core.h"
#include "day_list.h"
#include "patient_links.h"
#include "scheduling/appointment_change.h"
#include "scheduling/appointment_states.h"
#include "scheduling/booking.h"
#include "scheduling/claims.h"
#include "scheduling/exception_places.h"
#include "scheduling/waiting_list.h"

namespace clinicdb::clinic {

namespace {

using FoundAppointment = std::shared_ptr<const GetAppointmentResponse>;

constexpr std::string_view kAppointmentNoun = "appointment";
/// Looked at in the commit: a patient may be removed, but not one who has an appointment.
constexpr std::string_view kPatientField = "appointment.patient_id";
constexpr std::uint32_t kHoldMinutesDefault = 10;
constexpr std::uint32_t kHoldMinutesMax = 24 * 60;
constexpr std::uint32_t kExpireDefault = 100;
constexpr std::uint32_t kExpireMax = 1000;

ClaimRules rules_of(const CallContext& context, bool overbook) {
  return {context.rights.allows(ACCESS_RIGHT_SCHEDULE_READ), overbook};
}

/// On the caller's thread: everything that can be said before the commit.
Status bring_in_order(const Core& core, const CallContext& context, Appointment& appointment) {
  clear_given(core, appointment);
  RETURN_IF_ERROR(fill_from_service(core, context, appointment));
  if (appointment.session_id().empty() && appointment.equipment_ids().empty()) {
    RETURN_IF_ERROR(check(appointment));
    return check_references(core, context, appointment);
  }
  {
    ASSIGN_OR_RETURN(const std::unique_ptr<engine::Reader> reader,
                     core.store().view(context.tenant));
    RETURN_IF_ERROR(choose_units(*reader, appointment));
  }
  RETURN_IF_ERROR(check(appointment));
  return check_references(core, context, appointment);
}

/// Puts a new appointment in its own commit.
template <class Response>
Result<Response> put_new(const Core& core, const CallContext& context, std::uint64_t hash,
                         Appointment appointment, const ClaimRules& rules, EventType event,
                         FunctionRef<void(Response&)> complete) {
  Result<engine::PreparedRecord> prepared = appointments_table().prepare(appointment);
  if (!prepared) return name_fields(std::move(prepared).error(), kAppointmentNoun);
  const std::string payload = appointment_event(appointment, 1);
  Result<Response> done = core.execute<Response>(
      context, hash, [&](engine::Transaction& tx, Response& response) -> Status {
        RETURN_IF_ERROR(check_patient(tx, appointment.patient_id(), kPatientField));
        ASSIGN_OR_RETURN(
            const engine::PutResult put,
            put_claiming(tx, appointment, *prepared, {std::uint64_t{0}, false}, rules));
        response.mutable_result()->set_id(appointment.id());
        response.mutable_result()->set_version(put.version);
        complete(response);
        return tx.emit(static_cast<std::uint16_t>(event), payload);
      });
  if (!done) return name_fields(std::move(done).error(), kAppointmentNoun);
  return done;
}

Status set_cancelled(const Core& core, const CallContext& context,
                     const CancelAppointmentRequest& request, Appointment& appointment) {
  // With an expected version, the version speaks first: see Transaction::put.
  RETURN_IF_ERROR(check_cancellable(appointment.status()));
  appointment.set_status(APPOINTMENT_STATUS_CANCELLED);
  Appointment::Cancellation& cancellation = *appointment.mutable_cancellation();
  cancellation.set_reason(request.reason());
  cancellation.set_by(request.by());
  if (!context.user.is_nil()) cancellation.set_user_id(std::string(context.user.view()));
  cancellation.set_time_us(core.clock().now().us);
  return {};
}

/// Does in a commit to a group's participants what was done to the group.
Status change_participants(engine::Transaction& tx, const Appointment& group, EventType event,
                           FunctionRef<Status(Appointment&)> change) {
  if (group.capacity() < 2) return {};
  ASSIGN_OR_RETURN(const std::vector<std::string> ids, participants_of(tx, group.id()));
  for (const std::string& id : ids) {
    ASSIGN_OR_RETURN(std::optional<engine::Stored<Appointment>> found,
                     tx.get(appointments_table(), id));
    if (!found) continue;
    RETURN_IF_ERROR(change(found->record));
    Result<engine::PreparedRecord> prepared = appointments_table().prepare(found->record);
    if (!prepared) return std::move(prepared).error();
    ASSIGN_OR_RETURN(
        const engine::PutResult put,
        put_claiming(tx, found->record, *prepared, {found->meta.version, false}, {true, false}));
    RETURN_IF_ERROR(
        tx.emit(static_cast<std::uint16_t>(event), appointment_event(found->record, put.version)));
  }
  return {};
}

}  // namespace

Result<BookAppointmentResponse> Scheduling::book(const CallContext& context,
                                                 BookAppointmentRequest request) const {
  Appointment& appointment = *request.mutable_appointment();
  RETURN_IF_ERROR(core_.authorise(METHOD_SCHEDULING_BOOK, context, appointment.id()));
  RETURN_IF_ERROR(check_overbook_right(context, request.overbook()));
  const std::uint64_t hash = request_hash(context, METHOD_SCHEDULING_BOOK, request);
  if (!request.hold_id().empty()) return book_hold(context, request, hash);
  RETURN_IF_ERROR(bring_in_order(core_, context, appointment));
  appointment.set_status(APPOINTMENT_STATUS_BOOKED);
  if (request.within_hours()) RETURN_IF_ERROR(check_within_hours(core_, context, appointment));
  if (appointment.capacity() > 1 && !appointment.patient_id().empty())
    return join_group(context, std::move(appointment), hash);
  return put_new<BookAppointmentResponse>(
      core_, context, hash, std::move(appointment), rules_of(context, request.overbook()),
      EVENT_APPOINTMENT_SCHEDULED, [](BookAppointmentResponse&) {});
}

Result<BookAppointmentResponse> Scheduling::book_hold(const CallContext& context,
                                                      const BookAppointmentRequest& request,
                                                      std::uint64_t hash) const {
  AppointmentChangeOptions options;
  options.request_hash = hash;
  options.event = EVENT_APPOINTMENT_SCHEDULED;
  options.rules = rules_of(context, false);
  const Appointment& given = request.appointment();
  return change_appointment<BookAppointmentResponse>(
      core_, context, request.hold_id(), options,
      [&](Appointment& appointment, engine::Reader&) -> Status {
        if (appointment.status() != APPOINTMENT_STATUS_HELD ||
            appointment.hold_until_us() <= core_.clock().now().us) {
          return failed_precondition("the hold has expired, or was used").with_field("hold_id");
        }
        appointment.set_status(APPOINTMENT_STATUS_BOOKED);
        appointment.clear_hold_until_us();
        appointment.clear_hold_owner();
        if (!given.patient_id().empty()) appointment.set_patient_id(given.patient_id());
        if (!given.title().empty()) appointment.set_title(given.title());
        if (!given.note().empty()) appointment.set_note(given.note());
        return check(appointment);
      },
      [&](engine::Transaction& tx, const Appointment& before, const Appointment& after,
          BookAppointmentResponse&) -> Status {
        if (before.hold_until_us() <= tx.now().us)
          return failed_precondition("the hold has expired").with_field("hold_id");
        RETURN_IF_ERROR(check_patient(tx, after.patient_id(), kPatientField));
        return settle_offer(tx, before);
      });
}

Result<BookAppointmentResponse> Scheduling::join_group(const CallContext& context,
                                                       Appointment appointment,
                                                       std::uint64_t hash) const {
  if (appointment.professional_id().empty())
    return refuse("appointment.professional_id", "a group has a professional");
  const ClaimRules rules = rules_of(context, false);
  Appointment group = appointment;
  group.set_id(std::string(core_.new_id().view()));
  group.clear_patient_id();
  group.clear_note();
  Appointment participant = std::move(appointment);
  participant.clear_capacity();
  participant.clear_equipment_ids();
  participant.clear_equipment_units();
  participant.clear_buffer_before_minutes();
  participant.clear_buffer_after_minutes();
  Result<BookAppointmentResponse> done = core_.execute<BookAppointmentResponse>(
      context, hash, [&](engine::Transaction& tx, BookAppointmentResponse& response) -> Status {
        RETURN_IF_ERROR(check_patient(tx, participant.patient_id(), kPatientField));
        ASSIGN_OR_RETURN(std::string group_id, find_group(tx, group));
        if (group_id.empty()) {
          Result<engine::PreparedRecord> prepared = appointments_table().prepare(group);
          if (!prepared) return std::move(prepared).error();
          ASSIGN_OR_RETURN(const engine::PutResult put,
                           put_claiming(tx, group, *prepared, {std::uint64_t{0}, false}, rules));
          RETURN_IF_ERROR(
              tx.emit(EVENT_APPOINTMENT_SCHEDULED, appointment_event(group, put.version)));
          group_id = group.id();
        }
        participant.set_session_id(group_id);
        RETURN_IF_ERROR(choose_units(tx, participant));
        Result<engine::PreparedRecord> prepared = appointments_table().prepare(participant);
        if (!prepared) return std::move(prepared).error();
        ASSIGN_OR_RETURN(
            const engine::PutResult put,
            put_claiming(tx, participant, *prepared, {std::uint64_t{0}, false}, rules));
        response.mutable_result()->set_id(participant.id());
        response.mutable_result()->set_version(put.version);
        return tx.emit(EVENT_APPOINTMENT_SCHEDULED, appointment_event(participant, put.version));
      });
  if (!done) return name_fields(std::move(done).error(), kAppointmentNoun);
  return done;
}

Result<CancelAppointmentResponse> Scheduling::cancel(
    const CallContext& context, const CancelAppointmentRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_SCHEDULING_CANCEL, context, request.id()));
  RETURN_IF_ERROR(check_size(request.reason(), kNoteBytesMax, "reason"));
  AppointmentChangeOptions options;
  options.request_hash = request_hash(context, METHOD_SCHEDULING_CANCEL, request);
  if (request.has_expected_version()) options.expected_version = request.expected_version();
  options.event = EVENT_APPOINTMENT_CANCELLED;
  return change_appointment<CancelAppointmentResponse>(
      core_, context, request.id(), options,
      [&](Appointment& appointment, engine::Reader&) {
        return set_cancelled(core_, context, request, appointment);
      },
      [&](engine::Transaction& tx, const Appointment& before, const Appointment& after,
          CancelAppointmentResponse& response) -> Status {
        RETURN_IF_ERROR(change_participants(
            tx, after, EVENT_APPOINTMENT_CANCELLED, [&](Appointment& participant) {
              return check_cancellable(participant.status()).ok()
                         ? set_cancelled(core_, context, request, participant)
                         : Status();
            }));
        RETURN_IF_ERROR(give_freed_time(tx, before));
        RETURN_IF_ERROR(free_slots(tx, before));
        if (!is_offered(before)) return {};
        ASSIGN_OR_RETURN(const std::optional<WaitlistOffer> offer,
                         offer_time(core_, tx, freed_time(before)));
        if (!offer) return {};
        response.set_offered_to(offer->entry_id);
        response.set_offer_hold_id(offer->hold_id);
        return {};
      });
}

Result<RescheduleAppointmentResponse> Scheduling::reschedule(
    const CallContext& context, const RescheduleAppointmentRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_SCHEDULING_RESCHEDULE, context, request.id()));
  RETURN_IF_ERROR(check_overbook_right(context, request.overbook()));
  AppointmentChangeOptions options;
  options.request_hash = request_hash(context, METHOD_SCHEDULING_RESCHEDULE, request);
  if (request.has_expected_version()) options.expected_version = request.expected_version();
  options.event = EVENT_APPOINTMENT_RESCHEDULED;
  options.rules = rules_of(context, request.overbook());
  return change_appointment<RescheduleAppointmentResponse>(
      core_, context, request.id(), options,
      [&](Appointment& appointment, engine::Reader& reader) -> Status {
        if (!appointment.session_id().empty()) {
          return failed_precondition("a participant is there when the group is; move the group")
              .with_field("appointment.session_id");
        }
        if (!can_move(appointment.status())) {
          return failed_precondition("only what is booked or confirmed can be moved")
              .with_field("appointment.status");
        }
        const Appointment before = appointment;
        // Lengths far apart would overflow; check() then refuses what is longer than a day.
        const std::int64_t length = appointment.end_us() - appointment.start_us();
        appointment.set_start_us(request.start_us());
        appointment.set_end_us(request.end_us() != 0 ? request.end_us()
                                                     : request.start_us() + length);
        if (!request.professional_id().empty())
          appointment.set_professional_id(request.professional_id());
        if (!request.room_id().empty()) appointment.set_room_id(request.room_id());
        forget_moved_overbooking(before, appointment);
        RETURN_IF_ERROR(check(appointment));
        RETURN_IF_ERROR(check_references(core_, context, appointment));
        return choose_units(reader, appointment);
      },
      [&](engine::Transaction& tx, const Appointment& before, const Appointment& after,
          RescheduleAppointmentResponse&) -> Status {
        RETURN_IF_ERROR(change_participants(
            tx, after, EVENT_APPOINTMENT_RESCHEDULED, [&](Appointment& participant) {
              participant.set_start_us(after.start_us());
              participant.set_end_us(after.end_us());
              participant.set_professional_id(after.professional_id());
              participant.set_room_id(after.room_id());
              return Status();
            }));
        RETURN_IF_ERROR(free_slots(tx, before, &after));
        return give_freed_time(tx, before);
      });
}

Result<ChangeAppointmentStatusResponse> Scheduling::change_status(
    const CallContext& context, const ChangeAppointmentStatusRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_SCHEDULING_CHANGE_STATUS, context, request.id()));
  AppointmentChangeOptions options;
  options.request_hash = request_hash(context, METHOD_SCHEDULING_CHANGE_STATUS, request);
  if (request.has_expected_version()) options.expected_version = request.expected_version();
  options.event = transition_event(request.status());
  options.rules = rules_of(context, false);
  return change_appointment<ChangeAppointmentStatusResponse>(
      core_, context, request.id(), options,
      [&](Appointment& appointment, engine::Reader& reader) -> Status {
        const Time now = core_.clock().now();
        RETURN_IF_ERROR(check_transition(appointment, request.status(), now));
        const bool held = claims_time(appointment.status());
        set_state(appointment, request.status(), now);
        if (held || !claims_time(appointment.status())) return {};
        // It takes its time again, if that is still free.
        appointment.clear_overbooking();
        return choose_units(reader, appointment);
      },
      [&](engine::Transaction& tx, const Appointment& before, const Appointment& after,
          ChangeAppointmentStatusResponse&) -> Status {
        if (!claims_time(before.status()) || claims_time(after.status())) return {};
        return give_freed_time(tx, before);
      });
}

Result<HoldAppointmentResponse> Scheduling::hold(const CallContext& context,
                                                 HoldAppointmentRequest request) const {
  Appointment& appointment = *request.mutable_appointment();
  RETURN_IF_ERROR(core_.authorise(METHOD_SCHEDULING_HOLD, context, appointment.id()));
  const std::uint64_t hash = request_hash(context, METHOD_SCHEDULING_HOLD, request);
  const std::uint32_t minutes = request.minutes() == 0 ? kHoldMinutesDefault : request.minutes();
  if (minutes > kHoldMinutesMax) return refuse("minutes", "at most a day is possible");
  RETURN_IF_ERROR(bring_in_order(core_, context, appointment));
  if (appointment.capacity() > 1)
    return refuse("appointment.service_id", "a group is booked, not held");
  appointment.set_status(APPOINTMENT_STATUS_HELD);
  appointment.set_hold_until_us(core_.clock().now().us + minutes * kMinuteUs);
  if (!context.user.is_nil()) appointment.set_hold_owner(std::string(context.user.view()));
  const std::int64_t until_us = appointment.hold_until_us();
  return put_new<HoldAppointmentResponse>(
      core_, context, hash, std::move(appointment), rules_of(context, false),
      EVENT_APPOINTMENT_HELD,
      [&](HoldAppointmentResponse& response) { response.set_hold_until_us(until_us); });
}

Result<ReleaseHoldResponse> Scheduling::release_hold(const CallContext& context,
                                                     const ReleaseHoldRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_SCHEDULING_RELEASE_HOLD, context, request.id()));
  RETURN_IF_ERROR(id_from_bytes(request.id(), "id").status());
  return core_.execute<ReleaseHoldResponse>(
      context, request_hash(context, METHOD_SCHEDULING_RELEASE_HOLD, request),
      [&](engine::Transaction& tx, ReleaseHoldResponse& response) -> Status {
        ASSIGN_OR_RETURN(const std::optional<engine::Stored<Appointment>> found,
                         tx.get(appointments_table(), request.id()));
        if (!found || found->record.status() != APPOINTMENT_STATUS_HELD)
          return not_found("no such hold").with_field("id");
        response.mutable_result()->set_id(request.id());
        return remove_hold(tx, found->record);
      });
}

Result<ExpireHoldsResponse> Scheduling::expire_holds(const CallContext& context,
                                                     const ExpireHoldsRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_SCHEDULING_EXPIRE_HOLDS, context));
  const std::uint32_t limit =
      request.limit() == 0 ? kExpireDefault : std::min(request.limit(), kExpireMax);
  return core_.execute<ExpireHoldsResponse>(
      context, request_hash(context, METHOD_SCHEDULING_EXPIRE_HOLDS, request),
      [&](engine::Transaction& tx, ExpireHoldsResponse& response) -> Status {
        std::vector<std::string> ids;
        RETURN_IF_ERROR(tx.scan(appointments_table().def(), AppointmentIndex::kHeldUntil,
                                {{}, engine::Key().time(Time{tx.now().us + 1}).str()},
                                {false, limit + 1, {}},
                                [&](const engine::IndexEntry& entry) {
                                  ids.emplace_back(entry.record_key);
                                  return true;
                                })
                            .status());
        response.set_more(ids.size() > limit);
        if (ids.size() > limit) ids.pop_back();
        for (const std::string& id : ids) {
          ASSIGN_OR_RETURN(const std::optional<engine::Stored<Appointment>> hold,
                           tx.get(appointments_table(), id));
          if (!hold) continue;
          RETURN_IF_ERROR(remove_hold(tx, hold->record));
          response.set_expired(response.expired() + 1);
          // What was offered to one goes to the next.
          if (hold->record.waitlist_id().empty()) continue;
          RETURN_IF_ERROR(offer_time(core_, tx, freed_time(hold->record)).status());
        }
        return {};
      });
}

Result<FoundAppointment> Scheduling::get(const CallContext& context, const Uuid& id) const {
  const std::string_view key = id.view();
  RETURN_IF_ERROR(core_.authorise(METHOD_SCHEDULING_GET, context, key));
  return core_.cached<GetAppointmentResponse>(
      METHOD_SCHEDULING_GET, context, key,
      [&](engine::Reader& reader) -> Result<Filled<GetAppointmentResponse>> {
        ASSIGN_OR_RETURN(FoundAppointment answer,
                         read_answer<GetAppointmentResponse>(
                             reader, appointments_table(), key,
                             &GetAppointmentResponse::mutable_appointment, context.use_cache));
        return Filled<GetAppointmentResponse>{
            std::move(answer),
            {engine::cache_tag_record(reader.tenant(), appointments_table().def().id, key)}};
      });
}

Result<FoundAppointment> Scheduling::get(const CallContext& context,
                                         const GetAppointmentRequest& request) const {
  ASSIGN_OR_RETURN(const Uuid id, id_from_bytes(request.id(), "id"));
  return get(context, id);
}

Result<std::shared_ptr<const ListDayResponse>> Scheduling::list_day(
    const CallContext& context, const ListDayRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_SCHEDULING_LIST_DAY, context, request.id()));
  RETURN_IF_ERROR(id_from_bytes(request.id(), "id").status());
  const Date& day = request.day();
  ArgumentBytes arguments;
  arguments.raw(request.id())
      .u64(static_cast<std::uint64_t>(request.kind()) | (request.include_released() ? 256 : 0));
  arguments.u64(static_cast<std::uint32_t>(day.year()))
      .u64(static_cast<std::uint32_t>(day.month()));
  arguments.u64(static_cast<std::uint32_t>(day.day())).raw(request.zone());
  return core_.cached<ListDayResponse>(
      METHOD_SCHEDULING_LIST_DAY, context, arguments.view(),
      [&](engine::Reader& reader) { return read_day(core_, context, reader, request); });
}

Result<AppointmentHistoryResponse> Scheduling::history(
    const CallContext& context, const AppointmentHistoryRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_SCHEDULING_HISTORY, context, request.id()));
  RETURN_IF_ERROR(id_from_bytes(request.id(), "id").status());
  ASSIGN_OR_RETURN(const std::unique_ptr<engine::Reader> reader,
                   core_.store().view(context.tenant));
  AppointmentHistoryResponse response;
  RETURN_IF_ERROR(read_history(*reader, appointments_table(), request.id(), request.limit(),
                               &GetAppointmentResponse::mutable_appointment,
                               *response.mutable_versions()));
  return response;
}

}  // namespace clinicdb::clinic
