// CommitMeter: how long the stages of the commit groups took, and how many commands groups had.
// Two clock calls a stage and group, none a command, so that a lone caller does not feel it.
//
// Thread-safe.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "clinicdb/base/clock.h"
#include "clinicdb/engine/store_detail.h"

namespace clinicdb::engine {

class CommitMeter {
 public:
  explicit CommitMeter(const Clock& clock) : clock_(clock) {}

  std::int64_t now_ns() const { return clock_.monotonic_ns(); }
  void record(CommitStage stage, std::int64_t took_ns);
  /// Since `since_ns`; the end is the next stage's begin.
  std::int64_t record_since(CommitStage stage, std::int64_t since_ns);
  void record_group(std::size_t commands);
  /// Adds what was recorded so far to the detail's counts.
  void read(StoreDetail& detail) const;

 private:
  using Count = std::atomic<std::uint64_t>;
  struct Stage {
    std::array<Count, kStageBoundsUs.size() + 1> groups{};
    Count sum_ns{0};
  };

  const Clock& clock_;
  std::array<Stage, kCommitStages> stages_;
  std::array<Count, kGroupBounds.size() + 1> group_sizes_{};
  Count group_commands_{0};
};

}  // namespace clinicdb::engine
