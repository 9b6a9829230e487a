#include "clinicdb/clinic/roles.h"

#include <catch2/catch.hpp>

#include "clinic_fixture.h"

namespace clinicdb::clinic {
namespace {

TEST_CASE("roles: clinical records are for those who treat, and for the auditor to read") {
  for (const Role role : {ROLE_ADMINISTRATOR, ROLE_RECEPTION, ROLE_BILLING}) {
    INFO(Role_Name(role));
    CHECK_FALSE(rights_of(role).allows(ACCESS_RIGHT_RECORDS_READ));
    CHECK_FALSE(rights_of(role).allows(ACCESS_RIGHT_RECORDS_WRITE));
  }
  CHECK(rights_of(ROLE_PROFESSIONAL).allows(ACCESS_RIGHT_RECORDS_WRITE));
  CHECK_FALSE(rights_of(ROLE_PROFESSIONAL).allows(ACCESS_RIGHT_BILLING_WRITE));
  CHECK(rights_of(ROLE_AUDITOR).allows(ACCESS_RIGHT_RECORDS_READ));
  CHECK(rights_of(ROLE_AUDITOR).allows(ACCESS_RIGHT_AUDIT_READ));
  for (const AccessRight right :
       {ACCESS_RIGHT_PEOPLE_WRITE, ACCESS_RIGHT_PATIENTS_WRITE, ACCESS_RIGHT_RECORDS_WRITE,
        ACCESS_RIGHT_SCHEDULE_WRITE, ACCESS_RIGHT_BILLING_WRITE, ACCESS_RIGHT_TENANTS_WRITE})
    CHECK_FALSE(rights_of(ROLE_AUDITOR).allows(right));
  CHECK(rights_of(ROLE_UNSPECIFIED).bits() == 0);
}

TEST_CASE("roles: a user may do what any of the roles may, and nothing once not active") {
  User user;
  CHECK(rights_of(user).bits() == 0);
  user.add_roles(ROLE_RECEPTION);
  user.add_roles(ROLE_BILLING);
  CHECK(rights_of(user).allows(ACCESS_RIGHT_SCHEDULE_WRITE));
  CHECK(rights_of(user).allows(ACCESS_RIGHT_BILLING_WRITE));
  CHECK_FALSE(rights_of(user).allows(ACCESS_RIGHT_TENANTS_WRITE));
  user.set_inactive(true);
  CHECK(rights_of(user).bits() == 0);
}

TEST_CASE("professionals: by the service they may do, and by the end of their licence") {
  ClinicFixture clinic;
  const std::string service(16, 's');
  const auto put = [&](const char* name, const std::string& may, int year) {
    PutProfessionalRequest request;
    Professional& professional = *request.mutable_professional();
    professional.add_names()->set_text(name);
    if (!may.empty()) professional.add_service_ids(may);
    if (year != 0) *professional.mutable_licence_expiry() = make_date(year, 6, 30);
    return must(clinic->people().put_professional(clinic.context(), request)).result().id();
  };
  const std::string named = put("A", service, 2027);
  put("B", std::string(16, 't'), 2026);
  const std::string all = put("C", {}, 0);
  ListProfessionalsRequest request;
  request.set_service_id(service);
  const ListProfessionalsResponse able =
      must(clinic->people().list_professionals(clinic.context(), request));
  REQUIRE(able.professionals_size() == 2);
  CHECK(able.professionals(0).id() == named);
  CHECK(able.professionals(1).id() == all);
  request.Clear();
  *request.mutable_licence_ends_before() = make_date(2027, 6, 30);
  CHECK(must(clinic->people().list_professionals(clinic.context(), request)).professionals_size() ==
        1);
  request.mutable_licence_ends_before()->set_day(31);
  CHECK(clinic->people().list_professionals(clinic.context(), request).status().field() ==
        "licence_ends_before");
}

}  // namespace
}  // namespace clinicdb::clinic
