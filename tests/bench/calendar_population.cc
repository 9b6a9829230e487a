#include "bench/calendar_population.h"

namespace clinicdb::bench {

Result<Practice> make_practice(clinic::Clinic& clinic, const std::string& slug,
                               std::size_t professionals) {
  ASSIGN_OR_RETURN(const engine::TenantInfo tenant, clinic.store().create_tenant(slug));
  return fill_practice(clinic, clinic::CallContext::system(tenant.id), professionals);
}

Result<Practice> fill_practice(clinic::Clinic& clinic, const clinic::CallContext& context,
                               std::size_t professionals) {
  Practice practice{context, context, {}, {}, {}, {}};
  practice.uncached.use_cache = false;
  clinic::PutClinicRequest site;
  site.mutable_clinic()->set_slug("centro");
  site.mutable_clinic()->set_name("Centro");
  site.mutable_clinic()->set_zone("UTC");
  ASSIGN_OR_RETURN(const auto put_site, clinic.people().put_clinic(practice.context, site));
  practice.site = put_site.result().id();
  for (std::size_t i = 0; i < professionals; ++i) {
    clinic::PutProfessionalRequest professional;
    professional.mutable_professional()->add_names()->set_text("Dra. " + std::to_string(i));
    ASSIGN_OR_RETURN(const auto put,
                     clinic.people().put_professional(practice.context, professional));
    practice.professionals.push_back(put.result().id());
    clinic::PutLocationRequest room;
    room.mutable_location()->set_name("Sala " + std::to_string(i));
    room.mutable_location()->set_bookable(true);
    ASSIGN_OR_RETURN(const auto put_room, clinic.people().put_location(practice.context, room));
    practice.rooms.push_back(put_room.result().id());
    clinic::PutHoursRequest hours;
    hours.mutable_hours()->set_kind(clinic::RESOURCE_KIND_PROFESSIONAL);
    hours.mutable_hours()->set_resource_id(put.result().id());
    for (std::uint32_t weekday = 1; weekday <= 6; ++weekday) {
      clinic::WeeklyHours& stretch = *hours.mutable_hours()->add_weekly();
      stretch.set_weekday(weekday);
      stretch.set_from_minute(8 * 60);
      stretch.set_until_minute(18 * 60);
    }
    RETURN_IF_ERROR(clinic.availability().put_hours(practice.context, hours).status());
  }
  return practice;
}

clinic::BookAppointmentRequest make_booking(const Practice& practice, std::size_t professional,
                                            std::int64_t first_us, std::size_t slot,
                                            const std::string& patient) {
  clinic::BookAppointmentRequest request;
  clinic::Appointment& appointment = *request.mutable_appointment();
  appointment.set_clinic_id(practice.site);
  appointment.set_professional_id(practice.professionals[professional]);
  appointment.set_room_id(practice.rooms[professional]);
  appointment.set_patient_id(patient);
  appointment.set_start_us(first_us + static_cast<std::int64_t>(slot / kSlotsADay) * kDayUs +
                           static_cast<std::int64_t>(slot % kSlotsADay) * 30 * kMinuteUs);
  appointment.set_end_us(appointment.start_us() + 30 * kMinuteUs);
  appointment.set_title("Limpeza de pele");
  return request;
}

}  // namespace clinicdb::bench
