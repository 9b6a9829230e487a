#include "clinicdb/wire/messages.h"

#include <catch2/catch.hpp>
#include <cstdint>
#include <string>

#include "clinicdb/wire/frame_reader.h"

namespace clinicdb::wire {

namespace {

RemoteError through_the_wire(const Status& status, std::uint32_t retry_after_ms = 0) {
  FrameWriter writer;
  add_error(writer, 5, 6, status, retry_after_ms);
  FrameReader reader;
  reader.feed(writer.pending());
  const Result<std::optional<Frame>> read = reader.next();
  REQUIRE(read.has_value());
  REQUIRE(read->has_value());
  CHECK((*read)->id == 5);
  CHECK((*read)->trace == 6);
  return read_error(**read);
}

}  // namespace

TEST_CASE("messages: an error keeps code, field, version and hint", "[wire]") {
  const RemoteError error = through_the_wire(
      aborted("the record is at 7").with_field("patient").with_current_version(7), 250);
  CHECK(error.status.code() == StatusCode::kAborted);
  CHECK(error.status.message() == "the record is at 7");
  CHECK(error.status.field() == "patient");
  CHECK(error.status.current_version() == 7);
  CHECK(error.retry_after_ms == 250);
}

TEST_CASE("messages: every status code has its number on the wire", "[wire]") {
  for (int code = 1; code <= static_cast<int>(StatusCode::kUnauthenticated); ++code) {
    const auto expected = static_cast<StatusCode>(code);
    CHECK(through_the_wire(Status(expected, "why")).status.code() == expected);
  }
}

TEST_CASE("messages: a long text is cut, at a character", "[wire]") {
  std::string text;
  while (text.size() < 20'000) text += "\xc3\xa7";
  const RemoteError error = through_the_wire(invalid_argument("x" + text));
  CHECK(error.status.message().size() == 4095);
}

TEST_CASE("messages: an error that cannot be read still has its code", "[wire]") {
  Frame frame;
  frame.type = FrameType::kError;
  frame.code = 14;
  frame.payload = "\xff\xff\xff";
  CHECK(read_error(frame).status.code() == StatusCode::kUnavailable);
  frame.code = 999;
  CHECK(read_error(frame).status.code() == StatusCode::kInternal);
  frame.code = 0;
  CHECK(read_error(frame).status.code() == StatusCode::kInternal);
}

TEST_CASE("messages: what is no such message names what it should be", "[wire]") {
  Ping ping;
  const Status status = parse_message("\xff\xff", "a ping", ping);
  CHECK(status.code() == StatusCode::kInvalidArgument);
  CHECK(status.message().find("clinicdb.wire.Ping") != std::string_view::npos);
}

TEST_CASE("messages: why a stream ended is what was meant", "[wire]") {
  CHECK(status_of(end_of(Status())).ok());
  const Status why = status_of(end_of(invalid_argument("no").with_field("begin")));
  CHECK(why.code() == StatusCode::kInvalidArgument);
  CHECK(why.message() == "no");
  CHECK(why.field() == "begin");
  StreamEnd strange;
  strange.set_code(99'999);
  CHECK(status_of(strange).code() == StatusCode::kInternal);
}

TEST_CASE("messages: a stream's messages are found in any cut of its bytes", "[wire]") {
  std::string bytes;
  for (std::uint64_t value = 0; value < 50; ++value) {
    GoAway message;
    message.set_message(std::string(value * value, 'x'));
    append_stream_message(bytes, message);
  }
  const std::size_t step = GENERATE(std::size_t{1}, std::size_t{3}, std::size_t{1000}, SIZE_MAX);
  StreamMessages messages(5000);
  std::uint64_t count = 0;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::string_view piece = std::string_view(bytes).substr(at, step);
    messages.feed(piece);
    at += piece.size();
    while (true) {
      const auto next = messages.next();
      REQUIRE(next.has_value());
      if (!*next) break;
      GoAway message;
      REQUIRE(parse_message(**next, "a message", message).ok());
      CHECK(message.message().size() == count * count);
      ++count;
    }
  }
  CHECK(count == 50);
  CHECK_FALSE(messages.in_message());
  messages.feed("\x05");
  CHECK(messages.in_message());
}

TEST_CASE("messages: a message that is declared too large ends the stream", "[wire]") {
  StreamMessages messages(10);
  messages.feed(std::string_view("\x0b\0\0\0", 4));
  CHECK(messages.next().error().code() == StatusCode::kResourceExhausted);
}

}  // namespace clinicdb::wire
