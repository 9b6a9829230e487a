#include "log/commit_log.h"

#include <catch2/catch.hpp>

#include "clinicdb/base/bytes.h"
#include "log/log_limits.h"
#include "log_fixture.h"

namespace clinicdb::engine::test {

using clinicdb::test::Fault;
using clinicdb::test::fault_kind;
using clinicdb::test::FaultOperation;
using clinicdb::test::SimulatedFileSystem;

TEST_CASE("commit_log: a new log is empty and stands in epoch 1", "[engine][log]") {
  SimulatedFileSystem disk;
  const auto log = open_log(make_log_directory(disk));
  CHECK(log->tail().position == LogPosition{});
  CHECK(log->epoch() == Epoch{1});
  CHECK(log->epochs() == std::vector<std::pair<Epoch, Lsn>>{{Epoch{1}, Lsn{1}}});
  CHECK(log->known_committed() == Lsn{});
  CHECK(operations_from(*log).empty());
}

TEST_CASE("commit_log: what was synced is there after a crash that loses the rest",
          "[engine][log]") {
  SimulatedFileSystem disk;
  const CommitLogOptions options = make_log_directory(disk);
  LogTail synced;
  {
    const auto log = open_log(options);
    append_synced(*log, "one");
    synced = append_synced(*log, "two");
    append_ok(*log, "lost");
  }
  disk.crash_losing_all();
  const auto log = open_log(options);
  CHECK(log->tail().position == synced.position);
  CHECK(log->tail().hash == synced.hash);
  CHECK(operations_from(*log) == std::vector<std::string>{"one", "two"});
  append_synced(*log, "three");
  CHECK(operations_from(*log) == std::vector<std::string>{"one", "two", "three"});
}

TEST_CASE("commit_log: entries carry what was handed over", "[engine][log]") {
  SimulatedFileSystem disk;
  const CommitLogOptions options = make_log_directory(disk);
  const std::string compressible(10'000, 'x');
  LogTail first;
  LogTail second;
  {
    const auto log = open_log(options);
    first = append_synced(*log, "first");
    EntryDraft draft;
    draft.kind = EntryKind::kErase;
    draft.time = Time{1'700'000'000'000'000};
    draft.committed = Lsn{1};
    draft.tenants = {TenantId{3}, TenantId{9}};
    draft.operations = compressible;
    const Result<LogTail> tail = log->append(draft);
    REQUIRE(tail);
    second = *tail;
    REQUIRE(log->sync().ok());
    CHECK(log->stats().appended_bytes < 1000);
    CHECK(log->stats().appended_raw_bytes == 10'005);
  }
  const auto log = open_log(options);
  CHECK(log->known_committed() == Lsn{1});
  auto reader = log->reader(Lsn{2});
  REQUIRE(reader);
  const auto entry = (*reader)->next();
  REQUIRE(entry);
  REQUIRE(*entry != nullptr);
  const LogEntry& read = **entry;
  CHECK(read.kind == EntryKind::kErase);
  CHECK(read.position == LogPosition{Epoch{1}, Lsn{2}});
  CHECK(read.hash == second.hash);
  CHECK(read.previous_hash == first.hash);
  CHECK(read.committed == Lsn{1});
  CHECK(read.synced == Lsn{1});
  CHECK(read.time == Time{1'700'000'000'000'000});
  CHECK(read.tenants == std::vector<TenantId>{TenantId{3}, TenantId{9}});
  CHECK(read.operations == compressible);
}

TEST_CASE("commit_log: time never steps back (A2)", "[engine][log]") {
  SimulatedFileSystem disk;
  const CommitLogOptions options = make_log_directory(disk);
  {
    const auto log = open_log(options);
    CHECK(log->append(draft_of("a", 500))->time == Time{500});
    CHECK(log->append(draft_of("b", 400))->time == Time{500});
    REQUIRE(log->sync().ok());
  }
  const auto log = open_log(options);
  CHECK(log->append(draft_of("c", 499))->time == Time{500});
  CHECK(log->append(draft_of("d", 501))->time == Time{501});
}

TEST_CASE("commit_log: entries go on in new segments, the large ones in their own",
          "[engine][log]") {
  SimulatedFileSystem disk;
  const CommitLogOptions options = make_log_directory(disk);
  std::vector<std::string> expected;
  {
    const auto log = open_log(options);
    for (int i = 0; i < 30; ++i) {
      expected.push_back(std::string(1500, static_cast<char>('a' + i % 26)));
      append_ok(*log, expected.back());
      if (i % 7 == 3) REQUIRE(log->prepare_next_segment().ok());
    }
    std::string large;
    for (int i = 0; large.size() < 3 * kSmallSegmentBytes; ++i) {
      append_le64(large, 0x9e3779b97f4a7c15ULL * static_cast<std::uint64_t>(i));
    }
    expected.push_back(large);
    append_ok(*log, large);
    expected.push_back("after");
    append_ok(*log, "after");
    REQUIRE(log->sync().ok());
    CHECK(log->stats().segments > 4);
    CHECK(operations_from(*log) == expected);
  }
  disk.crash_losing_all();
  const auto log = open_log(options);
  CHECK(operations_from(*log) == expected);
}

TEST_CASE("commit_log: an entry above the limit is refused and costs nothing", "[engine][log]") {
  SimulatedFileSystem disk;
  const auto log = open_log(make_log_directory(disk));
  // Never read: only its size counts.
  const std::string_view large("", kEntryPayloadBytesMax + 1);
  const auto refused = log->append(draft_of(large));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == StatusCode::kInvalidArgument);
  append_synced(*log, "fine");
}

}  // namespace clinicdb::engine::test
