// A connection's client side against a server that is played by hand: no sockets, no time but what
// is passed.
#include "multiplexer.h"

#include <catch2/catch.hpp>
#include <memory>
#include <set>

#include "clinicdb/base/random.h"
#include "clinicdb/wire/messages.h"

namespace clinicdb::client {

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

/// A call that remembers what it was told.
struct TestCall final : Call {
  explicit TestCall(std::string its_body = "body") {
    method = 98;
    body = std::move(its_body);
  }
  void answered(const wire::Frame& frame) override {
    ++told;
    answer = std::string(frame.payload);
  }
  void failed(Failure why) override {
    ++told;
    failure = std::move(why);
  }
  int told = 0;
  std::string answer;
  Failure failure;
};

/// The other side of the line.
class Line {
 public:
  explicit Line(std::uint32_t requests_max = 1024) : multiplexer({}) {
    server_offer.requests_max = requests_max;
    multiplexer.connected(now_ns);
    const wire::Frame hello = next();
    Result<wire::ReceivedHello> heard = wire::read_hello(hello, server_offer);
    REQUIRE(heard.has_value());
    wire::HelloReply reply;
    reply.set_tenant(5);
    wire::add_hello_reply(writer, heard->agreement, reply);
    reader_.set_limits(heard->agreement.frame_limits());
    REQUIRE(deliver().ok());
    REQUIRE(next().type == wire::FrameType::kPing);
  }

  /// What the server wrote reaches the client.
  Status deliver() {
    std::string bytes;
    writer.take(bytes);
    const std::span<char> room = multiplexer.prepare();
    REQUIRE(bytes.size() <= room.size());
    std::copy(bytes.begin(), bytes.end(), room.begin());
    return multiplexer.commit(bytes.size(), now_ns);
  }
  /// The next frame that the client sent; it lives until the next call.
  wire::Frame next() {
    reader_.feed(multiplexer.output().pending());
    multiplexer.output().clear();
    Result<std::optional<wire::Frame>> frame = reader_.next();
    REQUIRE(frame.has_value());
    REQUIRE(frame->has_value());
    return **frame;
  }
  bool silent() {
    reader_.feed(multiplexer.output().pending());
    multiplexer.output().clear();
    Result<std::optional<wire::Frame>> frame = reader_.next();
    return frame.has_value() && !frame->has_value();
  }
  void answer(std::uint32_t id, std::string_view payload) {
    wire::FrameHeader header;
    header.type = wire::FrameType::kResponse;
    header.id = id;
    writer.add(header, payload);
  }
  void say(wire::FrameType type, const google::protobuf::MessageLite& message) {
    wire::FrameHeader header;
    header.type = type;
    add_message(writer, header, message);
  }

  std::int64_t now_ns = kSecond;
  wire::Offer server_offer;
  wire::FrameWriter writer;
  Multiplexer multiplexer;

 private:
  wire::FrameReader reader_{{wire::kBodyBytesMaxDefault, true}};
};

}  // namespace

TEST_CASE("multiplexer: answers in any order reach who asked", "[client]") {
  Line line;
  CHECK(line.multiplexer.server().tenant() == 5);
  TestCall first("first");
  TestCall second("second");
  line.multiplexer.start(first, line.now_ns);
  line.multiplexer.start(second, line.now_ns);
  CHECK(line.multiplexer.outstanding() == 2);
  const wire::Frame one = line.next();
  CHECK(one.payload == "first");
  CHECK(one.code == 98);
  const std::uint32_t first_id = one.id;
  const std::uint32_t second_id = line.next().id;
  CHECK(first_id != second_id);
  line.answer(second_id, "B");
  line.answer(first_id, "A");
  REQUIRE(line.deliver().ok());
  CHECK(first.answer == "A");
  CHECK(second.answer == "B");
  CHECK(line.multiplexer.outstanding() == 0);
}

