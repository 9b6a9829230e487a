#include "clinicdb/clinic/tenants.h"

#include <catch2/catch.hpp>

#include "clinic_fixture.h"

namespace clinicdb::clinic {
namespace {

const CallContext kStore = CallContext::system(TenantId{});

TEST_CASE("tenants: one that is made is found by slug, shown and listed with its profile") {
  ClinicFixture clinic;
  CreateTenantRequest request;
  request.set_slug("vitoria");
  request.mutable_profile()->set_display_name("Clínicas Vitória");
  request.mutable_profile()->set_zone("America/Manaus");
  const Tenant made = must(clinic->tenants().create(kStore, request)).tenant();
  CHECK(made.profile().display_name() == "Clínicas Vitória");
  FindTenantRequest find;
  find.set_slug("vitoria");
  CHECK(must(clinic->tenants().find(kStore, find)).tenant().number() == made.number());
  const CallContext context = CallContext::system(TenantId{made.number()});
  CHECK(must(clinic->tenants().get(context, {})).tenant().SerializeAsString() ==
        made.SerializeAsString());
  CHECK(must(clinic->tenants().list(kStore, {})).tenants_size() == 2);
  CHECK(clinic->tenants().create(kStore, request).status().code() == StatusCode::kAlreadyExists);
}

TEST_CASE("tenants: a wrong slug or zone is refused, and makes none") {
  ClinicFixture clinic;
  CreateTenantRequest request;
  request.set_slug("Vitória");
  CHECK(clinic->tenants().create(kStore, request).status().field() == "slug");
  request.set_slug("vitoria");
  request.mutable_profile()->set_zone("Vitoria");
  CHECK(clinic->tenants().create(kStore, request).status().field() == "profile.zone");
  CHECK(must(clinic->tenants().list(kStore, {})).tenants_size() == 1);
  FindTenantRequest find;
  find.set_slug("vitoria");
  CHECK(clinic->tenants().find(kStore, find).status().code() == StatusCode::kNotFound);
}

TEST_CASE("tenants: a profile is changed against its version") {
  ClinicFixture clinic;
  UpdateTenantProfileRequest request;
  request.mutable_profile()->set_display_name("Sorriso");
  CHECK(must(clinic->tenants().update_profile(clinic.context(), request)).result().version() == 1);
  request.set_expected_version(4);
  const Status refused = clinic->tenants().update_profile(clinic.context(), request).status();
  CHECK(refused.code() == StatusCode::kAborted);
  CHECK(refused.current_version() == 1);
}

TEST_CASE(
    "tenants: one is erased only under its own slug, with everything it had, and nothing of "
    "another's") {
  ClinicFixture clinic;
  const CallContext other = clinic.new_tenant("outra");
  const std::string ana = clinic.patient("Ana");
  RegisterPatientRequest bia;
  *bia.mutable_patient() = make_patient("Bia");
  const std::string there = must(clinic->patients().register_patient(other, bia)).result().id();
  CHECK(must(clinic->patients().get(other, Uuid::from_bytes(there))));
  DeleteTenantRequest request;
  request.set_slug("sorriso");
  CHECK(clinic->tenants().remove(other, request).status().field() == "slug");
  request.set_slug("outra");
  must(clinic->tenants().remove(other, request));
  CHECK_FALSE(clinic->patients().get(other, Uuid::from_bytes(there)));
  CHECK(must(clinic->patients().get(clinic.context(), Uuid::from_bytes(ana))));
  CHECK(must(clinic->store().verify({})).problem_count == 0);
}

}  // namespace
}  // namespace clinicdb::clinic
