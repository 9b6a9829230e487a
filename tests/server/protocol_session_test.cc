// The session as a state machine: bytes and time in, calls and bytes out; no socket, no thread.
#include "net/protocol_session.h"

#include <catch2/catch.hpp>
#include <map>
#include <vector>

#include "clinicdb/clinic/schema/tenant.pb.h"
#include "clinicdb/wire/messages.h"

namespace clinicdb::server {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

/// Lets everybody in whose tenant is not "no"; answers calls when the test says so.
class FakeHost final : public SessionHost {
 public:
  explicit FakeHost(Admission& admission) : admission_(admission) {}
  Result<Login> login(const wire::Hello& hello, const Uuid&) override {
    if (hello.tenant() == "no") return permission_denied("no");
    Login login;
    login.tenant = TenantId{7};
    login.tenant_load = admission_.tenant(login.tenant);
    login.user_load = admission_.user(login.tenant, "u");
    login.principal.until = until;
    return login;
  }
  void login_failed(const Status&) override { ++failures; }
  void run(const Call& call, std::string_view body) override {
    calls.push_back(call);
    bodies.emplace_back(body);
    if (answer_at_once) session->answer(call, AnyAnswer());
  }
  void cancel(std::uint32_t id) override { cancelled.push_back(id); }
  void stream_data(std::uint32_t id, std::string_view bytes) override {
    streamed[id].append(bytes);
  }
  void stream_ended(std::uint32_t id, const Status& why) override {
    ended[id] = why.ok() ? "all" : std::string(why.message());
  }
  void finished(const Call&, StatusCode code, std::size_t) override { codes.push_back(code); }
  void send_news() override { ++news_sent; }
  wire::SessionToken position() override { return {}; }

  ProtocolSession* session = nullptr;
  bool answer_at_once = false;
  std::optional<Time> until;
  int failures = 0;
  int news_sent = 0;
  std::vector<Call> calls;
  std::vector<std::string> bodies;
  std::vector<std::uint32_t> cancelled;
  std::vector<StatusCode> codes;
  std::map<std::uint32_t, std::string> streamed;
  std::map<std::uint32_t, std::string> ended;

 private:
  Admission& admission_;
};

struct Fixture {
  Fixture() {
    rules.offer.features = wire::FEATURE_COMPRESSION;
    host.session = &session;
  }
  void feed(std::string_view bytes, std::int64_t now_ns = 0) {
    while (!bytes.empty()) {
      const std::span<char> room = session.prepare();
      const std::size_t count = std::min(room.size(), bytes.size());
      std::copy_n(bytes.begin(), count, room.begin());
      session.commit(count);
      bytes.remove_prefix(count);
      while (session.process(64, now_ns)) {
      }
    }
  }
  void feed(wire::FrameWriter& writer, std::int64_t now_ns = 0) {
    feed(std::string(writer.pending()), now_ns);
    writer.clear();
  }
  void log_in(const std::string& session_id = {}) {
    wire::Hello hello;
    hello.mutable_credential()->set_none(true);
    hello.set_session_id(session_id);
    wire::FrameWriter writer;
    wire::add_hello(writer, wire::Offer{}, hello);
    feed(writer);
    REQUIRE(frames().at(0).type == wire::FrameType::kHelloReply);
  }
  static void add_request(wire::FrameWriter& writer, std::uint32_t id,
                          std::string_view body = "body") {
    wire::FrameHeader header;
    header.type = wire::FrameType::kRequest;
    header.id = id;
    header.code = clinic::METHOD_PATIENTS_GET;
    writer.add(header, body);
  }
  void request(std::uint32_t id, std::string_view body = "body") {
    wire::FrameWriter writer;
    add_request(writer, id, body);
    feed(writer);
  }
  /// What the session has said since the last time.
  std::vector<wire::FrameHeader> frames() {
    std::vector<wire::FrameHeader> list;
    wire::FrameReader reader(wire::FrameLimits{wire::kBodyBytesMaxDefault, true});
    while (!session.output().empty()) {
      const std::string bytes(session.output());
      reader.feed(bytes);
      session.sent(bytes.size(), 0);
    }
    while (true) {
      const auto frame = reader.next();
      REQUIRE(frame);
      if (!*frame) return list;
      list.push_back(**frame);
    }
  }

