#include <catch2/catch.hpp>
#include <string>

#include "clinicdb/clinic/billing.h"
#include "clinicdb/clinic/fhir/generator.h"
#include "fhir_fixture.h"

using namespace clinicdb;
using namespace clinicdb::clinic;
using namespace clinicdb::clinic::fhir;

namespace {

std::string entry(const std::string& full_url, const std::string& resource,
                  const std::string& request) {
  std::string text = "{";
  if (!full_url.empty()) text += "\"fullUrl\":\"" + full_url + "\"";
  if (!resource.empty()) text += (full_url.empty() ? "" : ",") + ("\"resource\":" + resource);
  if (!request.empty()) text += std::string(text.size() > 1 ? "," : "") + "\"request\":" + request;
  return text + "}";
}

std::string post(const std::string& type, const std::string& more = "") {
  return R"({"method":"POST","url":")" + type + "\"" + more + "}";
}
std::string put(const std::string& url, const std::string& more = "") {
  return R"({"method":"PUT","url":")" + url + "\"" + more + "}";
}
std::string deletion(const std::string& url) {
  return R"({"method":"DELETE","url":")" + url + "\"}";
}

std::string bundle(const std::string& type, const std::vector<std::string>& entries) {
  std::string text = R"({"resourceType":"Bundle","type":")" + type + R"(","entry":[)";
  for (std::size_t i = 0; i < entries.size(); ++i) text += (i == 0 ? "\n" : ",\n") + entries[i];
  return text + "\n]}";
}

const std::string kUrn = "urn:uuid:829bb06a-42b9-433d-a8f6-560727c63da";  // one digit is missing

}  // namespace

TEST_CASE("import: NDJSON goes in and comes out as it was; again, and nothing changes") {
  FhirFixture store;
  const std::string patient =
      R"({"resourceType":"Patient","id":"p1","name":[{"family":"Sá"}],"x":1.50})";
  const std::string observation =
      R"({"resourceType":"Observation","id":"o1","subject":{"reference":"Patient/p1"},)"
      R"("valueQuantity":{"value":1e2}})";
  const std::string file = store.write("a.ndjson", patient + "\n\n" + observation + "\r\n");
  ImportReport report = store.import_paths({file});
  REQUIRE(report.files == 1);
  REQUIRE(report.resources == 2);
  REQUIRE(report.imported == 2);
  REQUIRE(report.by_type.at("Patient").imported == 1);
  const auto first = store.exported();
  REQUIRE(first == std::map<std::string, std::string>{{"Patient/p1", patient},
                                                      {"Observation/o1", observation}});
  const Lsn before = store.clinic->store().published_lsn();
  report = store.import_paths({file});
  REQUIRE(report.imported == 0);
  REQUIRE(report.unchanged == 2);
  REQUIRE(store.exported() == first);
  REQUIRE(store.clinic->store().published_lsn() == before);
  store.verify();
}

TEST_CASE("import: two versions of a record in one import, imported again, change nothing") {
  FhirFixture store;
  const std::string file =
      store.write("a.ndjson",
                  "{\"resourceType\":\"Patient\",\"id\":\"p\",\"gender\":\"male\"}\n"
                  "{\"resourceType\":\"Patient\",\"id\":\"p\",\"gender\":\"female\"}\n");
  REQUIRE(store.import_paths({file}).imported == 2);
  const auto first = store.exported();
  REQUIRE(first.at("Patient/p").find("female") != std::string::npos);
  const ImportReport again = store.import_paths({file});
  REQUIRE(again.unchanged == 2);
  REQUIRE(store.exported() == first);
}

TEST_CASE("import: a bad resource is reported with file, line and path, and the rest goes on") {
  FhirFixture store;
  const std::string file =
      store.write("bad.ndjson",
                  "{\"resourceType\":\"Patient\",\"id\":\"a\"}\n"
                  "{\"resourceType\":\"Patient\",\"id\":\"b\",\"birthDate\":\"nunca\"}\n"
                  "{\"resourceType\":\"Patient\",\"id\":\"c\"\n"
                  "{\"resourceType\":\"Paciente\",\"id\":\"d\"}\n"
                  "{\"resourceType\":\"Patient\",\"id\":\"e\"}\n");
  const ImportReport report = store.import_paths({file});
  REQUIRE(report.imported == 2);
  REQUIRE(report.failed == 3);
  REQUIRE(store.problems.size() == 3);
  REQUIRE(store.problems[0].file == file);
  REQUIRE(store.problems[0].line == 2);
  REQUIRE(store.problems[0].path == "birthDate");
  REQUIRE(store.problems[1].line == 3);
  REQUIRE(store.problems[2].line == 4);
  REQUIRE(store.problems[2].path == "resourceType");
  for (const ImportProblem& problem : store.problems) {
    REQUIRE_FALSE(problem.reason.empty());
    REQUIRE(problem.reason.find("nunca") == std::string::npos);  // never the contents
  }
}

