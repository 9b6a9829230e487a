#include <catch2/catch.hpp>

#include "clinic_fixture.h"
#include "clinicdb/clinic/duplicates.h"
#include "clinicdb/clinic/schema/record.pb.h"
#include "clinicdb/clinic/tables.h"

namespace clinicdb::clinic {
namespace {

struct Doctor {
  Doctor() : context(clinic.context()) {
    context.user = Uuid::from_bytes(std::string(16, 'u'));
    patient = clinic.patient("Ana");
    encounter = put(RESOURCE_TYPE_ENCOUNTER, {}, {});
  }
  std::string put(ResourceType type, const std::string& text, const std::string& status,
                  NoteKind kind = NOTE_KIND_UNSPECIFIED, std::int64_t time_us = 0) {
    PutRecordRequest request;
    ClinicalRecord& record = *request.mutable_record();
    record.set_type(type);
    record.set_patient_id(patient);
    record.set_encounter_id(encounter);
    record.set_text(text);
    record.set_status(status);
    record.set_note_kind(kind);
    record.set_time_us(time_us);
    return must(clinic->records().put(context, request)).result().id();
  }
  Result<SignRecordResponse> sign(const std::string& id) {
    SignRecordRequest request;
    request.set_type(RESOURCE_TYPE_CLINICAL_IMPRESSION);
    request.set_id(id);
    return clinic->records().sign(context, request);
  }
  Result<AddAddendumResponse> amend(const std::string& id, const std::string& text) {
    AddAddendumRequest request;
    request.set_type(RESOURCE_TYPE_CLINICAL_IMPRESSION);
    request.set_id(id);
    request.set_text(text);
    return clinic->records().add_addendum(context, request);
  }
  VerifyRecordResponse verify(const std::string& id) {
    VerifyRecordRequest request;
    request.set_type(RESOURCE_TYPE_CLINICAL_IMPRESSION);
    request.set_id(id);
    return must(clinic->records().verify(context, request));
  }
  ClinicalRecord get(const std::string& id) {
    GetRecordRequest request;
    request.set_type(RESOURCE_TYPE_CLINICAL_IMPRESSION);
    request.set_id(id);
    return must(clinic->records().get(context, request))->record();
  }
  void overwrite(const ClinicalRecord& record) {
    must(clinic->store().execute(context.tenant, {},
                                 [&](engine::Transaction& tx) -> Result<std::string> {
                                   RETURN_IF_ERROR(tx.put(records_table(), record).status());
                                   return std::string();
                                 }));
  }
  ClinicFixture clinic;
  CallContext context;
  std::string patient, encounter;
};

TEST_CASE("signing: what is signed is amended, never edited, and every byte of it is vouched for") {
  Doctor doctor;
  const std::string id = doctor.put(RESOURCE_TYPE_CLINICAL_IMPRESSION, "Sem queixas.", "completed",
                                    NOTE_KIND_PROGRESS);
  CHECK_FALSE(doctor.verify(id).signed_());
  CHECK(doctor.amend(id, "x").status().code() == StatusCode::kFailedPrecondition);
  must(doctor.sign(id));
  CHECK(doctor.sign(id).status().code() == StatusCode::kFailedPrecondition);
  CHECK(doctor.get(id).signature().user_id() == std::string(16, 'u'));
  CHECK(doctor.verify(id).valid());

  PutRecordRequest edit;
  *edit.mutable_record() = doctor.get(id);
  edit.mutable_record()->set_text("Outra coisa.");
  const Status refused = doctor.clinic->records().put(doctor.context, edit).status();
  CHECK(refused.code() == StatusCode::kFailedPrecondition);
  CHECK(refused.field() == "record.signature");

  must(doctor.amend(id, "Retorno em 30 dias."));
  must(doctor.amend(id, "Ligou a paciente."));
  CHECK(doctor.verify(id).valid());
  CHECK(doctor.verify(id).addenda() == 2);

  ClinicalRecord forged = doctor.get(id);
  SECTION("the text") { forged.set_text("Com queixas."); }
  SECTION("the status") { forged.set_status("entered-in-error"); }
  SECTION("an addendum's text") { forged.mutable_addenda(0)->set_text("x"); }
  SECTION("an addendum's author") { forged.mutable_addenda(1)->set_author_id("x"); }
  SECTION("an addendum left out") { forged.mutable_addenda()->DeleteSubrange(0, 1); }
  SECTION("addenda the other way round") { forged.mutable_addenda()->SwapElements(0, 1); }
  doctor.overwrite(forged);
  CHECK_FALSE(doctor.verify(id).valid());
  CHECK_FALSE(doctor.verify(id).problem().empty());
}

TEST_CASE("signing: a signature is a user's, of the version that was read") {
  Doctor doctor;
  const std::string id =
      doctor.put(RESOURCE_TYPE_CLINICAL_IMPRESSION, "a", "completed", NOTE_KIND_PROGRESS);
  SignRecordRequest request;
  request.set_type(RESOURCE_TYPE_CLINICAL_IMPRESSION);
  request.set_id(id);
  CHECK(doctor.clinic->records().sign(doctor.clinic.context(), request).status().field() == "user");
  request.set_expected_version(7);
  const Status refused = doctor.clinic->records().sign(doctor.context, request).status();
  CHECK(refused.code() == StatusCode::kAborted);
  CHECK(refused.current_version() == 1);
  request.set_expected_version(1);
  must(doctor.clinic->records().sign(doctor.context, request));
}

TEST_CASE("signing: a merge of patients moves a signed record, and the signature still holds") {
  Doctor doctor;
  const std::string id =
      doctor.put(RESOURCE_TYPE_CLINICAL_IMPRESSION, "a", "completed", NOTE_KIND_PROGRESS);
  must(doctor.sign(id));
  MergePatientsRequest merge;
  merge.set_keep_id(doctor.clinic.patient("Ana Maria"));
  merge.set_merge_id(doctor.patient);
  must(doctor.clinic->duplicates().merge(doctor.context, merge));
  CHECK(doctor.get(id).patient_id() == merge.keep_id());
  CHECK(doctor.verify(id).valid());
}

TEST_CASE("signing: nobody puts a signature into a record by hand") {
  Doctor doctor;
  PutRecordRequest request;
  ClinicalRecord& record = *request.mutable_record();
  record.set_type(RESOURCE_TYPE_CLINICAL_IMPRESSION);
  record.set_patient_id(doctor.patient);
  record.mutable_signature()->set_user_id(std::string(16, 'x'));
  record.add_addenda()->set_text("x");
  const std::string id = must(doctor.clinic->records().put(doctor.context, request)).result().id();
  CHECK_FALSE(doctor.get(id).has_signature());
  CHECK(doctor.get(id).addenda().empty());
}

TEST_CASE("records: an encounter's notes come in order of time, and nothing but notes") {
  Doctor doctor;
  const std::string second =
      doctor.put(RESOURCE_TYPE_CLINICAL_IMPRESSION, "b", {}, NOTE_KIND_PLAN, 2000);
  const std::string first =
      doctor.put(RESOURCE_TYPE_CLINICAL_IMPRESSION, "a", {}, NOTE_KIND_HISTORY, 1000);
  doctor.put(RESOURCE_TYPE_OBSERVATION, {}, "final");
  ListNotesRequest request;
  request.set_encounter_id(doctor.encounter);
  const ListRecordsResponse notes =
      must(doctor.clinic->records().list_notes(doctor.context, request));
  REQUIRE(notes.records_size() == 2);
  CHECK(notes.records(0).id() == first);
  CHECK(notes.records(1).id() == second);
}

TEST_CASE("records: problems, allergies and medications, and only what has not ended") {
  Doctor doctor;
  const std::string problem = doctor.put(RESOURCE_TYPE_CONDITION, {}, "active");
  doctor.put(RESOURCE_TYPE_CONDITION, {}, "resolved");
  doctor.put(RESOURCE_TYPE_ALLERGY_INTOLERANCE, {}, "active");
  doctor.put(RESOURCE_TYPE_MEDICATION_REQUEST, {}, "active");
  doctor.put(RESOURCE_TYPE_MEDICATION_REQUEST, {}, "stopped");
  doctor.put(RESOURCE_TYPE_MEDICATION_STATEMENT, {}, "active");
  ListCurrentRequest request;
  request.set_patient_id(doctor.patient);
  const ListCurrentResponse current =
      must(doctor.clinic->records().list_current(doctor.context, request));
  REQUIRE(current.problems_size() == 1);
  CHECK(current.problems(0).id() == problem);
  CHECK(current.allergies_size() == 1);
  CHECK(current.medications_size() == 2);
  CHECK_FALSE(current.cut());
}

}  // namespace
}  // namespace clinicdb::clinic