  SessionRules rules;
  Admission admission{AdmissionLimits{}};
  FakeHost host{admission};
  ProtocolSession session{rules, admission, host, 0};
};

TEST_CASE_METHOD(Fixture, "session: nothing but a hello comes first (S1)", "[server]") {
  request(1);
  const auto said = frames();
  REQUIRE(said.size() == 1);
  CHECK(said[0].type == wire::FrameType::kError);
  CHECK(said[0].id == 0);
  CHECK(session.ended());
  CHECK(host.calls.empty());
  CHECK(host.failures == 1);
}

TEST_CASE_METHOD(Fixture, "session: a hello that does not come in time ends it (S1)", "[server]") {
  session.tick(4 * kSecond, Time{});
  CHECK_FALSE(session.ended());
  session.tick(5 * kSecond, Time{});
  CHECK(session.ended());
  CHECK(frames().at(0).code == static_cast<int>(StatusCode::kDeadlineExceeded));
}

TEST_CASE_METHOD(Fixture, "session: any cut of the bytes gives the same calls", "[server]") {
  wire::Hello hello;
  hello.mutable_credential()->set_none(true);
  wire::FrameWriter writer;
  wire::add_hello(writer, wire::Offer{}, hello);
  for (std::uint32_t id = 1; id <= 3; ++id) add_request(writer, id, std::string(id * 100, 'b'));
  const std::string bytes(writer.pending());
  for (const char byte : bytes) feed(std::string_view(&byte, 1));
  REQUIRE(host.calls.size() == 3);
  for (std::uint32_t id = 1; id <= 3; ++id) {
    CHECK(host.calls[id - 1].id == id);
    CHECK(host.bodies[id - 1] == std::string(id * 100, 'b'));
  }
  CHECK(admission.calls_in_flight() == 3);
}

TEST_CASE_METHOD(Fixture, "session: a call is answered once and gives its place back once (S2, S3)",
                 "[server]") {
  log_in();
  request(1);
  request(2);
  CHECK(admission.calls_in_flight() == 2);
  session.answer(host.calls[1], AnyAnswer());
  session.answer(host.calls[0], unavailable("no"));
  session.answer(host.calls[0], AnyAnswer());  // a second answer is none
  const auto said = frames();
  REQUIRE(said.size() == 2);
  CHECK(said[0].id == 2);
  CHECK(said[0].has(wire::kFlagAbsent));
  CHECK(said[1].id == 1);
  CHECK(said[1].type == wire::FrameType::kError);
  CHECK(admission.calls_in_flight() == 0);
  host.answer_at_once = true;
  request(1);  // the number is free again
  CHECK(frames().size() == 1);
  CHECK(admission.calls_in_flight() == 0);
}

TEST_CASE("session: one that ends gives back the places of its calls (S2)", "[server]") {
  const SessionRules rules;
  Admission admission{AdmissionLimits{}};
  FakeHost host(admission);
  {
    ProtocolSession session(rules, admission, host, 0);
    wire::Hello hello;
    hello.mutable_credential()->set_none(true);
    wire::FrameWriter writer;
    wire::add_hello(writer, wire::Offer{}, hello);
    Fixture::add_request(writer, 1);
    const std::span<char> room = session.prepare();
    std::copy(writer.pending().begin(), writer.pending().end(), room.begin());
    session.commit(writer.pending().size());
    session.process(64, 0);
    CHECK(admission.calls_in_flight() == 1);
  }
  CHECK(admission.calls_in_flight() == 0);
}

TEST_CASE_METHOD(Fixture, "session: two calls of one number end it (S5)", "[server]") {
  log_in();
  request(5);
  request(5);
  CHECK(session.ended());
  CHECK(frames().at(0).type == wire::FrameType::kError);
}

TEST_CASE_METHOD(Fixture, "session: a cancelled call is answered all the same (S3)", "[server]") {
  log_in();
  request(9);
  wire::FrameHeader header;
  header.type = wire::FrameType::kCancel;
  header.id = 9;
  wire::FrameWriter writer;
  writer.add(header);
  header.id = 10;
  writer.add(header);  // answered long ago: no fault
  feed(writer);
  CHECK(host.cancelled == std::vector<std::uint32_t>{9});
  session.answer(host.calls[0], cancelled("as asked"));
  CHECK(frames().at(0).code == static_cast<int>(StatusCode::kCancelled));
}

TEST_CASE("session: output that is not taken stops input, and then ends it (S4)", "[server]") {
  Fixture fixture;
  fixture.rules.output_bytes_max = 1000;
  fixture.host.answer_at_once = true;
  fixture.log_in();
  wire::FrameWriter writer;
  for (std::uint32_t id = 1; id <= 100; ++id) Fixture::add_request(writer, id);
  fixture.feed(writer);
  CHECK(fixture.host.calls.size() < 30);
  CHECK_FALSE(fixture.session.wants_input());
  while (fixture.host.calls.size() < 100) {
    REQUIRE(!fixture.frames().empty());
    fixture.session.process(64, 0);
  }
  for (int i = 0; i < 30; ++i) fixture.request(static_cast<std::uint32_t>(200 + i));
  fixture.session.tick(30 * kSecond, Time{});
  CHECK_FALSE(fixture.session.abandoned());
  fixture.session.tick(61 * kSecond, Time{});
  CHECK(fixture.session.abandoned());
}

TEST_CASE_METHOD(Fixture, "session: half a frame is waited for, but not for ever", "[server]") {
  rules.frame_ns_max = 5 * kSecond;
  log_in();
  wire::FrameWriter writer;
  add_request(writer, 1);
  const std::string bytes(writer.pending());
  feed(bytes.substr(0, 10), 10 * kSecond);
  session.tick(14 * kSecond, Time{});
  CHECK_FALSE(session.ended());
  session.tick(16 * kSecond, Time{});
  CHECK(session.ended());
}

TEST_CASE_METHOD(Fixture, "session: a drain answers what is in flight and refuses what is new",
                 "[server]") {
  log_in();
  request(1);
  session.drain();
  CHECK(frames().at(0).type == wire::FrameType::kGoAway);
  request(2);
  CHECK(frames().at(0).code == static_cast<int>(StatusCode::kUnavailable));
  CHECK_FALSE(session.ended());
  session.answer(host.calls[0], AnyAnswer());
  CHECK(frames().at(0).type == wire::FrameType::kResponse);
  CHECK(session.ended());
}

TEST_CASE("session: it ends with its credential, and says so", "[server]") {
  Fixture fixture;
  fixture.host.until = Time{1000};
  fixture.log_in();
  fixture.session.tick(kSecond, Time{999});
  CHECK_FALSE(fixture.session.ended());
  fixture.session.tick(kSecond, Time{1000});
  CHECK(fixture.frames().at(0).type == wire::FrameType::kGoAway);
  CHECK(fixture.session.ended());
}

TEST_CASE_METHOD(Fixture, "session: a silent peer is pinged, and one that is dead is given up",
                 "[server]") {
  log_in();
  session.tick(11 * kSecond, Time{});
  session.tick(12 * kSecond, Time{});
  const auto said = frames();
  REQUIRE(said.size() == 1);
  CHECK(said[0].type == wire::FrameType::kPing);
  session.tick(31 * kSecond, Time{});
  CHECK(session.abandoned());
}

TEST_CASE_METHOD(Fixture, "session: a request id needs a session that it is unique in",
                 "[server]") {
  log_in();
  wire::FrameHeader header;
  header.type = wire::FrameType::kRequest;
  header.id = 1;
  header.code = clinic::METHOD_PATIENTS_REGISTER;
  header.request_id = Uuid::from_bytes(std::string(16, 'r'));
  wire::FrameWriter writer;
  writer.add(header);
  feed(writer);
  CHECK(host.calls.empty());
  CHECK(frames().at(0).code == static_cast<int>(StatusCode::kInvalidArgument));
  CHECK(admission.calls_in_flight() == 0);
}

/// A session with streams, and windows of 1,000 bytes a stream and 1,500 in all, both ways.
struct Streaming : Fixture {
  Streaming() {
    rules.offer.features = wire::FEATURE_STREAMS;
    rules.offer.stream_window_bytes = 1000;
    rules.offer.connection_window_bytes = 1500;
    wire::Hello hello;
    hello.mutable_credential()->set_none(true);
    wire::Offer offer;
    offer.stream_window_bytes = 1000;
    offer.connection_window_bytes = 1500;
    wire::FrameWriter writer;
    wire::add_hello(writer, offer, hello);
    feed(writer);
    REQUIRE(frames().at(0).type == wire::FrameType::kHelloReply);
  }
  void say(wire::FrameType type, std::uint32_t id, std::string_view payload,
           std::uint16_t flags = 0) {
    wire::FrameHeader header;
    header.type = type;
    header.id = id;
    header.flags = flags;
    header.code = type == wire::FrameType::kRequest ? clinic::METHOD_TRANSFER_IMPORT : 0;
    wire::FrameWriter writer;
    writer.add(header, payload);
    feed(writer);
  }
  void begin(std::uint32_t id) { say(wire::FrameType::kRequest, id, "", wire::kFlagStream); }
  void data(std::uint32_t id, std::size_t bytes) {
    say(wire::FrameType::kStreamData, id, std::string(bytes, 'x'));
  }
  void grant(std::uint32_t id, std::uint32_t bytes) {
    wire::WindowUpdate update;
    update.set_bytes(bytes);
    say(wire::FrameType::kWindowUpdate, id, update.SerializeAsString());
  }
};

TEST_CASE_METHOD(Streaming, "session: a stream's bytes come as they were granted (S6)",
                 "[server]") {
  begin(5);
  REQUIRE(host.calls.size() == 1);
  CHECK(host.calls[0].stream);
  data(5, 600);
  data(5, 400);
  CHECK(host.streamed[5].size() == 1000);
  CHECK_FALSE(session.ended());
  session.stream_consumed(5, 600);
  const auto grants = frames();
  REQUIRE(grants.size() == 1);  // of the connection not yet: half of its window is not free
  CHECK(grants[0].type == wire::FrameType::kWindowUpdate);
  CHECK(grants[0].id == 5);
  data(5, 500);
  CHECK(host.streamed[5].size() == 1500);
  data(5, 101);
  CHECK(session.ended());
  CHECK(frames().back().code == static_cast<int>(StatusCode::kResourceExhausted));
}

TEST_CASE_METHOD(Streaming, "session: all streams share the connection's window (S6)", "[server]") {
  begin(1);
  begin(2);
  data(1, 1000);
  data(2, 500);
  CHECK_FALSE(session.ended());
  data(2, 1);
  CHECK(session.ended());
}

TEST_CASE_METHOD(Streaming, "session: it sends of a stream what it was granted, and no more (S6)",
                 "[server]") {
  begin(5);
  session.open_stream(host.calls[0]);
  REQUIRE(session.stream_room(5) == 1000);
  session.send_stream(5, std::string(1000, 'y'));
  CHECK(session.stream_room(5) == 0);
  frames();
  grant(5, 700);
  CHECK(session.stream_room(5) == 500);  // the connection's is less
  grant(0, 1000);
  CHECK(session.stream_room(5) == 700);
  grant(77, 10);  // late, of a stream that has ended: no fault
  CHECK_FALSE(session.ended());
  grant(0, 0x7fffffff);
  CHECK(session.ended());
}

TEST_CASE_METHOD(Streaming, "session: a stream ends once, and gives back its place and its window",
                 "[server]") {
  begin(5);
  CHECK(admission.calls_in_flight() == 1);
  session.open_stream(host.calls[0]);
  data(5, 900);  // and none of it is used
  wire::StreamEnd end;
  say(wire::FrameType::kStreamEnd, 5, end.SerializeAsString());
  CHECK(host.ended[5] == "all");
  session.end_stream(host.calls[0], unavailable("the server stops"));
  session.end_stream(host.calls[0], Status());
  CHECK(admission.calls_in_flight() == 0);
  CHECK(host.codes == std::vector<StatusCode>{StatusCode::kUnavailable});
  const auto said = frames();
  REQUIRE(said.size() == 3);
  CHECK(said[0].type == wire::FrameType::kResponse);
  CHECK(said[0].has(wire::kFlagStream));
  CHECK(said[1].type == wire::FrameType::kWindowUpdate);
  CHECK(said[1].id == 0);
  CHECK(said[2].type == wire::FrameType::kStreamEnd);
  // What was on its way is thrown away, and the line goes on.
  data(5, 300);
  CHECK_FALSE(session.ended());
  CHECK(host.streamed[5].size() == 900);
  begin(5);
  CHECK(host.calls.size() == 2);
}

TEST_CASE_METHOD(Streaming, "session: a stream that is refused before it began gets an error",
                 "[server]") {
  begin(5);
  session.answer(host.calls[0], permission_denied("no"));
  CHECK(frames().at(0).type == wire::FrameType::kError);
  CHECK(admission.calls_in_flight() == 0);
  data(5, 100);  // was on its way
  CHECK_FALSE(session.ended());
  begin(5);
  CHECK(host.calls.size() == 2);
}

TEST_CASE_METHOD(Streaming, "session: a drain waits for streams, a dead peer's are not waited for",
                 "[server]") {
  begin(5);
  session.open_stream(host.calls[0]);
  SECTION("drain") {
    session.drain();
    CHECK_FALSE(session.ended());
    session.end_stream(host.calls[0], Status());
    CHECK(session.ended());
  }
  SECTION("dead") {
    session.tick(11 * kSecond, Time{});
    CHECK(frames().back().type == wire::FrameType::kPing);
    session.tick(31 * kSecond, Time{});
    CHECK(session.abandoned());
  }
}

TEST_CASE_METHOD(Streaming, "session: at most so many streams, and only where they were agreed on",
                 "[server]") {
  for (std::uint32_t id = 1; id <= wire::kStreamsMax; ++id) begin(id);
  CHECK(host.calls.size() == wire::kStreamsMax);
  begin(1000);
  CHECK(host.calls.size() == wire::kStreamsMax);
  CHECK(frames().at(0).code == static_cast<int>(StatusCode::kResourceExhausted));
  CHECK_FALSE(session.ended());
  CHECK(admission.calls_in_flight() == wire::kStreamsMax);

  Fixture without;
  without.log_in();
  wire::FrameHeader header;
  header.type = wire::FrameType::kRequest;
  header.id = 1;
  header.flags = wire::kFlagStream;
  wire::FrameWriter writer;
  writer.add(header);
  without.feed(writer);
  CHECK(without.frames().at(0).code == static_cast<int>(StatusCode::kInvalidArgument));
  CHECK_FALSE(without.session.ended());
  header.type = wire::FrameType::kStreamData;
  header.flags = 0;
  writer.add(header, "x");
  without.feed(writer);
  CHECK(without.session.ended());
}

}  // namespace
}  // namespace clinicdb::server
