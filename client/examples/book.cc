// Registers a patient and books a visit, from a program that waits for each answer.
//
//   CLINICDB_API_KEY=... book localhost:7878 sorriso PROFESSIONAL_ID CLINIC_ID
#include <clinicdb/client/client.h>

#include <cstdio>
#include <cstdlib>

using namespace clinicdb;          // NOLINT
using namespace clinicdb::clinic;  // NOLINT

namespace {

// [example]
Status book(const std::string& endpoint, const std::string& tenant, const Uuid& professional,
            const Uuid& site) {
  client::ClientOptions options;
  options.endpoints = {endpoint};
  options.tenant = tenant;
  if (const char* key = std::getenv("CLINICDB_API_KEY")) options.api_key = key;
  ASSIGN_OR_RETURN(const auto client, client::Client::connect(options));

  RegisterPatientRequest patient;
  patient.mutable_patient()->add_names()->set_text("Ana Conceição Souza");
  ASSIGN_OR_RETURN(const auto ana, client->patients().register_patient(patient));

  BookAppointmentRequest visit;  // half an hour, from 2026-03-02 12:00 UTC
  visit.mutable_appointment()->set_patient_id(ana.result().id());
  visit.mutable_appointment()->set_professional_id(std::string(professional.view()));
  visit.mutable_appointment()->set_clinic_id(std::string(site.view()));
  visit.mutable_appointment()->set_start_us(1'772'452'800'000'000);
  visit.mutable_appointment()->set_end_us(1'772'454'600'000'000);
  // Durable when it returns; a lost connection in between is repaired, and nothing is booked twice.
  return client->scheduling().book(visit).status();
}
// [end]

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::printf("usage: %s HOST:PORT TENANT PROFESSIONAL_ID CLINIC_ID\n", argv[0]);
    return 2;
  }
  const Result<Uuid> professional = Uuid::parse(argv[3]);
  const Result<Uuid> site = Uuid::parse(argv[4]);
  if (!professional || !site) {
    std::printf("an id is 36 characters with dashes\n");
    return 2;
  }
  const Status status = book(argv[1], argv[2], *professional, *site);
  std::printf("%s\n", status.to_string().c_str());
  return status.ok() ? 0 : 1;
}
