#include <catch2/catch.hpp>
#include <string>

#include "clinicdb/clinic/identity.h"
#include "fhir/json_tree.h"
#include "fhir/merge.h"
#include "fhir/resource.h"

using namespace clinicdb;
using namespace clinicdb::clinic;
using namespace clinicdb::clinic::fhir;

namespace {

// The record that an import makes of `json`, which is minified.
template <class Message>
Message imported(const std::string& json) {
  JsonTree tree;
  REQUIRE(tree.parse_copy(json).ok());
  REQUIRE(tree.minified(tree.root()) == json);
  const ResourceType type = *read_resource_type(tree.root());
  Result<AnyRecord> record = read_resource(tree.root(), type, *identity_of(type, "x"), {});
  if (!record) FAIL(record.error().to_string());
  set_body(*record, json);
  return std::get<Message>(*record);
}

template <class Message>
std::string merged(Message message) {
  const Status status = merge(message);
  INFO(status.to_string());
  REQUIRE(status.ok());
  return message.fhir();
}

}  // namespace

TEST_CASE("merge: a record that was not edited keeps its body to the byte") {
  const std::string json =
      R"({"resourceType":"Patient","name":[{"_family":{"id":"x"}},{"text":"Ana"}],"x":[1.0,2e3],)"
      R"("identifier":[{"type":{"coding":[{"code":"MR"}]},"system":"s","value":"1"},)"
      R"({"value":"2"}],)"
      R"("telecom":[{"system":"phone","value":"(27) 99876-5432"}],"deceasedBoolean":false})";
  REQUIRE(merged(imported<Patient>(json)) == json);
  Patient none;
  REQUIRE(merge(none).ok());
  REQUIRE(none.fhir().empty());
}

TEST_CASE("merge: a changed identifier is edited in its place, what stands beside it stays") {
  auto patient = imported<Patient>(
      R"({"resourceType":"Patient","identifier":[{"period":{"start":"2010"},"system":"s",)"
      R"("value":"1"},)"
      R"({"type":{"coding":[{"code":"MR"}]},"system":"m","value":"2","assigner":{"display":"a"}},)"
      R"({"system":"t","value":"3"}]})");
  patient.mutable_mrn(0)->set_value("20");
  patient.mutable_identifiers()->DeleteSubrange(1, 1);
  patient.set_cns("700501941520956");
  REQUIRE(
      merged(patient) ==
      R"({"resourceType":"Patient","identifier":[{"period":{"start":"2010"},"system":"s",)"
      R"("value":"1"},)"
      R"({"type":{"coding":[{"code":"MR"}]},"system":"m","value":"20","assigner":{"display":"a"}},)"
      R"({"use":"official","type":{"coding":[{"system":)"
      R"("http://terminology.hl7.org/CodeSystem/v2-0203","code":"HC"}]},)"
      R"("system":"http://rnds.saude.gov.br/fhir/r4/NamingSystem/cns",)"
      R"("value":"700501941520956"}]})");
}

TEST_CASE("merge: names that change places keep what they carry") {
  auto patient = imported<Patient>(
      R"({"resourceType":"Patient","name":[{"text":"A","period":{"end":"2000"}},{"text":"B",)"
      R"("id":"b"}]})");
  patient.mutable_names()->SwapElements(0, 1);
  REQUIRE(merged(patient) ==
          R"({"resourceType":"Patient","name":[{"text":"B","id":"b"},{"text":"A",)"
          R"("period":{"end":"2000"}}]})");
  patient.mutable_names()->Clear();
  REQUIRE(merged(patient) == R"({"resourceType":"Patient"})");
}

TEST_CASE("merge: death is told by one element, never by two") {
  auto patient =
      imported<Patient>(R"({"resourceType":"Patient","deceasedBoolean":false,"id":"x"})");
  patient.set_deceased(true);
  patient.mutable_deceased_date()->set_year(2020);
  REQUIRE(merged(patient) == R"({"resourceType":"Patient","id":"x","deceasedDateTime":"2020"})");
}

TEST_CASE("merge: organisations, places and appointments take their edits") {
  auto organization =
      imported<Organization>(R"({"resourceType":"Organization","name":"A","alias":["B","C"]})");
  organization.set_name("Ábaco");
  organization.set_inactive(true);
  organization.mutable_aliases()->RemoveLast();
  REQUIRE(merged(organization) ==
          R"({"resourceType":"Organization","name":"Ábaco","alias":["B"],"active":false})");

  auto location = imported<Location>(
      R"({"resourceType":"Location","status":"active","address":{"city":"A","x":1.0}})");
  location.set_inactive(true);
  location.mutable_address()->set_city("B");
  REQUIRE(merged(location) ==
          R"({"resourceType":"Location","status":"inactive","address":{"city":"B","x":1.0}})");

  auto appointment = imported<Appointment>(
      R"({"resourceType":"Appointment","status":"booked","start":"2025-01-01T07:00:00-03:00",)"
      R"("end":"2025-01-01T10:30:00Z","participant":[{"actor":{"reference":"Practitioner/d"}}]})");
  appointment.set_status(APPOINTMENT_STATUS_CANCELLED);
  appointment.mutable_cancellation()->set_reason("chuva");
  REQUIRE(
      merged(appointment) ==
      R"({"resourceType":"Appointment","status":"cancelled","start":"2025-01-01T07:00:00-03:00",)"
      R"("end":"2025-01-01T10:30:00Z","participant":[{"actor":{"reference":"Practitioner/d"}}],)"
      R"("cancelationReason":{"text":"chuva"}})");
}

TEST_CASE("merge: a clinical record takes status, time and code; whose it is cannot change") {
  auto record = imported<ClinicalRecord>(
      R"({"resourceType":"Observation","status":"preliminary","code":{"coding":[{"code":"1",)"
      R"("x":1},)"
      R"({"code":"2"}],"text":"t"},"subject":{"reference":"Patient/p"},"effectiveDateTime":"2020",)"
      R"("valueQuantity":{"value":1.10}})");
  record.set_status("final");
  record.mutable_code()->set_code("9");
  record.set_time_us(0);
  REQUIRE(merged(record) ==
          R"({"resourceType":"Observation","status":"final","code":{"coding":[{"code":"9","x":1},)"
          R"({"code":"2"}],"text":"t"},"subject":{"reference":"Patient/p"},)"
          R"("effectiveDateTime":"1970-01-01T00:00:00Z","valueQuantity":{"value":1.10}})");
  record.set_patient_id(std::string(16, 'x'));
  REQUIRE(merge(record).field() == "record.patient_id");
}

TEST_CASE("merge: a body that cannot be read is refused, and the edit not lost") {
  auto patient = imported<Patient>(R"({"resourceType":"Patient","gender":"male"})");
  patient.set_fhir("{");
  patient.set_gender(GENDER_FEMALE);
  REQUIRE(merge(patient).code() == StatusCode::kInvalidArgument);
  REQUIRE(merge(patient).field() == "fhir");
}
