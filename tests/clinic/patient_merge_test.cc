#include <catch2/catch.hpp>

#include "clinic_fixture.h"
#include "clinicdb/clinic/duplicates.h"
#include "clinicdb/clinic/identity.h"
#include "clinicdb/clinic/schema/event.pb.h"
#include "clinicdb/clinic/tables.h"
#include "patient_links.h"
#include "patient_union.h"

namespace clinicdb::clinic {
namespace {

std::shared_ptr<const GetPatientResponse> get(ClinicFixture& clinic, const std::string& id) {
  return must(clinic->patients().get(clinic.context(), Uuid::from_bytes(id)));
}

MergePatientsRequest request_of(const std::string& keep, const std::string& merge) {
  MergePatientsRequest request;
  request.set_keep_id(keep);
  request.set_merge_id(merge);
  request.set_reason("registered twice");
  return request;
}

std::string add_record(ClinicFixture& clinic, const std::string& patient) {
  PutRecordRequest put;
  put.mutable_record()->set_type(RESOURCE_TYPE_CONDITION);
  put.mutable_record()->set_patient_id(patient);
  put.mutable_record()->set_text("a note");
  return must(clinic->records().put(clinic.context(), put)).result().id();
}

Result<BookAppointmentResponse> book(ClinicFixture& clinic, const std::string& site,
                                     const std::string& professional, const std::string& patient,
                                     int hour) {
  BookAppointmentRequest request;
  Appointment& appointment = *request.mutable_appointment();
  appointment.set_clinic_id(site);
  appointment.set_professional_id(professional);
  appointment.set_patient_id(patient);
  appointment.set_start_us(utc_us(2026, 3, 2, hour));
  appointment.set_end_us(utc_us(2026, 3, 2, hour, 30));
  return clinic->scheduling().book(clinic.context(), request);
}

int timeline_size(ClinicFixture& clinic, const std::string& patient) {
  PatientTimelineRequest request;
  request.set_patient_id(patient);
  return must(clinic->patients().timeline(clinic.context(), request))->items_size();
}

void check_store(ClinicFixture& clinic) {
  const engine::VerifyReport report = must(clinic->store().verify({}));
  INFO((report.problems.empty() ? "" : report.problems.front()));
  CHECK(report.problem_count == 0);
}

struct Two {
  Two() {
    Patient a = make_patient("Ana Souza", "52998224725");
    a.add_mrn()->set_value("1");
    Patient b = make_patient("Ana de Souza");
    b.set_cns("898000000043208");
    b.add_mrn()->set_value("2");
    b.set_note("allergic to latex");
    b.add_telecom()->set_system(ContactPoint::SYSTEM_PHONE);
    b.mutable_telecom(0)->set_value("+5527999991234");
    keep = add(a);
    merge = add(b);
    site = clinic.clinic_site("centro", "America/Sao_Paulo");
    professional = clinic.professional("Dra. Bia");
  }
  std::string add(const Patient& patient) {
    RegisterPatientRequest request;
    *request.mutable_patient() = patient;
    return must(clinic->patients().register_patient(clinic.context(), request)).result().id();
  }
  Result<MergePatientsResponse> run() {
    return clinic->duplicates().merge(clinic.context(), request_of(keep, merge));
  }
  ClinicFixture clinic;
  std::string keep, merge, site, professional;
};

TEST_CASE("patient merge: everything is the kept patient's, in one commit, and undone as it was") {
  Two two;
  ClinicFixture& clinic = two.clinic;
  add_record(clinic, two.keep);
  add_record(clinic, two.merge);
  must(book(clinic, two.site, two.professional, two.keep, 9));
  const std::string moved =
      must(book(clinic, two.site, two.professional, two.merge, 10)).result().id();
  CancelAppointmentRequest cancel;
  cancel.set_id(must(book(clinic, two.site, two.professional, two.merge, 11)).result().id());
  must(clinic->scheduling().cancel(clinic.context(), cancel));
  const std::string kept_before = get(clinic, two.keep)->patient().SerializeAsString();
  const std::string merged_before = get(clinic, two.merge)->patient().SerializeAsString();

  const MergePatientsResponse done = must(two.run());
  CHECK(done.moved() == 3);
  const Patient kept = get(clinic, two.keep)->patient();
  CHECK(kept.cns() == "898000000043208");
  CHECK(kept.mrn_size() == 2);
  CHECK(kept.note() == "allergic to latex");
  CHECK(kept.telecom_size() == 1);
  REQUIRE(kept.names_size() == 2);
  CHECK(kept.names(1).use() == "old");
  const Patient gone = get(clinic, two.merge)->patient();
  CHECK(gone.replaced_by_id() == two.keep);
  CHECK(gone.inactive());
  CHECK(timeline_size(clinic, two.keep) == 2);
  CHECK(timeline_size(clinic, two.merge) == 0);
  CHECK(must(clinic->scheduling().get(clinic.context(), Uuid::from_bytes(moved)))
            ->appointment()
            .patient_id() == two.keep);
  CHECK(must(clinic->patients().find_by_cns(clinic.context(), "898000000043208"))->patient().id() ==
        two.keep);
  ListMergesRequest list;
  list.set_patient_id(two.merge);
  CHECK(must(clinic->duplicates().list_merges(clinic.context(), list)).merges(0).id() ==
        done.result().id());
  check_store(clinic);

  UndoMergeRequest undo;
  undo.set_id(done.result().id());
  const UndoMergeResponse undone = must(clinic->duplicates().undo_merge(clinic.context(), undo));
  CHECK(undone.moved_back() == 3);
  CHECK(undone.left() == 0);
  CHECK(get(clinic, two.keep)->patient().SerializeAsString() == kept_before);
  CHECK(get(clinic, two.merge)->patient().SerializeAsString() == merged_before);
  CHECK(timeline_size(clinic, two.keep) == 1);
  CHECK(timeline_size(clinic, two.merge) == 1);
  check_store(clinic);
  CHECK(clinic->duplicates().undo_merge(clinic.context(), undo).status().code() ==
        StatusCode::kFailedPrecondition);
}

TEST_CASE("patient merge: undoing leaves what was edited and added since") {
  Two two;
  ClinicFixture& clinic = two.clinic;
  add_record(clinic, two.merge);
  UndoMergeRequest undo;
  undo.set_id(must(two.run()).result().id());
  add_record(clinic, two.keep);
  UpdatePatientRequest update;
  *update.mutable_patient() = get(clinic, two.keep)->patient();
  update.mutable_patient()->set_note("prefers mornings");
  update.mutable_patient()->add_flags("vip");
  must(clinic->patients().update(clinic.context(), update));
  must(clinic->duplicates().undo_merge(clinic.context(), undo));
  const Patient kept = get(clinic, two.keep)->patient();
  CHECK(kept.note() == "prefers mornings");
  CHECK(kept.flags_size() == 1);
  CHECK(kept.cns().empty());
  CHECK(kept.mrn_size() == 1);
  CHECK(timeline_size(clinic, two.keep) == 1);
  CHECK(timeline_size(clinic, two.merge) == 1);
}

TEST_CASE("patient merge: what cannot be merged is refused whole, and says why") {
  Two two;
  ClinicFixture& clinic = two.clinic;
  const std::string doctor = clinic.professional("Dr. Caio");
  SECTION("two appointments at one time") {
    must(book(clinic, two.site, two.professional, two.keep, 9));
    must(book(clinic, two.site, doctor, two.merge, 9));
    add_record(clinic, two.merge);
    const Status refused = two.run().status();
    CHECK(refused.code() == StatusCode::kFailedPrecondition);
    CHECK(refused.message().find("cancel one") != std::string_view::npos);
    CHECK(get(clinic, two.merge)->patient().replaced_by_id().empty());
    CHECK(timeline_size(clinic, two.merge) == 1);
    check_store(clinic);
  }
  SECTION("somebody who was merged already") {
    must(two.run());
    const Status refused = two.run().status();
    CHECK(refused.code() == StatusCode::kFailedPrecondition);
    CHECK(refused.field() == "merge_id");
  }
  SECTION("with oneself, or with nobody") {
    CHECK(clinic->duplicates()
              .merge(clinic.context(), request_of(two.keep, two.keep))
              .status()
              .code() == StatusCode::kInvalidArgument);
    CHECK(clinic->duplicates()
              .merge(clinic.context(), request_of(two.keep, std::string(16, 'x')))
              .status()
              .code() == StatusCode::kNotFound);
  }
}

TEST_CASE("patient merge: nothing is written to one who was merged") {
  Two two;
  ClinicFixture& clinic = two.clinic;
  must(two.run());
  PutRecordRequest put;
  put.mutable_record()->set_type(RESOURCE_TYPE_CONDITION);
  put.mutable_record()->set_patient_id(two.merge);
  const Status refused = clinic->records().put(clinic.context(), put).status();
  CHECK(refused.code() == StatusCode::kFailedPrecondition);
  CHECK(refused.message().find(Uuid::from_bytes(two.keep).to_string()) != std::string_view::npos);
  UpdatePatientRequest update;
  *update.mutable_patient() = get(clinic, two.merge)->patient();
  CHECK(clinic->patients().update(clinic.context(), update).status().code() ==
        StatusCode::kFailedPrecondition);
  FindDuplicatesRequest find;
  find.set_patient_id(two.keep);
  CHECK(must(clinic->duplicates().find(clinic.context(), find)).duplicates_size() == 0);
}

TEST_CASE("patient merge: merges in a row are undone in turn, the last one first") {
  Two two;
  ClinicFixture& clinic = two.clinic;
  const std::string third = clinic.patient("Ana S.");
  add_record(clinic, two.merge);
  UndoMergeRequest first;
  first.set_id(must(two.run()).result().id());
  UndoMergeRequest second;
  second.set_id(must(clinic->duplicates().merge(clinic.context(), request_of(third, two.keep)))
                    .result()
                    .id());
  CHECK(timeline_size(clinic, third) == 1);
  CHECK(clinic->duplicates().undo_merge(clinic.context(), first).status().code() ==
        StatusCode::kFailedPrecondition);
  must(clinic->duplicates().undo_merge(clinic.context(), second));
  must(clinic->duplicates().undo_merge(clinic.context(), first));
  CHECK(timeline_size(clinic, two.merge) == 1);
  check_store(clinic);
}

TEST_CASE("patient merge: the reference in a FHIR body follows, and nothing else of the body") {
  Two two;
  ClinicFixture& clinic = two.clinic;
  const std::string reference = fhir_reference(RESOURCE_TYPE_PATIENT, two.merge, {});
  PutRecordRequest put;
  ClinicalRecord& record = *put.mutable_record();
  record.set_type(RESOURCE_TYPE_CONDITION);
  record.set_id(std::string(Uuid::v7(clinic.clock(), system_random()).view()));
  record.set_patient_id(two.merge);
  record.set_fhir(R"({"resourceType":"Condition","subject":{"reference":")" + reference +
                  R"("},"note":[{"text":"\"reference\":\")" + reference + R"(\""}]})");
  // As an import stores it: what it means has been read from the body already.
  must(clinic->store().execute(clinic.context().tenant, {},
                               [&](engine::Transaction& tx) -> Result<std::string> {
                                 RETURN_IF_ERROR(tx.put(records_table(), record).status());
                                 return std::string();
                               }));
  must(two.run());
  GetRecordRequest request;
  request.set_type(RESOURCE_TYPE_CONDITION);
  request.set_id(record.id());
  const std::string body = must(clinic->records().get(clinic.context(), request))->record().fhir();
  CHECK(body == R"({"resourceType":"Condition","subject":{"reference":")" +
                    fhir_reference(RESOURCE_TYPE_PATIENT, two.keep, {}) +
                    R"("},"note":[{"text":"\"reference\":\")" + reference + R"(\""}]})");
}

