#include "clinicdb/base/random.h"

#include <catch2/catch.hpp>

namespace clinicdb {

TEST_CASE("random: a seed replays, another differs", "[base]") {
  SeededRandom a(7);
  SeededRandom b(7);
  SeededRandom c(8);
  bool differs = false;
  for (int i = 0; i < 100; ++i) {
    const auto value = a.next();
    CHECK(value == b.next());
    differs |= value != c.next();
  }
  CHECK(differs);
}

TEST_CASE("random: below stays below and reaches every value", "[base]") {
  SeededRandom random(3);
  int seen[7] = {};
  for (int i = 0; i < 7000; ++i) ++seen[random.below(7)];
  for (const int count : seen) CHECK(count > 800);
  CHECK(random.below(1) == 0);
}

TEST_CASE("random: the system's generator does not repeat itself", "[base]") {
  CHECK(system_random().next() != system_random().next());
}

}  // namespace clinicdb