TEST_CASE("import: the line of a problem in a laid-out bundle is that of the resource's element") {
  FhirFixture store;
  const std::string text =
      "{\n \"resourceType\": \"Bundle\",\n \"type\": \"collection\",\n \"entry\": [\n"
      "  {\"resource\": {\"resourceType\": \"Patient\", \"id\": \"a\"}},\n"
      "  {\"resource\": {\n    \"resourceType\": \"Patient\",\n    \"id\": \"b\",\n    \"gender\": "
      "\"x\"}}\n ]\n}\n";
  const ImportReport report = store.import_text(text);
  REQUIRE(report.imported == 1);
  REQUIRE(store.problems.size() == 1);
  REQUIRE(store.problems[0].line == 9);
  REQUIRE(store.problems[0].path == "entry[1].resource.gender");
}

TEST_CASE("import: a transaction's urn references become the records they mean") {
  FhirFixture store;
  const std::string text = bundle(
      "transaction", {entry(kUrn + "1", R"({"resourceType":"Patient","name":[{"family":"Melo"}]})",
                            post("Patient")),
                      entry(kUrn + "2",
                            R"({"resourceType":"Observation","id":"obs","code":{"text":")" + kUrn +
                                R"(1"},"subject":{"reference":")" + kUrn + R"(1","display":"x"}})",
                            post("Observation"))});
  REQUIRE(store.import_text(text).imported == 2);
  const auto out = store.exported();
  const std::string id = kUrn.substr(9) + "1";
  REQUIRE(out.at("Patient/" + id) ==
          R"({"resourceType":"Patient","id":")" + id + R"(","name":[{"family":"Melo"}]})");
  REQUIRE(out.at("Observation/obs") ==
          R"({"resourceType":"Observation","id":"obs","code":{"text":")" + kUrn +
              R"(1"},"subject":{"reference":"Patient/)" + id + R"(","display":"x"}})");
  const auto observation = store.stored(
      records_table(),
      record_key(RESOURCE_TYPE_OBSERVATION, FhirFixture::key_of(RESOURCE_TYPE_OBSERVATION, "obs")));
  REQUIRE(observation->record.patient_id() == FhirFixture::key_of(RESOURCE_TYPE_PATIENT, id));
  const ImportReport again = store.import_text(text);
  REQUIRE(again.unchanged == 2);
  REQUIRE(store.exported() == out);
}

