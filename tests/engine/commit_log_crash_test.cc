// A property, on a disk that keeps any part of what was not synced: after a crash, everything that
// was synced is there with its hashes, and beyond it only a beginning of what was appended.
#include <catch2/catch.hpp>

#include "clinicdb/base/bytes.h"
#include "clinicdb/base/random.h"
#include "log_fixture.h"

namespace clinicdb::engine::test {
namespace {

using clinicdb::test::SimulatedFileSystem;

/// What the log must hold: the model.
struct Model {
  struct Entry {
    LogTail tail;
    std::string operations;
  };
  std::vector<Entry> entries;  ///< entries[i] has LSN first + i
  std::uint64_t first = 1;   ///< LSN of entries[0]; only ever 1: trimmed entries stay in the model
  std::uint64_t synced = 0;  ///< LSN
  std::uint64_t epoch = 1;
  std::uint64_t flushed = 0;  ///< what RocksDB is said to hold durably

  std::uint64_t last() const { return entries.size(); }
  const Entry& at(std::uint64_t lsn) const { return entries[lsn - 1]; }
};

std::string random_operations(Random& random) {
  // Some compress, some do not, some are larger than a segment.
  const std::uint64_t shape = random.below(20);
  std::size_t size = random.below(600);
  if (shape < 3) size = random.below(12'000);
  if (shape == 3) size = kSmallSegmentBytes + random.below(kSmallSegmentBytes);
  if (shape % 2 == 0) return std::string(size, static_cast<char>('a' + random.below(26)));
  std::string bytes;
  while (bytes.size() < size) append_le64(bytes, random.next());
  return bytes;
}

void step(CommitLog& log, Model& model, Random& random) {
  const std::uint64_t choice = random.below(100);
  if (choice < 60) {
    const std::string operations = random_operations(random);
    EntryDraft draft = draft_of(operations, static_cast<std::int64_t>(random.below(1000)));
    draft.committed = Lsn{model.synced};
    const auto tail = log.append(draft);
    REQUIRE(tail);
    model.entries.push_back({*tail, operations});
    // Rolling over syncs what stood before; the model claims no more than sync itself said.
  } else if (choice < 85) {
    REQUIRE(log.sync().ok());
    model.synced = model.last();
  } else if (choice < 89) {
    REQUIRE(log.prepare_next_segment().ok());
  } else if (choice < 92) {
    REQUIRE(log.begin_epoch(Epoch{++model.epoch}).ok());
    model.synced = model.last();
  } else if (choice < 95) {
    // A truncation never reaches below what RocksDB holds.
    const std::uint64_t keep = model.flushed + random.below(model.last() - model.flushed + 1);
    if (keep + 1 < log.stats().first.value) return;
    const LogPosition position = keep == 0 ? LogPosition{} : model.at(keep).tail.position;
    REQUIRE(log.truncate_above(position).ok());
    model.entries.resize(keep);
    model.synced = keep;
  } else {
    model.flushed =
        model.flushed + random.below(model.synced - std::min(model.synced, model.flushed) + 1);
    REQUIRE(log.trim(Lsn{model.flushed}, random.below(3) * kSmallSegmentBytes).ok());
  }
}

void check_against(CommitLog& log, const Model& model) {
  const std::uint64_t last = log.tail().position.lsn.value;
  REQUIRE(last >= model.synced);
  REQUIRE(last <= model.last());
  const std::uint64_t first = log.stats().first.value;
  REQUIRE(first <= model.flushed + 1);
  auto reader = log.reader(Lsn{first});
  REQUIRE(reader);
  for (std::uint64_t lsn = first; lsn <= last; ++lsn) {
    const auto entry = (*reader)->next();
    INFO("LSN " << lsn << " " << entry.status().to_string());
    REQUIRE(entry);
    REQUIRE(*entry != nullptr);
    REQUIRE((*entry)->position == model.at(lsn).tail.position);
    REQUIRE((*entry)->hash == model.at(lsn).tail.hash);
    REQUIRE((*entry)->time == model.at(lsn).tail.time);
    REQUIRE(((*entry)->operations == model.at(lsn).operations));
  }
  REQUIRE(*(*reader)->next() == nullptr);
  if (last > 0) REQUIRE(log.tail().hash == model.at(last).tail.hash);
}

CommitLogOptions with_applied(CommitLogOptions options, const Model& model) {
  if (model.flushed > 0) {
    options.applied = model.at(model.flushed).tail.position;
    options.applied_hash = model.at(model.flushed).tail.hash;
  }
  return options;
}

void run_lives(std::uint64_t seed, int lives) {
  INFO("seed " << seed);
  SeededRandom random(seed);
  SimulatedFileSystem disk;
  const CommitLogOptions options = make_log_directory(disk);
  Model model;
  for (int life = 0; life < lives; ++life) {
    INFO("life " << life);
    {
      const auto log = open_log(with_applied(options, model));
      check_against(*log, model);
      // What open has found is durable from now on (L1).
      model.entries.resize(log->tail().position.lsn.value);
      model.synced = model.last();
      REQUIRE(log->epoch() == Epoch{log->epochs().back().first});
      model.epoch = std::max(model.epoch, log->epoch().value);
      const std::uint64_t steps = random.below(40);
      for (std::uint64_t i = 0; i < steps; ++i) step(*log, model, random);
      // At any moment, opening a log is itself cut short as well.
      if (random.below(4) == 0) disk.power_off();
    }
    disk.crash(random);
    if (random.below(3) == 0) {
      // Cut short while opening.
      disk.faults().arm({.nth = 1 + random.below(40), .for_good = true, .written_fraction = 0.5});
      CommitLog::open(with_applied(options, model)).status().ignore("cut short");
      disk.faults().disarm();
      disk.crash(random);
    }
  }
}

TEST_CASE("commit_log: random lives and crashes keep what was synced, and a beginning of the rest",
          "[engine][log]") {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) run_lives(seed, 8);
}

TEST_CASE("commit_log: many more random lives", "[.slow][engine][log]") {
  for (std::uint64_t seed = 1000; seed < 4000; ++seed) run_lives(seed, 12);
}

TEST_CASE("commit_log: the control: with syncs that lie, the property does not hold",
          "[engine][log]") {
  bool caught = false;
  for (std::uint64_t seed = 1; seed <= 20 && !caught; ++seed) {
    SeededRandom random(seed);
    SimulatedFileSystem disk;
    const CommitLogOptions options = make_log_directory(disk);
    {
      const auto log = open_log(options);
      disk.lie_about_sync(".log");
      for (int i = 0; i < 5; ++i) append_synced(*log, "acknowledged");
    }
    disk.crash(random);
    const auto log = CommitLog::open(options);
    caught = !log || (*log)->tail().position.lsn < Lsn{5};
  }
  CHECK(caught);
}

}  // namespace
}  // namespace clinicdb::engine::test
