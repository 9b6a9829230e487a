#include "clinicdb/wire/handshake.h"

#include <catch2/catch.hpp>

#include "clinicdb/wire/messages.h"

namespace clinicdb::wire {

namespace {

/// The one frame that `writer` holds, as the other side gets it; lives in `reader`.
Frame received(FrameReader& reader, const FrameWriter& writer) {
  reader.feed(writer.pending());
  Result<std::optional<Frame>> read = reader.next();
  REQUIRE(read.has_value());
  REQUIRE(read->has_value());
  return **read;
}

Result<ReceivedHello> say(const Hello& hello, const Offer& client = {}, const Offer& server = {}) {
  FrameWriter writer;
  FrameReader reader;
  add_hello(writer, client, hello);
  return read_hello(received(reader, writer), server);
}

Frame frame_of(FrameReader& reader, FrameType type, const google::protobuf::MessageLite& message,
               std::uint32_t id = 0) {
  FrameWriter writer;
  FrameHeader header;
  header.type = type;
  header.id = id;
  add_message(writer, header, message);
  return received(reader, writer);
}

}  // namespace

TEST_CASE("handshake: both sides agree on what both can and each takes", "[wire]") {
  Offer client;
  client.features = FEATURE_COMPRESSION | FEATURE_STREAMS;
  client.body_bytes_max = 100'000;
  Offer server;
  server.features = FEATURE_STREAMS | FEATURE_INVALIDATION;
  server.body_bytes_max = 200'000;
  server.requests_max = 5;
  Hello hello;
  hello.set_tenant("sorriso");
  hello.mutable_credential()->set_token("t");
  const Result<ReceivedHello> heard = say(hello, client, server);
  REQUIRE(heard.has_value());
  CHECK(heard->hello.tenant() == "sorriso");
  CHECK(heard->agreement.features == FEATURE_STREAMS);
  CHECK(heard->agreement.send_body_bytes_max == 100'000);
  CHECK(heard->agreement.take_body_bytes_max == 200'000);
  CHECK_FALSE(heard->agreement.frame_limits().compression);

  FrameWriter writer;
  FrameReader reader;
  HelloReply reply;
  reply.set_tenant(3);
  add_hello_reply(writer, heard->agreement, reply);
  const Result<ReceivedHelloReply> answered = read_hello_reply(received(reader, writer), client);
  REQUIRE(answered.has_value());
  CHECK(answered->reply.tenant() == 3);
  CHECK(answered->agreement.features == FEATURE_STREAMS);
  CHECK(answered->agreement.send_body_bytes_max == 200'000);
  CHECK(answered->agreement.take_body_bytes_max == 100'000);
  CHECK(answered->agreement.requests_max == 5);
}

TEST_CASE("handshake: a connection begins with a hello", "[wire]") {
  FrameReader reader;
  const Result<ReceivedHello> heard = read_hello(frame_of(reader, FrameType::kPing, Ping()), {});
  REQUIRE_FALSE(heard.has_value());
  CHECK(heard.error().code() == StatusCode::kUnauthenticated);
}

TEST_CASE("handshake: fields that are wrong are named", "[wire]") {
  Hello hello;
  hello.set_session_id("short");
  CHECK(say(hello).error().field() == "session_id");
  hello = Hello();
  hello.set_tenant(std::string(64, 'x'));
  CHECK(say(hello).error().field() == "tenant");
  hello = Hello();
  hello.set_client(std::string(129, 'x'));
  CHECK(say(hello).error().field() == "client");
  hello = Hello();
  hello.mutable_credential()->set_token(std::string(kCredentialBytesMax + 1, 'x'));
  CHECK(say(hello).error().field() == "credential");
  Offer offer;
  offer.body_bytes_max = kBodyBytesMaxEver + 1;
  CHECK(say(Hello(), offer).error().field() == "body_bytes_max");
  offer = Offer();
  offer.stream_window_bytes = kWindowBytesMax + 1;
  CHECK(say(Hello(), offer).error().field() == "stream_window_bytes");
  offer = Offer();
  offer.connection_window_bytes = kWindowBytesMax + 1;
  CHECK(say(Hello(), offer).error().field() == "connection_window_bytes");
}

TEST_CASE("handshake: without a common version it says both", "[wire]") {
  Hello hello;
  hello.set_version_min(2);
  hello.set_version_max(3);
  FrameReader reader;
  const Result<ReceivedHello> heard = read_hello(frame_of(reader, FrameType::kHello, hello), {});
  REQUIRE_FALSE(heard.has_value());
  CHECK(heard.error().code() == StatusCode::kUnimplemented);
  CHECK(heard.error().message() == "the client speaks versions 2 to 3, the server 1");
}

TEST_CASE("handshake: a refusal reaches the client as the server's status", "[wire]") {
  FrameWriter writer;
  FrameReader reader;
  add_error(writer, 0, 0, Status(StatusCode::kUnauthenticated, "the token ended"));
  const Result<ReceivedHelloReply> answered = read_hello_reply(received(reader, writer), {});
  REQUIRE_FALSE(answered.has_value());
  CHECK(answered.error().code() == StatusCode::kUnauthenticated);
}

TEST_CASE("handshake: a reply with what was not offered is refused", "[wire]") {
  HelloReply reply;
  reply.set_version(2);
  FrameReader first;
  CHECK_FALSE(read_hello_reply(frame_of(first, FrameType::kHelloReply, reply), {}).has_value());
  reply.set_version(1);
  reply.set_features(1024);
  FrameReader second;
  CHECK_FALSE(read_hello_reply(frame_of(second, FrameType::kHelloReply, reply), {}).has_value());
}

}  // namespace clinicdb::wire