TEST_CASE("import: a transaction is all or nothing") {
  FhirFixture store;
  const std::string good = entry("", R"({"resourceType":"Patient","id":"a"})", put("Patient/a"));
  const auto [bad, path] = GENERATE(table<std::string, std::string>({
      {entry("", R"({"resourceType":"Patient","id":"b","gender":"x"})", put("Patient/b")),
       "entry[1].resource.gender"},
      {entry("", R"({"resourceType":"Patient","id":"b"})", put("Patient/c")),
       "entry[1].resource.id"},
      {entry("", R"({"resourceType":"Patient","id":"b"})", put("Group/b")),
       "entry[1].resource.resourceType"},
      {entry("", R"({"resourceType":"Patient","id":"a"})", put("Patient/a")), "entry[1]"},
      {entry("", R"({"resourceType":"Patient","id":"b"})",
             R"({"method":"PATCH","url":"Patient/b"})"),
       "entry[1].request.method"},
      {entry("", R"({"resourceType":"Patient","id":"b"})", ""), "entry[1]"},
      {entry("", "", put("Patient/b")), "entry[1]"},
      {entry("",
             R"({"resourceType":"Observation","id":"b","subject":{"reference":"urn:uuid:nobody"}})",
             put("Observation/b")),
       "entry[1].resource.subject.reference"},
      {entry("",
             R"({"resourceType":"Observation","id":"b",)"
             R"("subject":{"reference":"Patient?identifier=s|none"}})",
             put("Observation/b")),
       "entry[1].resource.subject.reference"},
      {entry("", R"({"resourceType":"Patient","id":"b"})",
             put("Patient/b", R"(,"ifMatch":"W/\"3\"")")),
       "entry[1].resource"},
  }));
  INFO(bad);
  const ImportReport report = store.import_text(bundle("transaction", {good, bad}));
  REQUIRE(report.imported == 0);
  REQUIRE(report.failed == report.resources);
  REQUIRE(store.problems.size() == 1);
  REQUIRE(store.problems[0].path == path);
  REQUIRE(store.problems[0].line == 3);
  REQUIRE(store.exported().empty());
}

TEST_CASE("import: a clash in the commit itself undoes the whole transaction") {
  FhirFixture store;
  const std::string cpf =
      R"("identifier":[{"system":"http://rnds.saude.gov.br/fhir/r4/NamingSystem/cpf",)"
      R"("value":"52998224725"}])";
  REQUIRE(store.import_text(R"({"resourceType":"Patient","id":"first",)" + cpf + "}").imported ==
          1);
  const ImportReport report = store.import_text(
      bundle("transaction",
             {entry("", R"({"resourceType":"Patient","id":"a"})", put("Patient/a")),
              entry("", R"({"resourceType":"Patient","id":"b",)" + cpf + "}", put("Patient/b"))}));
  REQUIRE(report.failed == 2);
  REQUIRE(store.problems[0].reason.find("cpf") != std::string::npos);
  REQUIRE(store.problems[0].path == "entry[1].resource");
  REQUIRE(store.exported().size() == 1);
  store.verify();
}

TEST_CASE("import: the entries of batches and collections stand each on its own") {
  FhirFixture store;
  const bool batch = GENERATE(true, false);
  const auto request = [&](const std::string& url) { return batch ? put(url) : std::string(); };
  const ImportReport report = store.import_text(
      bundle(batch ? "batch" : "collection",
             {entry("", R"({"resourceType":"Patient","id":"a"})", request("Patient/a")),
              entry("", R"({"resourceType":"Patient","id":"b c"})", request("Patient/bc")),
              entry("", R"({"resourceType":"Patient","id":"c"})", request("Patient/c"))}));
  REQUIRE(report.imported == 2);
  REQUIRE(report.failed == 1);
  REQUIRE(store.problems[0].path == "entry[1].resource.id");
  REQUIRE(store.exported().size() == 2);
}

TEST_CASE("import: reads, searches and operations in bundles store nothing and are no failure") {
  FhirFixture store;
  const std::string type = GENERATE("transaction", "batch");
  const ImportReport report = store.import_text(
      bundle(type, {entry("", "", R"({"method":"GET","url":"Patient?name=x"})"),
                    entry("", R"({"resourceType":"Parameters"})", post("ValueSet/$lookup")),
                    entry("", R"({"resourceType":"Patient","id":"a"})", put("Patient/a"))}));
  REQUIRE(report.resources == 1);
  REQUIRE(report.imported == 1);
  REQUIRE(report.ignored == 2);
}

TEST_CASE("import: ifNoneExist creates once, and references lead to the record that was there") {
  FhirFixture store;
  const auto visit = [](const std::string& urn, const std::string& observation) {
    return bundle(
        "transaction",
        {entry(urn, R"({"resourceType":"Patient","identifier":[{"system":"s","value":"7"}]})",
               post("Patient", R"(,"ifNoneExist":"identifier=s|7")")),
         entry("",
               R"({"resourceType":"Observation","id":")" + observation +
                   R"(","subject":{"reference":")" + urn + "\"}}",
               post("Observation"))});
  };
  REQUIRE(store.import_text(visit(kUrn + "1", "o1")).imported == 2);
  const ImportReport second = store.import_text(visit(kUrn + "2", "o2"));
  REQUIRE(second.imported == 1);
  REQUIRE(second.unchanged == 1);
  const auto out = store.exported();
  REQUIRE(out.size() == 3);
  REQUIRE(out.at("Observation/o2").find("Patient/" + kUrn.substr(9) + "1") != std::string::npos);
}

TEST_CASE(
    "import: a batch creates once what ifNoneExist asks for, among entries that ask nothing") {
  FhirFixture store;
  const auto batch = [](const std::string& urn) {
    return bundle(
        "batch",
        {entry("", R"({"resourceType":"Patient","id":"plain"})", put("Patient/plain")),
         entry(urn, R"({"resourceType":"Organization","identifier":[{"system":"s","value":"7"}]})",
               post("Organization", R"(,"ifNoneExist":"identifier=s|7")")),
         entry("", R"({"resourceType":"Patient","id":"a b"})", put("Patient/ab")),
         entry("", "", R"({"method":"GET","url":"Patient"})"),
         entry("", "", deletion("Patient/none"))});
  };
  const ImportReport first = store.import_text(batch(kUrn + "1"));
  REQUIRE(first.imported == 2);
  REQUIRE(first.failed == 1);
  REQUIRE(first.ignored == 1);
  REQUIRE(store.problems[0].line == 4);
  const ImportReport again = store.import_text(batch(kUrn + "2"));
  REQUIRE(again.imported == 0);
  REQUIRE(again.unchanged == 2);
  REQUIRE(store.exported().size() == 2);
}

/// One that becomes an entity of ours, and one of the type that stays a clinical record.
std::pair<std::string, std::string> with_and_without_entity(const std::string& type) {
  const std::string identifier = R"("identifier":[{"system":"s","value":"7"}],)";
  if (type == "Appointment") {
    const std::string rest =
        R"("participant":[{"actor":{"reference":"Practitioner/d"},"status":"accepted"}]})";
    return {
        R"({"resourceType":"Appointment",)" + identifier +
            R"("status":"booked","start":"2035-01-01T09:00:00Z","end":"2035-01-01T10:00:00Z",)" +
            rest,
        R"({"resourceType":"Appointment",)" + identifier + R"("status":"proposed",)" + rest};
  }
  if (type == "Invoice") {
    const std::string rest =
        R"("subject":{"reference":"Patient/p"},"date":"2026-03-02","lineItem":[{)"
        R"("chargeItemCodeableConcept":{"text":"x"},"priceComponent":[{"type":"base",)"
        R"("amount":{"value":10.00,"currency":"BRL"}}]}]})";
    return {
        R"({"resourceType":"Invoice",)" + identifier + R"("status":"draft",)" + rest,
        R"({"resourceType":"Invoice",)" + identifier + R"("status":"entered-in-error",)" + rest};
  }
  const std::string rest =
      R"("category":[{"coding":[{"code":"x"}]}],"patient":{"reference":"Patient/p"},)"
      R"("dateTime":"2026-03-02","policyRule":{"coding":[{"code":"OPTIN"}]},)"
      R"("provision":{"purpose":[{"code":"a"}]}})";
  return {R"({"resourceType":"Consent",)" + identifier + R"("status":"active",)" + rest,
          R"({"resourceType":"Consent",)" + identifier + R"("status":"draft",)" + rest};
}

TEST_CASE("import: what is an entity of ours is found by its identifier as all else is") {
  FhirFixture store;
  const std::string type = GENERATE("Appointment", "Invoice", "Consent");
  const bool entity = GENERATE(true, false);
  CAPTURE(type, entity);
  const auto [own, record] = with_and_without_entity(type);
  const std::string body = entity ? own : record;
  REQUIRE(store.import_text(R"({"resourceType":"Practitioner","id":"d"})").imported == 1);
  REQUIRE(store.import_text(R"({"resourceType":"Patient","id":"p"})").imported == 1);
  const auto create = [&](const std::string& urn) {
    return bundle("transaction",
                  {entry(urn, body, post(type, R"(,"ifNoneExist":"identifier=s|7")")),
                   entry("",
                         R"({"resourceType":"Basic","id":"b","code":{"text":"x"},)"
                         R"("subject":{"reference":")" +
                             urn + R"("}})",
                         post("Basic"))});
  };
  REQUIRE(store.import_text(create(kUrn + "1")).imported == 2);
  const std::string id = type + "/" + kUrn.substr(9) + "1";
  REQUIRE(store
              .stored(records_table(), record_key(parse_resource_type(type),
                                                  FhirFixture::key_of(parse_resource_type(type),
                                                                      kUrn.substr(9) + "1")))
              .has_value() != entity);
  // It is there: none is made, and references lead to the one that is.
  REQUIRE(store.import_text(create(kUrn + "2")).unchanged == 2);
  REQUIRE(store.exported().size() == 4);
  // With any system, by a conditional reference, and by a conditional deletion.
  REQUIRE(store
              .import_text(bundle("transaction",
                                  {entry("",
                                         R"({"resourceType":"Basic","id":"c","code":{"text":"x"},)"
                                         R"("subject":{"reference":")" +
                                             type + R"(?identifier=7"}})",
                                         post("Basic"))}))
              .imported == 1);
  CHECK(store.exported().at("Basic/c").find(id) != std::string::npos);
  CHECK(store.exported().at("Basic/b").find(id) != std::string::npos);
  REQUIRE(
      store.import_text(bundle("transaction", {entry("", "", deletion(type + "?identifier=s|7"))}))
          .deleted == 1);
  REQUIRE(store.import_text(create(kUrn + "3")).imported == 2);
  store.verify();
}

