#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "clinicdb/base/bytes.h"
#include "clinicdb/base/random.h"
#include "log/log_limits.h"
#include "log_fixture.h"
#include "support/temporary_directory.h"

namespace clinicdb::engine::test {
namespace {

using clinicdb::test::fault_kind;
using clinicdb::test::FaultOperation;
using clinicdb::test::SimulatedFileSystem;
using clinicdb::test::TemporaryDirectory;

/// Operations that do not compress and that tell their LSN.
std::string noise(std::uint64_t lsn, std::size_t size) {
  SeededRandom random(lsn);
  std::string bytes;
  append_le64(bytes, lsn);
  while (bytes.size() < size) append_le64(bytes, random.next());
  return bytes;
}

std::string next_operations(LogReader& reader) {
  const auto entry = reader.next();
  INFO(entry.status().to_string());
  REQUIRE(entry);
  return *entry == nullptr ? "(tail)" : std::string((*entry)->operations);
}

TEST_CASE("log_reader: follows the tail, synced or not", "[engine][log]") {
  SimulatedFileSystem disk;
  const auto log = open_log(make_log_directory(disk));
  auto reader = log->reader(Lsn{1});
  REQUIRE(reader);
  CHECK(next_operations(**reader) == "(tail)");
  append_ok(*log, "one");
  CHECK(next_operations(**reader) == "one");
  CHECK(next_operations(**reader) == "(tail)");
  append_ok(*log, "two");
  append_ok(*log, "three");
  CHECK(next_operations(**reader) == "two");
  CHECK(next_operations(**reader) == "three");
  CHECK(next_operations(**reader) == "(tail)");
}

TEST_CASE("log_reader: recent entries come from memory, without a file being opened",
          "[engine][log]") {
  SimulatedFileSystem disk;
  const auto log = open_log(make_log_directory(disk));
  auto reader = log->reader(Lsn{1});
  REQUIRE(reader);
  const std::uint64_t reads = disk.faults().operations(fault_kind(FaultOperation::kRead));
  for (std::uint64_t lsn = 1; lsn <= 100; ++lsn) append_ok(*log, noise(lsn, 500));
  for (std::uint64_t lsn = 1; lsn <= 100; ++lsn) {
    CHECK((next_operations(**reader) == noise(lsn, 500)));
  }
  CHECK(disk.faults().operations(fault_kind(FaultOperation::kRead)) == reads);
}

TEST_CASE("log_reader: begins anywhere and goes from files over to memory", "[engine][log]") {
  SimulatedFileSystem disk;
  const auto log = open_log(make_log_directory(disk));
  for (std::uint64_t lsn = 1; lsn <= 50; ++lsn) append_ok(*log, noise(lsn, 900));
  const std::uint64_t from = GENERATE(as<std::uint64_t>(), 1, 2, 17, 49, 50, 51);
  auto reader = log->reader(Lsn{from});
  REQUIRE(reader);
  // Kept in memory from here on.
  for (std::uint64_t lsn = 51; lsn <= 60; ++lsn) append_ok(*log, noise(lsn, 900));
  for (std::uint64_t lsn = from; lsn <= 60; ++lsn) {
    REQUIRE((next_operations(**reader) == noise(lsn, 900)));
  }
  CHECK(next_operations(**reader) == "(tail)");
}

TEST_CASE("log_reader: what memory no longer holds comes from the files", "[engine][log]") {
  SimulatedFileSystem disk;
  CommitLogOptions options = make_log_directory(disk);
  options.segment_bytes = std::uint64_t{4} << 20;
  const auto log = open_log(options);
  auto reader = log->reader(Lsn{1});
  REQUIRE(reader);
  const std::size_t size = kTailCacheBytesMax / 10;
  for (std::uint64_t lsn = 1; lsn <= 15; ++lsn) append_ok(*log, noise(lsn, size));
  // Larger than all of the memory.
  append_ok(*log, noise(16, kTailCacheBytesMax + 8));
  append_ok(*log, noise(17, size));
  for (std::uint64_t lsn = 1; lsn <= 15; ++lsn) {
    REQUIRE((next_operations(**reader) == noise(lsn, size)));
  }
  REQUIRE((next_operations(**reader) == noise(16, kTailCacheBytesMax + 8)));
  REQUIRE((next_operations(**reader) == noise(17, size)));
  CHECK(next_operations(**reader) == "(tail)");
}

TEST_CASE("log_reader: cannot begin outside of the log", "[engine][log]") {
  SimulatedFileSystem disk;
  const auto log = open_log(make_log_directory(disk));
  append_ok(*log, "one");
  CHECK(log->reader(Lsn{}).status().code() == StatusCode::kOutOfRange);
  CHECK(log->reader(Lsn{3}).status().code() == StatusCode::kOutOfRange);
  CHECK(log->reader(Lsn{2}).has_value());
}

TEST_CASE("log_reader: says so when what it wants was trimmed away", "[engine][log]") {
  SimulatedFileSystem disk;
  const auto log = open_log(make_log_directory(disk));
  for (std::uint64_t lsn = 1; lsn <= 60; ++lsn) append_ok(*log, noise(lsn, 900));
  auto reader = log->reader(Lsn{1});
  REQUIRE(reader);
  REQUIRE(log->trim(Lsn{60}, 0).ok());
  CHECK((*reader)->next().status().code() == StatusCode::kOutOfRange);
}

TEST_CASE("log_reader: a segment it stands in may be trimmed away under it", "[engine][log]") {
  SimulatedFileSystem disk;
  const auto log = open_log(make_log_directory(disk));
  for (std::uint64_t lsn = 1; lsn <= 60; ++lsn) append_ok(*log, noise(lsn, 900));
  auto reader = log->reader(Lsn{1});
  REQUIRE(reader);
  REQUIRE((next_operations(**reader) == noise(1, 900)));
  REQUIRE(log->trim(Lsn{60}, 0).ok());
  const auto entry = (*reader)->next();
  CHECK(entry.status().code() == StatusCode::kOutOfRange);
}

TEST_CASE("log_reader: is turned away after a truncation, whatever it had read", "[engine][log]") {
  SimulatedFileSystem disk;
  const auto log = open_log(make_log_directory(disk));
  for (std::uint64_t lsn = 1; lsn <= 10; ++lsn) append_ok(*log, noise(lsn, 900));
  auto reader = log->reader(Lsn{1});
  REQUIRE(reader);
  REQUIRE((next_operations(**reader) == noise(1, 900)));
  REQUIRE(log->truncate_above({Epoch{1}, Lsn{5}}).ok());
  CHECK((*reader)->next().status().code() == StatusCode::kAborted);
  append_ok(*log, "other");
  CHECK((*reader)->next().status().code() == StatusCode::kAborted);
  auto again = log->reader(Lsn{6});
  REQUIRE(again);
  CHECK(next_operations(**again) == "other");
}

TEST_CASE("log_reader: reports damage with file and offset, and an older segment's only there",
          "[engine][log]") {
  SimulatedFileSystem disk;
  CommitLogOptions options = make_log_directory(disk);
  std::vector<LogTail> tails = {LogTail{}};
  {
    const auto log = open_log(options);
    for (std::uint64_t lsn = 1; lsn <= 60; ++lsn) {
      tails.push_back(append_synced(*log, noise(lsn, 900)));
    }
  }
  const std::vector<std::uint64_t> offsets = entry_offsets(whole_file(disk, segment_path(1)));
  overwrite(disk, segment_path(1), offsets[2] + 200, "damage");
  // RocksDB holds it all, durably, so the store opens; only who wants this entry is told.
  options.applied = tails[40].position;
  options.applied_hash = tails[40].hash;
  const auto log = open_log(options);
  auto reader = log->reader(Lsn{1});
  REQUIRE(reader);
  REQUIRE((next_operations(**reader) == noise(1, 900)));
  REQUIRE((next_operations(**reader) == noise(2, 900)));
  const auto damaged = (*reader)->next();
  REQUIRE_FALSE(damaged);
  CHECK(damaged.error().code() == StatusCode::kDataLoss);
  CHECK(damaged.error().message().find(segment_path(1) + " at offset " +
                                       std::to_string(offsets[2])) != std::string::npos);
}

TEST_CASE("log_reader: a disk that cannot be read is no damage, and may be tried again",
          "[engine][log]") {
  SimulatedFileSystem disk;
  const auto log = open_log(make_log_directory(disk));
  for (std::uint64_t lsn = 1; lsn <= 30; ++lsn) append_ok(*log, noise(lsn, 900));
  auto reader = log->reader(Lsn{1});
  REQUIRE(reader);
  disk.faults().arm({.kinds = fault_kind(FaultOperation::kRead)});
  CHECK((*reader)->next().status().code() == StatusCode::kUnavailable);
  disk.faults().disarm();
  for (std::uint64_t lsn = 1; lsn <= 30; ++lsn) {
    REQUIRE((next_operations(**reader) == noise(lsn, 900)));
  }
}

TEST_CASE("log_reader: may outlive its log", "[engine][log]") {
  SimulatedFileSystem disk;
  auto log = open_log(make_log_directory(disk));
  append_ok(*log, "one");
  auto reader = log->reader(Lsn{1});
  REQUIRE(reader);
  log.reset();
  CHECK(next_operations(**reader) == "one");
  CHECK(next_operations(**reader) == "(tail)");
}

/// Reads from `from` until it has read `last`; counts what was wrong. Runs on a thread of its own.
std::uint64_t read_until(CommitLog& log, std::uint64_t from, std::uint64_t last, std::size_t size) {
  auto reader = log.reader(Lsn{from});
  if (!reader) return 1'000'000;
  std::uint64_t wrong = 0;
  for (std::uint64_t lsn = from; lsn <= last;) {
    const auto entry = (*reader)->next();
    if (!entry) return wrong + 10'000;
    if (*entry == nullptr) {
      std::this_thread::yield();
      continue;
    }
    if ((*entry)->position.lsn != Lsn{lsn} || (*entry)->operations != noise(lsn, size)) ++wrong;
    ++lsn;
  }
  return wrong;
}

TEST_CASE("log_reader: readers follow from other threads while the log grows, rolls and is trimmed",
          "[engine][log]") {
  const TemporaryDirectory directory;
  CommitLogOptions options = log_options(posix_file_system());
  options.directory = directory.path();
  options.segment_bytes = 65536;
  const auto log = open_log(options);
  constexpr std::uint64_t kLast = 1000;
  constexpr std::size_t kSize = 400;
  for (std::uint64_t lsn = 1; lsn <= 200; ++lsn) append_ok(*log, noise(lsn, kSize));
  log->set_slot("readers", Lsn{150});
  std::atomic<std::uint64_t> wrong{0};
  std::atomic<bool> stop{false};
  std::thread readers[3];
  const std::uint64_t from[3] = {150, 201, 180};
  for (int i = 0; i < 3; ++i) {
    readers[i] = std::thread([&, i] { wrong += read_until(*log, from[i], kLast, kSize); });
  }
  std::thread maintenance([&] {
    while (!stop) {
      if (!log->prepare_next_segment().ok()) wrong += 100;
      if (!log->trim(log->tail().position.lsn, 0).ok()) wrong += 100;
      std::this_thread::yield();
    }
  });
  std::uint64_t failed = 0;
  for (std::uint64_t lsn = 201; lsn <= kLast; ++lsn) {
    if (!log->append(draft_of(noise(lsn, kSize)))) ++failed;
    if (lsn % 50 == 0 && !log->sync().ok()) ++failed;
  }
  for (std::thread& reader : readers) reader.join();
  stop = true;
  maintenance.join();
  CHECK(failed == 0);
  CHECK(wrong == 0);
  CHECK(log->stats().first > Lsn{1});
  CHECK(log->stats().first <= Lsn{150});
}

}  // namespace
}  // namespace clinicdb::engine::test
