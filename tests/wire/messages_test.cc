#include "clinicdb/wire/messages.h"

#include <catch2/catch.hpp>

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

}  // namespace clinicdb::wire
