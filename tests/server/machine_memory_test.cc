#include "config/machine_memory.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "support/temporary_directory.h"

using namespace clinicdb;          // NOLINT
using namespace clinicdb::server;  // NOLINT

TEST_CASE("machine_memory: a server's caches follow the memory that there is", "[server]") {
  constexpr std::uint64_t kGibibyte = std::uint64_t{1} << 30;
  const engine::StoreOptions embedded;
  engine::StoreOptions small;
  size_caches(kGibibyte / 2, small);
  CHECK(small.block_cache_bytes == embedded.block_cache_bytes);
  CHECK(small.result_cache_bytes == embedded.result_cache_bytes);
  engine::StoreOptions usual;
  size_caches(24 * kGibibyte, usual);
  CHECK(usual.block_cache_bytes == 3 * kGibibyte);
  CHECK(usual.result_cache_bytes == kGibibyte);
  engine::StoreOptions large;
  size_caches(1024 * kGibibyte, large);
  CHECK(large.block_cache_bytes == 8 * kGibibyte);
  CHECK(large.result_cache_bytes == 2 * kGibibyte);
}

TEST_CASE("machine_memory: a control group's bound is what there is", "[server]") {
  const test::TemporaryDirectory groups;
  const std::uint64_t machine = machine_memory_bytes(groups.path(), "/nowhere");
  CHECK(machine > 0);
  std::ofstream(groups.path() + "/memory.max") << "max\n";
  CHECK(machine_memory_bytes(groups.path(), "/nowhere") == machine);
  std::ofstream(groups.path() + "/memory.max") << machine / 2 << "\n";
  CHECK(machine_memory_bytes(groups.path(), "/nowhere") == machine / 2);
  // And that of its own group, below.
  const std::string own = groups.path() + "/own";
  std::ofstream(own) << "0::/system.slice/clinicdb.service\n";
  const std::string below = groups.path() + "/system.slice/clinicdb.service";
  std::filesystem::create_directories(below);
  CHECK(machine_memory_bytes(groups.path(), own) == machine / 2);
  std::ofstream(below + "/memory.max") << machine / 4 << "\n";
  CHECK(machine_memory_bytes(groups.path(), own) == machine / 4);
  std::ofstream(groups.path() + "/system.slice/memory.max") << machine / 8 << "\n";
  CHECK(machine_memory_bytes(groups.path(), own) == machine / 8);
}
