// The simulated disk must lose what it may lose, keep what it must keep, and fail on demand:
// whatever it gets wrong here, the crash tests that stand on it cannot see.
#include "support/simulated_file_system.h"

#include <catch2/catch.hpp>
#include <set>

#include "clinicdb/base/random.h"

namespace clinicdb::test {
namespace {

using engine::File;
using engine::OpenMode;

std::unique_ptr<File> open(SimulatedFileSystem& disk, const std::string& path, OpenMode mode) {
  Result<std::unique_ptr<File>> file = disk.open(path, mode);
  INFO(path << ": " << file.status().to_string());
  REQUIRE(file);
  return std::move(file).value();
}

std::string contents(SimulatedFileSystem& disk, const std::string& path) {
  std::unique_ptr<File> file = open(disk, path, OpenMode::kRead);
  std::string bytes(file->size().value(), '?');
  REQUIRE(file->read_at(0, bytes.data(), bytes.size()).value() == bytes.size());
  return bytes;
}

/// A file with `bytes`, durable with its name.
std::unique_ptr<File> durable_file(SimulatedFileSystem& disk, const std::string& path,
                                   std::string_view bytes) {
  std::unique_ptr<File> file = open(disk, path, OpenMode::kCreate);
  REQUIRE(file->write_at(0, bytes).ok());
  REQUIRE(file->sync().ok());
  REQUIRE(disk.sync_directory("/").ok());
  return file;
}

TEST_CASE("simulated_file_system: what was written is read back, from any handle", "[support]") {
  SimulatedFileSystem disk;
  std::unique_ptr<File> file = open(disk, "a", OpenMode::kCreate);
  REQUIRE(file->write_at(3, "xyz").ok());
  CHECK(contents(disk, "/a") == std::string("\0\0\0xyz", 6));
  REQUIRE(file->truncate(4).ok());
  REQUIRE(file->truncate(6).ok());
  CHECK(contents(disk, "/a") == std::string("\0\0\0x\0\0", 6));
  char beyond[4];
  CHECK(file->read_at(5, beyond, 4).value() == 1);
  CHECK(file->read_at(9, beyond, 4).value() == 0);
}

TEST_CASE("simulated_file_system: names behave as a file system's do", "[support]") {
  SimulatedFileSystem disk;
  CHECK(disk.open("a", OpenMode::kRead).status().code() == StatusCode::kNotFound);
  CHECK(disk.open("no/such/a", OpenMode::kCreate).status().code() == StatusCode::kNotFound);
  REQUIRE(disk.create_directories("/d/e").ok());
  REQUIRE(disk.create_directories("/d/e/").ok());
  open(disk, "d/e/a", OpenMode::kCreate);
  CHECK(disk.open("d/e/a", OpenMode::kCreate).status().code() == StatusCode::kAlreadyExists);
  CHECK_FALSE(disk.open("d/e", OpenMode::kRead));
  CHECK_FALSE(disk.remove("d/e").ok());
  open(disk, "d/e/b", OpenMode::kCreate);
  REQUIRE(disk.rename("d/e/b", "d/e/a").ok());
  REQUIRE(disk.link("d/e/a", "d/c").ok());
  CHECK(disk.list("d").value() == std::vector<std::string>{"c", "e"});
  CHECK(disk.list("d/e").value() == std::vector<std::string>{"a"});
  CHECK(disk.list("f").status().code() == StatusCode::kNotFound);
  REQUIRE(disk.remove("d/c").ok());
  CHECK_FALSE(disk.exists("d/c").value());
  CHECK(disk.exists("d/e/a").value());
}

TEST_CASE(
    "simulated_file_system: a removed file lives on in its handles and gives its space back after",
    "[support]") {
  SimulatedFileSystem disk;
  std::unique_ptr<File> file = open(disk, "a", OpenMode::kCreate);
  REQUIRE(file->write_at(0, "hello").ok());
  REQUIRE(disk.sync_directory("/").ok());
  REQUIRE(disk.remove("a").ok());
  REQUIRE(disk.sync_directory("/").ok());
  CHECK(file->size().value() == 5);
  CHECK(disk.used_bytes() == 5);
  file.reset();
  CHECK(disk.used_bytes() == 0);
}

TEST_CASE("simulated_file_system: losing all keeps what was synced and nothing else", "[support]") {
  SimulatedFileSystem disk;
  std::unique_ptr<File> kept = durable_file(disk, "kept", "first");
  REQUIRE(kept->write_at(0, "FIRST and more").ok());
  std::unique_ptr<File> nameless = open(disk, "nameless", OpenMode::kCreate);
  REQUIRE(nameless->write_at(0, "synced, but its name is not").ok());
  REQUIRE(nameless->sync().ok());
  std::unique_ptr<File> empty = open(disk, "empty", OpenMode::kCreate);
  REQUIRE(disk.sync_directory("/").ok());
  REQUIRE(empty->write_at(0, "never synced").ok());
  REQUIRE(disk.rename("nameless", "renamed").ok());
  REQUIRE(disk.remove("kept").ok());

  disk.crash_losing_all();

  CHECK(disk.list("/").value() == std::vector<std::string>{"empty", "kept", "nameless"});
  CHECK(contents(disk, "kept") == "first");
  CHECK(contents(disk, "nameless") == "synced, but its name is not");
  CHECK(contents(disk, "empty").empty());
}

TEST_CASE("simulated_file_system: syncing a file does not keep its name", "[support]") {
  SimulatedFileSystem disk;
  std::unique_ptr<File> file = open(disk, "a", OpenMode::kCreate);
  REQUIRE(file->write_at(0, "x").ok());
  REQUIRE(file->sync().ok());
  disk.crash_losing_all();
  CHECK_FALSE(disk.exists("a").value());
}

TEST_CASE("simulated_file_system: syncing a directory does not keep its own name", "[support]") {
  SimulatedFileSystem disk;
  REQUIRE(disk.create_directories("d").ok());
  open(disk, "d/a", OpenMode::kCreate);
  REQUIRE(disk.sync_directory("d").ok());
  const bool parent_too = GENERATE(false, true);
  if (parent_too) {
    REQUIRE(disk.sync_directory("/").ok());
  }
  disk.crash_losing_all();
  CHECK(disk.exists("d/a").value() == parent_too);
}

TEST_CASE("simulated_file_system: a crash never touches what was synced, whatever chance says",
          "[support]") {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    SimulatedFileSystem disk;
    const std::string before(5000, 'a');
    std::unique_ptr<File> file = durable_file(disk, "a", before);
    REQUIRE(file->write_at(1024, std::string(1024, 'b')).ok());
    SeededRandom random(seed);
    disk.crash(random);
    const std::string after = contents(disk, "a");
    REQUIRE(after.size() == before.size());
    CHECK(after.substr(0, 1024) == before.substr(0, 1024));
    CHECK(after.substr(2048) == before.substr(2048));
  }
}

TEST_CASE("simulated_file_system: of unsynced bytes a crash keeps all, none or single sectors",
          "[support]") {
  std::set<std::string> seen;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SimulatedFileSystem disk;
    std::unique_ptr<File> file = durable_file(disk, "a", std::string(1536, '.'));
    REQUIRE(file->write_at(0, std::string(1536, 'x')).ok());
    REQUIRE(file->write_at(512, std::string(512, 'y')).ok());
    SeededRandom random(seed);
    disk.crash(random);
    const std::string after = contents(disk, "a");
    std::string sectors;
    for (std::size_t i = 0; i < 3; ++i) {
      // A sector is never torn.
      CHECK(after.substr(i * 512, 512) == std::string(512, after[i * 512]));
      sectors += after[i * 512];
    }
    seen.insert(sectors);
  }
  CHECK(seen.contains("..."));
  CHECK(seen.contains("xyx"));  // everything
  CHECK(seen.contains(".y."));  // the later write without the earlier one
  CHECK(seen.contains("xxx"));  // a version in between
  CHECK(seen.size() == 12);     // 2 * 3 * 2
}

