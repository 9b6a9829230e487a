#include "commit/commit_meter.h"

#include <algorithm>
#include <numeric>

namespace clinicdb::engine {

namespace {

template <typename Bounds>
std::size_t bucket_of(const Bounds& bounds, std::uint64_t value) {
  return static_cast<std::size_t>(std::lower_bound(bounds.begin(), bounds.end(), value) -
                                  bounds.begin());
}

}  // namespace

std::string_view commit_stage_name(CommitStage stage) {
  constexpr std::array<std::string_view, kCommitStages> kNames{"execute", "append",  "sync",
                                                               "gate",    "publish", "apply"};
  return kNames[static_cast<std::size_t>(stage)];
}

std::uint64_t CommitStageTimes::count() const {
  return std::accumulate(groups.begin(), groups.end(), std::uint64_t{0});
}

double CommitStageTimes::quantile_us(double part) const {
  const double wanted = part * static_cast<double>(count());
  double seen = 0;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const auto here = static_cast<double>(groups[i]);
    if (here > 0 && seen + here >= wanted) {
      if (i == kStageBoundsUs.size()) break;
      const double low = i == 0 ? 0 : kStageBoundsUs[i - 1];
      return low + (kStageBoundsUs[i] - low) * (wanted - seen) / here;
    }
    seen += here;
  }
  return seen == 0 ? 0 : kStageBoundsUs.back();
}

void CommitMeter::record(CommitStage stage, std::int64_t took_ns) {
  Stage& at = stages_[static_cast<std::size_t>(stage)];
  const auto ns = static_cast<std::uint64_t>(std::max<std::int64_t>(took_ns, 0));
  // Rounded up, for a bound is the last value in its bucket.
  at.groups[bucket_of(kStageBoundsUs, (ns + 999) / 1000)].fetch_add(1, std::memory_order_relaxed);
  at.sum_ns.fetch_add(ns, std::memory_order_relaxed);
}

std::int64_t CommitMeter::record_since(CommitStage stage, std::int64_t since_ns) {
  const std::int64_t now = now_ns();
  record(stage, now - since_ns);
  return now;
}

void CommitMeter::record_group(std::size_t commands) {
  group_sizes_[bucket_of(kGroupBounds, commands)].fetch_add(1, std::memory_order_relaxed);
  group_commands_.fetch_add(commands, std::memory_order_relaxed);
}

void CommitMeter::read(StoreDetail& detail) const {
  for (std::size_t i = 0; i < kCommitStages; ++i) {
    for (std::size_t b = 0; b < stages_[i].groups.size(); ++b)
      detail.stages[i].groups[b] += stages_[i].groups[b].load(std::memory_order_relaxed);
    detail.stages[i].sum_ns += stages_[i].sum_ns.load(std::memory_order_relaxed);
  }
  for (std::size_t b = 0; b < group_sizes_.size(); ++b)
    detail.group_sizes[b] += group_sizes_[b].load(std::memory_order_relaxed);
  detail.group_commands += group_commands_.load(std::memory_order_relaxed);
}

}  // namespace clinicdb::engine
