#include "net/server.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <set>
#include <thread>

#include "clinicdb/base/random.h"
#include "clinicdb/wire/messages.h"
#include "served_clinic.h"

namespace clinicdb::server {
namespace {

template <class Response>
Response parsed(const std::optional<OwnedFrame>& frame) {
  REQUIRE(frame.has_value());
  INFO(static_cast<int>(frame->code) << " " << frame->payload);
  REQUIRE(frame->type == wire::FrameType::kResponse);
  Response response;
  REQUIRE(response.ParseFromString(frame->payload));
  return response;
}

clinic::RegisterPatientRequest registration(const std::string& name) {
  clinic::RegisterPatientRequest request;
  request.mutable_patient()->add_names()->set_text(name);
  return request;
}

TEST_CASE("server: what is written over a connection is read over another", "[server]") {
  ServedClinic served;
  const auto writer = served.owner();
  const auto made = parsed<clinic::RegisterPatientResponse>(
      writer->call(clinic::METHOD_PATIENTS_REGISTER, registration("Ana Souza")));
  const auto reader = served.owner();
  clinic::GetPatientRequest get;
  get.set_id(made.result().id());
  const auto frame = reader->call(clinic::METHOD_PATIENTS_GET, get);
  CHECK(parsed<clinic::GetPatientResponse>(frame).patient().names(0).text() == "Ana Souza");
  // R3: the answer says how far the store was.
  REQUIRE(frame->position.has_value());
  CHECK(frame->position->position.lsn.value >= made.result().position().lsn());

  get.set_id(std::string(16, 'x'));
  const auto absent = reader->call(clinic::METHOD_PATIENTS_GET, get);
  REQUIRE(absent.has_value());
  CHECK(absent->has(wire::kFlagAbsent));
}

TEST_CASE("server: calls that wait for the disk or for a commit leave the others running",
          "[server]") {
  ServedClinic served;
  const std::string id = served.patient(served.tenant(), "Bia");
  const auto peer = served.owner();
  // Writes and reads mixed on one connection: every one is answered once, whatever the order.
  constexpr std::uint32_t kCalls = 400;
  clinic::GetPatientRequest get;
  get.set_id(id);
  for (std::uint32_t call = 1; call <= kCalls; ++call) {
    if (call % 2 == 0) {
      peer->request(call, clinic::METHOD_PATIENTS_GET, get);
    } else if (call % 5 == 0) {
      peer->request(call, clinic::METHOD_TENANTS_GET, clinic::GetTenantRequest());
    } else {
      peer->request(call, clinic::METHOD_PATIENTS_REGISTER, registration("Patient"));
    }
  }
  peer->flush();
  std::set<std::uint32_t> answered;
  for (std::uint32_t i = 0; i < kCalls; ++i) {
    const auto frame = peer->receive();
    REQUIRE(frame.has_value());
    INFO(frame->payload);
    CHECK(frame->type == wire::FrameType::kResponse);
    CHECK(answered.insert(frame->id).second);
  }
  CHECK(answered.size() == kCalls);
  CHECK(served.server().stats().calls_in_flight == 0);
}

TEST_CASE("server: a write that is sent again with its request id is done once (R1)", "[server]") {
  ServedClinic served;
  const Uuid request_id = Uuid::v7(system_clock(), system_random());
  const auto first = parsed<clinic::RegisterPatientResponse>(
      served.owner()->call(clinic::METHOD_PATIENTS_REGISTER, registration("Caio"), request_id));
  const auto again = parsed<clinic::RegisterPatientResponse>(
      served.owner()->call(clinic::METHOD_PATIENTS_REGISTER, registration("Caio"), request_id));
  CHECK(again.result().id() == first.result().id());
  CHECK(again.result().repeated());
  CHECK(code_of(served.owner()->call(clinic::METHOD_PATIENTS_REGISTER, registration("Dora"),
                                     request_id)) == StatusCode::kInvalidArgument);
}

TEST_CASE("server: what was made anew is not kept by its caller (K3)", "[server]") {
  ServedClinic served;
  clinic::ListDayRequest day;
  day.set_kind(clinic::RESOURCE_KIND_PROFESSIONAL);
  day.set_id(std::string(Uuid::v7(system_clock(), system_random()).view()));
  day.mutable_day()->set_year(2031);
  day.mutable_day()->set_month(3);
  day.mutable_day()->set_day(4);
  const auto kept_when = [&](int flags) {
    const auto keeper = served.owner();
    wire::FrameHeader header;
    header.type = wire::FrameType::kRequest;
    header.flags = static_cast<std::uint16_t>(flags);
    header.id = 1;
    header.code = clinic::METHOD_SCHEDULING_LIST_DAY;
    wire::add_message(keeper->writer(), header, day);
    keeper->flush();
    const auto answer = keeper->receive();
    REQUIRE(answer.has_value());
    REQUIRE(answer->type == wire::FrameType::kResponse);
    return answer->has(wire::kFlagTags);
  };
  CHECK(kept_when(wire::kFlagKeep));
  CHECK_FALSE(kept_when(wire::kFlagKeep | wire::kFlagFresh));
}

TEST_CASE("server: who keeps an answer hears when it becomes stale (K3)", "[server]") {
  ServedClinic served;
  const std::string id = served.patient(served.tenant(), "Eva");
  const auto keeper = served.owner();
  wire::FrameHeader header;
  header.type = wire::FrameType::kRequest;
  header.flags = wire::kFlagKeep;
  header.id = 1;
  header.code = clinic::METHOD_PATIENTS_GET;
  clinic::GetPatientRequest get;
  get.set_id(id);
  wire::add_message(keeper->writer(), header, get);
  wire::FrameWriter& writer = keeper->writer();
  keeper->flush();
  const auto answer = keeper->receive();
  const auto patient = parsed<clinic::GetPatientResponse>(answer);
  REQUIRE(answer->has(wire::kFlagTags));
  REQUIRE(answer->position.has_value());

  clinic::UpdatePatientRequest update;
  *update.mutable_patient() = patient.patient();
  update.mutable_patient()->set_gender(clinic::GENDER_FEMALE);
  const auto changed = parsed<clinic::UpdatePatientResponse>(
      served.owner()->call(clinic::METHOD_PATIENTS_UPDATE, update));
  const auto news = keeper->receive();
  REQUIRE(news.has_value());
  REQUIRE(news->type == wire::FrameType::kPush);
  wire::Push push;
  REQUIRE(push.ParseFromString(news->payload));
  CHECK(push.invalidation().tags_size() >= 1);
  CHECK(push.invalidation().lsn() == changed.result().position().lsn());
  CHECK(push.invalidation().lsn() > answer->position->position.lsn.value);

  // Told once: nothing is kept there any more. And who asked for nothing hears nothing.
  update.mutable_patient()->set_gender(clinic::GENDER_MALE);
  REQUIRE(served.owner()->call(clinic::METHOD_PATIENTS_UPDATE, update));
  header = {};
  header.type = wire::FrameType::kPing;
  writer.add(header, "12345678");
  keeper->flush();
  const auto pong = keeper->receive();
  REQUIRE(pong.has_value());
  CHECK(pong->type == wire::FrameType::kPong);
}

TEST_CASE("server: a stop answers what is in flight and says so to who is connected", "[server]") {
  ServedClinic served;
  constexpr int kPeers = 8;
  std::atomic<bool> stopping{false};
  std::atomic<std::size_t> acknowledged{0};
  std::atomic<int> broken{0};
  std::vector<std::thread> peers;
  for (int i = 0; i < kPeers; ++i) {
    peers.emplace_back([&] {
      const auto peer = served.owner();
      while (true) {
        const auto frame = peer->call(clinic::METHOD_PATIENTS_REGISTER, registration("Patient"));
        if (frame && frame->type == wire::FrameType::kResponse) {
          ++acknowledged;
          continue;
        }
        // Only once the server stops, and then by a word: GoAway, or a refusal that is safe to
        // repeat; or the end of the connection behind one of them.
        if (!stopping) ++broken;
        return;
      }
    });
  }
  while (acknowledged < 50) std::this_thread::yield();
  stopping = true;
  served.server().stop();
  for (std::thread& peer : peers) peer.join();
  CHECK(broken == 0);
  clinic::SearchPatientsRequest search;
  const auto stats = served.clinic().store().stats();
  CHECK(stats.state == engine::StoreState::kServing);
  const auto report = served.clinic().store().verify({});
  REQUIRE(report);
  CHECK(report->problem_count == 0);
  CHECK(report->records >= acknowledged);
}

}  // namespace
}  // namespace clinicdb::server