TEST_CASE("simulated_file_system: an unsynced growth may survive without its bytes", "[support]") {
  std::set<std::size_t> sizes;
  bool zeros = false;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SimulatedFileSystem disk;
    std::unique_ptr<File> file = durable_file(disk, "a", "start");
    REQUIRE(file->write_at(512, std::string(1000, 'x')).ok());
    SeededRandom random(seed);
    disk.crash(random);
    const std::string after = contents(disk, "a");
    REQUIRE(after.size() >= 5);
    CHECK(after.substr(0, 5) == "start");
    sizes.insert(after.size());
    zeros = zeros || (after.size() > 512 && after[512] == '\0');
  }
  CHECK(sizes.contains(5));
  CHECK(sizes.contains(1512));
  CHECK(sizes.size() > 10);
  CHECK(zeros);
}

TEST_CASE("simulated_file_system: where appends are kept in order, a growth has no holes",
          "[support]") {
  std::set<std::size_t> sizes;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SimulatedFileSystem disk;
    std::unique_ptr<File> file = durable_file(disk, "a", "start");
    REQUIRE(disk.keep_appends_in_order("a").ok());
    REQUIRE(file->write_at(5, std::string(700, 'x')).ok());
    REQUIRE(file->write_at(705, std::string(700, 'y')).ok());
    SeededRandom random(seed);
    disk.crash(random);
    const std::string after = contents(disk, "a");
    CHECK(("start" + std::string(700, 'x') + std::string(700, 'y')).starts_with(after));
    sizes.insert(after.size());
  }
  CHECK(sizes.contains(5));
  CHECK(sizes.contains(1405));
  CHECK(sizes.size() > 10);
}

