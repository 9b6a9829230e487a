#include "clinicdb/clinic/duplicates.h"

#include <catch2/catch.hpp>
#include <set>

#include "clinic_fixture.h"
#include "clinicdb/clinic/tables.h"

namespace clinicdb::clinic {
namespace {

std::string add(ClinicFixture& clinic, std::string_view name, const Date& born,
                std::string_view cpf = {}) {
  RegisterPatientRequest request;
  *request.mutable_patient() = make_patient(name, cpf);
  if (born.year() != 0) *request.mutable_patient()->mutable_birth_date() = born;
  return must(clinic->patients().register_patient(clinic.context(), request)).result().id();
}

FindDuplicatesResponse find(ClinicFixture& clinic, const std::string& id) {
  FindDuplicatesRequest request;
  request.set_patient_id(id);
  return must(clinic->duplicates().find(clinic.context(), request));
}

TEST_CASE("duplicates: one who was registered twice is found, with the reasons") {
  ClinicFixture clinic;
  const Date born = make_date(1980, 5, 2);
  const std::string ana = add(clinic, "Ana Souza", born);
  const std::string again = add(clinic, "Anna Sousa", born);
  add(clinic, "Bruno Lima", make_date(1971, 1, 9));
  const FindDuplicatesResponse found = find(clinic, ana);
  REQUIRE(found.duplicates_size() == 1);
  const Duplicate& duplicate = found.duplicates(0);
  CHECK(duplicate.patient().id() == again);
  CHECK(duplicate.certainty() == CERTAINTY_PROBABLE);
  REQUIRE(duplicate.fields_size() == 3);
  CHECK(duplicate.fields(2).field() == "birth date");
  CHECK(duplicate.fields(2).agreement() == AGREEMENT_SAME);
  CHECK(find(clinic, again).duplicates(0).patient().id() == ana);
}

TEST_CASE("duplicates: the desk asks before it registers") {
  ClinicFixture clinic;
  const std::string ana = add(clinic, "Ana Souza", make_date(1980, 5, 2), "52998224725");
  FindDuplicatesRequest request;
  *request.mutable_patient() = make_patient("Ana Lima", "52998224725");
  const FindDuplicatesResponse found = must(clinic->duplicates().find(clinic.context(), request));
  REQUIRE(found.duplicates_size() == 1);
  CHECK(found.duplicates(0).patient().id() == ana);
  request.Clear();
  CHECK(clinic->duplicates().find(clinic.context(), request).status().code() ==
        StatusCode::kInvalidArgument);
  request.set_patient_id(std::string(16, 'x'));
  CHECK(clinic->duplicates().find(clinic.context(), request).status().code() ==
        StatusCode::kNotFound);
}

TEST_CASE("duplicates: each block finds by itself") {
  ClinicFixture clinic;
  Patient first = make_patient("Ana Souza");
  Patient second;
  SECTION("phone, whatever stands before it") {
    first.add_telecom()->set_system(ContactPoint::SYSTEM_PHONE);
    first.mutable_telecom(0)->set_value("+55 27 99999-1234");
    second = make_patient("Ana Kowalski");
    second.add_telecom()->set_system(ContactPoint::SYSTEM_PHONE);
    second.mutable_telecom(0)->set_value("27 99999-1234");
  }
  SECTION("the sounds of the name") { second = make_patient("Sousa Ana"); }
  SECTION("the year of birth with the family name") {
    *first.mutable_birth_date() = make_date(1980, 5, 2);
    second = make_patient("Anna Souza");
    *second.mutable_birth_date() = make_date(1980, 2, 5);
  }
  SECTION("another identifier") {
    first.add_identifiers()->set_system("urn:passport");
    first.mutable_identifiers(0)->set_value("AB123");
    second = make_patient("Anna Kowalski");
    *second.mutable_identifiers() = first.identifiers();
  }
  RegisterPatientRequest request;
  *request.mutable_patient() = first;
  const std::string id =
      must(clinic->patients().register_patient(clinic.context(), request)).result().id();
  FindDuplicatesRequest wanted;
  *wanted.mutable_patient() = second;
  const FindDuplicatesResponse found = must(clinic->duplicates().find(clinic.context(), wanted));
  REQUIRE(found.duplicates_size() == 1);
  CHECK(found.duplicates(0).patient().id() == id);
}

TEST_CASE("duplicates: all pairs of the tenant come once, page by page, and no other tenant's") {
  ClinicFixture clinic;
  const CallContext other = clinic.new_tenant("outra");
  const Date born = make_date(1980, 5, 2);
  std::set<std::string> wanted;
  for (int i = 0; i < 10; ++i) {
    const std::string name = std::string("Ana") + static_cast<char>('a' + i) + " Silva" +
                             static_cast<char>('a' + 2 * i) + "x";
    const std::string a = add(clinic, name, make_date(1950 + i, 1 + i, 3));
    const std::string b = add(clinic, name, make_date(1950 + i, 1 + i, 3));
    wanted.insert(std::min(a, b) + std::max(a, b));
  }
  RegisterPatientRequest request;
  *request.mutable_patient() = make_patient("Anaa Silvaax");
  *request.mutable_patient()->mutable_birth_date() = born;
  must(clinic->patients().register_patient(other, request));

  std::set<std::string> seen;
  ListDuplicatesRequest page;
  page.set_limit(3);
  page.set_only_probable(true);
  int pages = 0;
  do {
    const ListDuplicatesResponse found = must(clinic->duplicates().list(clinic.context(), page));
    CHECK(found.patients() <= 3);
    for (const DuplicatePair& pair : found.pairs()) {
      CHECK(pair.patient().id() < pair.duplicate().patient().id());
      CHECK(seen.insert(pair.patient().id() + pair.duplicate().patient().id()).second);
    }
    page.set_cursor(found.cursor());
    ++pages;
  } while (!page.cursor().empty());
  CHECK(pages >= 7);
  CHECK(seen == wanted);
}

TEST_CASE("duplicates: a block that very many share is cut, and said to be") {
  ClinicFixture clinic;
  const Date born = make_date(1900, 1, 1);
  must(clinic->store().execute(
      clinic.context().tenant, {}, [&](engine::Transaction& tx) -> Result<std::string> {
        for (int i = 0; i < 510; ++i) {
          Patient patient = make_patient("Ana Souza");
          patient.set_id(std::string(Uuid::v7(clinic.clock(), system_random()).view()));
          *patient.mutable_birth_date() = born;
          RETURN_IF_ERROR(tx.put(patients_table(), patient).status());
        }
        return std::string();
      }));
  const std::string id = add(clinic, "Ana Souza", born);
  const FindDuplicatesResponse found = find(clinic, id);
  CHECK(found.blocks_cut() == 3);
  CHECK(found.duplicates_size() == 20);
}

}  // namespace
}  // namespace clinicdb::clinic
