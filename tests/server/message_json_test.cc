#include "cli/message_json.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "clinicdb/clinic/schema/appointment.pb.h"
#include "clinicdb/clinic/schema/patient.pb.h"
#include "clinicdb/clinic/schema/record.pb.h"

using namespace clinicdb;          // NOLINT
using namespace clinicdb::server;  // NOLINT

TEST_CASE("message_json: ids, days, times and enumerations as text; order as in the schema",
          "[server]") {
  clinic::Appointment appointment;
  appointment.set_id(std::string(16, '\x11'));
  appointment.set_start_us(1'772'452'800'000'000);
  appointment.set_status(clinic::APPOINTMENT_STATUS_NO_SHOW);
  appointment.mutable_cancellation()->set_by(clinic::Appointment::Cancellation::BY_CLINIC);
  CHECK(to_json(appointment).dump() ==
        R"({"id":"11111111-1111-1111-1111-111111111111","start":"2026-03-02T12:00:00Z",)"
        R"("status":"no-show","cancellation":{"by":"clinic"}})");
}

TEST_CASE("message_json: repetitions, nested messages, and no FHIR body", "[server]") {
  clinic::GetPatientResponse response;
  clinic::Patient& patient = *response.mutable_patient();
  patient.set_fhir("{\"resourceType\":\"Patient\"}");
  patient.add_names()->set_text("Inês \"Nê\" Prado");
  patient.mutable_names(0)->add_given("Inês");
  patient.mutable_birth_date()->set_year(1980);
  patient.mutable_birth_date()->set_month(5);
  patient.set_gender(clinic::GENDER_FEMALE);
  response.mutable_meta()->set_version(3);
  CHECK(to_json(response).dump() ==
        R"({"patient":{"names":[{"text":"Inês \"Nê\" Prado","given":["Inês"]}],)"
        R"("birth_date":"1980-05","gender":"female"},"meta":{"version":3}})");
}

TEST_CASE("message_json: resource types have FHIR's names", "[server]") {
  clinic::TimelineItem item;
  item.set_type(clinic::RESOURCE_TYPE_ALLERGY_INTOLERANCE);
  CHECK(to_json(item).dump() == R"({"type":"AllergyIntolerance"})");
}

TEST_CASE("message_json: a cursor goes out as text and comes back the same", "[server]") {
  const std::string cursor("\x00\xff\x10 z", 5);
  CHECK(*parse_cursor(cursor_text(cursor)) == cursor);
  CHECK(parse_cursor("")->empty());
  for (const char* wrong : {"0", "0g", "00 ", "ZZ"}) CHECK_FALSE(parse_cursor(wrong));
}
