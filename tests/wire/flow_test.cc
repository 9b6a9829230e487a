#include "clinicdb/wire/flow.h"

#include <catch2/catch.hpp>

namespace clinicdb::wire {

TEST_CASE("flow: a sender stops at the end of its window and goes on with a grant", "[wire]") {
  SendWindow window(100);
  window.spend(60);
  CHECK(window.available() == 40);
  window.spend(40);
  CHECK(window.available() == 0);
  REQUIRE(window.grant(70).ok());
  CHECK(window.available() == 70);
}

TEST_CASE("flow: grants that overflow, or grant nothing, are refused", "[wire]") {
  SendWindow window(100);
  CHECK(window.grant(0).code() == StatusCode::kInvalidArgument);
  CHECK(window.grant(0xffffffff).code() == StatusCode::kInvalidArgument);
  CHECK(window.grant(kWindowBytesMax - 99).code() == StatusCode::kInvalidArgument);
  CHECK(window.grant(kWindowBytesMax - 100).ok());
}

TEST_CASE("flow: a receiver grants when half is free, and takes no more than it granted",
          "[wire]") {
  ReceiveWindow window(100);
  REQUIRE(window.receive(80).ok());
  CHECK(window.receive(21).code() == StatusCode::kResourceExhausted);
  CHECK(window.held() == 80);
  CHECK(window.consume(30) == 0);
  CHECK(window.consume(30) == 60);
  CHECK(window.held() == 20);
  CHECK(window.receive(80).ok());
  CHECK(window.receive(1).code() == StatusCode::kResourceExhausted);
}

}  // namespace clinicdb::wire
