#include "clinicdb/clinic/patients.h"

#include <catch2/catch.hpp>

#include "clinic_fixture.h"
#include "clinicdb/clinic/schema/event.pb.h"
#include "clinicdb/clinic/tables.h"

namespace clinicdb::clinic {
namespace {

RegisterPatientRequest registration(Patient patient) {
  RegisterPatientRequest request;
  *request.mutable_patient() = std::move(patient);
  return request;
}

UpdatePatientRequest update_of(Patient patient) {
  UpdatePatientRequest request;
  *request.mutable_patient() = std::move(patient);
  return request;
}

Uuid id_of(const std::string& bytes) { return Uuid::from_bytes(bytes); }

TEST_CASE(
    "patients: one who is registered is found by id, CPF, CNS and record number, also after the "
    "store reopens") {
  ClinicFixture clinic;
  Patient patient = make_patient("Ana Souza", "529.982.247-25");
  patient.set_cns("898000000043208");
  patient.add_mrn()->set_value("0042");
  const std::string id =
      must(clinic->patients().register_patient(clinic.context(), registration(patient)))
          .result()
          .id();
  for (int round = 0; round < 2; ++round) {
    const auto by_id = must(clinic->patients().get(clinic.context(), id_of(id)));
    REQUIRE(by_id);
    CHECK(by_id->patient().names(0).text() == "Ana Souza");
    CHECK(by_id->meta().version() == 1);
    CHECK(by_id->meta().created_lsn() > 0);
    CHECK(must(clinic->patients().find_by_cpf(clinic.context(), "52998224725"))->patient().id() ==
          id);
    CHECK(
        must(clinic->patients().find_by_cpf(clinic.context(), "529.982.247-25"))->patient().id() ==
        id);
    CHECK(must(clinic->patients().find_by_cns(clinic.context(), "898 0000 0004 3208"))
              ->patient()
              .id() == id);
    CHECK(must(clinic->patients().find_by_mrn(clinic.context(), "", "0042"))->patient().id() == id);
    CHECK(must(clinic->patients().find_by_mrn(clinic.context(), "urn:x", "0042")) == nullptr);
    CHECK(must(clinic->patients().find_by_cpf(clinic.context(), "11144477735")) == nullptr);
    CHECK(must(clinic->patients().find_by_cpf(clinic.context(), "11144477736")) == nullptr);
    clinic.reopen();
  }
}

TEST_CASE(
    "patients: CPF, CNS and record number are unique in the tenant, and the refusal names the "
    "field") {
  ClinicFixture clinic;
  Patient first = make_patient("Ana", "52998224725");
  first.set_cns("898000000043208");
  first.add_mrn()->set_value("0042");
  const std::string id =
      must(clinic->patients().register_patient(clinic.context(), registration(first)))
          .result()
          .id();
  Patient second = make_patient("Bia");
  const auto refused_naming = [&](const std::string& field) {
    const Status refused =
        clinic->patients().register_patient(clinic.context(), registration(second)).status();
    CHECK(refused.code() == StatusCode::kAlreadyExists);
    CHECK(refused.field() == field);
    CHECK(refused.message().find("529") == std::string_view::npos);
  };
  SECTION("cpf") {
    second.set_cpf("529.982.247-25");
    refused_naming("patient.cpf");
  }
  SECTION("cns") {
    second.set_cns("898000000043208");
    refused_naming("patient.cns");
  }
  SECTION("mrn") {
    second.add_mrn()->set_value("0042");
    refused_naming("patient.mrn");
  }
  SECTION("id") {
    second.set_id(id);
    refused_naming("patient.id");
  }
}

TEST_CASE("patients: the same CPF in two tenants is two patients, and neither shows in the other") {
  ClinicFixture clinic;
  const CallContext other = clinic.new_tenant("outra");
  const RegisterPatientRequest request = registration(make_patient("Ana Souza", "52998224725"));
  const std::string here =
      must(clinic->patients().register_patient(clinic.context(), request)).result().id();
  CHECK(must(clinic->patients().find_by_cpf(other, "52998224725")) == nullptr);
  const std::string there = must(clinic->patients().register_patient(other, request)).result().id();
  CHECK(here != there);
  CHECK(must(clinic->patients().find_by_cpf(other, "52998224725"))->patient().id() == there);
  CHECK(must(clinic->patients().get(other, id_of(here))) == nullptr);
  SearchPatientsRequest search;
  search.set_text("ana");
  CHECK(must(clinic->patients().search(other, search))->patients_size() == 1);
}

TEST_CASE("patients: an update replaces fields, moves index entries and raises the version") {
  ClinicFixture clinic;
  Patient patient = make_patient("Ana", "52998224725");
  patient.set_id(must(clinic->patients().register_patient(clinic.context(), registration(patient)))
                     .result()
                     .id());
  patient.set_cpf("11144477735");
  patient.mutable_names(0)->set_text("Ana Lima");
  const UpdatePatientResponse done =
      must(clinic->patients().update(clinic.context(), update_of(patient)));
  CHECK(done.result().version() == 2);
  CHECK(must(clinic->patients().find_by_cpf(clinic.context(), "52998224725")) == nullptr);
  CHECK(must(clinic->patients().find_by_cpf(clinic.context(), "11144477735"))->meta().version() ==
        2);
  const UpdatePatientResponse again =
      must(clinic->patients().update(clinic.context(), update_of(patient)));
  CHECK(again.result().unchanged());
  CHECK(again.result().version() == 2);
}

TEST_CASE("patients: an update against another version is refused with the current one") {
  ClinicFixture clinic;
  Patient patient = make_patient("Ana");
  patient.set_id(must(clinic->patients().register_patient(clinic.context(), registration(patient)))
                     .result()
                     .id());
  UpdatePatientRequest request = update_of(patient);
  request.mutable_patient()->set_note("1");
  request.set_expected_version(1);
  CHECK(must(clinic->patients().update(clinic.context(), request)).result().version() == 2);
  request.mutable_patient()->set_note("2");
  const Status refused = clinic->patients().update(clinic.context(), request).status();
  CHECK(refused.code() == StatusCode::kAborted);
  CHECK(refused.current_version() == 2);
  request.mutable_patient()->set_id(std::string(16, 'x'));
  CHECK(clinic->patients().update(clinic.context(), request).status().code() ==
        StatusCode::kNotFound);
}

TEST_CASE("patients: every version stays, with who made it and when") {
  ClinicFixture clinic;
  CallContext context = clinic.context();
  Patient patient = make_patient("Ana");
  patient.set_id(
      must(clinic->patients().register_patient(context, registration(patient))).result().id());
  clinic.clock().advance_us(1'000'000);
  context.user = Uuid::from_bytes(std::string(16, 'u'));
  patient.mutable_names(0)->set_text("Ana Lima");
  must(clinic->patients().update(context, update_of(patient)));
  RemovePatientRequest removal;
  removal.set_id(patient.id());
  must(clinic->patients().remove(context, removal));
  CHECK(must(clinic->patients().get(context, id_of(patient.id()))) == nullptr);

  PatientHistoryRequest request;
  request.set_id(patient.id());
  const PatientHistoryResponse history = must(clinic->patients().history(context, request));
  REQUIRE(history.versions_size() == 3);
  CHECK(history.versions(0).meta().deleted());
  CHECK_FALSE(history.versions(0).has_patient());
  CHECK(history.versions(1).patient().names(0).text() == "Ana Lima");
  CHECK(history.versions(1).meta().version() == 2);
  CHECK(history.versions(1).meta().updated_by() == std::string(16, 'u'));
  CHECK(history.versions(1).meta().created_by().empty());
  CHECK(history.versions(1).meta().updated_us() >=
        history.versions(2).meta().updated_us() + 1'000'000);
  CHECK(history.versions(2).patient().names(0).text() == "Ana");
  request.set_id(std::string(16, 'x'));
  CHECK(must(clinic->patients().history(context, request)).versions_size() == 0);
}

TEST_CASE("patients: one with clinical records cannot be removed, for the law has them kept") {
  ClinicFixture clinic;
  const std::string id = clinic.patient("Ana");
  PutRecordRequest put;
  put.mutable_record()->set_type(RESOURCE_TYPE_CONDITION);
  put.mutable_record()->set_patient_id(id);
  must(clinic->records().put(clinic.context(), put));
  RemovePatientRequest removal;
  removal.set_id(id);
  CHECK(clinic->patients().remove(clinic.context(), removal).status().code() ==
        StatusCode::kFailedPrecondition);
  removal.set_id(std::string(16, 'x'));
  CHECK(clinic->patients().remove(clinic.context(), removal).status().code() ==
        StatusCode::kNotFound);
}

TEST_CASE(
    "patients: a registration repeated with its request id is done once, and answers alike (R1)") {
  ClinicFixture clinic;
  CallContext context = clinic.context();
  context.session = Uuid::from_bytes(std::string(16, 's'));
  context.request_id = Uuid::v7(clinic.clock(), system_random());
  const RegisterPatientRequest request = registration(make_patient("Ana", "52998224725"));
  const RegisterPatientResponse first = must(clinic->patients().register_patient(context, request));
  const RegisterPatientResponse second =
      must(clinic->patients().register_patient(context, request));
  CHECK_FALSE(first.result().repeated());
  CHECK(second.result().repeated());
  CHECK(second.result().id() == first.result().id());
  CHECK(second.result().version() == 1);
  CHECK(clinic->patients()
            .register_patient(context, registration(make_patient("Bia")))
            .status()
            .code() == StatusCode::kInvalidArgument);
}

TEST_CASE(
    "patients: each change emits its event in the commit, and nothing does that was refused") {
  ClinicFixture clinic;
  const std::string id = clinic.patient("Ana");
  Patient patient = make_patient("Ana Lima");
  patient.set_id(id);
  must(clinic->patients().update(clinic.context(), update_of(patient)));
  must(clinic->patients().update(clinic.context(), update_of(patient)));
  patient.set_cpf("1");
  CHECK_FALSE(clinic->patients().update(clinic.context(), update_of(patient)));
  RemovePatientRequest removal;
  removal.set_id(id);
  must(clinic->patients().remove(clinic.context(), removal));
  std::vector<std::pair<int, std::uint64_t>> seen;
  const auto reader = must(clinic->store().view(clinic.context().tenant));
  must(reader->events(Lsn{0}, {}, [&](const engine::Event& event) {
    EventPayload payload;
    CHECK(payload.ParseFromArray(event.payload.data(), static_cast<int>(event.payload.size())));
    CHECK(payload.id() == id);
    seen.emplace_back(event.type, payload.version());
    return true;
  }));
  CHECK(seen == std::vector<std::pair<int, std::uint64_t>>{{EVENT_PATIENT_REGISTERED, 1},
                                                           {EVENT_PATIENT_UPDATED, 2},
                                                           {EVENT_PATIENT_REMOVED, 3}});
}

TEST_CASE("patients: rights are checked before anything is read or kept answers are given") {
  ClinicFixture clinic;
  const std::string id = clinic.patient("Ana");
  must(clinic->patients().get(clinic.context(), id_of(id)));
  const CallContext stranger(clinic.context().tenant, Rights().with(ACCESS_RIGHT_SCHEDULE_READ));
  CHECK(clinic->patients().get(stranger, id_of(id)).status().code() ==
        StatusCode::kPermissionDenied);
  CHECK(clinic->patients()
            .register_patient(stranger, registration(make_patient("B")))
            .status()
            .code() == StatusCode::kPermissionDenied);
  PatientTimelineRequest timeline;
  timeline.set_patient_id(id);
  const CallContext desk(clinic.context().tenant, Rights().with(ACCESS_RIGHT_PATIENTS_READ));
  CHECK(must(clinic->patients().get(desk, id_of(id)))->patient().id() == id);
  CHECK(clinic->patients().timeline(desk, timeline).status().code() ==
        StatusCode::kPermissionDenied);
}

TEST_CASE("patients: a kept answer is shared, and gone when the patient changes", "[embedded]") {
  ClinicFixture clinic;
  const std::string id = clinic.patient("Ana");
  const auto first = must(clinic->patients().get(clinic.context(), id_of(id)));
  CHECK(must(clinic->patients().get(clinic.context(), id_of(id))) == first);
  CallContext uncached = clinic.context();
  uncached.use_cache = false;
  CHECK(must(clinic->patients().get(uncached, id_of(id))) != first);
  Patient patient = make_patient("Ana Lima");
  patient.set_id(id);
  must(clinic->patients().update(clinic.context(), update_of(patient)));
  CHECK(must(clinic->patients().get(clinic.context(), id_of(id)))->patient().names(0).text() ==
        "Ana Lima");
  CHECK(first->patient().names(0).text() == "Ana");
}

}  // namespace
}  // namespace clinicdb::clinic
