#include <catch2/catch.hpp>
#include <string>

#include "billing/tables.h"
#include "clinicdb/clinic/billing.h"
#include "clinicdb/clinic/consents.h"
#include "consent_table.h"
#include "fhir_fixture.h"

namespace clinicdb::clinic::fhir {
namespace {

const std::string kPatient = R"({"resourceType":"Patient","id":"ana","name":[{"text":"Ana"}]})";

std::string invoice(const std::string& status, const std::string& lines, const std::string& total) {
  return R"({"resourceType":"Invoice","id":"i1","status":")" + status +
         R"(","subject":{"reference":"Patient/ana"},"date":"2026-03-02","lineItem":[)" + lines +
         R"(],"totalGross":{"value":)" + total + R"(,"currency":"BRL"}})";
}

const std::string kLine =
    R"({"chargeItemCodeableConcept":{"text":"Limpeza"},"priceComponent":[)"
    R"({"type":"base","factor":2,"amount":{"value":300.00,"currency":"BRL"}},)"
    R"({"type":"discount","amount":{"value":-10.5,"currency":"BRL"}}]})";

std::string bundle(const std::string& first, const std::string& second) {
  return R"({"resourceType":"Bundle","type":"collection","entry":[{"resource":)" + first +
         R"(},{"resource":)" + second + "}]}";
}

std::string id_bytes(ResourceType type, const std::string& id) {
  return std::string(identity_of(type, id)->id.view());
}

CallContext context_of(FhirFixture& fixture) { return CallContext::system(fixture.tenant); }

Invoice stored_invoice(FhirFixture& fixture) {
  GetInvoiceRequest request;
  request.set_id(id_bytes(RESOURCE_TYPE_INVOICE, "i1"));
  const auto found = fixture.clinic->billing().get_invoice(context_of(fixture), request);
  REQUIRE(found);
  REQUIRE(*found != nullptr);
  return (*found)->invoice();
}

TEST_CASE("fhir invoice: one that adds up is an invoice of ours, and goes out as it came") {
  FhirFixture fixture;
  const std::string body = invoice("issued", kLine, "289.50");
  REQUIRE(fixture.import_text(bundle(kPatient, body)).failed == 0);
  const Invoice stored = stored_invoice(fixture);
  CHECK(stored.status() == INVOICE_STATUS_ISSUED);
  CHECK(stored.total_cents() == 28'950);
  CHECK(stored.items(0).quantity() == 2);
  CHECK(stored.items(0).unit_cents() == 15'000);
  CHECK(stored.number() == 0);
  CHECK(stored.instalments(0).due().day() == 2);
  CHECK(fixture.exported().at("Invoice/i1") == body);
  CHECK(fixture.import_text(bundle(kPatient, body)).unchanged == 2);

  PayInvoiceRequest pay;
  pay.set_invoice_id(stored.id());
  pay.set_cents(28'950);
  pay.set_method(PAYMENT_METHOD_PIX);
  REQUIRE(fixture.clinic->billing().pay_invoice(context_of(fixture), pay));
  CHECK(fixture.exported().at("Invoice/i1") == invoice("balanced", kLine, "289.50"));
}

TEST_CASE("fhir invoice: what R4 lets a line leave out may be left out") {
  FhirFixture fixture;
  std::string line;
  bool ours = true;
  SECTION("how often") {
    line = R"({"chargeItemCodeableConcept":{"text":"x"},"priceComponent":[)"
           R"({"type":"base","amount":{"value":10.00,"currency":"BRL"}}]})";
  }
  SECTION("the name of what it refers to") {
    line = R"({"chargeItemReference":{"reference":"ChargeItem/c"},"priceComponent":[)"
           R"({"type":"base","factor":1,"amount":{"value":10.00,"currency":"BRL"}}]})";
  }
  SECTION("a currency, which nobody guesses") {
    ours = false;
    line = R"({"chargeItemCodeableConcept":{"text":"x"},"priceComponent":[)"
           R"({"type":"base","factor":1,"amount":{"value":10.00}}]})";
  }
  SECTION("the amount") {
    ours = false;
    line = R"({"chargeItemCodeableConcept":{"text":"x"},"priceComponent":[{"type":"base"}]})";
  }
  const std::string body = R"({"resourceType":"Invoice","id":"i1","status":"draft",)"
                           R"("subject":{"reference":"Patient/ana"},)"
                           R"("date":"2026-03-02","lineItem":[)" +
                           line + "]}";
  REQUIRE(fixture.import_text(bundle(kPatient, body)).failed == 0);
  CHECK(fixture.stored(invoices_table(), id_bytes(RESOURCE_TYPE_INVOICE, "i1")).has_value() ==
        ours);
  CHECK(fixture.exported().at("Invoice/i1") == body);
}

TEST_CASE("fhir invoice: what does not add up, or has no patient, is kept whole as a record") {
  FhirFixture fixture;
  std::string body;
  SECTION("another total") { body = invoice("issued", kLine, "289.51"); }
  SECTION("a fraction of a cent") { body = invoice("issued", kLine, "289.505"); }
  SECTION("a line without a price") {
    body = invoice("issued", R"({"chargeItemCodeableConcept":{"text":"x"}})", "0");
  }
  SECTION("in error") { body = invoice("entered-in-error", kLine, "289.50"); }
  REQUIRE(fixture.import_text(bundle(kPatient, body)).failed == 0);
  GetInvoiceRequest request;
  request.set_id(id_bytes(RESOURCE_TYPE_INVOICE, "i1"));
  CHECK(*fixture.clinic->billing().get_invoice(context_of(fixture), request) == nullptr);
  CHECK(fixture.exported().at("Invoice/i1") == body);
  // Put right, it becomes one, and is no record any more.
  REQUIRE(fixture.import_text(invoice("draft", kLine, "289.50")).imported == 1);
  CHECK(stored_invoice(fixture).status() == INVOICE_STATUS_DRAFT);
  CHECK(fixture.exported().at("Invoice/i1") == invoice("draft", kLine, "289.50"));
}

TEST_CASE(
    "fhir invoice: one that was made here goes out, and comes in elsewhere with the same sums") {
  FhirFixture fixture;
  REQUIRE(fixture.import_text(kPatient).imported == 1);
  DraftInvoiceRequest draft;
  Invoice& made = *draft.mutable_invoice();
  made.set_patient_id(id_bytes(RESOURCE_TYPE_PATIENT, "ana"));
  made.set_discount_cents(33);
  for (const std::int64_t cents : {9'999, 1}) {
    InvoiceItem& item = *made.add_items();
    item.set_description("x");
    item.set_unit_cents(cents);
    item.set_quantity(3);
  }
  const auto drafted = fixture.clinic->billing().draft_invoice(context_of(fixture), draft);
  REQUIRE(drafted);
  IssueInvoiceRequest issue;
  issue.set_id(drafted->result().id());
  REQUIRE(fixture.clinic->billing().issue_invoice(context_of(fixture), issue));
  std::string text;
  for (const auto& [name, json] : fixture.exported()) text += json + "\n";
  FhirFixture other;
  REQUIRE(other.import_paths({other.write("in.ndjson", text)}).failed == 0);
  GetInvoiceRequest get;
  get.set_id(drafted->result().id());
  const auto there = other.clinic->billing().get_invoice(context_of(other), get);
  REQUIRE(there);
  REQUIRE(*there != nullptr);
  CHECK((*there)->invoice().total_cents() == 29'967);
  CHECK((*there)->invoice().items(0).net_cents() + (*there)->invoice().items(1).net_cents() ==
        29'967);
  CHECK((*there)->invoice().number() == 0);
}

std::string consent(const std::string& status, const std::string& policy,
                    const std::string& provision) {
  return R"({"resourceType":"Consent","id":"c1","status":")" + status +
         R"(","category":[{"coding":[{"code":"59284-0"}]}],"patient":{"reference":"Patient/ana"},)"
         R"("dateTime":"2026-03-02","policyRule":{"coding":[{"code":")" +
         policy + R"("}]},"provision":)" + provision + "}";
}