TEST_CASE("multiplexer: an error is the call's, not the connection's", "[client]") {
  Line line;
  TestCall call;
  line.multiplexer.start(call, line.now_ns);
  wire::add_error(line.writer, line.next().id, 0, not_found("no such tenant"), 30);
  REQUIRE(line.deliver().ok());
  CHECK(call.failure.status.code() == StatusCode::kNotFound);
  CHECK(call.failure.stage == Failure::Stage::kAnswered);
  CHECK(call.failure.retry_after_ms == 30);
  CHECK(line.multiplexer.can_start());
}

TEST_CASE("multiplexer: a call whose time is over is told once, and its late answer nobody",
          "[client]") {
  Line line;
  TestCall call;
  call.deadline_ns = line.now_ns + kSecond;
  line.multiplexer.start(call, line.now_ns);
  const wire::Frame request = line.next();
  CHECK(request.deadline_ms == 1000);
  const std::uint32_t id = request.id;
  line.now_ns += kSecond;
  REQUIRE(line.multiplexer.tick(line.now_ns).ok());
  CHECK(call.told == 1);
  CHECK(call.failure.status.code() == StatusCode::kDeadlineExceeded);
  CHECK(call.failure.stage == Failure::Stage::kSent);
  const wire::Frame cancel = line.next();
  CHECK(cancel.type == wire::FrameType::kCancel);
  CHECK(cancel.id == id);
  // Its id is not used again before its answer came.
  TestCall other;
  line.multiplexer.start(other, line.now_ns);
  CHECK(line.next().id != id);
  line.answer(id, "late");
  REQUIRE(line.deliver().ok());
  CHECK(call.told == 1);
  CHECK(other.told == 0);
  line.answer(id, "again");
  CHECK_FALSE(line.deliver().ok());  // the server counts wrongly
  CHECK(other.failure.stage == Failure::Stage::kSent);
}

TEST_CASE("multiplexer: what is too large or too late is not sent", "[client]") {
  Line line;
  TestCall large(std::string(wire::kBodyBytesMaxDefault, 'x'));
  line.multiplexer.start(large, line.now_ns);
  CHECK(large.failure.status.code() == StatusCode::kResourceExhausted);
  CHECK(large.failure.stage == Failure::Stage::kNotSent);
  TestCall late;
  late.deadline_ns = line.now_ns;
  line.multiplexer.start(late, line.now_ns);
  CHECK(late.failure.status.code() == StatusCode::kDeadlineExceeded);
  CHECK(line.silent());
}

TEST_CASE("multiplexer: no more calls are in flight than the server takes", "[client]") {
  Line line(2);
  TestCall calls[3];
  line.multiplexer.start(calls[0], line.now_ns);
  line.multiplexer.start(calls[1], line.now_ns);
  CHECK_FALSE(line.multiplexer.can_start());
  // One that was given up still takes the server's time.
  line.multiplexer.give_up(calls[0]);
  CHECK(calls[0].told == 0);
  CHECK_FALSE(line.multiplexer.can_start());
  line.answer(line.next().id, "");
  REQUIRE(line.deliver().ok());
  CHECK(line.multiplexer.can_start());
}

TEST_CASE("multiplexer: when the connection is lost every call is told that it was sent",
          "[client]") {
  Line line;
  TestCall calls[3];
  for (TestCall& call : calls) line.multiplexer.start(call, line.now_ns);
  line.multiplexer.close(unavailable("reset by peer"));
  line.multiplexer.close(unavailable("twice"));
  for (const TestCall& call : calls) {
    CHECK(call.told == 1);
    CHECK(call.failure.stage == Failure::Stage::kSent);
    CHECK(call.failure.status.message() == "reset by peer");
  }
  CHECK(line.multiplexer.state() == Multiplexer::State::kClosed);
}

TEST_CASE("multiplexer: go-away lets the calls in flight end, and takes no new ones", "[client]") {
  Line line;
  TestCall call;
  line.multiplexer.start(call, line.now_ns);
  const std::uint32_t id = line.next().id;
  line.say(wire::FrameType::kGoAway, wire::GoAway());
  REQUIRE(line.deliver().ok());
  CHECK(line.multiplexer.state() == Multiplexer::State::kDraining);
  CHECK_FALSE(line.multiplexer.can_start());
  line.answer(id, "done");
  CHECK_FALSE(line.deliver().ok());
  CHECK(call.answer == "done");
}

