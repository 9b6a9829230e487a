// A disk that fails or is full: L7 and the reserve.
#include <catch2/catch.hpp>

#include "clinicdb/base/bytes.h"
#include "log_fixture.h"

namespace clinicdb::engine::test {
namespace {

using clinicdb::test::fault_kind;
using clinicdb::test::FaultOperation;
using clinicdb::test::SimulatedFileSystem;
using Strings = std::vector<std::string>;

std::string reserve_path() { return std::string(kLogDirectory) + "/reserve"; }

TEST_CASE("commit_log: after a failed sync nothing is written any more (L7)", "[engine][log]") {
  SimulatedFileSystem disk;
  const CommitLogOptions options = make_log_directory(disk);
  {
    const auto log = open_log(options);
    append_synced(*log, "one");
    append_ok(*log, "two");
    disk.faults().arm({.kinds = fault_kind(FaultOperation::kSync)});
    const Status failed = log->sync();
    CHECK(failed.code() == StatusCode::kFailedPrecondition);
    CHECK(failed.message().find(segment_path(1)) != std::string::npos);
    // The disk is well again, but what the failed sync dropped is not known: no retry.
    disk.faults().disarm();
    const std::uint64_t writes = disk.faults().operations(fault_kind(FaultOperation::kWrite));
    const std::uint64_t syncs = disk.faults().operations(fault_kind(FaultOperation::kSync));
    CHECK(log->sync().message() == failed.message());
    CHECK(log->append(draft_of("three")).status().message() == failed.message());
    CHECK(log->begin_epoch(Epoch{2}).message() == failed.message());
    CHECK(log->truncate_above({}).message() == failed.message());
    CHECK(log->trim(Lsn{1}, 0).message() == failed.message());
    CHECK(log->prepare_next_segment().message() == failed.message());
    CHECK(disk.faults().operations(fault_kind(FaultOperation::kWrite)) == writes);
    CHECK(disk.faults().operations(fault_kind(FaultOperation::kSync)) == syncs);
    // What was appended can still be read.
    CHECK(operations_from(*log) == Strings{"one", "two"});
  }
  disk.crash_losing_all();
  CHECK(operations_from(*open_log(options)) == Strings{"one"});
}

TEST_CASE("commit_log: after a failed write nothing is written any more (L7)", "[engine][log]") {
  SimulatedFileSystem disk;
  const CommitLogOptions options = make_log_directory(disk);
  const double fraction = GENERATE(0.0, 0.5, 1.0);
  {
    const auto log = open_log(options);
    append_synced(*log, "one");
    disk.faults().arm({.kinds = fault_kind(FaultOperation::kWrite), .written_fraction = fraction});
    CHECK(log->append(draft_of("two")).status().code() == StatusCode::kFailedPrecondition);
    disk.faults().disarm();
    CHECK(log->append(draft_of("three")).status().code() == StatusCode::kFailedPrecondition);
    CHECK(log->sync().code() == StatusCode::kFailedPrecondition);
    CHECK(log->tail().position.lsn == Lsn{1});
  }
  disk.crash_losing_all();
  CHECK(operations_from(*open_log(options)) == Strings{"one"});
}

TEST_CASE("commit_log: on a full disk appends are refused, the reserve is freed, nothing is lost",
          "[engine][log]") {
  SimulatedFileSystem disk;
  const CommitLogOptions options = make_log_directory(disk);
  Strings operations;
  {
    const auto log = open_log(options);
    CHECK(disk.exists(reserve_path()).value_or(false));
    disk.set_capacity(disk.used_bytes() + 2 * kSmallSegmentBytes);
    Status refused;
    while (refused.ok()) {
      const std::string next(3000, static_cast<char>('a' + operations.size() % 26));
      refused = log->append(draft_of(next)).status();
      if (refused.ok()) operations.push_back(next);
      REQUIRE(operations.size() < 100);
    }
    CHECK(operations.size() == 9);  // three segments
    CHECK(refused.code() == StatusCode::kResourceExhausted);
    CHECK_FALSE(disk.exists(reserve_path()).value_or(true));
    CHECK(disk.free_bytes("/").value_or(0) >= options.reserve_bytes);
    // Even what would still fit: the freed space is RocksDB's, to close well.
    CHECK(log->append(draft_of("x")).status().code() == StatusCode::kResourceExhausted);
    CHECK(log->begin_epoch(Epoch{2}).code() == StatusCode::kResourceExhausted);
    CHECK(log->sync().ok());
    CHECK(log->tail().position.lsn == Lsn{9});
    CHECK(operations_from(*log) == operations);
  }
  disk.crash_losing_all();

  SECTION("while it is full, the log opens, reads, and still refuses") {
    disk.set_capacity(disk.used_bytes() + 100);
    const auto log = open_log(options);
    CHECK(operations_from(*log) == operations);
    CHECK(log->append(draft_of("x")).status().code() == StatusCode::kResourceExhausted);
  }
  SECTION("with space again, it goes on and has its reserve again") {
    disk.set_capacity(disk.used_bytes() + 10 * kSmallSegmentBytes);
    const auto log = open_log(options);
    CHECK(disk.exists(reserve_path()).value_or(false));
    operations.emplace_back("more");
    append_synced(*log, "more");
    CHECK(operations_from(*log) == operations);
  }
}

TEST_CASE("commit_log: an append that runs out of space amid its bytes leaves none of them",
          "[engine][log]") {
  // Not on file systems that overwrite in place, but those that copy on write or are thinly
  // provisioned.
  SimulatedFileSystem disk;
  const CommitLogOptions options = make_log_directory(disk);
  const double fraction = GENERATE(0.0, 0.5, 1.0);
  {
    const auto log = open_log(options);
    append_synced(*log, "one");
    disk.faults().arm({.kinds = fault_kind(FaultOperation::kWrite),
                       .errno_value = ENOSPC,
                       .written_fraction = fraction});
    CHECK(log->append(draft_of("two")).status().code() == StatusCode::kResourceExhausted);
    disk.faults().disarm();
    CHECK(log->append(draft_of("three")).status().code() == StatusCode::kResourceExhausted);
  }
  // "Nothing was appended" holds whether the machine goes down or not.
  if (GENERATE(false, true)) disk.crash_losing_all();
  CHECK(operations_from(*open_log(options)) == Strings{"one"});
}

TEST_CASE("commit_log: a segment that cannot be prepared ahead is no failure yet",
          "[engine][log]") {
  SimulatedFileSystem disk;
  const auto log = open_log(make_log_directory(disk));
  append_synced(*log, std::string(3000, 'a'));
  // Less than half full: nothing is prepared.
  REQUIRE(log->prepare_next_segment().ok());
  CHECK_FALSE(disk.exists(std::string(kLogDirectory) + "/next").value_or(true));
  append_synced(*log, std::string(3000, 'b'));
  disk.faults().arm({.kinds = fault_kind(FaultOperation::kWrite), .errno_value = EIO});
  CHECK_FALSE(log->prepare_next_segment().ok());
  disk.faults().disarm();
  for (int i = 0; i < 5; ++i) append_synced(*log, std::string(3000, 'c'));
  CHECK(log->stats().segments == 3);
}

TEST_CASE("commit_log: rolling over uses what was prepared ahead", "[engine][log]") {
  SimulatedFileSystem disk;
  const CommitLogOptions options = make_log_directory(disk);
  auto log = open_log(options);
  append_synced(*log, std::string(9000, '\1') + "a");
  for (int i = 0; i < 8; ++i) append_synced(*log, std::string(1000, 'b'));
  REQUIRE(log->prepare_next_segment().ok());
  REQUIRE(disk.exists(std::string(kLogDirectory) + "/next").value_or(false));
  if (GENERATE(false, true)) {
    // Kept over a restart, too.
    log.reset();
    log = open_log(options);
    REQUIRE(disk.exists(std::string(kLogDirectory) + "/next").value_or(false));
  }
  const std::uint64_t before = disk.faults().operations(fault_kind(FaultOperation::kWrite));
  while (log->stats().segments == 1) append_ok(*log, std::string(1000, 'c'));
  // The last append: the header and the entry.
  CHECK(disk.faults().operations(fault_kind(FaultOperation::kWrite)) - before <
        2 + log->stats().appended_entries);
  CHECK_FALSE(disk.exists(std::string(kLogDirectory) + "/next").value_or(true));
}

/// One life of a log: appends, syncs, epochs, trims, preparation. Returns how far it was synced,
/// what was appended, and whether something failed.
struct Life {
  std::uint64_t synced = 0;
  Strings operations;
  bool failed = false;
  bool append_unknown = false;  ///< an append failed, and not with "nothing was appended"
};

void live(const CommitLogOptions& options, Life& life) {
  Result<std::unique_ptr<CommitLog>> opened = CommitLog::open(options);
  if (!opened) {
    life.failed = true;
    return;
  }
  CommitLog& log = **opened;
  for (int i = 0; i < 16 && !life.failed; ++i) {
    const std::string next(2000, static_cast<char>('a' + i));
    if (const auto tail = log.append(draft_of(next)); tail) {
      life.operations.push_back(next);
    } else {
      life.failed = true;
      life.append_unknown = tail.error().code() != StatusCode::kResourceExhausted;
    }
    if (i % 3 == 0 && !life.failed) {
      if (log.sync().ok()) {
        life.synced = life.operations.size();
      } else {
        life.failed = true;
      }
    }
    if (i % 5 == 4) log.prepare_next_segment().ignore("no failure yet");
    if (i == 7 && !log.begin_epoch(Epoch{2}).ok()) life.failed = true;
    if (i == 12 && !log.truncate_above(log.tail().position).ok()) life.failed = true;
  }
}

TEST_CASE(
    "commit_log: whichever operation fails, once or for good, nothing that was synced is lost",
    "[engine][log]") {
  const bool for_good = GENERATE(false, true);
  const int errno_value = GENERATE(EIO, ENOSPC);
  std::uint64_t injected = 0;
  bool survived = false;
  for (std::uint64_t nth = 1; !survived; ++nth) {
    INFO("operation " << nth << (for_good ? " for good" : " once") << " errno " << errno_value);
    SimulatedFileSystem disk;
    const CommitLogOptions options = make_log_directory(disk);
    Life life;
    disk.faults().arm({.nth = nth,
                       .for_good = for_good,
                       .errno_value = errno_value,
                       .written_fraction = static_cast<double>(nth % 3) / 2});
    live(options, life);
    const std::string fault = disk.faults().first_failure();
    survived = fault.empty();
    injected += disk.faults().injected();
    disk.faults().disarm();
    INFO(fault);
    SeededRandom random(nth);
    disk.crash(random);
    const auto log = open_log(options);
    const Strings now = operations_from(*log);
    REQUIRE(now.size() >= life.synced);
    // Beyond what was appended at most one: the append whose failure left it whole.
    REQUIRE(now.size() <= life.operations.size() + (life.append_unknown ? 1 : 0));
    const std::size_t common = std::min(now.size(), life.operations.size());
    REQUIRE(std::equal(now.begin(), now.begin() + static_cast<std::ptrdiff_t>(common),
                       life.operations.begin()));
    append_synced(*log, "goes on");
  }
  CHECK(injected > 50);
}

}  // namespace
}  // namespace clinicdb::engine::test