CheckConsentResponse check(FhirFixture& fixture, const std::string& purpose) {
  CheckConsentRequest request;
  request.set_patient_id(id_bytes(RESOURCE_TYPE_PATIENT, "ana"));
  request.set_purpose(purpose);
  const auto answer = fixture.clinic->consents().check(context_of(fixture), request);
  REQUIRE(answer);
  return *answer;
}

TEST_CASE("fhir consent: a plain yes is a consent of ours, withdrawn here and so in the export") {
  FhirFixture fixture;
  const std::string provision = R"({"purpose":[{"code":"HMARKT"}]})";
  const std::string body = consent("active", "OPTIN", provision);
  REQUIRE(fixture.import_text(bundle(kPatient, body)).failed == 0);
  const CheckConsentResponse given = check(fixture, "hmarkt");
  CHECK(given.allowed());
  CHECK(fixture.exported().at("Consent/c1") == body);
  WithdrawConsentRequest withdraw;
  withdraw.set_id(given.consent_id());
  REQUIRE(fixture.clinic->consents().withdraw(context_of(fixture), withdraw));
  CHECK_FALSE(check(fixture, "hmarkt").allowed());
  CHECK(fixture.exported().at("Consent/c1") == consent("inactive", "OPTIN", provision));
}

TEST_CASE("fhir consent: what says anything but a plain yes is never read as one") {
  FhirFixture fixture;
  std::string body;
  SECTION("opting out") { body = consent("active", "OPTOUT", R"({"purpose":[{"code":"a"}]})"); }
  SECTION("a denial") {
    body = consent("active", "OPTIN", R"({"type":"deny","purpose":[{"code":"a"}]})");
  }
  SECTION("only to some") {
    body =
        consent("active", "OPTIN", R"({"actor":[{"role":{"text":"x"}}],"purpose":[{"code":"a"}]})");
  }
  SECTION("a draft") { body = consent("draft", "OPTIN", R"({"purpose":[{"code":"a"}]})"); }
  REQUIRE(fixture.import_text(bundle(kPatient, body)).failed == 0);
  CHECK(check(fixture, "a").reason() == "never given");
  CHECK(fixture.exported().at("Consent/c1") == body);
}

TEST_CASE(
    "fhir consent: one that was given here goes out, and comes in elsewhere as the same yes") {
  FhirFixture fixture;
  REQUIRE(fixture.import_text(kPatient).imported == 1);
  GiveConsentRequest give;
  give.mutable_consent()->set_patient_id(id_bytes(RESOURCE_TYPE_PATIENT, "ana"));
  give.mutable_consent()->set_purpose("photographs");
  REQUIRE(fixture.clinic->consents().give(context_of(fixture), give));
  std::string text;
  for (const auto& [name, json] : fixture.exported()) text += json + "\n";
  FhirFixture other;
  REQUIRE(other.import_paths({other.write("in.ndjson", text)}).failed == 0);
  CHECK(check(other, "photographs").allowed());
}

}  // namespace
}  // namespace clinicdb::clinic::fhir
