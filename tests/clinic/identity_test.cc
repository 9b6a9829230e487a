#include "clinicdb/clinic/identity.h"

#include <catch2/catch.hpp>

namespace clinicdb::clinic {
namespace {

TEST_CASE(
    "identity: every resource type of R4 has a number and a name, and each leads to the other") {
  int types = 0;
  for (int number = ResourceType_MIN; number <= ResourceType_MAX; ++number) {
    if (!ResourceType_IsValid(number) || number == RESOURCE_TYPE_UNSPECIFIED) continue;
    const auto type = static_cast<ResourceType>(number);
    CHECK(parse_resource_type(resource_type_name(type)) == type);
    ++types;
  }
  CHECK(types == 146);
  // Permanent: these stand in keys.
  CHECK(parse_resource_type("Account") == 1);
  CHECK(parse_resource_type("Encounter") == 44);
  CHECK(parse_resource_type("Observation") == 96);
  CHECK(parse_resource_type("Patient") == 103);
  CHECK(parse_resource_type("VisionPrescription") == 146);
  CHECK(resource_type_name(RESOURCE_TYPE_ALLERGY_INTOLERANCE) == "AllergyIntolerance");
  CHECK(parse_resource_type("patient") == RESOURCE_TYPE_UNSPECIFIED);
  CHECK(parse_resource_type("DomainResource") == RESOURCE_TYPE_UNSPECIFIED);
  CHECK(parse_resource_type("") == RESOURCE_TYPE_UNSPECIFIED);
}

TEST_CASE("identity: a canonical UUID is the id itself") {
  const std::string text = "129c6ac7-8d06-89de-ad63-0204a93e76c3";
  const Result<RecordIdentity> identity = identity_of(RESOURCE_TYPE_PATIENT, text);
  REQUIRE(identity);
  CHECK(identity->id.to_string() == text);
  CHECK(identity->fhir_id.empty());
  CHECK(fhir_id_text(identity->id.view(), identity->fhir_id) == text);
  CHECK(fhir_reference(RESOURCE_TYPE_PATIENT, identity->id.view(), "") == "Patient/" + text);
}

TEST_CASE("identity: any other id is kept, and the same one always means the same record") {
  const std::string text = GENERATE("f001", "129C6AC7-8D06-89DE-AD63-0204A93E76C3", "a.b-c",
                                    "00000000-0000-0000-0000-000000000000");
  const Result<RecordIdentity> patient = identity_of(RESOURCE_TYPE_PATIENT, text);
  REQUIRE(patient);
  CHECK(patient->fhir_id == text);
  CHECK(patient->id == identity_of(RESOURCE_TYPE_PATIENT, text)->id);
  CHECK(patient->id != identity_of(RESOURCE_TYPE_LOCATION, text)->id);
  CHECK((patient->id.bytes[6] & 0xf0) == 0x80);  // version 8
  CHECK((patient->id.bytes[8] & 0xc0) == 0x80);  // the RFC's variant
  CHECK(fhir_id_text(patient->id.view(), patient->fhir_id) == text);
}

TEST_CASE("identity: the ids of names are pinned, for they stand in stores") {
  // sha256("Patient/f001"), its version and variant set.
  CHECK(identity_of(RESOURCE_TYPE_PATIENT, "f001")->id.to_string() ==
        "24460d0c-ac5f-8a79-b75b-20eb61c02381");
}

TEST_CASE("identity: what is not of FHIR's syntax is refused") {
  const std::string text = GENERATE(as<std::string>(), "", "a b", "a/b", "é", std::string(65, 'a'));
  CHECK_FALSE(identity_of(RESOURCE_TYPE_PATIENT, text));
}

}  // namespace
}  // namespace clinicdb::clinic
