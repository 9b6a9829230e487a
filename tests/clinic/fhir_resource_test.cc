#include <catch2/catch.hpp>
#include <string>

#include "clinicdb/clinic/identity.h"
#include "fhir/fhir_time.h"
#include "fhir/resource.h"

using namespace clinicdb;
using namespace clinicdb::clinic;
using namespace clinicdb::clinic::fhir;

namespace {

Result<AnyRecord> read(std::string_view json, const ReferenceMap& references = {}) {
  static JsonTree tree;
  RETURN_IF_ERROR(tree.parse_copy(json));
  ASSIGN_OR_RETURN(const ResourceType type, read_resource_type(tree.root()));
  ASSIGN_OR_RETURN(const std::string id, read_id(tree.root()));
  ASSIGN_OR_RETURN(const RecordIdentity identity, identity_of(type, id.empty() ? "none" : id));
  return read_resource(tree.root(), type, identity, references);
}

template <class Message>
Message read_as(std::string_view json, const ReferenceMap& references = {}) {
  Result<AnyRecord> record = read(json, references);
  if (!record) FAIL(record.error().to_string());
  return std::get<Message>(*record);
}

std::string id_of(ResourceType type, std::string_view id) {
  return std::string(identity_of(type, id)->id.view());
}

}  // namespace

TEST_CASE("fhir_time: dates keep the precision they were given in") {
  REQUIRE(format_date(*parse_date("2012")) == "2012");
  REQUIRE(format_date(*parse_date("2012-02")) == "2012-02");
  REQUIRE(format_date(*parse_date("2012-02-29")) == "2012-02-29");
  const char* text = GENERATE("", "0000", "12", "2012-", "2012-13", "2011-02-29", "2012-2-1",
                              "2012-02-29T", " 2012");
  REQUIRE_FALSE(parse_date(text));
}

