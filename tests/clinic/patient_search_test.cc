#include <catch2/catch.hpp>
#include <set>
#include <string>
#include <vector>

#include "clinic_fixture.h"

namespace clinicdb::clinic {
namespace {

class SearchFixture {
 public:
  SearchFixture() {
    add("Anabel Cruz", "", 1955, 1, 1);
    add("Ana Souza", "+5527999120001", 1990, 5, 17);
    add("Anabela Ana Lima", "+5527999120002", 1990, 6, 1);
    add("João D'Ávila", "+5511988123456", 1974, 12, 25);
    add("JOAO SOUZA-LIMA", "+5511988993456", 1974, 0, 0);
    add("Maria da Conceição", "", 2001, 1, 1);
  }

  SearchPatientsRequest text(const std::string& words) const {
    SearchPatientsRequest request;
    request.set_text(words);
    return request;
  }

  std::vector<std::string> names(const SearchPatientsRequest& request) {
    std::vector<std::string> found;
    const auto answer = must(clinic->patients().search(clinic.context(), request));
    for (const PatientSummary& patient : answer->patients()) found.push_back(patient.name());
    return found;
  }

  ClinicFixture clinic;

 private:
  void add(const std::string& name, const std::string& phone, int year, int month, int day) {
    RegisterPatientRequest request;
    *request.mutable_patient() = make_patient(name);
    *request.mutable_patient()->mutable_birth_date() = make_date(year, month, day);
    if (!phone.empty()) {
      ContactPoint& contact = *request.mutable_patient()->add_telecom();
      contact.set_system(ContactPoint::SYSTEM_PHONE);
      contact.set_value(phone);
    }
    // Ids of later milliseconds are greater, so that equal words come in this order.
    clinic.clock().advance_us(1000);
    must(clinic->patients().register_patient(clinic.context(), request));
  }
};

using Names = std::vector<std::string>;

TEST_CASE_METHOD(SearchFixture,
                 "search: words are the beginnings of words, without case and accents") {
  CHECK(names(text("conceicao")) == Names{"Maria da Conceição"});
  CHECK(names(text("MAR conc")) == Names{"Maria da Conceição"});
  CHECK(names(text("joao")).size() == 2);
  CHECK(names(text("joão avi")) == Names{"João D'Ávila"});
  CHECK(names(text("d'avila")) == Names{"João D'Ávila"});
  CHECK(names(text("souza lima")) == Names{"JOAO SOUZA-LIMA"});
  CHECK(names(text("ana maria")).empty());
}

TEST_CASE_METHOD(SearchFixture, "search: who has the very word comes first, and nobody twice") {
  CHECK(names(text("ana")) == Names{"Ana Souza", "Anabela Ana Lima", "Anabel Cruz"});
  CHECK(names(text("anab")) == Names{"Anabel Cruz", "Anabela Ana Lima"});
}

TEST_CASE_METHOD(SearchFixture, "search: by the end of a phone number, alone and with a name") {
  SearchPatientsRequest request;
  request.set_phone("3456");
  CHECK(names(request).size() == 2);
  request.set_phone("812-3456");
  CHECK(names(request) == Names{"João D'Ávila"});
  request.set_phone("3456");
  request.set_text("souza");
  CHECK(names(request) == Names{"JOAO SOUZA-LIMA"});
  request.set_phone("345");
  CHECK(clinic->patients().search(clinic.context(), request).status().field() == "phone");
}

TEST_CASE_METHOD(SearchFixture, "search: by birth date, as far as it is known") {
  SearchPatientsRequest request;
  *request.mutable_birth_date() = make_date(1990, 0, 0);
  CHECK(names(request) == Names{"Ana Souza", "Anabela Ana Lima"});
  *request.mutable_birth_date() = make_date(1990, 6, 0);
  CHECK(names(request) == Names{"Anabela Ana Lima"});
  *request.mutable_birth_date() = make_date(1974, 12, 25);
  CHECK(names(request) == Names{"João D'Ávila"});
  *request.mutable_birth_date() = make_date(1974, 0, 0);
  request.set_text("lima");
  CHECK(names(request) == Names{"JOAO SOUZA-LIMA"});
}

TEST_CASE_METHOD(SearchFixture,
                 "search: an exact identifier, which everything else must agree with") {
  RegisterPatientRequest made;
  *made.mutable_patient() = make_patient("Rosa", "529.982.247-25");
  made.mutable_patient()->add_mrn()->set_value("77");
  must(clinic->patients().register_patient(clinic.context(), made));
  SearchPatientsRequest request;
  request.set_cpf("529.982.247-25");
  CHECK(names(request) == Names{"Rosa"});
  request.mutable_mrn()->set_value("77");
  CHECK(names(request) == Names{"Rosa"});
  request.mutable_mrn()->set_value("78");
  CHECK(names(request).empty());
  request.clear_mrn();
  request.set_text("ana");
  CHECK(names(request).empty());
  request.set_text("ros");
  CHECK(names(request) == Names{"Rosa"});
  request.set_cpf("529.982.247-26");
  CHECK(names(request).empty());
}

TEST_CASE_METHOD(SearchFixture,
                 "search: an answer that was kept follows a change that makes a patient match") {
  CHECK(names(text("teresa")).empty());
  SearchPatientsRequest exact;
  exact.set_cpf("52998224725");
  exact.set_text("teresa");
  CHECK(names(exact).empty());
  RegisterPatientRequest made;
  *made.mutable_patient() = make_patient("Olga", "529.982.247-25");
  Patient patient = made.patient();
  patient.set_id(must(clinic->patients().register_patient(clinic.context(), made)).result().id());
  CHECK(names(exact).empty());
  patient.mutable_names(0)->set_text("Teresa");
  UpdatePatientRequest update;
  *update.mutable_patient() = patient;
  must(clinic->patients().update(clinic.context(), update));
  CHECK(names(text("teresa")) == Names{"Teresa"});
  CHECK(names(exact) == Names{"Teresa"});
}

TEST_CASE_METHOD(SearchFixture, "search: pages hold everybody once, whatever their size") {
  for (int i = 0; i < 57; ++i) clinic.patient("Zeca Zeca" + std::to_string(i) + " Zenaide");
  for (const std::uint32_t limit : {1u, 7u, 200u}) {
    std::set<std::string> ids;
    SearchPatientsRequest request = text("ze");
    request.set_limit(limit);
    int pages = 0;
    do {
      const auto page = must(clinic->patients().search(clinic.context(), request));
      CHECK(page->patients_size() <= static_cast<int>(limit));
      for (const PatientSummary& patient : page->patients()) CHECK(ids.insert(patient.id()).second);
      request.set_cursor(page->cursor());
      REQUIRE(++pages < 100);
    } while (!request.cursor().empty());
    CHECK(ids.size() == 57);
  }
}

TEST_CASE_METHOD(SearchFixture, "search: nothing asked, or only punctuation, is refused") {
  CHECK(clinic->patients().search(clinic.context(), {}).status().code() ==
        StatusCode::kInvalidArgument);
  CHECK(clinic->patients().search(clinic.context(), text("...")).status().field() == "text");
  SearchPatientsRequest request = text("ana");
  request.set_cursor("nonsense");
  CHECK(clinic->patients().search(clinic.context(), request).status().code() ==
        StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace clinicdb::clinic
