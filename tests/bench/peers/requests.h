// Calls as ClinicDB's requests.
#pragma once

#include "bench/peers/calls.h"
#include "clinicdb/clinic/schema/appointment.pb.h"
#include "clinicdb/clinic/schema/availability.pb.h"
#include "clinicdb/clinic/schema/patient.pb.h"

namespace clinicdb::bench {

inline std::string bytes_of(const Uuid& id) { return std::string(id.view()); }

inline clinic::GetPatientRequest get_request(const Call& call) {
  clinic::GetPatientRequest request;
  request.set_id(bytes_of(patient_id(call.tenant, call.patient)));
  return request;
}
inline clinic::FindPatientByCpfRequest cpf_request(const Call& call) {
  clinic::FindPatientByCpfRequest request;
  request.set_cpf(cpf_of(call.tenant, call.patient));
  return request;
}
inline clinic::SearchPatientsRequest search_request(const Call& call) {
  clinic::SearchPatientsRequest request;
  request.set_text(name_probe(call.number, call.patient));
  request.set_limit(20);
  return request;
}
inline clinic::ListDayRequest day_request(const Call& call) {
  const std::chrono::sys_days day(
      std::chrono::floor<std::chrono::days>(std::chrono::microseconds(call.day_us)));
  const std::chrono::year_month_day date(day);
  clinic::ListDayRequest request;
  request.set_kind(clinic::RESOURCE_KIND_PROFESSIONAL);
  request.set_id(bytes_of(professional_id(call.tenant, call.professional)));
  request.mutable_day()->set_year(static_cast<int>(date.year()));
  request.mutable_day()->set_month(static_cast<int>(static_cast<unsigned>(date.month())));
  request.mutable_day()->set_day(static_cast<int>(static_cast<unsigned>(date.day())));
  return request;
}
inline clinic::FindSlotsRequest slots_request(const Call& call) {
  clinic::FindSlotsRequest request;
  request.set_clinic_id(bytes_of(site_id(call.tenant)));
  request.add_professional_ids(bytes_of(professional_id(call.tenant, call.professional)));
  request.set_from_us(call.day_us + kPeerDayUs / 2);
  request.set_until_us(call.day_us + kPeerDayUs / 2 + kQuartersADay * kQuarterUs);
  request.set_duration_minutes(15);
  request.set_step_minutes(15);
  return request;
}
inline clinic::UpdatePatientRequest update_request(const Call& call) {
  clinic::UpdatePatientRequest request;
  clinic::Patient& patient = *request.mutable_patient();
  patient = patient_record(call.tenant, call.patient);
  patient.mutable_telecom(0)->set_value(changed_phone(call.number));
  patient.mutable_addresses(0)->set_lines(0, changed_street(call.number));
  return request;
}
inline clinic::BookAppointmentRequest book_request(const Call& call) {
  clinic::BookAppointmentRequest request;
  *request.mutable_appointment() = appointment_record(call.tenant, call.place);
  return request;
}

}  // namespace clinicdb::bench