TEST_CASE("import: an identifier that no look-up could name hinders nothing") {
  FhirFixture store;
  const std::string type = GENERATE("Appointment", "Invoice", "Consent");
  CAPTURE(type);
  const std::string value(3000, 'x');
  std::string body = with_and_without_entity(type).first;
  body.replace(body.find("\"7\""), 3, "\"" + value + "\"");
  REQUIRE(store.import_text(R"({"resourceType":"Practitioner","id":"d"})").imported == 1);
  REQUIRE(store.import_text(R"({"resourceType":"Patient","id":"p"})").imported == 1);
  REQUIRE(
      store.import_text(bundle("transaction", {entry(kUrn + "1", body, post(type))})).imported ==
      1);
  const std::string id = type + "/" + kUrn.substr(9) + "1";
  CHECK(store.exported().at(id).find(value) != std::string::npos);
  // Asked for, it is refused: none would be found, and one more made each time.
  const ImportReport asked = store.import_text(bundle(
      "transaction",
      {entry(kUrn + "2", body, post(type, R"(,"ifNoneExist":"identifier=s|)" + value + "\""))}));
  CHECK(asked.failed == 1);
  CHECK(store.import_text(bundle("transaction", {entry("", "", deletion(id))})).deleted == 1);
  store.verify();
}

