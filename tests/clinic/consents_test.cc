#include "clinicdb/clinic/consents.h"

#include <catch2/catch.hpp>

#include "clinic_fixture.h"
#include "clinicdb/clinic/digest.h"
#include "clinicdb/clinic/duplicates.h"

namespace clinicdb::clinic {
namespace {

struct ConsentDesk {
  ConsentDesk() { patient = clinic.patient("Ana"); }
  Result<GiveConsentResponse> give(const std::string& purpose, std::int64_t expires_us = 0) {
    GiveConsentRequest request;
    request.mutable_consent()->set_patient_id(patient);
    request.mutable_consent()->set_purpose(purpose);
    request.mutable_consent()->set_text("Autorizo.");
    request.mutable_consent()->set_expires_us(expires_us);
    return clinic->consents().give(clinic.context(), request);
  }
  CheckConsentResponse check(const std::string& purpose) {
    CheckConsentRequest request;
    request.set_patient_id(patient);
    request.set_purpose(purpose);
    return must(clinic->consents().check(clinic.context(), request));
  }
  Status withdraw(const std::string& id) {
    WithdrawConsentRequest request;
    request.set_id(id);
    request.set_reason("mudou de ideia");
    return clinic->consents().withdraw(clinic.context(), request).status();
  }
  ClinicFixture clinic;
  std::string patient;
};

TEST_CASE("consents: given, withdrawn, given again: the newest counts, and each stays") {
  ConsentDesk desk;
  CHECK(desk.check("photographs").reason() == "never given");
  const std::string first = must(desk.give("photographs")).result().id();
  CHECK(desk.check("photographs").allowed());
  CHECK_FALSE(desk.check("marketing").allowed());
  desk.clinic.clock().advance_us(1'000'000);
  REQUIRE(desk.withdraw(first).ok());
  CHECK(desk.check("photographs").reason() == "withdrawn");
  CHECK(desk.check("photographs").consent_id() == first);
  CHECK(desk.withdraw(first).code() == StatusCode::kFailedPrecondition);
  const std::string second = must(desk.give("photographs")).result().id();
  CHECK(desk.check("photographs").allowed());
  CHECK(desk.check("photographs").consent_id() == second);
  ListConsentsRequest list;
  list.set_patient_id(desk.patient);
  const ListConsentsResponse all = must(desk.clinic->consents().list(desk.clinic.context(), list));
  REQUIRE(all.consents_size() == 2);
  CHECK(all.consents(0).id() == second);
  CHECK(all.consents(0).text_sha256() == sha256("Autorizo."));
  CHECK(all.consents(0).legal_basis() == LEGAL_BASIS_CONSENT);
  CHECK(all.consents(1).withdraw_reason() == "mudou de ideia");
}

TEST_CASE("consents: one that has expired does not stand, with no word from anybody") {
  ConsentDesk desk;
  must(desk.give("marketing", desk.clinic.clock().now().us + 10'000'000));
  CHECK(desk.check("marketing").allowed());
  desk.clinic.clock().advance_us(11'000'000);
  CHECK(desk.check("marketing").reason() == "expired");
  CHECK(desk.give("marketing", 1).status().field() == "consent.expires_us");
}

TEST_CASE("consents: what is wrong is refused by name, and they go along in a merge") {
  ConsentDesk desk;
  CHECK(desk.give("Fotos!").status().field() == "consent.purpose");
  const std::string patient = desk.patient;
  desk.patient = std::string(16, 'x');
  CHECK(desk.give("photographs").status().code() == StatusCode::kNotFound);
  desk.patient = patient;
  must(desk.give("photographs"));
  RemovePatientRequest remove;
  remove.set_id(patient);
  CHECK(desk.clinic->patients().remove(desk.clinic.context(), remove).status().code() ==
        StatusCode::kFailedPrecondition);
  MergePatientsRequest merge;
  merge.set_keep_id(desk.clinic.patient("Ana Maria"));
  merge.set_merge_id(patient);
  must(desk.clinic->duplicates().merge(desk.clinic.context(), merge));
  desk.patient = merge.keep_id();
  CHECK(desk.check("photographs").allowed());
}

}  // namespace
}  // namespace clinicdb::clinic