TEST_CASE("fhir_time: a dateTime is the moment it begins") {
  REQUIRE(parse_date_time("1970-01-01T00:00:00Z")->us == 0);
  REQUIRE(parse_date_time("1970-01-01T00:00:00.123456789-03:00")->us == 10'800'123'456);
  REQUIRE(parse_date_time("1970")->us == 0);
  REQUIRE(parse_date_time("1969-12-31")->us == -86'400'000'000);
  REQUIRE(parse_date_time("2016-12-31T23:59:60Z"));
  const char* text = GENERATE("1970-01-01T00:00Z", "1970-01-01T00:00:00", "1970-01-01T24:00:00Z",
                              "1970-01T00:00:00Z", "1970-01-01T00:00:00.Z",
                              "1970-01-01T00:00:00+14:01", "1970-01-01 00:00:00Z", "now");
  REQUIRE_FALSE(parse_date_time(text));
}

TEST_CASE("fhir_time: an instant written reads back") {
  const std::int64_t us = GENERATE(std::int64_t{0}, std::int64_t{-1},
                                   std::int64_t{1'767'182'400'000'000}, std::int64_t{1'500'000});
  REQUIRE(parse_instant(format_instant(Time{us}))->us == us);
  REQUIRE_FALSE(parse_instant("2012-01-01"));
}

TEST_CASE("reference: forms that name a record, and those that do not") {
  REQUIRE(parse_reference("Patient/23")->id == "23");
  REQUIRE(parse_reference("http://example.org/fhir/Patient/23/_history/2")->id == "23");
  REQUIRE(parse_reference("Patient/23#frag")->type == RESOURCE_TYPE_PATIENT);
  const char* text = GENERATE("#x", "urn:uuid:829bb06a-42b9-433d-a8f6-560727c63da9", "Patient",
                              "Nothing/1", "Patient/", "Patient?identifier=a|b", "");
  REQUIRE_FALSE(parse_reference(text));
}

TEST_CASE("reference: a search by identifier is understood, others are not") {
  const auto found =
      parse_conditional("Practitioner?identifier=http://hl7.org/fhir/sid/us-npi%7C99");
  REQUIRE(found->system == "http://hl7.org/fhir/sid/us-npi");
  REQUIRE(found->value == "99");
  REQUIRE_FALSE(found->any_system);
  REQUIRE(parse_conditional("Patient?identifier=99")->any_system);
  REQUIRE_FALSE(parse_conditional("Patient?identifier=|99")->any_system);
  REQUIRE_FALSE(parse_conditional("Patient?name=x"));
  REQUIRE_FALSE(parse_conditional("Patient?identifier=a|b&active=true"));
  REQUIRE(is_conditional("Patient?name=x"));
  REQUIRE_FALSE(is_conditional("Patient/x"));
  REQUIRE_FALSE(is_conditional("http://example.org/?x"));
}

TEST_CASE("resource: a patient's fields, identifiers by what they are") {
  const auto patient =
      read_as<Patient>(R"({"resourceType":"Patient","id":"p1","active":false,"identifier":[
      {"system":"http://rnds.saude.gov.br/fhir/r4/NamingSystem/cpf","value":"529.982.247-25"},
      {"system":"http://rnds.saude.gov.br/fhir/r4/NamingSystem/cpf","value":"12345678910"},
      {"type":{"coding":[{"code":"MR"}]},"system":"urn:oid:1.2","value":"12"},
      {"type":{"coding":[{"code":"MR"}]},"value":"13"},
      {"type":{"coding":[{"code":"MR"}]},"use":"old","system":"urn:oid:1.2","value":"11"}],
      "name":[{"family":"Araújo","given":["Ana",null],"_given":[null,{"id":"x"}]}],
      "gender":"female",
      "birthDate":"1974-12","deceasedDateTime":"2020-01-02T10:00:00-03:00",
      "telecom":[{"system":"phone","value":"(27) 99876-5432","rank":1}]})");
  REQUIRE(patient.fhir_id() == "p1");
  REQUIRE(patient.id() == id_of(RESOURCE_TYPE_PATIENT, "p1"));
  REQUIRE(patient.inactive());
  REQUIRE(patient.cpf() == "52998224725");
  REQUIRE(patient.mrn_size() == 1);
  REQUIRE(patient.mrn(0).value() == "12");
  // A CPF whose check digits are wrong is R4 all the same: kept and found as any identifier, not as
  // a CPF.
  REQUIRE(patient.identifiers_size() == 3);
  REQUIRE(patient.names(0).given_size() == 1);
  REQUIRE(patient.gender() == GENDER_FEMALE);
  REQUIRE(patient.birth_date().month() == 12);
  REQUIRE(patient.birth_date().day() == 0);
  REQUIRE(patient.deceased());
  REQUIRE(patient.deceased_date().day() == 2);
  REQUIRE(patient.telecom(0).value() == "+5527998765432");
}

TEST_CASE("resource: what R4 forbids is refused with its path") {
  const auto [json, path] = GENERATE(table<std::string, std::string>({
      {R"({"id":"1"})", ""},
      {R"({"resourceType":"Pacient"})", "resourceType"},
      {R"({"resourceType":7})", "resourceType"},
      {R"({"resourceType":"Patient","id":"a b"})", "id"},
      {R"({"resourceType":"Patient","id":7})", "id"},
      {R"({"resourceType":"Patient","birthDate":"12/05/1980"})", "birthDate"},
      {R"({"resourceType":"Patient","gender":"feminino"})", "gender"},
      {R"({"resourceType":"Patient","active":"true"})", "active"},
      {R"({"resourceType":"Patient","name":{"family":"x"}})", "name"},
      {R"({"resourceType":"Patient","name":["x"]})", "name[0]"},
      {R"({"resourceType":"Patient","name":[{"given":"x"}]})", "name[0].given"},
      {R"({"resourceType":"Patient","telecom":[{"rank":0}]})", "telecom[0].rank"},
      {R"({"resourceType":"Patient","telecom":[{"system":"fone"}]})", "telecom[0].system"},
      {R"({"resourceType":"Location","status":"open"})", "status"},
      {R"({"resourceType":"Encounter","status":"finished"})", ""},
      {R"({"resourceType":"Encounter","class":{"code":"AMB"}})", ""},
      {R"({"resourceType":"Encounter","status":"done","class":{"code":"AMB"}})", "status"},
      {R"({"resourceType":"Appointment","status":"booked"})", ""},
      {R"({"resourceType":"Appointment","status":"booked","participant":[{"status":"accepted"}],
      "start":"2020-01-01"})",
       "start"},
      {R"({"resourceType":"Observation","effectiveDateTime":"yesterday"})", "effectiveDateTime"},
      {R"({"resourceType":"Observation","subject":{"reference":5}})", "subject.reference"},
  }));
  INFO(json);
  const Result<AnyRecord> record = read(json);
  REQUIRE_FALSE(record);
  REQUIRE(record.error().code() == StatusCode::kInvalidArgument);
  REQUIRE(record.error().field() == path);
}

