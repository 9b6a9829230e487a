#include "clinicdb/clinic/check.h"

#include <catch2/catch.hpp>

#include "clinic_fixture.h"

namespace clinicdb::clinic {
namespace {

const std::string kId(16, '\x42');

Patient valid_patient() {
  Patient patient = make_patient("Ana Souza", "529.982.247-25");
  patient.set_id(kId);
  return patient;
}

TEST_CASE("check: a patient's identifiers and phones are brought into their stored form") {
  Patient patient = valid_patient();
  patient.set_cns("898 0000 0004 3208");
  ContactPoint& phone = *patient.add_telecom();
  phone.set_system(ContactPoint::SYSTEM_PHONE);
  phone.set_value("(27) 99912-3456");
  REQUIRE(check(patient, Strictness::kEntered).ok());
  CHECK(patient.cpf() == "52998224725");
  CHECK(patient.cns() == "898000000043208");
  CHECK(patient.telecom(0).value() == "+5527999123456");
}

TEST_CASE("check: a wrong field is named by its path") {
  Patient patient = valid_patient();
  const auto refused_naming = [&](const std::string& field) {
    const Status status = check(patient, Strictness::kEntered);
    CHECK(status.code() == StatusCode::kInvalidArgument);
    CHECK(status.field() == field);
    CHECK(status.message().substr(0, field.size()) == field);
  };
  SECTION("cpf") {
    patient.set_cpf("529.982.247-26");
    refused_naming("patient.cpf");
  }
  SECTION("name") {
    patient.clear_names();
    refused_naming("patient.names");
  }
  SECTION("birth date") {
    *patient.mutable_birth_date() = make_date(1990, 2, 30);
    refused_naming("patient.birth_date");
  }
  SECTION("phone") {
    patient.add_telecom()->set_value("ana@example.com");
    ContactPoint& phone = *patient.add_telecom();
    phone.set_system(ContactPoint::SYSTEM_PHONE);
    phone.set_value("12");
    refused_naming("patient.telecom[1].value");
  }
  SECTION("record number") {
    patient.add_mrn()->set_system("urn:x");
    refused_naming("patient.mrn[0].value");
  }
  SECTION("id") {
    patient.set_id("short");
    refused_naming("patient.id");
  }
}

TEST_CASE(
    "check: what was imported may lack a name and keep its phone, but not break a check digit") {
  Patient patient;
  patient.set_id(kId);
  ContactPoint& phone = *patient.add_telecom();
  phone.set_system(ContactPoint::SYSTEM_PHONE);
  phone.set_value("555-810-7203");
  REQUIRE(check(patient, Strictness::kImported).ok());
  CHECK(patient.telecom(0).value() == "555-810-7203");
  patient.set_cpf("52998224726");
  CHECK(check(patient, Strictness::kImported).field() == "patient.cpf");
}

TEST_CASE("check: an appointment has a clinic, somebody or somewhere, and at most a day") {
  Appointment appointment;
  appointment.set_id(kId);
  appointment.set_clinic_id(kId);
  appointment.set_room_id(kId);
  appointment.set_end_us(1);
  CHECK(check(appointment).ok());
  appointment.set_start_us(1);
  CHECK(check(appointment).field() == "appointment.end_us");
  appointment.set_start_us(INT64_MIN);
  appointment.set_end_us(INT64_MAX);
  CHECK(check(appointment).field() == "appointment.end_us");
  appointment.clear_room_id();
  CHECK(check(appointment).field() == "appointment.professional_id");
  appointment.clear_clinic_id();
  CHECK(check(appointment).field() == "appointment.clinic_id");
}

TEST_CASE("check: a record is of a type that has no service of its own") {
  ClinicalRecord record;
  record.set_id(kId);
  CHECK(check(record).field() == "record.type");
  record.set_type(RESOURCE_TYPE_PATIENT);
  CHECK(check(record).field() == "record.type");
  record.set_type(RESOURCE_TYPE_CONDITION);
  CHECK(check(record).ok());
  record.mutable_encounter();
  CHECK(check(record).field() == "record.encounter");
  record.set_type(RESOURCE_TYPE_ENCOUNTER);
  CHECK(check(record).ok());
  record.set_time_us(INT64_MIN);
  CHECK(check(record).field() == "record.time_us");
}

TEST_CASE("check: zones, council numbers and registers of clinics and professionals") {
  TenantProfile profile;
  profile.set_zone("America/Nowhere");
  CHECK(check(profile).field() == "profile.zone");
  ClinicSite clinic;
  clinic.set_id(kId);
  clinic.set_slug("centro");
  clinic.set_name("Centro");
  clinic.set_cnpj("11.222.333/0001-81");
  REQUIRE(check(clinic).ok());
  CHECK(clinic.cnpj() == "11222333000181");
  clinic.set_cnes("12");
  CHECK(check(clinic).field() == "clinic.cnes");
  Professional professional;
  professional.set_id(kId);
  professional.add_names()->set_text("Dra. Lia");
  professional.mutable_council()->set_type("crm");
  professional.mutable_council()->set_number("12.345");
  professional.mutable_council()->set_state("es");
  REQUIRE(check(professional, Strictness::kEntered).ok());
  CHECK(professional.council().type() == "CRM");
  CHECK(professional.council().number() == "12345");
  professional.mutable_council()->set_state("ZZ");
  CHECK(check(professional, Strictness::kEntered).field() == "professional.council.state");
}

}  // namespace
}  // namespace clinicdb::clinic