TEST_CASE("multiplexer: it pings when nothing comes, and gives a dead line up", "[client]") {
  Line line;
  line.say(wire::FrameType::kPong, [] {
    wire::Ping first;
    first.set_value(1);
    return first;
  }());
  REQUIRE(line.deliver().ok());
  CHECK(line.multiplexer.heard_all_until_ns() == kSecond);
  line.now_ns += 9 * kSecond;
  REQUIRE(line.multiplexer.tick(line.now_ns).ok());
  CHECK(line.silent());
  line.now_ns += 2 * kSecond;
  REQUIRE(line.multiplexer.tick(line.now_ns).ok());
  CHECK(line.next().type == wire::FrameType::kPing);
  TestCall call;
  line.multiplexer.start(call, line.now_ns);
  line.now_ns += 30 * kSecond;
  CHECK(line.multiplexer.tick(line.now_ns).code() == StatusCode::kUnavailable);
  CHECK(call.failure.stage == Failure::Stage::kSent);
}

TEST_CASE("multiplexer: it answers pings", "[client]") {
  Line line;
  wire::Ping ping;
  ping.set_value(77);
  line.say(wire::FrameType::kPing, ping);
  REQUIRE(line.deliver().ok());
  const wire::Frame pong = line.next();
  CHECK(pong.type == wire::FrameType::kPong);
  wire::Ping back;
  REQUIRE(wire::parse_message(pong.payload, "a pong", back).ok());
  CHECK(back.value() == 77);
}

TEST_CASE("multiplexer: a refused hello closes it with the server's reason", "[client]") {
  Multiplexer multiplexer({});
  multiplexer.connected(kSecond);
  wire::FrameWriter writer;
  wire::add_error(writer, 0, 0, Status(StatusCode::kUnauthenticated, "the key is not known"));
  const std::span<char> room = multiplexer.prepare();
  std::copy(writer.pending().begin(), writer.pending().end(), room.begin());
  const Status status = multiplexer.commit(writer.pending().size(), kSecond);
  CHECK(status.code() == StatusCode::kUnauthenticated);
  CHECK(status.message() == "the key is not known");
}

TEST_CASE("multiplexer: a server that does not answer the hello is given up", "[client]") {
  Multiplexer multiplexer({});
  multiplexer.connected(kSecond);
  CHECK(multiplexer.tick(5 * kSecond).ok());
  CHECK(multiplexer.tick(7 * kSecond).code() == StatusCode::kUnavailable);
}

TEST_CASE("multiplexer: frames that nothing asked for end the connection", "[client]") {
  for (const wire::FrameType type :
       {wire::FrameType::kHello, wire::FrameType::kHelloReply, wire::FrameType::kRequest,
        wire::FrameType::kCancel, wire::FrameType::kStreamData}) {
    Line line;
    TestCall call;
    line.multiplexer.start(call, line.now_ns);
    line.say(type, wire::Ping());
    CHECK(line.deliver().code() == StatusCode::kDataLoss);
    CHECK(call.told == 1);
  }
}

TEST_CASE("multiplexer: whatever happens, each call is told exactly once", "[client]") {
  SeededRandom random(11);
  for (int round = 0; round < 20; ++round) {
    Line line(8);
    std::vector<std::unique_ptr<TestCall>> calls;
    std::vector<std::uint32_t> unanswered;
    std::set<const TestCall*> given_up;
    for (int step = 0; step < 300; ++step) {
      switch (random.below(4)) {
        case 0:
          if (!line.multiplexer.can_start()) break;
          calls.push_back(std::make_unique<TestCall>());
          calls.back()->deadline_ns = line.now_ns + 1 + random.below(kSecond);
          line.multiplexer.start(*calls.back(), line.now_ns);
          unanswered.push_back(calls.back()->wire_id);
          break;
        case 1:
          if (unanswered.empty()) break;
          {
            const std::size_t which = random.below(unanswered.size());
            line.answer(unanswered[which], "x");
            unanswered.erase(unanswered.begin() + static_cast<std::ptrdiff_t>(which));
            REQUIRE(line.deliver().ok());
          }
          break;
        case 2:
          line.now_ns += random.below(kSecond / 10);
          REQUIRE(line.multiplexer.tick(line.now_ns).ok());
          break;
        default:
          if (calls.empty()) break;
          {
            TestCall& call = *calls[random.below(calls.size())];
            if (call.wire_id == 0) break;
            line.multiplexer.give_up(call);
            given_up.insert(&call);
          }
      }
    }
    line.multiplexer.close(unavailable("the end"));
    bool once = true;
    for (const auto& call : calls) once &= call->told == (given_up.count(call.get()) == 0 ? 1 : 0);
    CHECK(once);
    CHECK(line.multiplexer.outstanding() == 0);
  }
}

