// What an imported appointment has to do with the rest of the clinic: which clinic it is at, and
// who gets the time that it gives up.
#include <catch2/catch.hpp>
#include <string>

#include "billing/tables.h"
#include "clinicdb/clinic/calendar.h"
#include "clinicdb/clinic/people.h"
#include "clinicdb/clinic/records.h"
#include "clinicdb/clinic/scheduling.h"
#include "clinicdb/clinic/waitlist.h"
#include "fhir_fixture.h"

namespace clinicdb::clinic::fhir {
namespace {

constexpr std::int64_t kMinuteUs = 60'000'000;
constexpr std::int64_t kNine = 2'051'254'800'000'000;  // 2035-01-01T09:00:00Z

std::string appointment(const std::string& id, const std::string& status, const std::string& from,
                        const std::string& until, const std::string& room = "",
                        const std::string& patient = "ana") {
  const std::string place =
      room.empty() ? ""
                   : R"({"actor":{"reference":"Location/)" + room + R"("},"status":"accepted"},)";
  return R"({"resourceType":"Appointment","id":")" + id + R"(","status":")" + status +
         R"(","start":"2035-01-01T)" + from + R"(:00Z","end":"2035-01-01T)" + until +
         R"(:00Z","participant":[)" + place +
         R"({"actor":{"reference":"Practitioner/lia"},"status":"accepted"},)"
         R"({"actor":{"reference":"Patient/)" +
         patient + R"("},"status":"accepted"}]})";
}

std::string removal(const std::string& reference) {
  return R"({"resourceType":"Bundle","type":"transaction","entry":[{"request":)"
         R"({"method":"DELETE","url":")" +
         reference + R"("}}]})";
}

class Books : public FhirFixture {
 public:
  Books() {
    REQUIRE(import_text(R"({"resourceType":"Practitioner","id":"lia"})"
                        "\n"
                        R"({"resourceType":"Patient","id":"ana"})"
                        "\n"
                        R"({"resourceType":"Patient","id":"bia"})"
                        "\n"
                        R"({"resourceType":"Organization","id":"rede","name":"Rede"})"
                        "\n"
                        R"({"resourceType":"Location","id":"predio","name":"Prédio",)"
                        R"("managingOrganization":{"reference":"Organization/rede"}})"
                        "\n"
                        R"({"resourceType":"Location","id":"sala","name":"Sala",)"
                        R"("partOf":{"reference":"Location/predio"}})")
                .failed == 0);
  }
  CallContext context() const { return CallContext::system(tenant); }
  std::string site(const std::string& slug, const std::string& organization = "") {
    PutClinicRequest request;
    request.mutable_clinic()->set_slug(slug);
    request.mutable_clinic()->set_name(slug);
    if (!organization.empty())
      request.mutable_clinic()->set_organization_id(
          key_of(RESOURCE_TYPE_ORGANIZATION, organization));
    const auto put = clinic->people().put_clinic(context(), request);
    if (!put) FAIL(put.error().to_string());
    return put->result().id();
  }
  Appointment booked(const std::string& id) {
    const auto found = stored(appointments_table(), key_of(RESOURCE_TYPE_APPOINTMENT, id));
    REQUIRE(found);
    return found->record;
  }
  std::string clinic_of(const std::string& id) { return booked(id).clinic_id(); }
  int in_calendar(const std::string& clinic_id) {
    ListDayRequest request;
    request.set_kind(RESOURCE_KIND_CLINIC);
    request.set_id(clinic_id);
    request.mutable_day()->set_year(2035);
    request.mutable_day()->set_month(1);
    request.mutable_day()->set_day(1);
    const auto day = clinic->scheduling().list_day(context(), request);
    if (!day) FAIL(day.error().to_string());
    return (*day)->entries_size();
  }
  Status move(const std::string& id, std::int64_t minutes) {
    RescheduleAppointmentRequest request;
    request.set_id(key_of(RESOURCE_TYPE_APPOINTMENT, id));
    request.set_start_us(kNine + minutes * kMinuteUs);
    return clinic->scheduling().reschedule(context(), request).status();
  }
  std::string wait(const std::string& clinic_id, const std::string& patient) {
    AddWaitlistEntryRequest request;
    request.mutable_entry()->set_clinic_id(clinic_id);
    request.mutable_entry()->set_patient_id(key_of(RESOURCE_TYPE_PATIENT, patient));
    request.mutable_entry()->set_duration_minutes(30);
    const auto added = clinic->waitlist().add(context(), request);
    if (!added) FAIL(added.error().to_string());
    return added->result().id();
  }
  WaitlistEntry waiting(const std::string& id) {
    const auto found = stored(waitlist_table(), id);
    REQUIRE(found);
    return found->record;
  }
};

