#include "clinic_fixture.h"

#include <chrono>

namespace clinicdb::clinic {

ClinicFixture::ClinicFixture(ClinicOptions options) : options_(std::move(options)) {
  options_.store.clock = &clock_;
  options_.store.log_segment_bytes = std::size_t{4} << 20;
  options_.store.disk_reserve_bytes = std::size_t{1} << 20;
  reopen();
  tenant_ = new_tenant("sorriso").tenant;
}

void ClinicFixture::reopen() {
  reached_.reset();
  clinic_.reset();
  clinic_ = must(Clinic::open(directory_.path("store"), options_));
  reached_ = std::make_unique<ReachedClinic>(*clinic_, clock_);
}

CallContext ClinicFixture::new_tenant(std::string_view slug) {
  CreateTenantRequest request;
  request.set_slug(std::string(slug));
  const CreateTenantResponse made =
      must(reached_->tenants().create(CallContext::system(TenantId{}), request));
  return CallContext::system(TenantId{made.tenant().number()});
}

std::string ClinicFixture::patient(std::string_view name) {
  RegisterPatientRequest request;
  *request.mutable_patient() = make_patient(name);
  return must(reached_->patients().register_patient(context(), request)).result().id();
}

std::string ClinicFixture::professional(std::string_view name) {
  PutProfessionalRequest request;
  request.mutable_professional()->add_names()->set_text(std::string(name));
  return must(reached_->people().put_professional(context(), request)).result().id();
}

std::string ClinicFixture::room(std::string_view name) {
  PutLocationRequest request;
  request.mutable_location()->set_name(std::string(name));
  request.mutable_location()->set_bookable(true);
  return must(reached_->people().put_location(context(), request)).result().id();
}

std::string ClinicFixture::clinic_site(std::string_view slug, std::string_view zone) {
  PutClinicRequest request;
  request.mutable_clinic()->set_slug(std::string(slug));
  request.mutable_clinic()->set_name(std::string(slug));
  request.mutable_clinic()->set_zone(std::string(zone));
  return must(reached_->people().put_clinic(context(), request)).result().id();
}

Patient make_patient(std::string_view name, std::string_view cpf) {
  Patient patient;
  patient.add_names()->set_text(std::string(name));
  patient.set_cpf(std::string(cpf));
  return patient;
}

Date make_date(int year, int month, int day) {
  Date date;
  date.set_year(year);
  date.set_month(month);
  date.set_day(day);
  return date;
}

std::int64_t utc_us(int year, int month, int day, int hour, int minute) {
  const std::chrono::sys_days date = std::chrono::year(year) / month / day;
  const auto time = date + std::chrono::hours(hour) + std::chrono::minutes(minute);
  return std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
}

}  // namespace clinicdb::clinic
