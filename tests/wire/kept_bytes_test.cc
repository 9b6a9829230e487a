// The bytes of released versions, in version_1.txt, are read as what they were written for, and
// written again as they are. A change here is a change of the protocol: it needs a feature bit or a
// new version, and these bytes stay understood.
#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>

#include "clinicdb/wire/frame_reader.h"
#include "clinicdb/wire/handshake.h"
#include "clinicdb/wire/messages.h"

namespace clinicdb::wire {

namespace {

std::string file_text(const char* path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (std::size_t at = 0; at + 1 < hex.size(); at += 2) {
    bytes.push_back(static_cast<char>(std::stoi(std::string(hex.substr(at, 2)), nullptr, 16)));
  }
  return bytes;
}

/// "name hex" a line; # begins a comment.
std::map<std::string, std::string> kept() {
  std::map<std::string, std::string> frames;
  std::istringstream lines(file_text(CLINICDB_KEPT_BYTES));
  for (std::string line; std::getline(lines, line);) {
    const std::size_t space = line.find(' ');
    if (line.empty() || line[0] == '#') continue;
    frames[line.substr(0, space)] = line.substr(space + 1);
  }
  return frames;
}

FrameHeader header_of(FrameType type, std::uint32_t id) {
  FrameHeader header;
  header.type = type;
  header.id = id;
  return header;
}

/// What was offered at first: one bit, 8, never got a meaning.
constexpr std::uint64_t kFeaturesFirst = kFeaturesKnown | 8;

/// The frames that version_1.txt keeps, written by this code.
std::map<std::string, std::string> written() {
  std::map<std::string, std::string> frames;
  FrameWriter writer;
  const auto keep = [&](const char* name) {
    frames[name] = to_hex(writer.pending());
    writer.clear();
  };

  Hello hello;
  hello.set_tenant("sorriso");
  hello.set_client("example 1.0");
  hello.mutable_credential()->set_api_key("key");
  hello.set_session_id("0123456789abcdef");
  add_hello(writer, Offer{}, hello);
  keep("hello_features_7");
  Offer first;
  first.features = kFeaturesFirst;
  add_hello(writer, first, hello);
  keep("hello");

  HelloReply reply;
  reply.set_server("clinicdb 0.1.0");
  reply.set_tenant(1);
  reply.set_rights(2046);
  reply.set_server_id("fedcba9876543210");
  Agreement agreement;
  agreement.features = kFeaturesFirst;
  agreement.take_body_bytes_max = kBodyBytesMaxDefault;
  agreement.take_stream_window_bytes = kStreamWindowBytes;
  agreement.take_connection_window_bytes = kConnectionWindowBytes;
  agreement.requests_max = kRequestsMaxDefault;
  agreement.heartbeat_ms = 10'000;
  add_hello_reply(writer, agreement, reply);
  keep("hello_reply");

  // PatientService.Get of one patient: field 1, 16 bytes.
  FrameHeader request = header_of(FrameType::kRequest, 7);
  request.code = 98;
  request.deadline_ms = 250;
  request.trace = 0x1122334455667788;
  writer.add(request,
             "\x0a\x10"
             "0123456789abcdef");
  keep("request");

  request.request_id = Uuid::from_bytes(
      "\x01\x90\xb3\xc1\x02\x03\x74\x05\x86\x07"
      "abcdef");
  request.position = SessionToken{1, ShardId{2}, {Epoch{3}, Lsn{4}}};
  request.flags = kFlagFresh | kFlagKeep;
  writer.add(request, "body");
  keep("request_with_blocks");

  FrameHeader response = header_of(FrameType::kResponse, 7);
  response.position = SessionToken{0, ShardId{1}, {Epoch{1}, Lsn{9}}};
  const std::string tags = from_hex(
      "0100000000000000"
      "0200000000000000");
  response.tags = tags;
  writer.add(response, "body");
  keep("response");

  FrameHeader absent = header_of(FrameType::kResponse, 8);
  absent.flags = kFlagAbsent;
  writer.add(absent);
  keep("response_absent");

  add_error(writer, 7, 5,
            aborted("the record is at 3").with_field("patient").with_current_version(3), 40);
  keep("error");

  writer.add(header_of(FrameType::kCancel, 7));
  keep("cancel");
  Ping ping;
  ping.set_value(0x0102030405060708);
  add_message(writer, header_of(FrameType::kPing, 0), ping);
  keep("ping");
  GoAway go;
  go.set_reason(GoAway::REASON_DRAINING);
  add_message(writer, header_of(FrameType::kGoAway, 0), go);
  keep("go_away");
  WindowUpdate update;
  update.set_bytes(65536);
  add_message(writer, header_of(FrameType::kWindowUpdate, 7), update);
  keep("window_update");
  writer.add(header_of(FrameType::kStreamData, 7), "chunk");
  keep("stream_data");
  add_message(writer, header_of(FrameType::kStreamEnd, 7), StreamEnd());
  keep("stream_end");
  Push push;
  push.mutable_invalidation()->set_shard(1);
  push.mutable_invalidation()->set_epoch(1);
  push.mutable_invalidation()->set_lsn(9);
  push.mutable_invalidation()->add_tags(2);
  add_message(writer, header_of(FrameType::kPush, 0), push);
  keep("push_invalidation");
  return frames;
}

}  // namespace

TEST_CASE("kept bytes: this code writes what version 1 wrote", "[wire]") {
  const std::map<std::string, std::string> old = kept();
  const std::map<std::string, std::string> now = written();
  CHECK(old.size() == now.size());
  for (const auto& [name, hex] : now) {
    INFO(name << ' ' << hex);
    REQUIRE(old.count(name) == 1);
    CHECK(old.at(name) == hex);
  }
}

TEST_CASE("kept bytes: this code reads what version 1 wrote", "[wire]") {
  for (const auto& [name, hex] : kept()) {
    INFO(name);
    FrameReader reader;
    reader.feed(from_hex(hex));
    const Result<std::optional<Frame>> read = reader.next();
    REQUIRE(read.has_value());
    REQUIRE(read->has_value());
    FrameWriter again;
    again.add(**read, (*read)->payload);
    CHECK(to_hex(again.pending()) == hex);
  }
}

TEST_CASE("kept bytes: LZ4 of version 1 is understood", "[wire]") {
  // A StreamData frame whose 4096 bytes 'x' were compressed; another LZ4 may compress otherwise.
  FrameWriter writer;
  writer.compress_from(kCompressBytesMin);
  writer.add(header_of(FrameType::kStreamData, 7), std::string(4096, 'x'));
  FrameReader reader({kBodyBytesMaxDefault, true});
  reader.feed(writer.pending());
  const Result<std::optional<Frame>> read = reader.next();
  REQUIRE(read.has_value());
  REQUIRE(read->has_value());
  CHECK((*read)->payload == std::string(4096, 'x'));
}

TEST_CASE("kept bytes: the document's worked example is the kept request", "[wire]") {
  const std::string text = file_text(CLINICDB_PROTOCOL_DOCUMENT);
  const std::string begin = "<!-- worked example -->\n```\n";
  const std::size_t at = text.find(begin);
  REQUIRE(at != std::string::npos);
  const std::size_t end = text.find("```", at + begin.size());
  REQUIRE(end != std::string::npos);
  std::istringstream lines(text.substr(at + begin.size(), end - at - begin.size()));
  std::string hex;
  for (std::string line; std::getline(lines, line);) {
    // Bytes, two spaces, what they are.
    std::istringstream words(line.substr(0, line.find("  ")));
    for (std::string word; words >> word;) hex += word;
  }
  CHECK(hex == kept()["request"]);
}

}  // namespace clinicdb::wire
