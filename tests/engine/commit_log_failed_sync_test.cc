// What a failed sync leaves behind. The kernel may have marked pages clean that it never wrote:
// they can be read until the power goes, a later sync says OK, and they are not on the disk
// (PostgreSQL's fsyncgate). L7 stops the process that saw the error; the next one, opening the log
// from the page cache, must not build on such bytes (L1).
#include <catch2/catch.hpp>

#include "clinicdb/base/random.h"
#include "log/commit_log.h"
#include "log_fixture.h"

namespace clinicdb::engine::test {

using clinicdb::test::fault_kind;
using clinicdb::test::FaultOperation;
using clinicdb::test::SimulatedFileSystem;

TEST_CASE("commit_log: an entry whose sync failed is made durable by the next open, or not there",
          "[engine][log]") {
  SimulatedFileSystem disk;
  const CommitLogOptions options = make_log_directory(disk);
  {
    const auto log = open_log(options);
    append_synced(*log, "one");
    append_ok(*log, std::string(3000, 'u'));
    disk.faults().arm({.kinds = fault_kind(FaultOperation::kSync)});
    CHECK_FALSE(log->sync().ok());
    CHECK_FALSE(log->append(draft_of("never")).has_value());  // L7
  }
  std::vector<std::string> seen;
  {
    // The machine goes on, and so does its page cache.
    const auto log = open_log(options);
    seen = operations_from(*log);
    append_synced(*log, "acknowledged");
    seen.emplace_back("acknowledged");
  }
  disk.crash_losing_all();
  const auto log = open_log(options);
  CHECK(operations_from(*log) == seen);
}

TEST_CASE("commit_log: an open whose own sync fails leaves the log as it was", "[engine][log]") {
  SimulatedFileSystem disk;
  const CommitLogOptions options = make_log_directory(disk);
  {
    const auto log = open_log(options);
    append_synced(*log, "one");
    append_ok(*log, std::string(3000, 'u'));
  }
  for (std::uint64_t nth = 1;; ++nth) {
    disk.faults().arm({.kinds = fault_kind(FaultOperation::kSync), .nth = nth});
    const std::uint64_t before = disk.faults().injected();
    const bool opened = CommitLog::open(options).has_value();
    const bool failed = disk.faults().injected() > before;
    CHECK(opened != failed);
    disk.faults().disarm();
    if (!failed) break;
    REQUIRE(nth < 10);
  }
  append_synced(*open_log(options), "acknowledged");
  disk.crash_losing_all();
  CHECK(operations_from(*open_log(options)) ==
        std::vector<std::string>{"one", std::string(3000, 'u'), "acknowledged"});
}

TEST_CASE("commit_log: a truncation whose sync failed does not come back after the next open",
          "[engine][log]") {
  bool finished = false;
  for (std::uint64_t nth = 1; !finished; ++nth) {
    INFO("sync " << nth);
    SimulatedFileSystem disk;
    const CommitLogOptions options = make_log_directory(disk);
    {
      const auto log = open_log(options);
      const LogTail keep = append_synced(*log, "one");
      for (int i = 0; i < 5; ++i) append_synced(*log, std::string(500, 'x'));
      disk.faults().arm({.kinds = fault_kind(FaultOperation::kSync), .nth = nth});
      finished = log->truncate_above(keep.position).ok();
      disk.faults().disarm();
    }
    std::vector<std::string> seen;
    {
      // The zeros are in the page cache, and the entries still on the disk.
      const auto log = open_log(options);
      seen = operations_from(*log);
      append_synced(*log, "acknowledged");
      seen.emplace_back("acknowledged");
    }
    disk.crash_losing_all();
    REQUIRE(operations_from(*open_log(options)) == seen);
  }
}

}  // namespace clinicdb::engine::test
