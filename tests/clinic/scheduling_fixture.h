// Desk: a clinic with two professionals, two rooms and two patients, and short ways to book.
#pragma once

#include <string>

#include "clinic_fixture.h"

namespace clinicdb::clinic {

constexpr std::int64_t kMinute = 60'000'000;
constexpr std::int64_t kHour = 60 * kMinute;
constexpr std::int64_t kDay = 24 * kHour;

class Desk {
 public:
  Desk()
      : site(clinic.clinic_site("centro")),
        lia(clinic.professional("Dra. Lia")),
        rui(clinic.professional("Dr. Rui")),
        room1(clinic.room("Sala 1")),
        room2(clinic.room("Sala 2")),
        ana(clinic.patient("Ana")),
        bia(clinic.patient("Bia")) {
    clinic.clock().set_wall(Time{utc_us(2026, 3, 1, 12)});
  }

  BookAppointmentRequest booking(const std::string& professional, const std::string& room,
                                 const std::string& patient, std::int64_t start_us,
                                 std::int64_t minutes = 30) const {
    BookAppointmentRequest request;
    Appointment& appointment = *request.mutable_appointment();
    appointment.set_clinic_id(site);
    appointment.set_professional_id(professional);
    appointment.set_room_id(room);
    appointment.set_patient_id(patient);
    appointment.set_start_us(start_us);
    appointment.set_end_us(minutes == 0 ? 0 : start_us + minutes * kMinute);
    appointment.set_title("Limpeza de pele");
    return request;
  }
  Result<BookAppointmentResponse> book(const BookAppointmentRequest& request) {
    return clinic->scheduling().book(clinic.context(), request);
  }
  std::string booked(const BookAppointmentRequest& request) {
    return must(book(request)).result().id();
  }
  Result<ChangeAppointmentStatusResponse> change(const std::string& id, AppointmentStatus status) {
    ChangeAppointmentStatusRequest request;
    request.set_id(id);
    request.set_status(status);
    return clinic->scheduling().change_status(clinic.context(), request);
  }
  Result<RescheduleAppointmentResponse> move(const std::string& id, std::int64_t start_us) {
    RescheduleAppointmentRequest request;
    request.set_id(id);
    request.set_start_us(start_us);
    return clinic->scheduling().reschedule(clinic.context(), request);
  }
  CancelAppointmentRequest cancellation(const std::string& id) const {
    CancelAppointmentRequest request;
    request.set_id(id);
    request.set_reason("viagem");
    request.set_by(Appointment::Cancellation::BY_PATIENT);
    return request;
  }
  Result<CancelAppointmentResponse> cancel(const std::string& id) {
    return clinic->scheduling().cancel(clinic.context(), cancellation(id));
  }
  Appointment appointment(const std::string& id) {
    return must(clinic->scheduling().get(clinic.context(), Uuid::from_bytes(id)))->appointment();
  }
  ListDayRequest day_of(ResourceKind kind, const std::string& id, const Date& day) const {
    ListDayRequest request;
    request.set_kind(kind);
    request.set_id(id);
    *request.mutable_day() = day;
    return request;
  }
  std::shared_ptr<const ListDayResponse> list(const ListDayRequest& request) {
    return must(clinic->scheduling().list_day(clinic.context(), request));
  }
  /// A service of 30 minutes.
  std::string service(std::string_view name, FunctionRef<void(Service&)> describe) {
    PutServiceRequest request;
    request.mutable_service()->set_name(std::string(name));
    request.mutable_service()->set_duration_minutes(30);
    describe(*request.mutable_service());
    return must(clinic->catalogue().put_service(clinic.context(), request)).result().id();
  }
  std::string equipment(std::string_view name, std::uint32_t units) {
    PutEquipmentRequest request;
    request.mutable_equipment()->set_name(std::string(name));
    request.mutable_equipment()->set_units(units);
    return must(clinic->catalogue().put_equipment(clinic.context(), request)).result().id();
  }
  /// Monday to Friday, nine to twelve and thirteen to eighteen.
  std::string hours(ResourceKind kind, const std::string& id) {
    PutHoursRequest request;
    Hours& hours = *request.mutable_hours();
    hours.set_kind(kind);
    hours.set_resource_id(id);
    for (std::uint32_t weekday = 1; weekday <= 5; ++weekday) {
      WeeklyHours& stretch = *hours.add_weekly();
      stretch.set_weekday(weekday);
      stretch.set_from_minute(9 * 60);
      stretch.set_until_minute(18 * 60);
    }
    WeeklyHours& lunch = *hours.add_breaks();
    lunch.set_from_minute(12 * 60);
    lunch.set_until_minute(13 * 60);
    return must(clinic->availability().put_hours(clinic.context(), request)).result().id();
  }
  std::uint64_t problems() { return must(clinic->store().verify({})).problem_count; }

  ClinicFixture clinic;
  std::string site, lia, rui, room1, room2, ana, bia;
  std::int64_t nine = utc_us(2026, 3, 2, 12);  // nine o'clock in São Paulo, a Monday
};

}  // namespace clinicdb::clinic