TEST_CASE("resource: a required element may say by extension why it is missing") {
  REQUIRE(read(R"({"resourceType":"Encounter","_status":{"id":"x"},"class":{"code":"AMB"}})"));
}

TEST_CASE("resource: a clinical record knows its patient, time, code, status and author") {
  const auto record = read_as<ClinicalRecord>(
      R"({"resourceType":"Observation","id":"829bb06a-42b9-433d-a8f6-560727c63da9","status":"final",
      "code":{"coding":[{"system":"http://loinc.org","code":"8302-2","display":"Height"}],
      "text":"Body height"},
      "subject":{"reference":"urn:uuid:p"},"encounter":{"reference":"Encounter/e"},
      "issued":"2011-01-01T00:00:00Z",
      "effectiveDateTime":"2010","performer":[{"reference":"Organization/o"},
      {"reference":"Practitioner/d"}],
      "identifier":[{"system":"s","value":"v"}]})",
      {{"urn:uuid:p", "Patient/p"}});
  REQUIRE(record.fhir_id().empty());
  REQUIRE(record.type() == RESOURCE_TYPE_OBSERVATION);
  REQUIRE(record.patient_id() == id_of(RESOURCE_TYPE_PATIENT, "p"));
  REQUIRE(record.encounter_id() == id_of(RESOURCE_TYPE_ENCOUNTER, "e"));
  REQUIRE(record.author_id() == id_of(RESOURCE_TYPE_PRACTITIONER, "d"));
  REQUIRE(record.time_us() == parse_date_time("2010")->us);
  REQUIRE(record.code().code() == "8302-2");
  REQUIRE(record.status() == "final");
  REQUIRE(record.identifiers(0).value() == "v");
}

TEST_CASE("resource: an encounter has its class, end, place and people") {
  const auto record = read_as<ClinicalRecord>(
      R"({"resourceType":"Encounter","status":"finished","class":{"code":"AMB"},
      "subject":{"reference":"Patient/p"},
      "participant":[{"individual":{"reference":"Practitioner/d"}}],
      "period":{"start":"2010-01-01","end":"2010-01-02"},
      "location":[{"location":{"reference":"Location/l"}}],
      "serviceProvider":{"reference":"Organization/o"}})");
  REQUIRE(record.encounter().class_() == "AMB");
  REQUIRE(record.time_us() == parse_date_time("2010-01-01")->us);
  REQUIRE(record.encounter().end_us() == parse_date_time("2010-01-02")->us);
  REQUIRE(record.encounter().professional_id() == id_of(RESOURCE_TYPE_PRACTITIONER, "d"));
  REQUIRE(record.encounter().location_id() == id_of(RESOURCE_TYPE_LOCATION, "l"));
  REQUIRE(record.encounter().organization_id() == id_of(RESOURCE_TYPE_ORGANIZATION, "o"));
}

TEST_CASE("resource: an appointment that holds time is one, another is a clinical record") {
  const std::string rest =
      R"(,"start":"2025-01-01T10:00:00Z","end":"2025-01-01T10:30:00Z","participant":[
      {"actor":{"reference":"Patient/p"},"status":"accepted"},
      {"actor":{"reference":"Practitioner/d"},"status":"accepted"},
      {"actor":{"reference":"Location/l"},"status":"accepted"}],"description":"Retorno"})";
  const auto appointment =
      read_as<Appointment>(R"({"resourceType":"Appointment","status":"fulfilled")" + rest);
  REQUIRE(appointment.status() == APPOINTMENT_STATUS_COMPLETED);
  REQUIRE(appointment.end_us() - appointment.start_us() == 1'800'000'000);
  REQUIRE(appointment.title() == "Retorno");
  REQUIRE(appointment.room_id() == id_of(RESOURCE_TYPE_LOCATION, "l"));
  const auto proposed =
      read_as<ClinicalRecord>(R"({"resourceType":"Appointment","status":"proposed")" + rest);
  REQUIRE(proposed.type() == RESOURCE_TYPE_APPOINTMENT);
  REQUIRE(proposed.patient_id() == id_of(RESOURCE_TYPE_PATIENT, "p"));
}