TEST_CASE("import: an invoice that was issued here is found by its number") {
  FhirFixture store;
  REQUIRE(store.import_text(R"({"resourceType":"Patient","id":"p"})").imported == 1);
  const CallContext context = CallContext::system(store.tenant);
  DraftInvoiceRequest draft;
  draft.mutable_invoice()->set_patient_id(FhirFixture::key_of(RESOURCE_TYPE_PATIENT, "p"));
  InvoiceItem& item = *draft.mutable_invoice()->add_items();
  item.set_description("x");
  item.set_unit_cents(100);
  item.set_quantity(1);
  const auto drafted = store.clinic->billing().draft_invoice(context, draft);
  REQUIRE(drafted);
  IssueInvoiceRequest issue;
  issue.set_id(drafted->result().id());
  REQUIRE(store.clinic->billing().issue_invoice(context, issue));
  const auto create = [](const std::string& number) {
    return bundle("transaction", {entry("", with_and_without_entity("Invoice").first,
                                        post("Invoice", R"(,"ifNoneExist":"identifier=)"
                                                        "urn:clinicdb:invoice-series:1|" +
                                                            number + "\""))});
  };
  CHECK(store.import_text(create("1")).unchanged == 1);
  CHECK(store.import_text(create("01")).imported == 1);
}

TEST_CASE("import: conditional updates and deletions act on the record that has the identifier") {
  FhirFixture store;
  const auto patient = [](const std::string& more) {
    return R"({"resourceType":"Patient","identifier":[{"system":"s","value":"7"}])" + more + "}";
  };
  REQUIRE(store
              .import_text(bundle("transaction",
                                  {entry(kUrn + "1", patient(""), put("Patient?identifier=s|7"))}))
              .imported == 1);
  REQUIRE(store
              .import_text(bundle("transaction", {entry(kUrn + "2", patient(R"(,"gender":"male")"),
                                                        put("Patient?identifier=s|7"))}))
              .imported == 1);
  auto out = store.exported();
  REQUIRE(out.size() == 1);
  REQUIRE(out.at("Patient/" + kUrn.substr(9) + "1").find("male") != std::string::npos);
  const ImportReport gone =
      store.import_text(bundle("transaction", {entry("", "", deletion("Patient?identifier=7"))}));
  REQUIRE(gone.deleted == 1);
  REQUIRE(store.exported().empty());
  REQUIRE(
      store.import_text(bundle("transaction", {entry("", "", deletion("Patient?identifier=7"))}))
          .deleted == 0);
}

TEST_CASE("import: what was deleted is not brought back by importing again what it was") {
  FhirFixture store;
  const std::string patient = R"({"resourceType":"Patient","id":"a"})";
  REQUIRE(store.import_text(patient).imported == 1);
  REQUIRE(store.import_text(bundle("batch", {entry("", "", deletion("Patient/a"))})).deleted == 1);
  REQUIRE(store.import_text(patient).unchanged == 1);
  REQUIRE(store.exported().empty());
  REQUIRE(store.import_text(R"({"resourceType":"Patient","id":"a","gender":"male"})").imported ==
          1);
  REQUIRE(store.exported().size() == 1);
}

TEST_CASE("import: ifMatch lets only the version it names be changed") {
  FhirFixture store;
  const auto change = [](const std::string& gender, const std::string& version) {
    return bundle("transaction",
                  {entry("", R"({"resourceType":"Patient","id":"a","gender":")" + gender + "\"}",
                         put("Patient/a", R"(,"ifMatch":"W/\")" + version + R"(\"")"))});
  };
  REQUIRE(store.import_text(R"({"resourceType":"Patient","id":"a"})").imported == 1);
  REQUIRE(store.import_text(change("male", "2")).failed == 1);
  REQUIRE(store.import_text(change("male", "1")).imported == 1);
  REQUIRE(store.import_text(change("male", "1")).unchanged == 1);
}

TEST_CASE(
    "import: conditional references are found in the bundle, in the store, or later in the "
    "import") {
  FhirFixture store;
  const std::string doctor =
      R"({"resourceType":"Practitioner","id":"d","identifier":[{"system":"npi","value":"9"}]})";
  const std::string observation = R"({"resourceType":"Observation","id":"o",)"
                                  R"("performer":[{"reference":"Practitioner?identifier=npi|9"}]})";
  const std::string use = bundle("transaction", {entry("", observation, post("Observation"))});
  const int where = GENERATE(0, 1, 2);
  if (where == 0) {
    REQUIRE(store
                .import_text(bundle("transaction", {entry("", observation, post("Observation")),
                                                    entry("", doctor, post("Practitioner"))}))
                .imported == 2);
  } else if (where == 1) {
    REQUIRE(store.import_text(doctor).imported == 1);
    REQUIRE(store.import_text(use).imported == 1);
  } else {
    store.write("f/a.json", use);
    store.write("f/b.json", doctor);
    const ImportReport report = store.import_paths({store.directory.path("f")});
    REQUIRE(report.imported == 2);
    REQUIRE(store.import_paths({store.directory.path("f")}).unchanged == 2);
  }
  REQUIRE(store.problems.empty());
  REQUIRE(
      store.exported().at("Observation/o") ==
      R"({"resourceType":"Observation","id":"o","performer":[{"reference":"Practitioner/d"}]})");
}

TEST_CASE("import: the same organisation in many bundles becomes one record") {
  FhirFixture store;
  const bool with_id = GENERATE(true, false);
  for (int i = 1; i <= 3; ++i) {
    const std::string urn = kUrn + std::to_string(i);
    const std::string id = with_id ? R"("id":"hospital",)" : "";
    REQUIRE(store
                .import_text(bundle(
                    "transaction",
                    {entry(urn,
                           R"({"resourceType":"Organization",)" + id +
                               R"("identifier":[{"system":"cnes","value":"2"}],"name":"Hospital"})",
                           post("Organization")),
                     entry("",
                           R"({"resourceType":"Encounter","id":"e)" + std::to_string(i) +
                               R"(","status":"finished","class":{"code":"AMB"},)"
                               R"("serviceProvider":{"reference":")" +
                               urn + "\"}}",
                           post("Encounter"))}))
                .failed == 0);
  }
  const auto out = store.exported();
  REQUIRE(out.size() == 4);
  std::string organization;
  for (const auto& [name, json] : out) {
    if (name.starts_with("Organization/")) organization = name;
  }
  for (const char* name : {"Encounter/e1", "Encounter/e2", "Encounter/e3"}) {
    REQUIRE(out.at(name).find(organization) != std::string::npos);
  }
}

