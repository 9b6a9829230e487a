#include "clinicdb/clinic/feed.h"

#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "clinic_fixture.h"
#include "clinicdb/clinic/tables.h"
#include "feed/message_diff.h"
#include "feed/record_types.h"

namespace clinicdb::clinic {
namespace {

std::vector<DomainEvent> follow(ClinicFixture& clinic, ReadEventsRequest request) {
  std::vector<DomainEvent> events;
  for (;;) {
    const ReadEventsResponse page = must(clinic->feed().read_events(clinic.context(), request));
    events.insert(events.end(), page.events().begin(), page.events().end());
    request.set_after_lsn(page.next_after_lsn());
    request.set_cursor(page.cursor());
    if (page.cursor().empty()) return events;
  }
}

void rename(ClinicFixture& clinic, const std::string& id, const std::string& name) {
  UpdatePatientRequest request;
  *request.mutable_patient() = make_patient(name);
  request.mutable_patient()->set_id(id);
  must(clinic->patients().update(clinic.context(), request));
}

TEST_CASE("feed: every event once, in order, whatever the size of the page, and from any LSN") {
  ClinicFixture clinic;
  std::vector<std::string> ids;
  for (int i = 0; i < 7; ++i) ids.push_back(clinic.patient("P" + std::to_string(i)));
  rename(clinic, ids[0], "Q");
  clinic.professional("Dra. Bia");
  const std::uint32_t limit = GENERATE(1u, 2u, 3u, 100u);
  ReadEventsRequest request;
  request.set_limit(limit);
  const std::vector<DomainEvent> all = follow(clinic, request);
  REQUIRE(all.size() == 9);
  for (std::size_t i = 1; i < all.size(); ++i) {
    CHECK(std::pair(all[i - 1].lsn(), all[i - 1].ordinal()) <
          std::pair(all[i].lsn(), all[i].ordinal()));
  }
  CHECK(all[0].type() == EVENT_PATIENT_REGISTERED);
  CHECK(all[0].payload().id() == ids[0]);
  REQUIRE(all[7].changes_size() == 1);
  CHECK(all[7].changes(0).table() == "patient");
  CHECK(all[7].changes(0).kind() == CHANGE_KIND_UPDATED);
  CHECK(all[7].changes(0).version() == 2);
  CHECK(all[7].changes(0).key() == ids[0]);

  request.set_after_lsn(all[5].lsn());
  CHECK(follow(clinic, request).size() == 3);
  request.add_types(EVENT_PATIENT_UPDATED);
  const std::vector<DomainEvent> updates = follow(clinic, request);
  REQUIRE(updates.size() == 1);
  CHECK(updates[0].type() == EVENT_PATIENT_UPDATED);
}

TEST_CASE("feed: who follows it gets what comes later, and only their own tenant's") {
  ClinicFixture clinic;
  const CallContext other = clinic.new_tenant("outra");
  clinic.patient("Ana");
  ReadEventsRequest request;
  ReadEventsResponse page = must(clinic->feed().read_events(clinic.context(), request));
  CHECK(page.events_size() == 1);
  CHECK(must(clinic->feed().read_events(other, request)).events_size() == 0);
  request.set_after_lsn(page.next_after_lsn());
  CHECK(must(clinic->feed().read_events(clinic.context(), request)).events_size() == 0);
  clinic.patient("Bia");
  page = must(clinic->feed().read_events(clinic.context(), request));
  CHECK(page.events_size() == 1);
}

TEST_CASE("feed: who changed what, when, from what to what") {
  ClinicFixture clinic;
  const std::string id = clinic.patient("Ana");
  CallContext context = clinic.context();
  context.user = Uuid::from_bytes(std::string(16, 'u'));
  UpdatePatientRequest update;
  *update.mutable_patient() = make_patient("Ana Lima");
  update.mutable_patient()->set_id(id);
  update.mutable_patient()->set_gender(GENDER_FEMALE);
  must(clinic->patients().update(context, update));
  RemovePatientRequest remove;
  remove.set_id(id);
  must(clinic->patients().remove(context, remove));

  ListChangesRequest request;
  request.set_table("patient");
  request.set_id(id);
  const ListChangesResponse changes = must(clinic->feed().list_changes(clinic.context(), request));
  REQUIRE(changes.versions_size() == 3);
  CHECK(changes.versions(0).kind() == CHANGE_KIND_DELETED);
  const VersionChange& edit = changes.versions(1);
  CHECK(edit.kind() == CHANGE_KIND_UPDATED);
  CHECK(edit.user_id() == std::string(16, 'u'));
  REQUIRE(edit.fields_size() == 2);
  CHECK(edit.fields(0).field() == "names[0].text");
  CHECK(edit.fields(0).before() == "Ana");
  CHECK(edit.fields(0).after() == "Ana Lima");
  CHECK(edit.fields(1).after() == "GENDER_FEMALE");
  CHECK(changes.versions(2).kind() == CHANGE_KIND_INSERTED);
  CHECK(changes.versions(2).fields(0).before().empty());

  request.set_limit(1);
  CHECK(must(clinic->feed().list_changes(clinic.context(), request)).versions_size() == 1);
  request.set_table("nothing");
  CHECK(clinic->feed().list_changes(clinic.context(), request).status().field() == "table");
}

TEST_CASE("feed: differences of lists, numbers, ids and long texts") {
  Patient before = make_patient("Ana");
  Patient after = before;
  before.add_flags("a");
  after.add_flags("a");
  after.add_flags("b");
  after.set_id(std::string(16, 'x'));
  before.set_fhir(std::string(5000, 'x'));
  after.set_fhir(std::string(5000, 'y'));
  after.mutable_birth_date()->set_year(1980);
  std::map<std::string, std::pair<std::string, std::string>> seen;
  for (const FieldChange& change : feed::differences(before, after))
    seen[change.field()] = {change.before(), change.after()};
  CHECK(seen.size() == 4);
  CHECK(seen["flags[1]"] == std::pair<std::string, std::string>("", "b"));
  CHECK(seen["id"].second == Uuid::from_bytes(std::string(16, 'x')).to_string());
  CHECK(seen["fhir"].first == "5000 bytes");
  CHECK(seen["birth_date.year"].second == "1980");
  CHECK(feed::differences(before, before).empty());
}

TEST_CASE("feed: every table of the schema is there by its name, once") {
  std::set<std::string> names;
  for (const engine::TableDef* table : clinic_schema().tables) {
    CHECK(names.insert(table->name).second);
    REQUIRE(feed::find_record_type(table->name) != nullptr);
    CHECK(feed::find_record_type(table->name)->table == table);
    CHECK(feed::table_name(table->id) == table->name);
  }
  CHECK(names.size() == feed::record_types().size());
}

TEST_CASE("feed: it takes the right to read the audit") {
  ClinicFixture clinic;
  const CallContext desk(clinic.context().tenant, Rights().with(ACCESS_RIGHT_PATIENTS_READ));
  CHECK(clinic->feed().read_events(desk, {}).status().code() == StatusCode::kPermissionDenied);
}

}  // namespace
}  // namespace clinicdb::clinic
