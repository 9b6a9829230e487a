#include "scheduling/booking.h"

#include "check_parts.h"
#include "clinicdb/clinic/tables.h"
#include "record_calls.h"
#include "scheduling/claims.h"
#include "scheduling/clinic_zone.h"
#include "scheduling/working_hours.h"

namespace clinicdb::clinic {

namespace {

Status no_such(std::string_view field) {
  return not_found(std::string(field) + ": no such record").with_field(field);
}

/// Through the kept answer of the method that gets such records, which bookings keep warm.
template <class Response, class R>
Result<std::shared_ptr<const Response>> kept_record(const Core& core, const CallContext& context,
                                                    MethodId method, const engine::Table<R>& table,
                                                    const std::string& id, R* (Response::*part)()) {
  return core.cached<Response>(method, context, id, [&](engine::Reader& reader) {
    return fill_record(reader, table, id, part, context.use_cache);
  });
}

template <class Response, class R>
Status must_exist(const Core& core, const CallContext& context, MethodId method,
                  const engine::Table<R>& table, const std::string& id, R* (Response::*part)(),
                  std::string_view field) {
  if (id.empty()) return {};
  ASSIGN_OR_RETURN(const std::shared_ptr<const Response> found,
                   (kept_record<Response>(core, context, method, table, id, part)));
  return found != nullptr ? Status() : no_such(field);
}

Status check_place(engine::Reader& reader, const WorkPlace& place, const Zone& zone, TimeSpan span,
                   std::string_view what, std::string_view field) {
  if (place.resource_id.empty()) return {};
  ASSIGN_OR_RETURN(const WorkingHours hours, working_hours(reader, place, zone, span));
  if (!hours.kept && place.kind != RESOURCE_KIND_PROFESSIONAL) return {};
  if (subtract_spans({span}, hours.stretches).empty()) return {};
  return failed_precondition("the " + std::string(what) + " does not work at that time")
      .with_field(field);
}

}  // namespace

void clear_given(const Core& core, Appointment& appointment) {
  if (appointment.id().empty()) appointment.set_id(std::string(core.new_id().view()));
  appointment.clear_cancellation();
  appointment.clear_overbooking();
  appointment.clear_equipment_units();
  appointment.clear_seat();
  appointment.clear_series_id();
  appointment.clear_series_number();
  appointment.clear_hold_until_us();
  appointment.clear_hold_owner();
  appointment.clear_waitlist_id();
  appointment.clear_arrived_us();
  appointment.clear_started_us();
  appointment.clear_completed_us();
}

Status fill_from_service(const Core& core, const CallContext& context, Appointment& appointment) {
  if (appointment.service_id().empty()) return {};
  RETURN_IF_ERROR(id_from_bytes(appointment.service_id(), "appointment.service_id").status());
  ASSIGN_OR_RETURN(const std::shared_ptr<const GetServiceResponse> found,
                   kept_record<GetServiceResponse>(core, context, METHOD_CATALOGUE_GET_SERVICE,
                                                   services_table(), appointment.service_id(),
                                                   &GetServiceResponse::mutable_service));
  if (found == nullptr) return no_such("appointment.service_id");
  const Service& service = found->service();
  if (service.inactive()) {
    return failed_precondition("the service is no longer offered")
        .with_field("appointment.service_id");
  }
  if (appointment.end_us() == 0)
    appointment.set_end_us(appointment.start_us() + service.duration_minutes() * kMinuteUs);
  if (appointment.title().empty()) {
    const std::string_view title = cut_text(service.name(), kTitleBytesMax);
    appointment.set_title(title.data(), title.size());
  }
  if (!appointment.session_id().empty()) return {};
  appointment.set_buffer_before_minutes(service.buffer_before_minutes());
  appointment.set_buffer_after_minutes(service.buffer_after_minutes());
  if (appointment.equipment_ids().empty())
    *appointment.mutable_equipment_ids() = service.equipment_ids();
  if (service.capacity() > 1) appointment.set_capacity(service.capacity());
  if (service.needs_room() && appointment.room_id().empty())
    return refuse("appointment.room_id", "the service takes a room");
  return {};
}

Status check_references(const Core& core, const CallContext& context,
                        const Appointment& appointment) {
  RETURN_IF_ERROR(must_exist(core, context, METHOD_PEOPLE_GET_CLINIC, clinics_table(),
                             appointment.clinic_id(), &GetClinicResponse::mutable_clinic,
                             "appointment.clinic_id"));
  RETURN_IF_ERROR(must_exist(core, context, METHOD_PEOPLE_GET_PROFESSIONAL, professionals_table(),
                             appointment.professional_id(),
                             &GetProfessionalResponse::mutable_professional,
                             "appointment.professional_id"));
  return must_exist(core, context, METHOD_PEOPLE_GET_LOCATION, locations_table(),
                    appointment.room_id(), &GetLocationResponse::mutable_location,
                    "appointment.room_id");
}

Status check_within_hours(const Core& core, const CallContext& context,
                          const Appointment& appointment) {
  ASSIGN_OR_RETURN(const std::unique_ptr<engine::Reader> reader, core.store().view(context.tenant));
  std::vector<engine::CacheTag> unused;
  ASSIGN_OR_RETURN(const std::string name, zone_for(*reader, {}, appointment.clinic_id(), unused));
  ASSIGN_OR_RETURN(const Zone zone, Zone::find(name, "zone"));
  const TimeSpan span = claimed_span(appointment);
  RETURN_IF_ERROR(check_place(
      *reader, {RESOURCE_KIND_PROFESSIONAL, appointment.professional_id(), appointment.clinic_id()},
      zone, span, "professional", "appointment.professional_id"));
  return check_place(*reader, {RESOURCE_KIND_ROOM, appointment.room_id(), appointment.clinic_id()},
                     zone, span, "room", "appointment.room_id");
}

Status check_overbook_right(const CallContext& context, bool overbook) {
  if (!overbook || context.rights.allows(ACCESS_RIGHT_SCHEDULE_OVERBOOK)) return {};
  return permission_denied("overbooking takes the right ACCESS_RIGHT_SCHEDULE_OVERBOOK")
      .with_field("overbook");
}

}  // namespace clinicdb::clinic