TEST_CASE("patient merge: it leaves two events, that it was done and that it was undone") {
  Two two;
  ClinicFixture& clinic = two.clinic;
  UndoMergeRequest undo;
  undo.set_id(must(two.run()).result().id());
  must(clinic->duplicates().undo_merge(clinic.context(), undo));
  std::vector<int> types;
  const auto reader = must(clinic->store().view(clinic.context().tenant));
  must(reader->events(Lsn{0}, {}, [&](const engine::Event& event) {
    if (event.type >= EVENT_PATIENTS_MERGED && event.type < EVENT_RECORD_ADDED)
      types.push_back(event.type);
    return true;
  }));
  CHECK(types == std::vector<int>{EVENT_PATIENTS_MERGED, EVENT_PATIENTS_MERGE_UNDONE});
}

TEST_CASE("patient merge: the link is read from a stored body without decoding it") {
  Patient patient = make_patient("Ana", "52998224725");
  patient.set_fhir(std::string(5000, 'x'));
  CHECK(replaced_by(patient.SerializeAsString()).empty());
  patient.set_replaced_by_id(std::string(16, 'k'));
  CHECK(replaced_by(patient.SerializeAsString()) == std::string(16, 'k'));
  CHECK(replaced_by("\xff\xff").empty());
  CHECK(replaced_by("").empty());
}

}  // namespace
}  // namespace clinicdb::clinic