TEST_CASE("import: documents, messages and answers are resources of their own, kept whole") {
  FhirFixture store;
  const std::string type =
      GENERATE("document", "message", "searchset", "history", "transaction-response");
  const std::string text = R"({"resourceType":"Bundle","id":"b","type":")" + type +
                           R"(","entry":[{"resource":{"resourceType":"Patient","id":"p"}}]})";
  REQUIRE(store.import_text(text).imported == 1);
  REQUIRE(store.exported() == std::map<std::string, std::string>{{"Bundle/b", text}});
}

TEST_CASE("import: searchsets are unpacked when asked") {
  FhirFixture store;
  const std::string file = store.write(
      "s.json",
      bundle("searchset",
             {entry("http://x/Patient/p", R"({"resourceType":"Patient","id":"p"})", ""),
              R"({"resource":{"resourceType":"OperationOutcome"},"search":{"mode":"outcome"}})"}));
  ImportOptions options;
  options.unpack_searchsets = true;
  const Result<ImportReport> report =
      import_fhir(store.clinic->store(), store.tenant, {file}, options);
  REQUIRE(report);
  REQUIRE(report->imported == 1);
  REQUIRE(store.exported().count("Patient/p") == 1);
}

TEST_CASE("import: resources without an id get one from their content, the same each time") {
  FhirFixture store;
  const std::string text =
      "{\"resourceType\":\"Specimen\",\"status\":\"available\"}\n{\"resourceType\":\"Specimen\"}\n";
  REQUIRE(store.import_text(text).imported == 2);
  REQUIRE(store.import_text(text).unchanged == 2);
  REQUIRE(store.exported().size() == 2);
}

TEST_CASE("import: appointments that overlap are refused, those of no fixed time are kept") {
  FhirFixture store;
  const auto appointment = [](const std::string& id, const std::string& status,
                              const std::string& from, const std::string& to) {
    return R"({"resourceType":"Appointment","id":")" + id + R"(","status":")" + status +
           R"(","start":"2025-01-01T)" + from + R"(:00Z","end":"2025-01-01T)" + to +
           R"(:00Z","participant":[{"actor":{"reference":"Practitioner/d"},)"
           R"("status":"accepted"}]})" +
           "\n";
  };
  ImportReport report = store.import_text(appointment("a", "booked", "10:00", "11:00") +
                                          appointment("b", "booked", "10:30", "11:30") +
                                          appointment("c", "proposed", "10:30", "11:30") +
                                          appointment("d", "cancelled", "10:30", "11:30") +
                                          appointment("e", "booked", "11:00", "11:30"));
  REQUIRE(report.imported == 4);
  REQUIRE(report.failed == 1);
  REQUIRE(store.problems[0].line == 2);
  REQUIRE(store.problems[0].reason.find("the professional is taken from") == 0);
  // A proposal that is booked moves to where time is held.
  REQUIRE(store.import_text(appointment("c", "booked", "12:00", "12:30")).imported == 1);
  REQUIRE(store.import_text(appointment("c", "booked", "12:00", "12:30")).unchanged == 1);
  REQUIRE(store.import_text(appointment("c", "proposed", "10:30", "11:30")).unchanged == 1);
  REQUIRE(store.exported().size() == 4);
  store.verify();
}

