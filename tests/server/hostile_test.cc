// Whoever connects: clients that are slow, wrong, greedy or not who they say, against a server on
// this machine. None of them may cost the others theirs.
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <catch2/catch.hpp>
#include <thread>

#include "clinicdb/base/bytes.h"
#include "clinicdb/base/random.h"
#include "clinicdb/wire/messages.h"
#include "served_clinic.h"

namespace clinicdb::server {
namespace {

std::string hello_bytes(const wire::Credential& credential, std::string_view tenant = {}) {
  wire::FrameWriter writer;
  wire::Hello hello;
  *hello.mutable_credential() = credential;
  hello.set_tenant(std::string(tenant));
  wire::add_hello(writer, wire::Offer{}, hello);
  return std::string(writer.pending());
}

/// That the server still answers others.
void check_alive(ServedClinic& served) {
  clinic::SearchPatientsRequest search;
  search.set_text("ana");
  const auto frame = served.owner()->call(clinic::METHOD_PATIENTS_SEARCH, search);
  REQUIRE(frame.has_value());
  CHECK(frame->type == wire::FrameType::kResponse);
}

TEST_CASE("hostile: bad, foreign and ended credentials are refused, then the line is closed",
          "[server]") {
  ServedClinic served;
  const std::string good = served.token();
  const std::string past = std::to_string(system_clock().now().us / 1'000'000 - 3600);
  std::string changed = good;
  changed[changed.size() / 2] = changed[changed.size() / 2] == 'A' ? 'B' : 'A';
  const std::vector<std::pair<wire::Credential, std::string>> attempts{
      {with_token(changed), ""},
      {with_token(""), ""},
      {with_token(served.token("[]", "\"exp\":" + past)), ""},
      {with_token(good), "outra"},  // another tenant's name
      {with_token(good), "no-such-tenant"},
      {with_token(served.token("[]", "\"tenant\":\"no-such-tenant\"")), ""},
      {with_key("cdb_desk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), ""},
      {wire::Credential(), ""},
  };
  for (const auto& [credential, tenant] : attempts) {
    Peer peer(served.port());
    peer.send(hello_bytes(credential, tenant));
    const auto frame = peer.receive();
    REQUIRE(frame.has_value());
    CHECK((code_of(frame) == StatusCode::kUnauthenticated ||
           code_of(frame) == StatusCode::kPermissionDenied));
    // Nobody learns which tenants there are, nor what a token says.
    CHECK(frame->payload.find("no-such-tenant") == std::string::npos);
    CHECK(peer.ended());
  }
  CHECK(served.server().stats().addresses.login_failures == attempts.size());
  check_alive(served);
}

TEST_CASE("hostile: a token that another session has used is refused", "[server]") {
  ServedClinic served([](ServerOptions& options) {
    auto policy = std::make_shared<AuthPolicy>();
    CHECK(policy->tokens.add_secret("", std::string(ServedClinic::kSecret)).ok());
    policy->tokens_are_for_one_session = true;
    options.auth = policy;
  });
  const std::string token = served.token("[\"owner\"]", "\"jti\":\"one\"");
  const auto log_in = [&](char session) {
    Peer peer(served.port());
    peer.hello(with_token(token), "", std::string(16, session));
    peer.flush();
    return code_of(peer.receive());
  };
  CHECK(log_in('1') == StatusCode::kOk);
  CHECK(log_in('1') == StatusCode::kOk);
  CHECK(log_in('2') == StatusCode::kUnauthenticated);
}

TEST_CASE("hostile: what is no frame, or no hello, ends the connection", "[server]") {
  ServedClinic served;
  std::string wrong_sum = hello_bytes(nobody());
  wrong_sum.back() = static_cast<char>(wrong_sum.back() ^ 1);
  std::string huge = hello_bytes(nobody());
  store_le32(huge.data() + 8, 0x7fffffff);
  std::string negative = hello_bytes(nobody());
  store_le32(negative.data() + 8, 0xffffffff);
  wire::FrameWriter ping;
  wire::FrameHeader header;
  header.type = wire::FrameType::kPing;
  ping.add(header, std::string(8, 'p'));
  for (const std::string& bytes :
       {std::string("GET / HTTP/1.1\r\n\r\n                          "), std::string(64, '\0'),
        wrong_sum, huge, negative, std::string(ping.pending())}) {
    Peer peer(served.port());
    peer.send(bytes);
    const auto frame = peer.receive();
    REQUIRE(frame.has_value());
    CHECK(frame->type == wire::FrameType::kError);
    CHECK(frame->id == 0);
    CHECK(peer.ended());
  }
  check_alive(served);
}

TEST_CASE("hostile: a frame after login that lies about its size ends the connection", "[server]") {
  ServedClinic served;
  wire::FrameWriter writer;
  wire::FrameHeader header;
  header.type = wire::FrameType::kRequest;
  header.id = 1;
  header.code = clinic::METHOD_PATIENTS_GET;
  header.flags = 0;
  writer.compress_from(1);
  writer.add(header, std::string(100'000, 'a'));
  std::string bomb(writer.pending());
  // The plain length that the compressed payload declares, and then a whole frame that is cut.
  store_le32(bomb.data() + wire::kFrameHeaderBytes, 0x40000000);
  const auto peer = served.owner();
  peer->send(bomb);
  const auto frame = peer->receive();
  REQUIRE(frame.has_value());
  CHECK(frame->type == wire::FrameType::kError);
  CHECK(frame->id == 0);
  CHECK(peer->ended());
  check_alive(served);
}

TEST_CASE("hostile: who says nothing, or half a frame, is not waited for", "[server]") {
  ServedClinic served([](ServerOptions& options) {
    options.session.login_ns_max = 300'000'000;
    options.session.frame_ns_max = 300'000'000;
  });
  Peer silent(served.port());
  Peer slow(served.port());
  const std::string hello = hello_bytes(nobody());
  slow.send(hello.substr(0, 20));
  const auto late = served.owner();
  late->send(std::string("CLDB\x01\x03", 6));
  CHECK(code_of(silent.receive()) == StatusCode::kDeadlineExceeded);
  CHECK(silent.ended());
  CHECK(code_of(slow.receive()) == StatusCode::kDeadlineExceeded);
  CHECK(code_of(late->receive()) == StatusCode::kDeadlineExceeded);
  CHECK(late->ended());
  check_alive(served);
}

TEST_CASE("hostile: connections in number cost little, and the count is bounded", "[server]") {
  constexpr std::size_t kConnections = 300;
  ServedClinic served([](ServerOptions& options) {
    options.addresses.connections_max = kConnections;
    options.addresses.before_login_max = kConnections;
  });
  std::vector<std::unique_ptr<Peer>> idle;
  for (std::size_t i = 0; i < kConnections; ++i)
    idle.push_back(std::make_unique<Peer>(served.port()));
  while (served.server().stats().addresses.connections < kConnections) std::this_thread::yield();
  Peer one_too_many(served.port());
  CHECK(one_too_many.ended());
  CHECK(served.server().stats().addresses.refused >= 1);
  idle.clear();
  while (served.server().stats().addresses.connections > 0) std::this_thread::yield();
  check_alive(served);
}

TEST_CASE("hostile: large hellos that do not end hold a bounded memory together", "[server]") {
  ServedClinic served(
      [](ServerOptions& options) { options.addresses.before_login_bytes_max = 80 << 10; });
  std::string large = hello_bytes(nobody()).substr(0, wire::kFrameHeaderBytes);
  store_le32(large.data() + 8, wire::kFrameBytesMaxBeforeLogin - wire::kFrameHeaderBytes);
  large.append(wire::kFrameBytesMaxBeforeLogin - wire::kFrameHeaderBytes - 1, 'x');
  std::vector<std::unique_ptr<Peer>> slow;
  for (int i = 0; i < 20; ++i) {
    slow.push_back(std::make_unique<Peer>(served.port()));
    slow.back()->send(large);
  }
  // Not all of them fit, and those that do not are ended; a small hello is let in all the same.
  while (served.server().stats().addresses.refused < 10) std::this_thread::yield();
  check_alive(served);
}

TEST_CASE("hostile: who does not read its answers is not read from", "[server]") {
  ServedClinic served([](ServerOptions& options) {
    options.session.output_bytes_max = 64 << 10;
    options.session.output_ns_max = 500'000'000;
  });
  clinic::RegisterPatientRequest request;
  request.mutable_patient()->add_names()->set_text(std::string(200, 'a'));
  clinic::GetPatientRequest get;
  get.set_id(served.patient(served.tenant(), std::string(200, 'a')));
  const auto peer = served.owner();
  // Far more than socket buffers take; in the end the server gives up on it.
  std::thread sender([&] {
    for (std::uint32_t batch = 0; batch < 400; ++batch) {
      for (std::uint32_t i = 1; i <= 100; ++i)
        peer->request(batch * 100 + i, clinic::METHOD_PATIENTS_GET, get);
      peer->flush();
    }
  });
  check_alive(served);
  sender.join();
  while (served.server().stats().calls_in_flight > 0) std::this_thread::yield();
  check_alive(served);
}

TEST_CASE("hostile: a tenant's id in another tenant's hands finds nothing, whatever the method",
          "[server]") {
  ServedClinic served;
  const std::string foreign = served.patient(served.other_tenant(), "Zoe Outra");
  const auto peer = served.owner();
  // Every method, each of its fields that may be an id set to the other tenant's patient.
  for (const clinic::MethodInfo& info : clinic::all_methods()) {
    const auto* service = google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(
        "clinicdb.clinic." + std::string(info.service));
    const google::protobuf::Descriptor* type =
        service->FindMethodByName(std::string(info.name))->input_type();
    for (int f = 0; f < type->field_count(); ++f) {
      const google::protobuf::FieldDescriptor* field = type->field(f);
      if (field->type() != google::protobuf::FieldDescriptor::TYPE_BYTES) continue;
      std::unique_ptr<google::protobuf::Message> request(
          google::protobuf::MessageFactory::generated_factory()->GetPrototype(type)->New());
      const auto* reflection = request->GetReflection();
      if (field->is_repeated()) {
        reflection->AddString(request.get(), field, foreign);
      } else {
        reflection->SetString(request.get(), field, foreign);
      }
      const auto frame = peer->call(info.id, *request);
      INFO(info.service << "." << info.name << " " << field->name());
      REQUIRE(frame.has_value());
      CHECK(frame->payload.find("Zoe") == std::string::npos);
    }
  }
  // And what is there, is there still.
  clinic::GetPatientRequest get;
  get.set_id(foreign);
  const auto still =
      served.clinic().patients().get(clinic::CallContext::system(served.other_tenant()), get);
  REQUIRE(still);
  REQUIRE(*still != nullptr);
  CHECK((*still)->patient().names(0).text() == "Zoe Outra");
}

TEST_CASE("hostile: an owner does not learn which other tenants there are", "[server]") {
  ServedClinic served;
  const auto peer = served.owner();
  clinic::FindTenantRequest find;
  find.set_slug("outra");
  for (const auto& frame : {peer->call(clinic::METHOD_TENANTS_LIST, clinic::ListTenantsRequest()),
                            peer->call(clinic::METHOD_TENANTS_FIND, find)}) {
    CHECK(code_of(frame) == StatusCode::kPermissionDenied);
    CHECK(frame->payload.find("outra") == std::string::npos);
  }
}

TEST_CASE("hostile: a right that the role lacks is refused for every method, and nothing is done",
          "[server]") {
  ServedClinic served;
  Peer nobody_much(served.port());
  nobody_much.hello(with_token(served.token("[]")), "");
  nobody_much.flush();
  REQUIRE(nobody_much.receive());
  const auto before = served.clinic().store().stats().last_committed;
  for (const clinic::MethodInfo& info : clinic::all_methods()) {
    INFO(info.service << "." << info.name);
    // Some look at the request before they ask for the right; none answers.
    const StatusCode code = code_of(nobody_much.call(info.id, clinic::GetTenantRequest()));
    CHECK((code == StatusCode::kPermissionDenied || code == StatusCode::kInvalidArgument));
  }
  CHECK(served.clinic().store().stats().last_committed == before);
}

}  // namespace
}  // namespace clinicdb::server
