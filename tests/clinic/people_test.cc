#include "clinicdb/clinic/people.h"

#include <catch2/catch.hpp>

#include "clinic_fixture.h"

namespace clinicdb::clinic {
namespace {

PutProfessionalRequest professional_with(const std::string& name, const std::string& number) {
  PutProfessionalRequest request;
  request.mutable_professional()->add_names()->set_text(name);
  Council& council = *request.mutable_professional()->mutable_council();
  council.set_type("crm");
  council.set_number(number);
  council.set_state("es");
  return request;
}

TEST_CASE(
    "people: a professional is unique by council entry in the tenant, however it is written") {
  ClinicFixture clinic;
  const std::string id = must(clinic->people().put_professional(
                                  clinic.context(), professional_with("Dra. Lia", "12345")))
                             .result()
                             .id();
  const Status refused =
      clinic->people()
          .put_professional(clinic.context(), professional_with("Dr. Rui", "12.345"))
          .status();
  CHECK(refused.code() == StatusCode::kAlreadyExists);
  CHECK(refused.field() == "professional.council");
  CHECK(clinic->people().put_professional(clinic.new_tenant("outra"),
                                          professional_with("Dr. Rui", "12345")));
  FindProfessionalRequest find;
  *find.mutable_council() = professional_with("", "12-345").professional().council();
  CHECK(must(clinic->people().find_professional(clinic.context(), find))->professional().id() ==
        id);
}

TEST_CASE("people: a put replaces what has the id, and refuses another version") {
  ClinicFixture clinic;
  PutClinicRequest request;
  request.mutable_clinic()->set_slug("centro");
  request.mutable_clinic()->set_name("Centro");
  request.set_expected_version(0);
  request.mutable_clinic()->set_id(
      must(clinic->people().put_clinic(clinic.context(), request)).result().id());
  request.mutable_clinic()->set_zone("America/Manaus");
  const Status exists = clinic->people().put_clinic(clinic.context(), request).status();
  CHECK(exists.code() == StatusCode::kAlreadyExists);
  CHECK(exists.field() == "clinic.id");
  request.clear_expected_version();
  CHECK(must(clinic->people().put_clinic(clinic.context(), request)).result().version() == 2);
  request.set_expected_version(1);
  const Status stale = clinic->people().put_clinic(clinic.context(), request).status();
  CHECK(stale.code() == StatusCode::kAborted);
  CHECK(stale.current_version() == 2);
  GetClinicRequest get;
  get.set_id(request.clinic().id());
  CHECK(must(clinic->people().get_clinic(clinic.context(), get))->clinic().zone() ==
        "America/Manaus");
}

TEST_CASE("people: users are found by login, whatever its case, and a login is one user's") {
  ClinicFixture clinic;
  PutUserRequest request;
  request.mutable_user()->set_login("Lia@Sorriso");
  request.mutable_user()->add_roles(ROLE_RECEPTION);
  const std::string id = must(clinic->people().put_user(clinic.context(), request)).result().id();
  FindUserRequest find;
  find.set_login("LIA@sorriso");
  CHECK(must(clinic->people().find_user(clinic.context(), find))->user().id() == id);
  find.set_login("rui@sorriso");
  CHECK(must(clinic->people().find_user(clinic.context(), find)) == nullptr);
  CHECK(clinic->people().put_user(clinic.context(), request).status().field() == "user.login");
}

TEST_CASE("people: lists come in pages, whole and by a word of the name") {
  ClinicFixture clinic;
  for (int i = 0; i < 25; ++i) clinic.professional("Dra. Número " + std::to_string(i));
  clinic.professional("Rui");
  ListProfessionalsRequest request;
  request.set_limit(10);
  int seen = 0;
  do {
    const ListProfessionalsResponse page =
        must(clinic->people().list_professionals(clinic.context(), request));
    seen += page.professionals_size();
    request.set_cursor(page.cursor());
  } while (!request.cursor().empty());
  CHECK(seen == 26);
  request.set_name("numero");
  request.set_limit(100);
  CHECK(must(clinic->people().list_professionals(clinic.context(), request)).professionals_size() ==
        25);
  ListLocationsRequest rooms;
  clinic.room("Sala 1");
  rooms.set_name("sal");
  CHECK(must(clinic->people().list_locations(clinic.context(), rooms)).locations_size() == 1);
  CHECK(must(clinic->people().list_clinics(clinic.context(), {})).clinics_size() == 0);
}

}  // namespace
}  // namespace clinicdb::clinic
