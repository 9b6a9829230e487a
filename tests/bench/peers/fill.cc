// Fills a server through its own protocol, many requests in flight.
#include <atomic>
#include <thread>

#include "bench/peers/clinicdb_line.h"
#include "bench/peers/requests.h"
#include "clinicdb/clinic/schema/people.pb.h"
#include "clinicdb/clinic/schema/tenant.pb.h"

namespace clinicdb::bench {

namespace {

constexpr std::uint32_t kInFlight = 128;

/// Sends requests over a line, so many in flight, and stops at the first that is refused.
class Filler {
 public:
  explicit Filler(std::uint16_t port) : line_(port, false) {}
  Status hello(const std::string& tenant) { return line_.hello(tenant); }

  Status add(clinic::MethodId method, const google::protobuf::MessageLite& request) {
    line_.add_request(++last_, method, request);
    ++in_flight_;
    return in_flight_ < kInFlight ? Status() : wait(kInFlight / 2);
  }
  /// Until no more than `left` are in flight.
  Status wait(std::uint32_t left) {
    RETURN_IF_ERROR(line_.flush());
    Status refused;
    while (in_flight_ > left) {
      RETURN_IF_ERROR(line_.receive([&](std::uint32_t, const Status& status) {
        --in_flight_;
        if (!status.ok() && refused.ok()) refused = status;
      }));
      if (!refused.ok()) return refused;
    }
    return Status();
  }

 private:
  ClinicdbLine line_;
  std::uint32_t last_ = 0;
  std::uint32_t in_flight_ = 0;
};

clinic::PutHoursRequest hours_of(std::uint32_t tenant, std::uint32_t professional) {
  clinic::PutHoursRequest request;
  clinic::Hours& hours = *request.mutable_hours();
  hours.set_kind(clinic::RESOURCE_KIND_PROFESSIONAL);
  hours.set_resource_id(bytes_of(professional_id(tenant, professional)));
  hours.set_zone("UTC");
  for (std::uint32_t weekday = 1; weekday <= 7; ++weekday) {
    clinic::WeeklyHours& stretch = *hours.add_weekly();
    stretch.set_weekday(weekday);
    stretch.set_from_minute(12 * 60);
    stretch.set_until_minute(12 * 60 + kQuartersADay * 15);
  }
  return request;
}

Status fill_staff(Filler& filler, const Clinics& clinics, std::uint32_t tenant) {
  clinic::PutClinicRequest site;
  site.mutable_clinic()->set_id(bytes_of(site_id(tenant)));
  site.mutable_clinic()->set_slug("centro");
  site.mutable_clinic()->set_name("Centro");
  RETURN_IF_ERROR(filler.add(clinic::METHOD_PEOPLE_PUT_CLINIC, site));
  RETURN_IF_ERROR(filler.wait(0));
  for (std::uint32_t i = 0; i < clinics.professionals; ++i) {
    clinic::PutProfessionalRequest put;
    put.mutable_professional()->set_id(bytes_of(professional_id(tenant, i)));
    put.mutable_professional()->add_names()->set_text("Doutora Ana Souza");
    RETURN_IF_ERROR(filler.add(clinic::METHOD_PEOPLE_PUT_PROFESSIONAL, put));
  }
  RETURN_IF_ERROR(filler.wait(0));
  for (std::uint32_t i = 0; i < clinics.professionals; ++i)
    RETURN_IF_ERROR(filler.add(clinic::METHOD_AVAILABILITY_PUT_HOURS, hours_of(tenant, i)));
  return filler.wait(0);
}

Status fill_tenant(const Clinics& clinics, std::uint16_t port, std::uint32_t tenant) {
  Filler store(port);
  RETURN_IF_ERROR(store.hello(""));
  clinic::CreateTenantRequest create;
  create.set_slug(tenant_slug(tenant));
  RETURN_IF_ERROR(store.add(clinic::METHOD_TENANTS_CREATE, create));
  RETURN_IF_ERROR(store.wait(0));
  Filler filler(port);
  RETURN_IF_ERROR(filler.hello(tenant_slug(tenant)));
  RETURN_IF_ERROR(fill_staff(filler, clinics, tenant));
  for (std::uint32_t i = 0; i < clinics.patients; ++i) {
    clinic::RegisterPatientRequest request;
    *request.mutable_patient() = patient_record(tenant, i);
    RETURN_IF_ERROR(filler.add(clinic::METHOD_PATIENTS_REGISTER, request));
  }
  RETURN_IF_ERROR(filler.wait(0));
  for (std::uint32_t i = 0; i < clinics.appointments; ++i) {
    clinic::BookAppointmentRequest request;
    *request.mutable_appointment() = appointment_record(tenant, place_of(clinics, tenant, i));
    RETURN_IF_ERROR(filler.add(clinic::METHOD_SCHEDULING_BOOK, request));
  }
  return filler.wait(0);
}

}  // namespace

Status fill_server(const Clinics& clinics, std::uint16_t port) {
  constexpr std::size_t kThreads = 2;
  std::atomic<std::uint32_t> next{0};
  std::vector<Status> failed(kThreads);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (std::uint32_t tenant = next++; tenant < clinics.tenants && failed[t].ok();
           tenant = next++)
        failed[t] = fill_tenant(clinics, port, tenant);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (Status& status : failed) RETURN_IF_ERROR(std::move(status));
  return Status();
}

}  // namespace clinicdb::bench