namespace {

struct TestStream final : StreamCall {
  TestStream() { method = 416; }
  void answered(const wire::Frame& frame) override { opened += frame.has(wire::kFlagStream); }
  void failed(Failure why) override {
    ++told;
    failure = std::move(why);
  }
  void arrived(std::string_view bytes) override { came.append(bytes); }
  void has_room() override { ++rooms; }
  void ended(Status why) override {
    ++told;
    outcome = std::move(why);
  }
  int told = 0;
  int opened = 0;
  int rooms = 0;
  std::string came;
  Failure failure;
  Status outcome = internal_error("has not ended");
};

/// A stream that the server has begun, its id on the wire.
std::uint32_t begun(Line& line, TestStream& stream) {
  line.multiplexer.start(stream, line.now_ns);
  const wire::Frame request = line.next();
  REQUIRE(request.has(wire::kFlagStream));
  wire::FrameHeader header;
  header.type = wire::FrameType::kResponse;
  header.flags = wire::kFlagStream;
  header.id = request.id;
  line.writer.add(header);
  REQUIRE(line.deliver().ok());
  CHECK(stream.opened == 1);
  return header.id;
}

void say_data(Line& line, std::uint32_t id, std::string_view bytes) {
  wire::FrameHeader header;
  header.type = wire::FrameType::kStreamData;
  header.id = id;
  line.writer.add(header, bytes);
}

void say_end(Line& line, std::uint32_t id, const Status& why) {
  wire::FrameHeader header;
  header.type = wire::FrameType::kStreamEnd;
  header.id = id;
  add_message(line.writer, header, wire::end_of(why));
}

void say_room(Line& line, std::uint32_t id, std::uint32_t bytes) {
  wire::FrameHeader header;
  header.type = wire::FrameType::kWindowUpdate;
  header.id = id;
  wire::WindowUpdate update;
  update.set_bytes(bytes);
  add_message(line.writer, header, update);
}

}  // namespace

TEST_CASE("multiplexer: a stream comes in its order and ends once, beside other calls",
          "[client]") {
  Line line;
  TestStream stream;
  const std::uint32_t id = begun(line, stream);
  TestCall call;
  line.multiplexer.start(call, line.now_ns);
  const std::uint32_t call_id = line.next().id;
  CHECK(call_id != id);
  say_data(line, id, "one");
  line.answer(call_id, "A");
  say_data(line, id, "two");
  REQUIRE(line.deliver().ok());
  CHECK(stream.came == "onetwo");
  CHECK(call.answer == "A");
  CHECK(stream.told == 0);
  line.multiplexer.end_sending(stream, Status());
  CHECK(line.next().type == wire::FrameType::kStreamEnd);
  say_end(line, id, Status());
  REQUIRE(line.deliver().ok());
  CHECK(stream.told == 1);
  CHECK(stream.outcome.ok());
  CHECK(line.multiplexer.outstanding() == 0);
  CHECK(line.multiplexer.stream_room(stream) == 0);
}

