#include "clinicdb/base/random.h"

#include <sys/wait.h>
#include <unistd.h>

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

TEST_CASE("random: a forked child does not draw what its parent draws", "[base]") {
  system_random().next();  // fills the buffer that the child inherits
  int pipe_ends[2];
  REQUIRE(pipe(pipe_ends) == 0);
  const pid_t child = fork();
  if (child == 0) {
    const std::uint64_t value = system_random().next();
    _exit(write(pipe_ends[1], &value, sizeof value) == sizeof value ? 0 : 1);
  }
  const std::uint64_t mine = system_random().next();
  std::uint64_t its = 0;
  REQUIRE(read(pipe_ends[0], &its, sizeof its) == sizeof its);
  int status = 1;
  waitpid(child, &status, 0);
  close(pipe_ends[0]);
  close(pipe_ends[1]);
  CHECK(status == 0);
  CHECK(mine != its);
}

}  // namespace clinicdb