TEST_CASE("simulated_file_system: an unsynced truncation is kept or undone", "[support]") {
  std::set<std::string> seen;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    SimulatedFileSystem disk;
    std::unique_ptr<File> file = durable_file(disk, "a", "hello");
    REQUIRE(file->truncate(2).ok());
    SeededRandom random(seed);
    disk.crash(random);
    seen.insert(contents(disk, "a"));
  }
  CHECK(seen == std::set<std::string>{"he", "hello"});
}

TEST_CASE("simulated_file_system: a directory's unsynced changes are kept up to a point, in order",
          "[support]") {
  std::set<std::vector<std::string>> seen;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SimulatedFileSystem disk;
    open(disk, "a", OpenMode::kCreate);
    open(disk, "b", OpenMode::kCreate);
    REQUIRE(disk.rename("a", "c").ok());
    SeededRandom random(seed);
    disk.crash(random);
    seen.insert(disk.list("/").value());
  }
  CHECK(seen == std::set<std::vector<std::string>>{{}, {"a"}, {"a", "b"}, {"b", "c"}});
}

TEST_CASE("simulated_file_system: a rename that replaces is atomic in a crash", "[support]") {
  std::set<std::string> seen;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    SimulatedFileSystem disk;
    durable_file(disk, "current", "old");
    durable_file(disk, "next", "new");
    REQUIRE(disk.rename("next", "current").ok());
    SeededRandom random(seed);
    disk.crash(random);
    seen.insert(contents(disk, "current"));
  }
  CHECK(seen == std::set<std::string>{"old", "new"});
}

TEST_CASE("simulated_file_system: handles and locks die in a crash", "[support]") {
  SimulatedFileSystem disk;
  std::unique_ptr<File> file = durable_file(disk, "a", "x");
  Result<std::unique_ptr<engine::DirectoryLock>> lock = disk.lock("LOCK");
  REQUIRE(lock);
  const Status second = disk.lock("/LOCK").status();
  CHECK(second.code() == StatusCode::kFailedPrecondition);
  CHECK(second.message().find("in use by pid") != std::string_view::npos);

  disk.crash_losing_all();

  CHECK(file->write_at(0, "y").code() == StatusCode::kUnavailable);
  CHECK(file->sync().code() == StatusCode::kUnavailable);
  char byte;
  CHECK(file->read_at(0, &byte, 1).status().code() == StatusCode::kUnavailable);
  Result<std::unique_ptr<engine::DirectoryLock>> again = disk.lock("LOCK");
  CHECK(again);
  lock->reset();  // The dead lock's end does not release the living one.
  CHECK_FALSE(disk.lock("LOCK"));
  again->reset();
  CHECK(disk.lock("LOCK"));
  CHECK(contents(disk, "a") == "x");
}

