#include "dispatch.h"

#include <google/protobuf/descriptor.h>

#include <catch2/catch.hpp>
#include <map>

#include "served_method.h"
#include "support/temporary_directory.h"

namespace clinicdb::server {
namespace {

const google::protobuf::MethodDescriptor* declared(const clinic::MethodInfo& info) {
  const auto* service = google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(
      "clinicdb.clinic." + std::string(info.service));
  return service == nullptr ? nullptr : service->FindMethodByName(std::string(info.name));
}

TEST_CASE("dispatch: every declared method is served once, with the messages that it declares") {
  std::map<int, const ServedMethod*> served;
  for (const ServedMethod& method : served_methods()) {
    INFO(clinic::MethodId_Name(method.id));
    CHECK(served.emplace(method.id, &method).second);
  }
  std::size_t calls = 0;
  for (const clinic::MethodInfo& info : clinic::all_methods()) {
    if (info.streams) continue;  // see streams_test.cc
    ++calls;
    INFO(info.service << "." << info.name);
    REQUIRE(served.count(info.id) == 1);
    const google::protobuf::MethodDescriptor* method = declared(info);
    REQUIRE(method != nullptr);
    CHECK(served[info.id]->request() == method->input_type());
    CHECK(served[info.id]->response() == method->output_type());
  }
  CHECK(served.size() == calls);
}

class Served {
 public:
  Served() : clinic_(open(directory_.path())) {}
  clinic::Clinic& operator*() { return *clinic_; }

 private:
  static std::unique_ptr<clinic::Clinic> open(const std::string& path) {
    Result<std::unique_ptr<clinic::Clinic>> clinic = clinic::Clinic::open(path, {});
    REQUIRE(clinic);
    return std::move(clinic).value();
  }
  test::TemporaryDirectory directory_;
  std::unique_ptr<clinic::Clinic> clinic_;
};

TEST_CASE("dispatch: a message and its bytes get the same answer") {
  Served clinic;
  const clinic::CallContext operator_context = clinic::CallContext::system(TenantId{});
  clinic::CreateTenantRequest create;
  create.set_slug("sorriso");
  Result<AnyAnswer> made =
      dispatch(*clinic, clinic::METHOD_TENANTS_CREATE, operator_context, create);
  REQUIRE(made);
  const auto& tenant = dynamic_cast<const clinic::CreateTenantResponse&>(**made).tenant();
  const auto context = clinic::CallContext::system(TenantId{tenant.number()});

  clinic::RegisterPatientRequest request;
  request.mutable_patient()->add_names()->set_text("Ana Souza");
  Result<AnyAnswer> ana = dispatch_bytes(*clinic, clinic::METHOD_PATIENTS_REGISTER, context,
                                         request.SerializeAsString());
  REQUIRE(ana);
  clinic::GetPatientRequest get;
  get.set_id(dynamic_cast<const clinic::RegisterPatientResponse&>(**ana).result().id());
  Result<AnyAnswer> by_message = dispatch(*clinic, clinic::METHOD_PATIENTS_GET, context, get);
  Result<AnyAnswer> by_bytes =
      dispatch_bytes(*clinic, clinic::METHOD_PATIENTS_GET, context, get.SerializeAsString());
  REQUIRE(by_message);
  REQUIRE(by_bytes);
  CHECK((*by_message)->SerializeAsString() == (*by_bytes)->SerializeAsString());

  get.set_id(std::string(16, '\x01'));
  Result<AnyAnswer> absent = dispatch(*clinic, clinic::METHOD_PATIENTS_GET, context, get);
  REQUIRE(absent);
  CHECK(*absent == nullptr);
}

TEST_CASE("dispatch: a wrong message, wrong bytes and a number that is no method's are refused") {
  Served clinic;
  const clinic::CallContext context = clinic::CallContext::system(TenantId{1});
  const clinic::FindTenantRequest find;
  CHECK(dispatch(*clinic, clinic::METHOD_PATIENTS_GET, context, find).error().code() ==
        StatusCode::kInvalidArgument);
  CHECK(dispatch_bytes(*clinic, clinic::METHOD_PATIENTS_GET, context, "\xff\xff").error().code() ==
        StatusCode::kInvalidArgument);
  for (const int number : {-1, 0, 31, 1023, 1024, 1 << 20}) {
    CHECK(dispatch(*clinic, static_cast<clinic::MethodId>(number), context, find).error().code() ==
          StatusCode::kUnimplemented);
  }
}

}  // namespace
}  // namespace clinicdb::server
