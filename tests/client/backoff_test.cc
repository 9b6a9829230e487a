#include "backoff.h"

#include <algorithm>
#include <catch2/catch.hpp>

namespace clinicdb::client {

TEST_CASE("backoff: pauses widen to a limit, are spread, and begin anew", "[client]") {
  SeededRandom random(1);
  Backoff backoff(10, 1000, random);
  std::uint32_t longest = 0;
  for (int i = 0; i < 3; ++i) CHECK(backoff.next_ms() <= 10u << i);
  for (int i = 0; i < 100; ++i) longest = std::max(longest, backoff.next_ms());
  CHECK(longest <= 1000);
  CHECK(longest > 900);
  CHECK(backoff.failures() == 103);
  backoff.reset();
  CHECK(backoff.next_ms() <= 10);
}

}  // namespace clinicdb::client
