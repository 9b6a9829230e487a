#include "clinicdb/clinic/methods.h"

#include <google/protobuf/descriptor.h>

#include <catch2/catch.hpp>
#include <set>
#include <string>

#include "clinicdb/clinic/schema/patient.pb.h"

namespace clinicdb::clinic {
namespace {

TEST_CASE(
    "methods: every method of every service is declared with a number of its own, right, cache "
    "policy and audit") {
  std::set<int> numbers;
  std::set<std::string> services;
  for (const MethodInfo& method : all_methods()) {
    INFO(method.service << "." << method.name);
    CHECK(method.id != METHOD_UNSPECIFIED);
    CHECK(MethodId_IsValid(method.id));
    CHECK(numbers.insert(method.id).second);
    CHECK(method.right != ACCESS_RIGHT_UNSPECIFIED);
    CHECK(method.cache != CACHE_POLICY_UNSPECIFIED);
    CHECK(method.audit != AUDIT_ACTION_UNSPECIFIED);
    CHECK(find_method(method.id) == &method);
    services.emplace(method.service);
  }
  CHECK(services == std::set<std::string>{
                        "AvailabilityService",  //
                        "BillingService",       //
                        "CalendarService",      //
                        "CareService",          //
                        "CatalogueService",     //
                        "ConsentService",       //
                        "DuplicateService",     //
                        "FeedService",          //
                        "PatientService",       //
                        "PeopleService",        //
                        "RecordService",        //
                        "SchedulingService",    //
                        "SeriesService",        //
                        "TenantService",        //
                        "TransferService",      //
                        "WaitlistService",      //
                    });
  // And no number of the enumeration is without a method.
  const google::protobuf::EnumDescriptor& ids = *MethodId_descriptor();
  for (int i = 0; i < ids.value_count(); ++i) {
    INFO(ids.value(i)->name());
    CHECK((ids.value(i)->number() == METHOD_UNSPECIFIED ||
           numbers.count(ids.value(i)->number()) == 1));
  }
}

TEST_CASE("methods: what is written is not cached") {
  for (const MethodInfo& method : all_methods()) {
    INFO(method.service << "." << method.name);
    const bool writes = method.audit == AUDIT_ACTION_CREATE ||
                        method.audit == AUDIT_ACTION_UPDATE || method.audit == AUDIT_ACTION_DELETE;
    CHECK((!writes || method.cache == CACHE_POLICY_NONE));
  }
}

TEST_CASE("methods: a call without the right is refused, and the refusal names both") {
  const CallContext reader(TenantId{5}, Rights().with(ACCESS_RIGHT_PATIENTS_READ));
  CHECK(authorise(METHOD_PATIENTS_GET, reader, {}, {}).ok());
  const Status refused = authorise(METHOD_PATIENTS_UPDATE, reader, {}, {});
  CHECK(refused.code() == StatusCode::kPermissionDenied);
  CHECK(refused.message() == "PatientService.Update takes the right ACCESS_RIGHT_PATIENTS_WRITE");
}

TEST_CASE("methods: a call on a tenant's data names the tenant") {
  const CallContext nobody = CallContext::system(TenantId{});
  CHECK(authorise(METHOD_PATIENTS_GET, nobody, {}, {}).code() == StatusCode::kInvalidArgument);
  CHECK(authorise(METHOD_TENANTS_LIST, nobody, {}, {}).ok());
}

TEST_CASE(
    "methods: the audit sees what is allowed and what is refused, and one that fails fails the "
    "call") {
  std::vector<std::string> seen;
  const AuditHook hook = [&](const AuditEntry& entry) {
    seen.push_back(std::string(entry.method.name) + (entry.allowed ? " allowed " : " refused ") +
                   std::string(entry.subject));
    return Status();
  };
  const CallContext reader(TenantId{5}, Rights().with(ACCESS_RIGHT_PATIENTS_READ));
  CHECK(authorise(METHOD_PATIENTS_GET, reader, "x", hook).ok());
  CHECK_FALSE(authorise(METHOD_PATIENTS_REMOVE, reader, "y", hook).ok());
  CHECK(seen == std::vector<std::string>{"Get allowed x", "Remove refused y"});
  const AuditHook broken = [](const AuditEntry&) { return unavailable("the audit is full"); };
  CHECK(authorise(METHOD_PATIENTS_GET, reader, "x", broken).code() == StatusCode::kUnavailable);
}

TEST_CASE("methods: personal data is marked in the schema") {
  const google::protobuf::Descriptor& patient = *Patient::descriptor();
  for (const char* name :
       {"fhir", "names", "birth_date", "cpf", "cns", "mrn", "telecom", "addresses"}) {
    INFO(name);
    CHECK(patient.FindFieldByName(name)->options().GetExtension(personal_data));
  }
  CHECK_FALSE(patient.FindFieldByName("inactive")->options().GetExtension(personal_data));
}

}  // namespace
}  // namespace clinicdb::clinic