TEST_CASE("fhir appointment: its clinic is the only one there is, and it is in that calendar") {
  Books store;
  const std::string centro = store.site("centro");
  REQUIRE(store.import_text(appointment("a", "booked", "09:00", "10:00")).imported == 1);
  CHECK(store.clinic_of("a") == centro);
  CHECK(store.in_calendar(centro) == 1);
  CHECK(store.move("a", 120).ok());
  // Of two clinics nothing says which.
  const std::string praia = store.site("praia");
  REQUIRE(store.import_text(appointment("b", "booked", "14:00", "15:00")).imported == 1);
  CHECK(store.clinic_of("b").empty());
  CHECK(store.move("b", 400).field() == "appointment.clinic_id");
  // It stays where it is, whatever clinics come.
  CHECK(store.import_text(appointment("a", "booked", "16:00", "17:00")).imported == 1);
  CHECK(store.clinic_of("a") == centro);
  store.verify();
}

TEST_CASE("fhir appointment: a room's clinic, its building's, its organisation's") {
  Books store;
  const std::string centro = store.site("centro");
  const std::string praia = store.site("praia", "rede");
  REQUIRE(store.import_text(appointment("a", "booked", "09:00", "10:00", "sala")).imported == 1);
  CHECK(store.clinic_of("a") == praia);
  // Two of the organisation: it does not say.
  store.site("serra", "rede");
  REQUIRE(store.import_text(appointment("b", "booked", "10:00", "11:00", "sala")).imported == 1);
  CHECK(store.clinic_of("b").empty());
  PutLocationRequest request;
  *request.mutable_location() =
      store.stored(locations_table(), FhirFixture::key_of(RESOURCE_TYPE_LOCATION, "predio"))
          ->record;
  request.mutable_location()->set_clinic_id(centro);
  REQUIRE(store.clinic->people().put_location(store.context(), request));
  REQUIRE(store.import_text(appointment("c", "booked", "11:00", "12:00", "sala")).imported == 1);
  CHECK(store.clinic_of("c") == centro);
  // Into a room of another clinic it moves with the room.
  REQUIRE(store.import_text(R"({"resourceType":"Location","id":"mar","name":"Mar"})").imported ==
          1);
  *request.mutable_location() =
      store.stored(locations_table(), FhirFixture::key_of(RESOURCE_TYPE_LOCATION, "mar"))->record;
  request.mutable_location()->set_clinic_id(praia);
  REQUIRE(store.clinic->people().put_location(store.context(), request));
  REQUIRE(store.import_text(appointment("c", "booked", "11:00", "12:00", "mar")).imported == 1);
  CHECK(store.clinic_of("c") == praia);
  store.verify();
}

TEST_CASE("fhir appointment: one that came before its clinic gets it, and nothing else changes") {
  Books store;
  const std::string text = appointment("a", "booked", "09:00", "10:00");
  REQUIRE(store.import_text(text + "\n" + appointment("b", "booked", "10:00", "11:00")).imported ==
          2);
  CHECK(store.clinic_of("a").empty());
  CHECK(store.import_text(text).unchanged == 1);
  const std::string centro = store.site("centro");
  // Imported again,
  CHECK(store.import_text(text).imported == 1);
  CHECK(store.clinic_of("a") == centro);
  CHECK(store.import_text(text).unchanged == 1);
  CHECK(store.exported().at("Appointment/a") == text);
  // or changed by somebody.
  CHECK(store.move("b", 120).ok());
  CHECK(store.clinic_of("b") == centro);
  CHECK(store.in_calendar(centro) == 2);
  store.verify();
}

