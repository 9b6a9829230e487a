#include "endpoints.h"

#include <catch2/catch.hpp>

namespace clinicdb::client {

namespace {
constexpr std::int64_t kSecondNs = 1'000'000'000;
}

TEST_CASE("endpoints: calls go where the fewest are outstanding, by turns", "[client]") {
  SeededRandom random(1);
  Endpoints endpoints(3, {}, random);
  CHECK(endpoints.choose(0) == 0u);
  CHECK(endpoints.choose(0) == 1u);
  CHECK(endpoints.choose(0) == 2u);
  endpoints.succeeded(1);
  CHECK(endpoints.choose(0) == 1u);
  endpoints.succeeded(2);
  endpoints.succeeded(0);
  CHECK(endpoints.choose(0) == 0u);
  CHECK(endpoints.outstanding(0) == 1);
}

TEST_CASE("endpoints: failures in a row open the circuit; one call tries it after a pause",
          "[client]") {
  SeededRandom random(1);
  BreakerSettings settings;
  settings.failures_max = 3;
  Endpoints endpoints(2, settings, random);
  for (int i = 0; i < 3; ++i) {
    while (*endpoints.choose(0) != 0) endpoints.ended(1);
    endpoints.failed(0, 0);
  }
  CHECK(endpoints.is_open(0));
  // The other has all calls now.
  for (int i = 0; i < 5; ++i) CHECK(endpoints.choose(0) == 1u);
  // After the pause one call is let through, and only one.
  CHECK(endpoints.choose(kSecondNs) == 0u);
  CHECK(endpoints.choose(kSecondNs) == 1u);
  endpoints.failed(0, kSecondNs);
  CHECK(endpoints.is_open(0));
  CHECK(endpoints.choose(kSecondNs) == 1u);
  CHECK(endpoints.choose(10 * kSecondNs) == 0u);
  endpoints.succeeded(0);
  CHECK_FALSE(endpoints.is_open(0));
}

TEST_CASE("endpoints: a success in between starts the count anew", "[client]") {
  SeededRandom random(1);
  Endpoints endpoints(1, {}, random);
  for (int i = 0; i < 20; ++i) {
    REQUIRE(endpoints.choose(0).has_value());
    if (i % 5 == 4) {
      endpoints.succeeded(0);
    } else {
      endpoints.failed(0, 0);
    }
  }
  CHECK_FALSE(endpoints.is_open(0));
}

TEST_CASE("endpoints: when all circuits are open there is none, and a time to try", "[client]") {
  SeededRandom random(1);
  BreakerSettings settings;
  settings.failures_max = 1;
  Endpoints endpoints(1, settings, random);
  REQUIRE(endpoints.choose(0) == 0u);
  endpoints.failed(0, 0);
  CHECK_FALSE(endpoints.choose(0).has_value());
  const std::int64_t probe_ns = endpoints.next_probe_ns();
  CHECK(probe_ns > 0);
  CHECK(endpoints.choose(probe_ns) == 0u);
}

}  // namespace clinicdb::client
