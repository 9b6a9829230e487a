#include <catch2/catch.hpp>

#include "clinic_fixture.h"
#include "match/person.h"
#include "match/score.h"
#include "match/similarity.h"

namespace clinicdb::clinic::match {
namespace {

Patient person(std::string_view name, const Date& born = {}) {
  Patient patient = make_patient(name);
  if (born.year() != 0) *patient.mutable_birth_date() = born;
  return patient;
}

double score(const Patient& a, const Patient& b) {
  const Score one = compare(person_of(a), person_of(b));
  const Score other = compare(person_of(b), person_of(a));
  CHECK(one.total == Approx(other.total));
  double sum = 0;
  for (const FieldMatch& field : one.fields) sum += field.weight();
  CHECK(sum == Approx(one.total));
  return one.total;
}

TEST_CASE("match: Jaro and Winkler's own examples") {
  CHECK(jaro_winkler("martha", "marhta") == Approx(0.9611).margin(0.0001));
  CHECK(jaro_winkler("dwayne", "duane") == Approx(0.84).margin(0.0001));
  CHECK(jaro_winkler("dixon", "dicksonx") == Approx(0.8133).margin(0.0001));
  CHECK(jaro_winkler("", "") == 1);
  CHECK(jaro_winkler("a", "") == 0);
  CHECK(jaro_winkler("abc", "xyz") == 0);
  CHECK(jaro_winkler(std::string(500, 'a'), std::string(500, 'a') + "b") == 1);
}

TEST_CASE("match: edit distance counts a swap of neighbours once") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("abc", "") == 3);
  CHECK(edit_distance("19800502", "19800520") == 1);
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("ca", "abc") == 3);
}

TEST_CASE("match: names that sound alike have one sound") {
  CHECK(sound_of("sousa") == sound_of("souza"));
  CHECK(sound_of("philippe") == sound_of("felipe"));
  CHECK(sound_of("thiago") == sound_of("tiago"));
  CHECK(sound_of("walter") == sound_of("valter"));
  CHECK(sound_of("helena") == sound_of("elena"));
  CHECK(sound_of("ana") != sound_of("bia"));
  CHECK(sound_of("12") == "12");
  CHECK(sound_of("").empty());
}

TEST_CASE("match: a name as one text and in parts is the same person") {
  Patient parts;
  parts.add_names()->add_given("Ana Lúcia");
  parts.mutable_names(0)->set_family("d'Ávila");
  const Person a = person_of(parts);
  const Person b = person_of(person("Ana Lúcia d'Ávila Filho MD"));
  CHECK(a.given == "ana");
  CHECK(a.family == "davila");
  CHECK(b.given == a.given);
  CHECK(b.family == a.family);
}

TEST_CASE("match: what agrees makes one person probable, and a slip of the pen does not undo it") {
  const Date born = make_date(1980, 5, 2);
  const Patient ana = person("Ana Souza", born);
  CHECK(score(ana, ana) > kProbableScore);
  CHECK(score(ana, person("Anna Sousa", born)) > kProbableScore);
  CHECK(score(ana, person("Souza Ana", born)) > kProbableScore);
  CHECK(score(ana, person("Ana Souza", make_date(1980, 2, 5))) > kProbableScore);
  CHECK(score(ana, person("Ana Souza", make_date(1953, 11, 30))) < kProbableScore);
  CHECK(score(ana, person("Ana Souza", make_date(1984, 5, 3))) < kProbableScore);
  CHECK(score(ana, person("Bruno Lima", make_date(1971, 1, 9))) < kPossibleScore);
}

TEST_CASE("match: relatives are not one person for what they share") {
  const Date born = make_date(1980, 5, 2);
  Patient ana = person("Ana Souza", born);
  Patient bia = person("Beatriz Souza", born);
  for (Patient* twin : {&ana, &bia}) {
    twin->add_telecom()->set_system(ContactPoint::SYSTEM_PHONE);
    twin->mutable_telecom(0)->set_value("+5527999991234");
    twin->add_addresses()->add_lines("Rua Sete 7");
    twin->mutable_addresses(0)->set_postal_code("29000-000");
    twin->mutable_addresses(0)->set_city("Vitória");
  }
  CHECK(score(ana, bia) < kPossibleScore + 1);
  CHECK(score(ana, bia) < kProbableScore);
}

TEST_CASE("match: one CPF outweighs what differs, two CPFs what agrees") {
  Patient a = person("Ana Souza", make_date(1980, 5, 2));
  Patient b = person("Ana Lima", make_date(1980, 5, 12));
  a.set_cpf("52998224725");
  b.set_cpf("52998224725");
  CHECK(score(a, b) > kProbableScore);
  Patient c = person("Ana Souza", make_date(1980, 5, 2));
  c.set_cpf("11144477735");
  CHECK(score(a, c) < kProbableScore + 4);
  CHECK(score(a, c) < score(a, person("Ana Souza", make_date(1980, 5, 2))));
}

TEST_CASE("match: what is missing says nothing, and identifiers are compared in their own system") {
  const Patient bare = person("Ana Souza");
  CHECK(compare(person_of(bare), person_of(bare)).fields.size() == 2);
  Patient a = person("Ana Souza");
  Patient b = person("Ana Souza");
  a.add_identifiers()->set_value("7");
  a.mutable_identifiers(0)->set_system("urn:a");
  b.add_identifiers()->set_value("7");
  b.mutable_identifiers(0)->set_system("urn:b");
  CHECK(score(a, b) == Approx(score(bare, bare)));
  b.mutable_identifiers(0)->set_system("urn:a");
  CHECK(score(a, b) > score(bare, bare));
}

}  // namespace
}  // namespace clinicdb::clinic::match