TEST_CASE("simulated_file_system: switched off, it fails everything and changes nothing",
          "[support]") {
  SimulatedFileSystem disk;
  std::unique_ptr<File> file = durable_file(disk, "a", "x");
  disk.power_off();
  CHECK_FALSE(file->write_at(0, "y").ok());
  CHECK_FALSE(disk.remove("a").ok());
  CHECK_FALSE(disk.open("b", OpenMode::kCreate));
  disk.crash_losing_all();
  CHECK(contents(disk, "a") == "x");
}

TEST_CASE("simulated_file_system: an armed fault fails the operation and names it and the path",
          "[support]") {
  SimulatedFileSystem disk;
  std::unique_ptr<File> file = durable_file(disk, "a", "x");
  disk.faults().arm({.kinds = fault_kind(FaultOperation::kWrite), .nth = 2});
  CHECK(file->write_at(0, "1").ok());
  const Status failed = file->write_at(0, "2");
  CHECK(failed.code() == StatusCode::kUnavailable);
  CHECK(failed.message().find("write /a: ") == 0);
  CHECK(file->write_at(1, "3").ok());
  CHECK(contents(disk, "a") == "13");
  disk.faults().arm({.kinds = fault_kind(FaultOperation::kOpen), .for_good = true});
  CHECK_FALSE(disk.open("a", OpenMode::kRead));
  CHECK_FALSE(disk.open("a", OpenMode::kRead));
  disk.faults().disarm();
  CHECK(disk.open("a", OpenMode::kRead));
  CHECK(disk.faults().injected() == 3);
}

TEST_CASE("simulated_file_system: a failing write may leave part of its bytes", "[support]") {
  SimulatedFileSystem disk;
  std::unique_ptr<File> file = open(disk, "a", OpenMode::kCreate);
  disk.faults().arm({.kinds = fault_kind(FaultOperation::kWrite), .written_fraction = 0.5});
  CHECK_FALSE(file->write_at(0, "12345678").ok());
  CHECK(contents(disk, "a") == "1234");
}

TEST_CASE(
    "simulated_file_system: bytes lost by a failed sync stay lost, whatever a later sync says (L7)",
    "[support]") {
  SimulatedFileSystem disk;
  std::unique_ptr<File> file = durable_file(disk, "a", std::string(1024, '.'));
  REQUIRE(file->write_at(0, std::string(1024, 'x')).ok());
  disk.faults().arm({.kinds = fault_kind(FaultOperation::kSync)});
  CHECK_FALSE(file->sync().ok());
  CHECK(file->sync().ok());
  disk.crash_losing_all();
  CHECK(contents(disk, "a") == std::string(512, 'x') + std::string(512, '.'));
}

TEST_CASE("simulated_file_system: a sync that lies keeps nothing", "[support]") {
  SimulatedFileSystem disk;
  std::unique_ptr<File> honest = durable_file(disk, "honest", "1");
  std::unique_ptr<File> lied_about = durable_file(disk, "log", "1");
  disk.lie_about_sync("log");
  REQUIRE(honest->write_at(0, "2").ok());
  REQUIRE(lied_about->write_at(0, "2").ok());
  CHECK(honest->sync().ok());
  CHECK(lied_about->sync().ok());
  disk.crash_losing_all();
  CHECK(contents(disk, "honest") == "2");
  CHECK(contents(disk, "log") == "1");
}

TEST_CASE("simulated_file_system: a full disk cuts writes short and takes overwrites",
          "[support]") {
  SimulatedFileSystem disk;
  std::unique_ptr<File> file = open(disk, "a", OpenMode::kCreate);
  disk.set_capacity(8);
  CHECK(file->write_at(0, "12345").ok());
  CHECK(disk.free_bytes("/").value() == 3);
  const Status full = file->write_at(5, "67890");
  CHECK(full.code() == StatusCode::kResourceExhausted);
  CHECK(contents(disk, "a") == "12345678");
  CHECK(file->write_at(0, "abcdefgh").ok());
  CHECK(disk.free_bytes("/").value() == 0);
  disk.set_capacity(9);
  CHECK(file->write_at(8, "i").ok());
}

}  // namespace
}  // namespace clinicdb::test