std::string encounter(const std::string& id, const std::string& more) {
  return R"({"resourceType":"Encounter","id":")" + id +
         R"(","status":"finished","class":{"code":"AMB"},)" + more +
         R"("subject":{"reference":"Patient/ana"}})";
}
std::string invoice(const std::string& id, const std::string& more) {
  return R"({"resourceType":"Invoice","id":")" + id +
         R"(","status":"draft","subject":{"reference":"Patient/ana"},)" + more +
         R"("date":"2026-03-02","lineItem":[{"chargeItemCodeableConcept":{"text":"x"},)"
         R"("priceComponent":[{"type":"base","amount":{"value":10.00,"currency":"BRL"}}]}]})";
}

TEST_CASE("fhir encounter and invoice: their clinic is their place's, their organisation's") {
  Books store;
  const auto clinic_of_encounter = [&](const std::string& id) {
    const auto found = store.stored(
        records_table(),
        record_key(RESOURCE_TYPE_ENCOUNTER, Books::key_of(RESOURCE_TYPE_ENCOUNTER, id)));
    REQUIRE(found);
    return found->record.encounter().clinic_id();
  };
  const auto clinic_of_invoice = [&](const std::string& id) {
    const auto found = store.stored(invoices_table(), Books::key_of(RESOURCE_TYPE_INVOICE, id));
    REQUIRE(found);
    return found->record.clinic_id();
  };
  const std::string at_sala = R"("location":[{"location":{"reference":"Location/sala"}}],)";
  const std::string by_rede = R"("serviceProvider":{"reference":"Organization/rede"},)";
  const std::string of_rede = R"("issuer":{"reference":"Organization/rede"},)";
  const std::string text = encounter("plain", "") + "\n" + encounter("room", at_sala) + "\n" +
                           encounter("provider", by_rede) + "\n" + invoice("plain", "") + "\n" +
                           invoice("issuer", of_rede);
  const auto clinics = [&] {
    return std::vector<std::string>{clinic_of_encounter("plain"), clinic_of_encounter("room"),
                                    clinic_of_encounter("provider"), clinic_of_invoice("plain"),
                                    clinic_of_invoice("issuer")};
  };
  REQUIRE(store.import_text(text).imported == 5);
  CHECK(clinics() == std::vector<std::string>(5));
  CHECK(store.import_text(text).unchanged == 5);
  // Two clinics, one of the organisation; what came before them gets its clinic when it comes
  // again.
  const std::string praia = store.site("praia", "rede");
  const std::string centro = store.site("centro");
  CHECK(store.import_text(text).imported == 3);
  CHECK(clinics() == std::vector<std::string>{"", praia, praia, "", praia});
  CHECK(store.import_text(text).unchanged == 5);
  // What goes out is what came in.
  const auto out = store.exported();
  CHECK(out.at("Encounter/room") == encounter("room", at_sala));
  CHECK(out.at("Encounter/provider") == encounter("provider", by_rede));
  CHECK(out.at("Invoice/issuer") == invoice("issuer", of_rede));
  // It stays there, until it is in a place of another.
  CHECK(store.import_text(encounter("provider", R"("length":{"value":1},)" + by_rede)).imported ==
        1);
  CHECK(clinic_of_encounter("provider") == praia);
  CHECK(store.import_text(invoice("issuer", R"("note":[{"text":"x"}],)")).imported == 1);
  CHECK(clinic_of_invoice("issuer") == praia);
  PutLocationRequest request;
  *request.mutable_location() =
      store.stored(locations_table(), Books::key_of(RESOURCE_TYPE_LOCATION, "predio"))->record;
  request.mutable_location()->set_clinic_id(centro);
  REQUIRE(store.clinic->people().put_location(store.context(), request));
  CHECK(store.import_text(encounter("provider", by_rede + at_sala)).imported == 1);
  CHECK(clinic_of_encounter("provider") == centro);
  store.verify();
}

