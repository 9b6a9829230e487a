#include "clinicdb/clinic/tables.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "clinic_fixture.h"
#include "clinicdb/base/bytes.h"

namespace clinicdb::clinic {
namespace {

const std::string kA(16, 'a');
const std::string kB(16, 'b');
const std::string kC(16, 'c');
const std::string kD(16, 'd');

const engine::IndexEntries& entries_of(const engine::PreparedRecord& prepared,
                                       engine::IndexNumber index) {
  for (std::size_t i = 0; i < prepared.table->indexes.size(); ++i) {
    if (prepared.table->indexes[i].number == index) return prepared.entries[i];
  }
  throw std::runtime_error("no such index");
}

Appointment make_appointment() {
  Appointment appointment;
  appointment.set_id(kA);
  appointment.set_clinic_id(kB);
  appointment.set_professional_id(kC);
  appointment.set_patient_id(kD);
  appointment.set_start_us(1000);
  appointment.set_end_us(2000);
  appointment.set_status(APPOINTMENT_STATUS_BOOKED);
  appointment.set_title("Limpeza de pele");
  return appointment;
}

TEST_CASE("tables: numbers are the clinic's, distinct, and personal fields come from the schema") {
  std::set<std::uint16_t> ids;
  for (const engine::TableDef* table : clinic_schema().tables) {
    CHECK(table->id.value >= 0x0100);
    CHECK(table->id.value <= 0x0fff);
    CHECK(ids.insert(table->id.value).second);
  }
  const std::vector<std::string>& personal = patients_table().def().personal_fields;
  CHECK(std::count(personal.begin(), personal.end(), "cpf") == 1);
  CHECK(std::count(personal.begin(), personal.end(), "fhir") == 1);
  CHECK(std::count(personal.begin(), personal.end(), "inactive") == 0);
}

TEST_CASE("tables: a record is decoded as it was encoded, and equal records are equal bytes") {
  Patient patient = make_patient("Ana Lúcia", "52998224725");
  patient.set_id(kA);
  patient.set_fhir("{}");
  const engine::PreparedRecord first = must(patients_table().prepare(patient));
  const engine::PreparedRecord second = must(patients_table().prepare(Patient(patient)));
  CHECK(first.body == second.body);
  CHECK(must(patients_table().decode(first.body)).SerializeAsString() == first.body);
  CHECK(patients_table().decode("\xff\xff").status().code() == StatusCode::kDataLoss);
}

TEST_CASE(
    "tables: a booked appointment claims professional, room and patient; a cancelled one claims "
    "nothing") {
  Appointment appointment = make_appointment();
  appointment.set_room_id(kA);
  CHECK(entries_of(must(appointments_table().prepare(appointment)), AppointmentIndex::kClaims)
            .entries()
            .size() == 3);
  appointment.set_status(GENERATE(APPOINTMENT_STATUS_CANCELLED, APPOINTMENT_STATUS_NO_SHOW));
  const engine::PreparedRecord released = must(appointments_table().prepare(appointment));
  CHECK(entries_of(released, AppointmentIndex::kClaims).entries().empty());
  CHECK(entries_of(released, AppointmentIndex::kClinicStart).entries().size() == 1);
  CHECK(entries_of(released, AppointmentIndex::kPatientReleased).entries().size() == 1);
}

TEST_CASE("tables: what a calendar entry carries is read back, less what its key says") {
  const Appointment appointment = make_appointment();
  CalendarEntry entry;
  REQUIRE(decode_calendar_covered(encode_calendar_covered(appointment, RESOURCE_KIND_PROFESSIONAL),
                                  entry));
  CHECK(entry.clinic_id() == kB);
  CHECK(entry.professional_id().empty());
  CHECK(entry.room_id().empty());
  CHECK(entry.patient_id() == kD);
  CHECK(entry.status() == APPOINTMENT_STATUS_BOOKED);
  CHECK(entry.title() == "Limpeza de pele");
  CHECK(entry.end_us() == 0);
  CalendarEntry of_clinic;
  REQUIRE(decode_calendar_covered(encode_calendar_covered(appointment, RESOURCE_KIND_CLINIC),
                                  of_clinic));
  CHECK(of_clinic.professional_id() == kC);
  CHECK(of_clinic.end_us() == 2000);
}

TEST_CASE("tables: torn and foreign carried bytes are refused, never read past") {
  const std::string whole = encode_calendar_covered(make_appointment(), RESOURCE_KIND_CLINIC);
  const std::size_t fixed = whole.size() - std::string("Limpeza de pele").size();
  for (std::size_t size = 0; size < fixed; ++size) {
    CalendarEntry entry;
    CHECK_FALSE(decode_calendar_covered(whole.substr(0, size), entry));
  }
  CalendarEntry entry;
  CHECK_FALSE(decode_calendar_covered(std::string("\x80\x01", 2), entry));
  CHECK_FALSE(decode_calendar_covered(std::string("\x00\x7f", 2), entry));
  PatientCovered patient;
  CHECK_FALSE(PatientCovered::decode("", patient));
  CHECK_FALSE(
      PatientCovered::decode(std::string("\x07\xc6\x01\x02\x01\x00\x09", 7) + "Ana", patient));
  RecordCovered record;
  CHECK_FALSE(RecordCovered::decode("", record));
  CHECK_FALSE(
      RecordCovered::decode("\x05"
                            "fin",
                            record));
}

TEST_CASE("tables: a patient's entries carry name, words, birth date and state") {
  Patient patient;
  patient.set_id(kA);
  HumanName& name = *patient.add_names();
  name.set_family("D'Ávila");
  name.add_given("João");
  *patient.mutable_birth_date() = make_date(1974, 12, 0);
  patient.set_gender(GENDER_MALE);
  patient.set_inactive(true);
  const std::string bytes = encode_patient_covered(patient);
  PatientCovered covered;
  REQUIRE(PatientCovered::decode(bytes, covered));
  CHECK(covered.name == "João D'Ávila");
  CHECK(covered.words == "avila d davila joao");
  CHECK(covered.birth_date.year() == 1974);
  CHECK(covered.birth_date.month() == 12);
  CHECK(covered.gender == GENDER_MALE);
  CHECK(covered.inactive);
}

TEST_CASE("tables: text is cut to a size, never within a character") {
  CHECK(cut_text("coração", 5) == "cora");
  CHECK(cut_text("coração", 6) == "coraç");
  CHECK(cut_text("abc", 3) == "abc");
  CHECK(cut_text("é", 1).empty());
}

TEST_CASE("tables: keys of identifiers do not run into each other") {
  CHECK(identifier_key("a", "bc") != identifier_key("ab", "c"));
  CHECK(identifier_key("", "abc") != identifier_key("abc", ""));
  CHECK(date_key(make_date(1999, 12, 31)) < date_key(make_date(2000, 1, 1)));
  CHECK(record_key(RESOURCE_TYPE_ACCOUNT, kA) == std::string("\x00\x01", 2) + kA);
}

}  // namespace
}  // namespace clinicdb::clinic
