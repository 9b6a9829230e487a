#include "clinicdb/clinic/records.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

#include "clinic_fixture.h"

namespace clinicdb::clinic {
namespace {

PutRecordRequest record_of(ResourceType type, const std::string& patient, std::int64_t time_us,
                           const std::string& code = {}) {
  PutRecordRequest request;
  ClinicalRecord& record = *request.mutable_record();
  record.set_type(type);
  record.set_patient_id(patient);
  record.set_time_us(time_us);
  record.set_status("final");
  record.mutable_code()->set_system(code.empty() ? "" : "http://loinc.org");
  record.mutable_code()->set_code(code);
  record.mutable_code()->set_display(code.empty() ? "" : "shown " + code);
  return request;
}

TEST_CASE(
    "records: a timeline holds encounters and records of every type, newest first, in pages") {
  ClinicFixture clinic;
  const std::string ana = clinic.patient("Ana");
  const std::string bia = clinic.patient("Bia");
  for (int i = 0; i < 30; ++i) {
    const ResourceType type = i % 3 == 0 ? RESOURCE_TYPE_ENCOUNTER : RESOURCE_TYPE_OBSERVATION;
    must(clinic->records().put(clinic.context(), record_of(type, ana, (i * 7 % 30) * 1000, "c")));
    must(clinic->records().put(clinic.context(), record_of(type, bia, i)));
  }
  PutRecordRequest timeless = record_of(RESOURCE_TYPE_CONDITION, ana, 0);
  timeless.mutable_record()->clear_time_us();
  timeless.mutable_record()->set_title("Alergia");
  must(clinic->records().put(clinic.context(), timeless));

  PatientTimelineRequest request;
  request.set_patient_id(ana);
  request.set_limit(7);
  std::vector<TimelineItem> items;
  do {
    const auto page = must(clinic->patients().timeline(clinic.context(), request));
    items.insert(items.end(), page->items().begin(), page->items().end());
    request.set_cursor(page->cursor());
  } while (!request.cursor().empty());
  REQUIRE(items.size() == 31);
  CHECK(std::is_sorted(
      items.begin(), items.end() - 1,
      [](const TimelineItem& a, const TimelineItem& b) { return a.time_us() > b.time_us(); }));
  CHECK(items[0].time_us() == 29'000);
  CHECK(items[0].title() == "shown c");
  CHECK(items[0].status() == "final");
  CHECK_FALSE(items.back().has_time_us());
  CHECK(items.back().title() == "Alergia");
  CHECK(items.back().type() == RESOURCE_TYPE_CONDITION);
}

TEST_CASE("records: a kept timeline follows a new record, and stays for other patients",
          "[embedded]") {
  ClinicFixture clinic;
  const std::string ana = clinic.patient("Ana");
  const std::string bia = clinic.patient("Bia");
  PatientTimelineRequest of_ana;
  of_ana.set_patient_id(ana);
  PatientTimelineRequest of_bia;
  of_bia.set_patient_id(bia);
  const auto before_ana = must(clinic->patients().timeline(clinic.context(), of_ana));
  const auto before_bia = must(clinic->patients().timeline(clinic.context(), of_bia));
  must(clinic->records().put(clinic.context(), record_of(RESOURCE_TYPE_PROCEDURE, ana, 1)));
  CHECK(must(clinic->patients().timeline(clinic.context(), of_ana))->items_size() == 1);
  CHECK(must(clinic->patients().timeline(clinic.context(), of_bia)) == before_bia);
  CHECK(before_ana->items_size() == 0);
}

TEST_CASE("records: by patient and type, by patient and code, by type and time") {
  ClinicFixture clinic;
  const std::string ana = clinic.patient("Ana");
  const std::string bia = clinic.patient("Bia");
  for (int i = 0; i < 10; ++i) {
    const std::string code = i % 2 == 0 ? "8480-6" : "8480-61";
    must(clinic->records().put(clinic.context(),
                               record_of(RESOURCE_TYPE_OBSERVATION, ana, i, code)));
    must(clinic->records().put(clinic.context(),
                               record_of(RESOURCE_TYPE_OBSERVATION, bia, i, code)));
  }
  must(clinic->records().put(clinic.context(), record_of(RESOURCE_TYPE_CONDITION, ana, 3)));
  ListRecordsByTypeRequest by_type;
  by_type.set_patient_id(ana);
  by_type.set_type(RESOURCE_TYPE_OBSERVATION);
  const ListRecordsResponse observations =
      must(clinic->records().list_by_type(clinic.context(), by_type));
  REQUIRE(observations.records_size() == 10);
  CHECK(observations.records(0).time_us() == 9);
  ListRecordsByCodeRequest by_code;
  by_code.set_patient_id(ana);
  by_code.set_system("http://loinc.org");
  by_code.set_code("8480-6");
  const ListRecordsResponse pressures =
      must(clinic->records().list_by_code(clinic.context(), by_code));
  REQUIRE(pressures.records_size() == 5);
  CHECK(pressures.records(0).time_us() == 8);
  ListRecordsByTimeRequest by_time;
  by_time.set_type(RESOURCE_TYPE_OBSERVATION);
  by_time.set_limit(100);
  CHECK(must(clinic->records().list_by_time(clinic.context(), by_time)).records_size() == 20);
  by_time.mutable_period()->set_start_us(3);
  by_time.mutable_period()->set_end_us(5);
  const ListRecordsResponse middle =
      must(clinic->records().list_by_time(clinic.context(), by_time));
  REQUIRE(middle.records_size() == 4);
  CHECK(middle.records(0).time_us() == 4);
  CHECK(middle.records(3).time_us() == 3);
}

TEST_CASE("records: found by identifier, read by type and id, with every version") {
  ClinicFixture clinic;
  PutRecordRequest request = record_of(RESOURCE_TYPE_DEVICE, {}, 1);
  Identifier& identifier = *request.mutable_record()->add_identifiers();
  identifier.set_system("urn:lot");
  identifier.set_value("L1");
  const std::string id = must(clinic->records().put(clinic.context(), request)).result().id();
  request.mutable_record()->set_id(id);
  request.mutable_record()->set_status("inactive");
  CHECK(must(clinic->records().put(clinic.context(), request)).result().version() == 2);
  FindRecordsByIdentifierRequest find;
  find.set_system("urn:lot");
  find.set_value("L1");
  CHECK(must(clinic->records().find_by_identifier(clinic.context(), find)).records_size() == 1);
  find.set_type(RESOURCE_TYPE_MEDICATION);
  CHECK(must(clinic->records().find_by_identifier(clinic.context(), find)).records_size() == 0);
  GetRecordRequest get;
  get.set_type(RESOURCE_TYPE_DEVICE);
  get.set_id(id);
  CHECK(must(clinic->records().get(clinic.context(), get))->record().status() == "inactive");
  get.set_type(RESOURCE_TYPE_MEDICATION);
  CHECK(must(clinic->records().get(clinic.context(), get)) == nullptr);
  RecordHistoryRequest history;
  history.set_type(RESOURCE_TYPE_DEVICE);
  history.set_id(id);
  const RecordHistoryResponse versions = must(clinic->records().history(clinic.context(), history));
  REQUIRE(versions.versions_size() == 2);
  CHECK(versions.versions(1).record().status() == "final");
}

TEST_CASE("records: one of a patient who is not there is refused") {
  ClinicFixture clinic;
  const Status refused =
      clinic->records()
          .put(clinic.context(), record_of(RESOURCE_TYPE_CONDITION, std::string(16, 'x'), 1))
          .status();
  CHECK(refused.code() == StatusCode::kNotFound);
  CHECK(refused.field() == "record.patient_id");
}

}  // namespace
}  // namespace clinicdb::clinic