// What an import does to an appointment, it does to its claims: none is lost, and none is left.
TEST_CASE("import: a corrected appointment keeps what R4 does not know, and frees what it leaves") {
  FhirFixture store;
  const CallContext context = CallContext::system(store.tenant);
  const std::string id = "0190f6a4-0000-7000-8000-000000000001";
  const auto imported = [&](const std::string& status, const std::string& from,
                            const std::string& to) {
    return R"({"resourceType":"Appointment","id":")" + id + R"(","status":")" + status +
           R"(","start":"2025-01-01T)" + from + R"(:00Z","end":"2025-01-01T)" + to +
           R"(:00Z","participant":[{"actor":{"reference":"Practitioner/d"},)"
           R"("status":"accepted"}]})";
  };
  store.import_text(R"({"resourceType":"Practitioner","id":"d","name":[{"family":"Sá"}]})");
  store.import_text(imported("booked", "10:00", "11:00"));
  PutClinicRequest site;
  site.mutable_clinic()->set_slug("centro");
  site.mutable_clinic()->set_name("Centro");
  const auto put_site = store.clinic->people().put_clinic(context, site);
  REQUIRE(put_site);
  const std::string clinic_id = put_site->result().id();
  const std::int64_t ten = 1735725600000000;
  constexpr std::int64_t kMinuteUs = 60'000'000;
  const auto book = [&](std::int64_t minute, std::int64_t minutes, bool over) {
    BookAppointmentRequest request;
    Appointment& appointment = *request.mutable_appointment();
    appointment.set_clinic_id(clinic_id);
    appointment.set_professional_id(FhirFixture::key_of(RESOURCE_TYPE_PRACTITIONER, "d"));
    appointment.set_start_us(ten + minute * kMinuteUs);
    appointment.set_end_us(appointment.start_us() + minutes * kMinuteUs);
    request.set_overbook(over);
    return store.clinic->scheduling().book(context, request);
  };
  SECTION("moved: who was booked over it has the time") {
    REQUIRE(book(30, 30, true));
    REQUIRE(store.import_text(imported("booked", "13:00", "14:00")).imported == 1);
    REQUIRE_FALSE(book(30, 30, false));
    REQUIRE(book(0, 30, false));
    REQUIRE(store.import_text(imported("booked", "10:30", "11:30")).failed == 1);
  }
  SECTION("cancelled or removed: so too") {
    REQUIRE(book(30, 30, true));
    if (GENERATE(true, false)) {
      REQUIRE(store.import_text(imported("cancelled", "10:00", "11:00")).imported == 1);
    } else {
      REQUIRE(
          store
              .import_text(R"({"resourceType":"Bundle","type":"transaction","entry":[{"request":)"
                           R"({"method":"DELETE","url":"Appointment/)" +
                           id + R"("}}]})")
              .deleted == 1);
    }
    REQUIRE_FALSE(book(30, 30, false));
    REQUIRE(book(0, 30, false));
  }
  SECTION("buffers and the finer state stay with it") {
    PutServiceRequest put;
    put.mutable_service()->set_name("Peeling");
    put.mutable_service()->set_duration_minutes(30);
    put.mutable_service()->set_buffer_after_minutes(30);
    const auto service = store.clinic->catalogue().put_service(context, put);
    REQUIRE(service);
    BookAppointmentRequest request;
    Appointment& appointment = *request.mutable_appointment();
    appointment.set_clinic_id(clinic_id);
    appointment.set_professional_id(FhirFixture::key_of(RESOURCE_TYPE_PRACTITIONER, "d"));
    appointment.set_start_us(ten + 120 * kMinuteUs);
    appointment.set_service_id(service->result().id());
    const auto booked = store.clinic->scheduling().book(context, request);
    REQUIRE(booked);
    ChangeAppointmentStatusRequest confirm;
    confirm.set_id(booked->result().id());
    confirm.set_status(APPOINTMENT_STATUS_CONFIRMED);
    REQUIRE(store.clinic->scheduling().change_status(context, confirm));
    std::string text;
    for (const auto& [key, json] : store.exported()) {
      if (json.find("Peeling") != std::string::npos) text = json;
    }
    text.replace(text.find("Peeling"), 7, "Peeling 2");
    REQUIRE(store.import_text(text).imported == 1);
    const auto stored = store.stored(appointments_table(), booked->result().id());
    REQUIRE(stored->record.title() == "Peeling 2");
    REQUIRE(stored->record.status() == APPOINTMENT_STATUS_CONFIRMED);
    REQUIRE_FALSE(book(155, 10, false));
    REQUIRE(book(180, 10, false));
  }
  SECTION("a hold is in its way, and is exported as what it is") {
    HoldAppointmentRequest hold;
    hold.mutable_appointment()->set_clinic_id(clinic_id);
    hold.mutable_appointment()->set_professional_id(
        FhirFixture::key_of(RESOURCE_TYPE_PRACTITIONER, "d"));
    hold.mutable_appointment()->set_start_us(ten + 180 * kMinuteUs);
    hold.mutable_appointment()->set_end_us(ten + 240 * kMinuteUs);
    hold.set_minutes(5);
    REQUIRE(store.clinic->scheduling().hold(context, hold));
    REQUIRE(store.import_text(imported("booked", "13:30", "14:30")).failed == 1);
    for (const auto& [key, json] : store.exported())
      CHECK((json.find("\"pending\"") != std::string::npos) ==
            (key != "Practitioner/d" && key != "Appointment/" + id));
  }
  store.verify();
}

