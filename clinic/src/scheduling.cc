#include "clinicdb/clinic/scheduling.h"

#include <array>
#include <utility>

#include "clinicdb/clinic/check.h"
#include "clinicdb/clinic/identity.h"
#include "clinicdb/clinic/tables.h"
#include "clinicdb/engine/key.h"
#include "core.h"
#include "day_list.h"
#include "fhir/merge.h"
#include "zones.h"

namespace clinicdb::clinic {

namespace {

using Found = std::shared_ptr<const GetAppointmentResponse>;

constexpr std::string_view kNoun = "appointment";

struct ClaimedResource {
  ResourceKind kind;
  std::string_view what;
  std::string_view field;
  const std::string& id;
};

std::array<ClaimedResource, 3> claimed_resources(const Appointment& appointment) {
  return {{{RESOURCE_KIND_PROFESSIONAL, "professional", "appointment.professional_id",
            appointment.professional_id()},
           {RESOURCE_KIND_ROOM, "room", "appointment.room_id", appointment.room_id()},
           {RESOURCE_KIND_PATIENT, "patient", "appointment.patient_id", appointment.patient_id()}}};
}

/// Why a booking was refused, found after the commit's own check said that it is: which resource is
/// taken, and by what. What is in the way is told only to who may read the schedule.
Status explain_conflict(engine::Reader& reader, const Appointment& wanted, bool may_read,
                        Status refusal) {
  for (const ClaimedResource& resource : claimed_resources(wanted)) {
    if (resource.id.empty()) continue;
    Status taken;
    RETURN_IF_ERROR(
        reader
            .scan_claims(appointments_table().def(), AppointmentIndex::kClaims,
                         resource_key(resource.kind, resource.id), Time{wanted.start_us()},
                         Time{wanted.end_us()}, {},
                         [&](const engine::IndexEntry& entry) {
                           if (entry.record_key == wanted.id()) return true;
                           std::string message = "the " + std::string(resource.what) + " is taken";
                           std::string_view start_bytes = entry.key.substr(entry.key.size() - 8);
                           Time start;
                           if (may_read && engine::Key::take_time(start_bytes, start)) {
                             message += " from " + format_utc(start) + " to " +
                                        format_utc(entry.end) + " by appointment " +
                                        Uuid::from_bytes(entry.record_key).to_string();
                           }
                           taken =
                               failed_precondition(std::move(message)).with_field(resource.field);
                           return false;
                         })
            .status());
    if (!taken.ok()) return taken;
  }
  return refusal;
}

template <class R>
Status must_exist(engine::Reader& reader, const engine::Table<R>& table, const std::string& id,
                  std::string_view field) {
  if (id.empty()) return {};
  ASSIGN_OR_RETURN(const std::optional<engine::RawRecord> found, reader.get(table.def(), id));
  if (found) return {};
  return not_found(std::string(field) + ": no such record").with_field(field);
}

/// On the caller's thread. Clinics, professionals and rooms are never removed, so that this is
/// enough for them.
Status check_references(engine::Reader& reader, const Appointment& appointment) {
  RETURN_IF_ERROR(
      must_exist(reader, clinics_table(), appointment.clinic_id(), "appointment.clinic_id"));
  RETURN_IF_ERROR(must_exist(reader, professionals_table(), appointment.professional_id(),
                             "appointment.professional_id"));
  RETURN_IF_ERROR(
      must_exist(reader, locations_table(), appointment.room_id(), "appointment.room_id"));
  return must_exist(reader, patients_table(), appointment.patient_id(), "appointment.patient_id");
}

void describe(const Appointment& appointment, EventPayload& payload) {
  payload.set_patient_id(appointment.patient_id());
  payload.set_professional_id(appointment.professional_id());
  payload.set_start_us(appointment.start_us());
}

Status check_cancellable(AppointmentStatus status) {
  switch (status) {
    case APPOINTMENT_STATUS_BOOKED:
    case APPOINTMENT_STATUS_CONFIRMED:
    case APPOINTMENT_STATUS_ARRIVED:
      return {};
    default:
      return failed_precondition("an appointment that is " + AppointmentStatus_Name(status) +
                                 " cannot be cancelled")
          .with_field("appointment.status");
  }
}

}  // namespace

Result<BookAppointmentResponse> Scheduling::book(const CallContext& context,
                                                 BookAppointmentRequest request) const {
  Appointment& appointment = *request.mutable_appointment();
  RETURN_IF_ERROR(core_.authorise(METHOD_SCHEDULING_BOOK, context, appointment.id()));
  const std::uint64_t hash = request_hash(context, METHOD_SCHEDULING_BOOK, request);
  if (appointment.id().empty()) appointment.set_id(std::string(core_.new_id().view()));
  appointment.set_status(APPOINTMENT_STATUS_BOOKED);
  appointment.clear_cancellation();
  RETURN_IF_ERROR(check(appointment));
  {
    ASSIGN_OR_RETURN(const std::unique_ptr<engine::Reader> reader,
                     core_.store().view(context.tenant));
    RETURN_IF_ERROR(check_references(*reader, appointment));
  }
  Result<engine::PreparedRecord> prepared = appointments_table().prepare(appointment);
  if (!prepared) return name_fields(std::move(prepared).error(), kNoun);
  EventPayload payload;
  payload.set_id(appointment.id());
  payload.set_version(1);
  describe(appointment, payload);
  const std::string event = payload.SerializeAsString();
  const bool may_read = context.rights.allows(ACCESS_RIGHT_SCHEDULE_READ);

  Result<BookAppointmentResponse> done = core_.execute<BookAppointmentResponse>(
      context, hash, [&](engine::Transaction& tx, BookAppointmentResponse& response) -> Status {
        // Again in the commit: a patient may be removed, but not one who has an appointment.
        RETURN_IF_ERROR(
            must_exist(tx, patients_table(), appointment.patient_id(), "appointment.patient_id"));
        const Result<engine::PutResult> put = tx.put(*prepared, {std::uint64_t{0}, false});
        if (!put) {
          const bool taken = put.error().code() == StatusCode::kFailedPrecondition &&
                             put.error().field() == "claims";
          return taken ? explain_conflict(tx, appointment, may_read, put.error()) : put.error();
        }
        response.mutable_result()->set_id(appointment.id());
        response.mutable_result()->set_version(put->version);
        return tx.emit(EVENT_APPOINTMENT_SCHEDULED, event);
      });
  if (!done) return name_fields(std::move(done).error(), kNoun);
  return done;
}

Result<CancelAppointmentResponse> Scheduling::cancel(
    const CallContext& context, const CancelAppointmentRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_SCHEDULING_CANCEL, context, request.id()));
  RETURN_IF_ERROR(id_from_bytes(request.id(), "appointment.id").status());
  if (request.reason().size() > kNoteBytesMax) {
    return invalid_argument("reason: at most " + std::to_string(kNoteBytesMax) +
                            " bytes are possible")
        .with_field("reason");
  }
  SaveOptions options{kNoun,
                      Existing::kMustExist,
                      {},
                      request_hash(context, METHOD_SCHEDULING_CANCEL, request),
                      EVENT_APPOINTMENT_CANCELLED,
                      EVENT_APPOINTMENT_CANCELLED};
  if (request.has_expected_version()) options.expected_version = request.expected_version();
  Appointment given;
  given.set_id(request.id());
  return core_.save<CancelAppointmentResponse>(
      context, appointments_table(), given, request.id(), options,
      [&](Appointment& appointment, const Appointment* current) -> Status {
        appointment = *current;
        // With an expected version, the version speaks first: see Transaction::put.
        RETURN_IF_ERROR(check_cancellable(current->status()));
        appointment.set_status(APPOINTMENT_STATUS_CANCELLED);
        Appointment::Cancellation& cancellation = *appointment.mutable_cancellation();
        cancellation.set_reason(request.reason());
        cancellation.set_by(request.by());
        if (!context.user.is_nil()) cancellation.set_user_id(std::string(context.user.view()));
        cancellation.set_time_us(core_.clock().now().us);
        return fhir::merge(appointment);
      },
      [](engine::Transaction&) { return Status(); }, &describe);
}

Result<Found> Scheduling::get(const CallContext& context, const Uuid& id) const {
  const std::string_view key = id.view();
  RETURN_IF_ERROR(core_.authorise(METHOD_SCHEDULING_GET, context, key));
  return core_.cached<GetAppointmentResponse>(
      METHOD_SCHEDULING_GET, context, key,
      [&](engine::Reader& reader) -> Result<Filled<GetAppointmentResponse>> {
        ASSIGN_OR_RETURN(Found answer, read_answer<GetAppointmentResponse>(
                                           reader, appointments_table(), key,
                                           &GetAppointmentResponse::mutable_appointment));
        return Filled<GetAppointmentResponse>{
            std::move(answer),
            {engine::cache_tag_record(reader.tenant(), appointments_table().def().id, key)}};
      });
}

Result<Found> Scheduling::get(const CallContext& context,
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
      [&](engine::Reader& reader) { return read_day(reader, request); });
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
