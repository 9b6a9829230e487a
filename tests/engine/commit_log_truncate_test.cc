// Epochs, truncation, trimming and slots: L2, L5, L6.
#include <catch2/catch.hpp>

#include "clinicdb/base/bytes.h"
#include "log_fixture.h"

namespace clinicdb::engine::test {
namespace {

using clinicdb::test::SimulatedFileSystem;
using Strings = std::vector<std::string>;
using Epochs = std::vector<std::pair<Epoch, Lsn>>;

/// `count` entries of some 3,000 bytes: three a segment. Returns the tail after each, the empty one
/// first.
std::vector<LogTail> fill(CommitLog& log, Strings& operations, int count) {
  std::vector<LogTail> tails = {log.tail()};
  for (int i = 0; i < count; ++i) {
    operations.push_back(std::string(3000, static_cast<char>('a' + operations.size() % 26)));
    tails.push_back(append_synced(log, operations.back()));
  }
  return tails;
}

TEST_CASE("commit_log: epochs and where they begin are durable (L5)", "[engine][log]") {
  SimulatedFileSystem disk;
  const CommitLogOptions options = make_log_directory(disk);
  const Epochs expected = {
      {Epoch{1}, Lsn{1}}, {Epoch{3}, Lsn{3}}, {Epoch{7}, Lsn{3}}, {Epoch{8}, Lsn{4}}};
  {
    const auto log = open_log(options);
    append_synced(*log, "a");
    append_ok(*log, "b");
    REQUIRE(log->begin_epoch(Epoch{3}).ok());
    REQUIRE(log->begin_epoch(Epoch{7}).ok());
    CHECK(append_ok(*log, "c").position == LogPosition{Epoch{7}, Lsn{3}});
    REQUIRE(log->begin_epoch(Epoch{8}).ok());
    CHECK(log->epochs() == expected);
  }
  disk.crash_losing_all();
  const auto log = open_log(options);
  CHECK(log->epochs() == expected);
  CHECK(log->epoch() == Epoch{8});
  // begin_epoch has synced what stood before it.
  CHECK(operations_from(*log) == Strings{"a", "b", "c"});
  CHECK(append_ok(*log, "d").position == LogPosition{Epoch{8}, Lsn{4}});
}

TEST_CASE("commit_log: an entry missing below an epoch's beginning is data loss", "[engine][log]") {
  SimulatedFileSystem disk;
  const CommitLogOptions options = make_log_directory(disk);
  {
    const auto log = open_log(options);
    append_synced(*log, "a");
    append_synced(*log, "b");
    REQUIRE(log->begin_epoch(Epoch{2}).ok());
  }
  const std::vector<std::uint64_t> offsets = entry_offsets(whole_file(disk, segment_path(1)));
  overwrite(disk, segment_path(1), offsets[1], std::string(8, '\0'));
  require_data_loss(options, "epoch");
}

TEST_CASE("commit_log: truncation drops what is above and appending goes on (L2)",
          "[engine][log]") {
  SimulatedFileSystem disk;
  const CommitLogOptions options = make_log_directory(disk);
  const std::size_t keep = GENERATE(0, 1, 4, 5, 9, 10);
  Strings operations;
  LogTail expected;
  {
    const auto log = open_log(options);
    const std::vector<LogTail> tails = fill(*log, operations, 10);
    expected = tails[keep];
    REQUIRE(log->truncate_above(expected.position).ok());
    CHECK(log->tail().position == expected.position);
    operations.resize(keep);
    CHECK(operations_from(*log) == operations);
    // Shorter entries: what the old ones left behind them must be zero.
    for (int i = 0; i < 3; ++i) {
      operations.push_back("new " + std::to_string(i));
      append_synced(*log, operations.back());
    }
    CHECK(operations_from(*log) == operations);
  }
  disk.crash_losing_all();
  const auto log = open_log(options);
  CHECK(operations_from(*log) == operations);
  CHECK(log->stats().cut_bytes == 0);
}

TEST_CASE("commit_log: truncation takes along the epochs above", "[engine][log]") {
  SimulatedFileSystem disk;
  const CommitLogOptions options = make_log_directory(disk);
  {
    const auto log = open_log(options);
    append_synced(*log, "a");
    REQUIRE(log->begin_epoch(Epoch{2}).ok());
    append_synced(*log, "b");
    REQUIRE(log->begin_epoch(Epoch{3}).ok());
    append_synced(*log, "c");
    REQUIRE(log->truncate_above({Epoch{2}, Lsn{2}}).ok());
    CHECK(log->epochs() == Epochs{{Epoch{1}, Lsn{1}}, {Epoch{2}, Lsn{2}}});
    REQUIRE(log->begin_epoch(Epoch{5}).ok());
    append_synced(*log, "d");
  }
  const auto log = open_log(options);
  CHECK(log->epochs() == Epochs{{Epoch{1}, Lsn{1}}, {Epoch{2}, Lsn{2}}, {Epoch{5}, Lsn{3}}});
  CHECK(operations_from(*log) == Strings{"a", "b", "d"});
  REQUIRE(log->truncate_above({}).ok());
  CHECK(log->epochs() == Epochs{{Epoch{1}, Lsn{1}}});
  CHECK(operations_from(*log).empty());
}

TEST_CASE("commit_log: truncation above what is not in the log is refused and changes nothing",
          "[engine][log]") {
  SimulatedFileSystem disk;
  const CommitLogOptions options = make_log_directory(disk);
  const auto log = open_log(options);
  Strings operations;
  fill(*log, operations, 10);
  CHECK(log->truncate_above({Epoch{1}, Lsn{11}}).code() == StatusCode::kOutOfRange);
  CHECK(log->truncate_above({Epoch{2}, Lsn{5}}).code() == StatusCode::kFailedPrecondition);
  REQUIRE(log->trim(Lsn{10}, 0).ok());
  CHECK(log->truncate_above({Epoch{1}, Lsn{2}}).code() == StatusCode::kOutOfRange);
  CHECK(operations_from(*log, Lsn{10}) == Strings{operations[9]});
  append_synced(*log, "fine");
}

TEST_CASE("commit_log: a truncation cut short anywhere is finished or has not begun",
          "[engine][log]") {
  const std::size_t keep = GENERATE(1, 3, 6);
  bool finished = false;
  std::uint64_t begun = 0;
  for (std::uint64_t nth = 1; !finished; ++nth) {
    for (std::uint64_t seed = 0; seed < 3; ++seed) {
      INFO("operation " << nth << " seed " << seed);
      SimulatedFileSystem disk;
      const CommitLogOptions options = make_log_directory(disk);
      Strings operations;
      {
        const auto log = open_log(options);
        const std::vector<LogTail> tails = fill(*log, operations, 10);
        disk.faults().arm({.nth = nth, .for_good = true, .written_fraction = 0.5});
        const Status status = log->truncate_above(tails[keep].position);
        disk.faults().disarm();
        finished = status.ok();
        // L7: nothing is written any more. (Refusals before the first write are no failure.)
        if (!finished) CHECK_FALSE(log->append(draft_of("x")).has_value());
      }
      SeededRandom random(nth * 1000 + seed);
      disk.crash(random);
      const auto log = open_log(options);
      const Strings now = operations_from(*log);
      if (now.size() == keep) {
        operations.resize(keep);
        ++begun;
      }
      REQUIRE(now == operations);
      if (finished) REQUIRE(now.size() == keep);
      append_synced(*log, "goes on");
      operations.emplace_back("goes on");
      REQUIRE(operations_from(*open_log(options)) == operations);
    }
  }
  CHECK(begun > 3);
}

TEST_CASE("commit_log: trimming removes whole segments below what is flushed (L6)",
          "[engine][log]") {
  SimulatedFileSystem disk;
  CommitLogOptions options = make_log_directory(disk);
  Strings operations;
  std::vector<LogTail> tails;
  const auto log = open_log(options);
  tails = fill(*log, operations, 14);  // three a segment
  REQUIRE(log->stats().segments == 5);
  REQUIRE(log->stats().first == Lsn{1});

  SECTION("not one whose entries are not all flushed") {
    REQUIRE(log->trim(Lsn{2}, 0).ok());
    CHECK(log->stats().first == Lsn{1});
    REQUIRE(log->trim(Lsn{3}, 0).ok());
    CHECK(log->stats().first == Lsn{4});
  }
  SECTION("never the last one") {
    REQUIRE(log->trim(Lsn{14}, 0).ok());
    CHECK(log->stats().segments == 1);
    CHECK(log->stats().first == Lsn{13});
  }
  SECTION("not below a slot") {
    log->set_slot("follower", Lsn{7});
    log->set_slot("archive", Lsn{10});
    REQUIRE(log->trim(Lsn{14}, 0).ok());
    CHECK(log->stats().first == Lsn{7});
    CHECK(operations_from(*log, Lsn{7}).size() == 8);
    log->set_slot("follower", Lsn{13});
    REQUIRE(log->trim(Lsn{14}, 0).ok());
    CHECK(log->stats().first == Lsn{10});
    log->drop_slot("archive");
    REQUIRE(log->trim(Lsn{14}, 0).ok());
    CHECK(log->stats().first == Lsn{13});
  }
  SECTION("a slot at 0 pins everything") {
    log->set_slot("new", Lsn{});
    REQUIRE(log->trim(Lsn{14}, 0).ok());
    CHECK(log->stats().first == Lsn{1});
  }
  SECTION("not more than is to be kept") {
    const std::uint64_t retained = log->stats().retained_bytes;
    REQUIRE(log->trim(Lsn{14}, retained).ok());
    CHECK(log->stats().first == Lsn{1});
    REQUIRE(log->trim(Lsn{14}, retained - 1).ok());
    CHECK(log->stats().first == Lsn{4});
  }
  // A reader of what is gone is told so, and the rest opens with what RocksDB must hold by then.
  const Lsn first = log->stats().first;
  if (first > Lsn{1}) {
    CHECK(log->reader(Lsn{1}).status().code() == StatusCode::kOutOfRange);
    require_data_loss(options, "begins at LSN");
    // Just enough: the entry before the first one.
    options.applied = tails[first.value - 1].position;
    options.applied_hash = tails[first.value - 1].hash;
  }
  disk.crash_losing_all();
  const auto again = open_log(options);
  CHECK(again->stats().first == first);
  CHECK(
      operations_from(*again, first) ==
      Strings(operations.begin() + static_cast<std::ptrdiff_t>(first.value - 1), operations.end()));
  if (first > Lsn{1}) {
    options.applied_hash ^= 1;
    require_data_loss(options, "not the one");
  }
}

TEST_CASE("commit_log: trimming cut short anywhere leaves no gap", "[engine][log]") {
  for (std::uint64_t nth = 1; nth <= 9; ++nth) {
    for (std::uint64_t seed = 0; seed < 4; ++seed) {
      SimulatedFileSystem disk;
      CommitLogOptions options = make_log_directory(disk);
      Strings operations;
      {
        const auto log = open_log(options);
        const std::vector<LogTail> tails = fill(*log, operations, 14);
        disk.faults().arm({.nth = nth, .for_good = true});
        log->trim(Lsn{14}, 0).ignore("it may fail");
        disk.faults().disarm();
        options.applied = tails[12].position;
        options.applied_hash = tails[12].hash;
      }
      SeededRandom random(nth * 1000 + seed);
      disk.crash(random);
      const auto log = open_log(options);
      REQUIRE(log->tail().position.lsn == Lsn{14});
      REQUIRE(operations_from(*log, log->stats().first).size() == 15 - log->stats().first.value);
    }
  }
}

TEST_CASE("commit_log: truncation just before the first entry that trimming has left",
          "[engine][log]") {
  SimulatedFileSystem disk;
  CommitLogOptions options = make_log_directory(disk);
  Strings operations;
  const auto log = open_log(options);
  const std::vector<LogTail> tails = fill(*log, operations, 8);
  REQUIRE(log->trim(Lsn{3}, 0).ok());
  REQUIRE(log->stats().first == Lsn{4});
  REQUIRE(log->truncate_above(tails[3].position).ok());
  CHECK(log->tail().hash == tails[3].hash);
  CHECK(append_synced(*log, "x").position.lsn == Lsn{4});
  options.applied = tails[3].position;
  options.applied_hash = tails[3].hash;
  CHECK(operations_from(*open_log(options), Lsn{4}) == Strings{"x"});
}

}  // namespace
}  // namespace clinicdb::engine::test
