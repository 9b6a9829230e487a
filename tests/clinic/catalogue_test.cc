#include "clinicdb/clinic/catalogue.h"

#include <catch2/catch.hpp>

#include "clinic_fixture.h"

namespace clinicdb::clinic {
namespace {

PutServiceRequest make_service(std::string_view name, std::string_view code = {}) {
  PutServiceRequest request;
  request.mutable_service()->set_name(std::string(name));
  request.mutable_service()->set_code(std::string(code));
  request.mutable_service()->set_duration_minutes(45);
  return request;
}

TEST_CASE("catalogue: a service is put, read and found by a word of its name") {
  ClinicFixture clinic;
  PutServiceRequest request = make_service("Limpeza de pele", "LP");
  request.mutable_service()->mutable_price()->set_cents(18'000);
  const std::string id =
      must(clinic->catalogue().put_service(clinic.context(), request)).result().id();
  GetServiceRequest get;
  get.set_id(id);
  CHECK(must(clinic->catalogue().get_service(clinic.context(), get))->service().price().cents() ==
        18'000);
  must(clinic->catalogue().put_service(clinic.context(), make_service("Avaliação")));
  ListServicesRequest list;
  CHECK(must(clinic->catalogue().list_services(clinic.context(), list)).services_size() == 2);
  list.set_name("avalia");
  CHECK(must(clinic->catalogue().list_services(clinic.context(), list)).services_size() == 1);
}

TEST_CASE("catalogue: a service's code is the tenant's own, whatever its case") {
  ClinicFixture clinic;
  must(clinic->catalogue().put_service(clinic.context(), make_service("Limpeza", "LP")));
  const Status refused =
      clinic->catalogue().put_service(clinic.context(), make_service("Laser", "lp")).status();
  CHECK(refused.code() == StatusCode::kAlreadyExists);
  CHECK(refused.field() == "service.code");
  CHECK(clinic->catalogue().put_service(clinic.new_tenant("outra"), make_service("Laser", "lp")));
}

TEST_CASE("catalogue: what cannot be done is refused by its field") {
  ClinicFixture clinic;
  PutServiceRequest request = make_service("Limpeza");
  std::string field;
  SECTION("no time") {
    request.mutable_service()->set_duration_minutes(0);
    field = "service.duration_minutes";
  }
  SECTION("more than a day") {
    request.mutable_service()->set_duration_minutes(24 * 60 + 1);
    field = "service.duration_minutes";
  }
  SECTION("a long buffer") {
    request.mutable_service()->set_buffer_after_minutes(241);
    field = "service.buffer_after_minutes";
  }
  SECTION("a crowd") {
    request.mutable_service()->set_capacity(201);
    field = "service.capacity";
  }
  SECTION("a price below nothing") {
    request.mutable_service()->mutable_price()->set_cents(-1);
    field = "service.price";
  }
  const Status refused = clinic->catalogue().put_service(clinic.context(), request).status();
  CHECK(refused.code() == StatusCode::kInvalidArgument);
  CHECK(refused.field() == field);
}

TEST_CASE("catalogue: equipment is put, read and listed") {
  ClinicFixture clinic;
  PutEquipmentRequest request;
  request.mutable_equipment()->set_name("Laser");
  request.mutable_equipment()->set_units(2);
  const std::string id =
      must(clinic->catalogue().put_equipment(clinic.context(), request)).result().id();
  GetEquipmentRequest get;
  get.set_id(id);
  CHECK(must(clinic->catalogue().get_equipment(clinic.context(), get))->equipment().units() == 2);
  CHECK(must(clinic->catalogue().list_equipment(clinic.context(), {})).equipment_size() == 1);
  request.mutable_equipment()->set_units(65);
  CHECK(clinic->catalogue().put_equipment(clinic.context(), request).status().field() ==
        "equipment.units");
}

}  // namespace
}  // namespace clinicdb::clinic