TEST_CASE("fhir encounter: the only clinic, unless it is known to be another organisation's") {
  Books store;
  REQUIRE(
      store.import_text(R"({"resourceType":"Organization","id":"fora","name":"Fora"})").imported ==
      1);
  const auto clinic_of_encounter = [&](const std::string& id, const std::string& organization) {
    REQUIRE(store
                .import_text(encounter(id, R"("serviceProvider":{"reference":"Organization/)" +
                                               organization + R"("},)"))
                .imported == 1);
    return store
        .stored(records_table(),
                record_key(RESOURCE_TYPE_ENCOUNTER, Books::key_of(RESOURCE_TYPE_ENCOUNTER, id)))
        ->record.encounter()
        .clinic_id();
  };
  SECTION("of no organisation") {
    const std::string centro = store.site("centro");
    CHECK(clinic_of_encounter("a", "fora") == centro);
  }
  SECTION("of one") {
    const std::string centro = store.site("centro", "rede");
    CHECK(clinic_of_encounter("a", "fora").empty());
    CHECK(clinic_of_encounter("b", "rede") == centro);
  }
}

TEST_CASE("fhir encounter: a signed one stays as it was signed, also without a clinic") {
  Books store;
  const std::string text = encounter("e", "");
  REQUIRE(store.import_text(text).imported == 1);
  SignRecordRequest sign;
  sign.set_type(RESOURCE_TYPE_ENCOUNTER);
  sign.set_id(Books::key_of(RESOURCE_TYPE_ENCOUNTER, "e"));
  CallContext context = store.context();
  context.user = Uuid::from_bytes(sign.id());
  const auto is_signed = store.clinic->records().sign(context, sign);
  if (!is_signed) FAIL(is_signed.error().to_string());
  store.site("centro");
  CHECK(store.import_text(text).unchanged == 1);
}

TEST_CASE("fhir appointment: what an import cancels is offered to who waits, when it is through") {
  Books store;
  const std::string centro = store.site("centro");
  REQUIRE(store.import_text(appointment("a", "booked", "09:00", "10:00")).imported == 1);
  const std::string entry = store.wait(centro, "bia");
  SECTION("cancelled, removed, or a mere proposal again") {
    const std::string given_up =
        GENERATE(appointment("a", "cancelled", "09:00", "10:00"),
                 appointment("a", "proposed", "09:00", "10:00"), removal("Appointment/a"));
    CHECK(store.import_text(given_up).failed == 0);
    const WaitlistEntry offered = store.waiting(entry);
    REQUIRE(offered.status() == WAITLIST_STATUS_OFFERED);
    const auto hold = store.stored(appointments_table(), offered.hold_id());
    REQUIRE(hold);
    CHECK(hold->record.start_us() == kNine);
    CHECK(hold->record.status() == APPOINTMENT_STATUS_HELD);
    // Once: the same file frees nothing more.
    CHECK(store.import_text(given_up).imported == 0);
    CHECK(store.waiting(entry).hold_id() == offered.hold_id());
  }
  SECTION("what the same import books again is not offered") {
    CHECK(store
              .import_text(appointment("a", "cancelled", "09:00", "10:00") + "\n" +
                           appointment("b", "booked", "09:00", "10:00"))
              .imported == 2);
    CHECK(store.waiting(entry).status() == WAITLIST_STATUS_WAITING);
  }
  SECTION("moved, or done: as when it is done here, nothing is offered") {
    const std::string text = GENERATE(appointment("a", "booked", "15:00", "16:00"),
                                      appointment("a", "fulfilled", "09:00", "10:00"),
                                      appointment("a", "noshow", "09:00", "10:00"));
    CHECK(store.import_text(text).imported == 1);
    CHECK(store.waiting(entry).status() == WAITLIST_STATUS_WAITING);
  }
  SECTION("a transaction that is refused has freed nothing") {
    REQUIRE(store.import_text(appointment("c", "booked", "12:00", "13:00")).imported == 1);
    const std::string clash = appointment("d", "booked", "12:30", "13:30");
    const std::string text =
        R"({"resourceType":"Bundle","type":"transaction","entry":[{"resource":)" +
        appointment("a", "cancelled", "09:00", "10:00") +
        R"(,"request":{"method":"PUT","url":"Appointment/a"}},{"resource":)" + clash +
        R"(,"request":{"method":"PUT","url":"Appointment/d"}}]})";
    CHECK(store.import_text(text).failed == 2);
    CHECK(store.waiting(entry).status() == WAITLIST_STATUS_WAITING);
    CHECK(store.booked("a").status() == APPOINTMENT_STATUS_BOOKED);
  }
  store.verify();
}

}  // namespace
}  // namespace clinicdb::clinic::fhir
