// StoreDetail: what operators see of a store beyond StoreStats: where its commits' time goes, how
// large their groups are, and how RocksDB does. Counts are of this process and only grow.
//
//   const StoreDetail detail = store_detail(store);
//   const CommitStageTimes& sync = detail.stage(CommitStage::kSync);
//
// Reading it takes no lock that a commit waits for.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "clinicdb/engine/store.h"

namespace clinicdb::engine {

/// A commit group's way (Pipeline). Each stage's time is one group's: its commands' execution
/// without the waits between them, the append, the sync, the wait for the gate behind the sync, the
/// marking of cache tags with the publishing of the view, and the insert into RocksDB.
enum class CommitStage : std::uint8_t { kExecute, kAppend, kSync, kGate, kPublish, kApply };
constexpr std::size_t kCommitStages = static_cast<std::size_t>(CommitStage::kApply) + 1;
std::string_view commit_stage_name(CommitStage stage);

/// Upper bounds of the stages' buckets, in microseconds; a last one has the rest.
constexpr std::array<std::uint32_t, 18> kStageBoundsUs{
    1,     2,     5,      10,     25,     50,      100,     250,       500,
    1'000, 2'500, 10'000, 25'000, 50'000, 100'000, 250'000, 1'000'000, 10'000'000};
/// And of the groups' sizes, in commands; again a last one has the rest.
constexpr std::array<std::uint32_t, 11> kGroupBounds{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024};

struct CommitStageTimes {
  std::array<std::uint64_t, kStageBoundsUs.size() + 1> groups{};
  std::uint64_t sum_ns = 0;

  std::uint64_t count() const;
  /// The time that this part of the groups stayed below, in microseconds, within its bucket by
  /// proportion; 0 without groups.
  double quantile_us(double part) const;
};

struct StoreDetail {
  std::array<CommitStageTimes, kCommitStages> stages;
  std::array<std::uint64_t, kGroupBounds.size() + 1> group_sizes{};
  std::uint64_t group_commands = 0;  ///< in all these groups

  // RocksDB, as of now; 0 once the store is closed.
  std::uint64_t memtable_bytes = 0;
  std::uint64_t memtables_unflushed = 0;  ///< full, and not yet in a file
  std::uint64_t block_cache_bytes = 0;
  std::uint64_t flushes_running = 0;
  std::uint64_t compactions_running = 0;
  std::uint64_t compaction_pending_bytes = 0;
  std::uint64_t writes_stopped = 0;  ///< 1 while RocksDB takes no writes, and commits wait
  std::uint64_t background_errors = 0;

  const CommitStageTimes& stage(CommitStage which) const {
    return stages[static_cast<std::size_t>(which)];
  }
};

/// REQUIRES: opened by Store::open.
StoreDetail store_detail(Store& store);

}  // namespace clinicdb::engine