TEST_CASE(
    "import: an edit through the services is exported, and nothing else of the body changes") {
  FhirFixture store;
  const std::string before =
      R"({"resourceType":"Patient","id":"p","extension":[{"url":"u","valueDecimal":1.500}],)"
      R"("name":[{"use":"official",)"
      R"("family":"Sá","_family":{"id":"f"},"given":["Ana"]},{"use":"usual","given":["Aninha"]}],)"
      R"("gender":"female",)"
      R"("telecom":[{"system":"phone","value":"(27) 99876-5432","period":{"start":"2012"}}]})";
  REQUIRE(store.import_text(before).imported == 1);
  auto stored = store.stored(patients_table(), FhirFixture::key_of(RESOURCE_TYPE_PATIENT, "p"));
  UpdatePatientRequest request;
  *request.mutable_patient() = stored->record;
  request.mutable_patient()->mutable_names(0)->set_given(0, "Ana Lúcia");
  request.mutable_patient()->mutable_birth_date()->set_year(1974);
  request.mutable_patient()->set_cpf("52998224725");
  const auto updated = store.clinic->patients().update(CallContext::system(store.tenant), request);
  if (!updated) FAIL(updated.error().to_string());
  REQUIRE(store.exported().at("Patient/p") ==
          R"({"resourceType":"Patient","id":"p","extension":[{"url":"u","valueDecimal":1.500}],)"
          R"("name":[{"use":"official",)"
          R"("family":"Sá","_family":{"id":"f"},"given":["Ana Lúcia"]},{"use":"usual",)"
          R"("given":["Aninha"]}],"gender":"female",)"
          R"("telecom":[{"system":"phone","value":"(27) 99876-5432","period":{"start":"2012"}}],)"
          R"("birthDate":"1974",)"
          R"("identifier":[{"use":"official",)"
          R"("type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203",)"
          R"("code":"TAX"}]},"system":"http://rnds.saude.gov.br/fhir/r4/NamingSystem/cpf",)"
          R"("value":"52998224725"}]})");
  // The file that it came from is an earlier version now: it does not undo the edit.
  REQUIRE(store.import_text(before).unchanged == 1);
}

TEST_CASE("import: any number of threads gives the same store") {
  const test::TemporaryDirectory input;
  GeneratorOptions options;
  options.patients = 8;
  REQUIRE(generate_fhir(input.path("g"), options));
  std::map<std::string, std::string> first;
  for (const std::size_t threads : {1, 2, 5}) {
    FhirFixture store;
    const ImportReport report = store.import_paths({input.path("g")}, threads);
    REQUIRE(report.failed == 0);
    REQUIRE(report.imported == report.resources);
    const auto out = store.exported();
    REQUIRE(out.size() == report.resources);
    if (first.empty()) first = out;
    REQUIRE(out == first);
  }
}

TEST_CASE("import: a path that is not there and an unknown tenant are errors, not failures") {
  FhirFixture store;
  REQUIRE(import_fhir(store.clinic->store(), store.tenant, {"/no/such/file"}, {}).error().code() ==
          StatusCode::kNotFound);
  REQUIRE(import_fhir(store.clinic->store(), TenantId{424242}, {}, {}).error().code() ==
          StatusCode::kNotFound);
}

TEST_CASE("export: bundles and gzip carry the same resources into another store") {
  FhirFixture from;
  const test::TemporaryDirectory input;
  GeneratorOptions options;
  options.patients = 3;
  REQUIRE(generate_fhir(input.path("g"), options));
  REQUIRE(from.import_paths({input.path("g")}).failed == 0);
  ExportOptions out;
  out.format = GENERATE(ExportFormat::kBundle, ExportFormat::kNdjson);
  out.gzip = true;
  out.bundle_resources = 100;
  const Result<ExportReport> report =
      export_fhir(from.clinic->store(), from.tenant, from.directory.path("out"), out);
  REQUIRE(report);
  FhirFixture to;
  const ImportReport again = to.import_paths({from.directory.path("out")});
  REQUIRE(again.failed == 0);
  REQUIRE(again.files == report->files);
  REQUIRE(to.exported() == from.exported());
}

TEST_CASE("export: what was entered through the services is FHIR too") {
  FhirFixture store;
  RegisterPatientRequest request;
  request.mutable_patient()->add_names()->set_text("Ana Souza");
  request.mutable_patient()->set_cpf("52998224725");
  request.mutable_patient()->set_gender(GENDER_FEMALE);
  const auto made =
      store.clinic->patients().register_patient(CallContext::system(store.tenant), request);
  if (!made) FAIL(made.error().to_string());
  const auto out = store.exported();
  REQUIRE(out.size() == 1);
  FhirFixture other;
  REQUIRE(other.import_text(out.begin()->second).imported == 1);
  const auto patient = other.stored(patients_table(), made->result().id());
  REQUIRE(patient->record.cpf() == "52998224725");
  REQUIRE(patient->record.names(0).text() == "Ana Souza");
}