TEST_CASE("multiplexer: a stream is sent as the server grants, and grants what was used",
          "[client]") {
  Line line;
  TestStream stream;
  const std::uint32_t id = begun(line, stream);
  const std::size_t window = wire::kStreamWindowBytes;
  std::size_t sent = 0;
  while (const std::size_t room = line.multiplexer.stream_room(stream)) {
    CHECK(room <= wire::kStreamChunkBytesMax);
    line.multiplexer.send(stream, std::string(room, 'x'));
    sent += room;
    CHECK(line.next().type == wire::FrameType::kStreamData);
  }
  CHECK(sent == window);
  const int before = stream.rooms;
  say_room(line, id, 100);
  REQUIRE(line.deliver().ok());
  CHECK(stream.rooms == before + 1);
  CHECK(line.multiplexer.stream_room(stream) == 100);

  const std::string piece(10'000, 'y');
  for (std::size_t came = 0; came + piece.size() <= window; came += piece.size()) {
    say_data(line, id, piece);
    REQUIRE(line.deliver().ok());
  }
  CHECK(line.silent());
  line.multiplexer.consumed(stream, window / 2 + 1);
  CHECK(line.next().type == wire::FrameType::kWindowUpdate);
  // More than was granted ends the connection.
  Status failure;
  for (int i = 0; i < 20 && failure.ok(); ++i) {
    say_data(line, id, piece);
    failure = line.deliver();
  }
  CHECK(failure.code() == StatusCode::kResourceExhausted);
  CHECK(stream.told == 1);
}

TEST_CASE(
    "multiplexer: a stream that was given up hears nothing more, and keeps its number until "
    "the server has ended it",
    "[client]") {
  Line line;
  TestStream stream;
  const std::uint32_t id = begun(line, stream);
  line.multiplexer.give_up(stream);
  CHECK(line.next().type == wire::FrameType::kCancel);
  for (int i = 0; i < 100; ++i) {
    say_data(line, id, std::string(10'000, 'z'));
    REQUIRE(line.deliver().ok());
    // What nobody reads is granted again, so that others are not held up.
    line.silent();
  }
  TestCall call;
  line.multiplexer.start(call, line.now_ns);
  CHECK((line.next().id & 0xffff) != (id & 0xffff));
  say_end(line, id, cancelled("as asked"));
  REQUIRE(line.deliver().ok());
  CHECK(stream.came.empty());
  CHECK(stream.told == 0);
  say_data(line, id, "late");
  CHECK(line.deliver().code() == StatusCode::kDataLoss);
}

TEST_CASE("multiplexer: a stream fails with its time, its refusal and its connection", "[client]") {
  Line line;
  TestStream late;
  late.deadline_ns = line.now_ns + kSecond;
  begun(line, late);
  line.now_ns += 2 * kSecond;
  REQUIRE(line.multiplexer.tick(line.now_ns).ok());
  CHECK(late.told == 1);
  CHECK(late.failure.status.code() == StatusCode::kDeadlineExceeded);
  CHECK(line.next().type == wire::FrameType::kCancel);

  TestStream refused;
  line.multiplexer.start(refused, line.now_ns);
  wire::add_error(line.writer, line.next().id, 0, permission_denied("no"));
  REQUIRE(line.deliver().ok());
  CHECK(refused.failure.status.code() == StatusCode::kPermissionDenied);
  CHECK(refused.failure.stage == Failure::Stage::kAnswered);

  TestStream lost;
  begun(line, lost);
  line.multiplexer.close(unavailable("cut"));
  CHECK(lost.told == 1);
  CHECK(lost.failure.status.code() == StatusCode::kUnavailable);
  CHECK(lost.failure.stage == Failure::Stage::kSent);
}

TEST_CASE("multiplexer: a drain waits for streams", "[client]") {
  Line line;
  TestStream stream;
  const std::uint32_t id = begun(line, stream);
  line.say(wire::FrameType::kGoAway, wire::GoAway());
  REQUIRE(line.deliver().ok());
  CHECK(line.multiplexer.state() == Multiplexer::State::kDraining);
  say_end(line, id, Status());
  CHECK_FALSE(line.deliver().ok());
  CHECK(line.multiplexer.state() == Multiplexer::State::kClosed);
  CHECK(stream.outcome.ok());
}

}  // namespace clinicdb::client
