// Which bucket a time and a group's size fall into, and what is read back.
#include "commit/commit_meter.h"

#include <catch2/catch.hpp>

namespace clinicdb::engine {

TEST_CASE("commit_meter: a bound is the last value of its bucket", "[engine]") {
  FakeClock clock;
  CommitMeter meter(clock);
  meter.record(CommitStage::kSync, 50'000);
  meter.record(CommitStage::kSync, 50'001);
  meter.record(CommitStage::kSync, 11'000'000'000);
  meter.record(CommitStage::kSync, -5);  // a clock that stood still or stepped
  meter.record_group(1);
  meter.record_group(3);
  meter.record_group(1024);
  meter.record_group(1030);
  StoreDetail detail;
  meter.read(detail);
  const CommitStageTimes& sync = detail.stage(CommitStage::kSync);
  CHECK(sync.count() == 4);
  CHECK(sync.groups[0] == 1);
  REQUIRE(kStageBoundsUs[5] == 50);
  CHECK(sync.groups[5] == 1);
  CHECK(sync.groups[6] == 1);
  CHECK(sync.groups.back() == 1);
  CHECK(sync.sum_ns == 11'000'100'001);
  CHECK(detail.stage(CommitStage::kAppend).count() == 0);
  CHECK(detail.group_sizes[0] == 1);
  CHECK(detail.group_sizes[2] == 1);
  CHECK(detail.group_sizes[kGroupBounds.size() - 1] == 1);
  CHECK(detail.group_sizes.back() == 1);
  CHECK(detail.group_commands == 1 + 3 + 1024 + 1030);
}

TEST_CASE("commit_meter: a stage ends where the next one begins", "[engine]") {
  FakeClock clock;
  CommitMeter meter(clock);
  const std::int64_t begun = meter.now_ns();
  clock.advance_us(20);
  const std::int64_t appended = meter.record_since(CommitStage::kAppend, begun);
  clock.advance_us(300);
  meter.record_since(CommitStage::kSync, appended);
  StoreDetail detail;
  meter.read(detail);
  CHECK(detail.stage(CommitStage::kAppend).sum_ns == 20'000);
  CHECK(detail.stage(CommitStage::kSync).sum_ns == 300'000);
  CHECK(detail.stage(CommitStage::kSync).quantile_us(0.5) > 250);
  CHECK(detail.stage(CommitStage::kSync).quantile_us(1) == 500);
  CHECK(detail.stage(CommitStage::kGate).quantile_us(0.5) == 0);
}

}  // namespace clinicdb::engine
