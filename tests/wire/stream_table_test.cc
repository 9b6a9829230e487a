#include "clinicdb/wire/stream_table.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

#include "clinicdb/base/random.h"

namespace clinicdb::wire {

namespace {

Agreement windows(std::uint32_t stream, std::uint32_t connection) {
  Agreement agreement;
  agreement.send_stream_window_bytes = agreement.take_stream_window_bytes = stream;
  agreement.send_connection_window_bytes = agreement.take_connection_window_bytes = connection;
  return agreement;
}

}  // namespace

TEST_CASE("stream_table: streams are opened once, with ids of calls, up to a limit", "[wire]") {
  StreamTable table(windows(100, 1000));
  CHECK(table.open(0, true, true).code() == StatusCode::kInvalidArgument);
  REQUIRE(table.open(1, true, true).ok());
  CHECK(table.open(1, true, true).code() == StatusCode::kInvalidArgument);
  for (std::uint32_t id = 2; id <= kStreamsMax; ++id) REQUIRE(table.open(id, true, false).ok());
  CHECK(table.open(1000, true, true).code() == StatusCode::kResourceExhausted);
}

TEST_CASE("stream_table: a stream is gone when both directions have ended", "[wire]") {
  StreamTable table(windows(100, 1000));
  REQUIRE(table.open(1, true, true).ok());
  table.end_sending(1);
  CHECK(table.is_open(1));
  CHECK(table.may_send(1) == 0);
  table.end_receiving(1);
  CHECK_FALSE(table.is_open(1));
  REQUIRE(table.open(2, true, false).ok());
  table.end_sending(2);
  CHECK_FALSE(table.is_open(2));
}

TEST_CASE("stream_table: no stream sends beyond its own window or the connection's", "[wire]") {
  StreamTable table(windows(100, 150));
  REQUIRE(table.open(1, true, false).ok());
  REQUIRE(table.open(2, true, false).ok());
  CHECK(table.may_send(1) == 100);
  table.sent(1, 100);
  CHECK(table.may_send(1) == 0);
  CHECK(table.may_send(2) == 50);
  REQUIRE(table.granted(0, 20).ok());
  CHECK(table.may_send(2) == 70);
  REQUIRE(table.granted(1, 10).ok());
  CHECK(table.may_send(1) == 10);
  CHECK(table.granted(77, 10).ok());  // late: of a stream that ended
  CHECK(table.granted(0, kWindowBytesMax).code() == StatusCode::kInvalidArgument);
}

TEST_CASE("stream_table: data beyond the window, of a stream or of all, is an error", "[wire]") {
  StreamTable table(windows(100, 150));
  REQUIRE(table.open(1, false, true).ok());
  REQUIRE(table.open(2, false, true).ok());
  CHECK(table.received(1, 101).status.code() == StatusCode::kResourceExhausted);
  StreamTable other(windows(100, 150));
  REQUIRE(other.open(1, false, true).ok());
  REQUIRE(other.open(2, false, true).ok());
  REQUIRE(other.received(1, 100).status.ok());
  CHECK(other.received(2, 51).status.code() == StatusCode::kResourceExhausted);
}

TEST_CASE("stream_table: what comes for a dropped stream counts, and is given back", "[wire]") {
  StreamTable table(windows(100, 100));
  REQUIRE(table.open(1, false, true).ok());
  REQUIRE(table.received(1, 60).known);
  CHECK(table.drop(1) == 60);
  const StreamTable::Received late = table.received(1, 60);
  CHECK(late.status.ok());
  CHECK_FALSE(late.known);
  CHECK(table.consumed(1, 60).connection_bytes == 60);
}

TEST_CASE("stream_table: two sides that keep to it never stall and never overrun", "[wire]") {
  SeededRandom random(9);
  const Agreement agreement = windows(1000, 1500);
  StreamTable sender(agreement);
  StreamTable receiver(agreement);
  constexpr std::uint32_t kStreams = 4;
  std::vector<std::uint32_t> left(kStreams + 1, 50'000);
  std::vector<std::uint32_t> held(kStreams + 1, 0);
  for (std::uint32_t id = 1; id <= kStreams; ++id) {
    REQUIRE(sender.open(id, true, false).ok());
    REQUIRE(receiver.open(id, false, true).ok());
  }
  bool overrun = false;
  std::uint32_t unsent = 4;
  for (int step = 0; step < 100'000 && unsent > 0; ++step) {
    const auto id = static_cast<std::uint32_t>(1 + random.below(kStreams));
    if (random.below(2) == 0) {
      const std::uint32_t bytes = std::min(left[id], sender.may_send(id));
      if (bytes == 0) continue;
      const auto some = static_cast<std::uint32_t>(1 + random.below(bytes));
      sender.sent(id, some);
      const StreamTable::Received received = receiver.received(id, some);
      overrun = overrun || !received.status.ok() || !received.known;
      held[id] += some;
      left[id] -= some;
      if (left[id] == 0) --unsent;
    } else {
      const StreamTable::Grants grants = receiver.consumed(id, std::exchange(held[id], 0));
      if (grants.stream_bytes > 0) overrun |= !sender.granted(id, grants.stream_bytes).ok();
      if (grants.connection_bytes > 0) overrun |= !sender.granted(0, grants.connection_bytes).ok();
    }
  }
  CHECK(unsent == 0);
  CHECK_FALSE(overrun);
}

}  // namespace clinicdb::wire
