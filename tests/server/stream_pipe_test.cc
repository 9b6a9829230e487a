// The pipe between a connection and who works on one of its streams.
#include "net/stream_pipe.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

namespace clinicdb::server {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

TEST_CASE("pipe: what is delivered is read in its order, then comes the end", "[server]") {
  int wakes = 0;
  StreamPipe pipe([&] { ++wakes; }, kSecond);
  pipe.deliver("one");
  pipe.deliver("two");
  Result<std::string> read = pipe.read();
  REQUIRE(read);
  CHECK(*read == "onetwo");
  CHECK(wakes == 1);
  CHECK(pipe.take_used() == 6);
  CHECK(pipe.take_used() == 0);
  pipe.end_input();
  read = pipe.read();
  REQUIRE(read);
  CHECK(read->empty());
}

TEST_CASE("pipe: output waits for room, and its worker is woken", "[server]") {
  StreamPipe pipe([] {}, 10 * kSecond);
  const std::string piece(StreamPipe::kOutputBytesMax / 4, 'x');
  std::atomic<int> written{0};
  std::thread worker([&] {
    for (int i = 0; i < 40; ++i) {
      if (pipe.write(piece).ok()) ++written;
    }
  });
  std::size_t taken = 0;
  while (taken < 40 * piece.size()) {
    const std::string some = pipe.take_output(10'000);
    CHECK(some.size() <= 10'000);
    taken += some.size();
    // At most the bound and one write beside what was taken.
    const auto ahead = static_cast<std::size_t>(written.load()) * piece.size();
    CHECK(ahead <= taken + StreamPipe::kOutputBytesMax + piece.size());
  }
  worker.join();
  CHECK(written == 40);
  CHECK(taken == 40 * piece.size());
  CHECK_FALSE(pipe.has_output());
}

TEST_CASE("pipe: many changes that nobody has taken yet wake once", "[server]") {
  int wakes = 0;
  StreamPipe pipe([&] { ++wakes; }, kSecond);
  for (int i = 0; i < 10; ++i) REQUIRE(pipe.write("x").ok());
  CHECK(wakes == 1);
  CHECK(pipe.take_output(100).size() == 10);
  REQUIRE(pipe.write("x").ok());
  CHECK(wakes == 2);
}

TEST_CASE("pipe: who is stopped returns the first reason, also while it waits", "[server]") {
  StreamPipe pipe([] {}, 60 * kSecond);
  Result<std::string> read{std::string()};
  std::thread worker([&] { read = pipe.read(); });
  pipe.stop(unavailable("cut"));
  pipe.stop(cancelled("later"));
  worker.join();
  CHECK(read.error().code() == StatusCode::kUnavailable);
  CHECK(pipe.write("x").code() == StatusCode::kUnavailable);
  CHECK(pipe.stopped());
  CHECK(pipe.reason().message() == "cut");
}

TEST_CASE("pipe: a peer that does nothing for too long ends the work", "[server]") {
  StreamPipe pipe([] {}, kSecond / 100);
  const Result<std::string> read = pipe.read();
  CHECK(read.error().code() == StatusCode::kDeadlineExceeded);
  CHECK(pipe.stopped());
}

}  // namespace
}  // namespace clinicdb::server
