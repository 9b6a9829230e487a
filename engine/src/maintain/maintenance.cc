#include "maintain/maintenance.h"

#include <chrono>

#include "clinicdb/base/bytes.h"
#include "maintain/index_builder.h"
#include "store/layout.h"
#include "store/limits.h"
#include "store/store_impl.h"

namespace clinicdb::engine {

namespace {
// Short against the time in which a segment fills at full write speed, long against what a round
// costs.
constexpr std::chrono::milliseconds kRoundEvery{25};
constexpr std::int64_t kPurgeEveryUs = std::int64_t{60} * 1'000'000;
constexpr std::size_t kSamplesMax = 4096;
}  // namespace

void Maintenance::start() {
  thread_ = std::thread([this] { run(); });
}

void Maintenance::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void Maintenance::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    // A failed shard says so by its state; the round's own error has nobody else to go to.
    round().ignore(
        "kept in the store's state when it stops the shard; tried again next round otherwise");
    lock.lock();
    wake_.wait_for(lock, kRoundEvery, [this] { return stopping_; });
  }
}

Status Maintenance::round() {
  const std::lock_guard lock(round_mutex_);
  Status first = store_.log().prepare_next_segment();
  const auto keep = [&first](Status status) {
    if (first.ok()) first = std::move(status);
  };
  keep(bound_replay());
  keep(store_.index_builder().step());
  keep(purge_requests());
  keep(reclaim_erased());
  return first;
}

std::uint64_t Maintenance::unflushed_bytes() const {
  const std::lock_guard lock(mutex_);
  return applied_bytes_ - flushed_bytes_;
}

void Maintenance::erased(TenantId tenant) {
  const std::lock_guard lock(mutex_);
  erased_.push_back(tenant);
}

// The replay after a crash applies what RocksDB had not flushed. Its memtables bound that already;
// this bounds it for stores that write little, and lets the log be trimmed.
Status Maintenance::bound_replay() {
  const Lsn published = store_.published_lsn();
  if (published == seen_ && trimmed_ == seen_) return Status();
  seen_ = published;
  const std::uint64_t applied = store_.pipeline().stats().operations_bytes;
  ASSIGN_OR_RETURN(const AppliedMark flushed, store_.kv().flushed());
  const Lsn flushed_lsn = flushed.position.lsn;
  std::uint64_t unflushed = 0;
  {
    const std::lock_guard lock(mutex_);
    applied_bytes_ = applied;
    samples_.push_back({published.value, applied});
    while (!samples_.empty() && samples_.front().lsn <= flushed_lsn.value) {
      flushed_bytes_ = samples_.front().operations_bytes;
      samples_.pop_front();
    }
    if (samples_.size() > kSamplesMax)
      samples_.erase(samples_.begin() + 1, samples_.begin() + kSamplesMax / 2);
    unflushed = applied_bytes_ - flushed_bytes_;
  }
  // One flush at a time: asking again while one runs would cut the memtable into slivers.
  if (unflushed > store_.options().replay_bytes_max && flushed_lsn >= flush_asked_) {
    flush_asked_ = published;
    RETURN_IF_ERROR(store_.kv().flush(false));
  }
  if (flushed_lsn == trimmed_) return Status();
  RETURN_IF_ERROR(store_.pipeline().with_log(
      [&] { return store_.log().trim(flushed_lsn, store_.options().log_retained_bytes); }));
  trimmed_ = flushed_lsn;
  return Status();
}

// Request ids beyond the window can never be asked for again (R1). One tenant a round, one bounded
// step.
Status Maintenance::purge_requests() {
  const std::int64_t now = store_.options().clock->now().us;
  if (now < next_purge_us_ || !store_.check_writable().ok()) return Status();
  ASSIGN_OR_RETURN(const std::vector<TenantInfo> tenants, store_.list_tenants());
  if (purge_tenant_ >= tenants.size()) {
    purge_tenant_ = 0;
    next_purge_us_ = now + kPurgeEveryUs;
    return Status();
  }
  const TenantId tenant = tenants[purge_tenant_].id;
  ASSIGN_OR_RETURN(const std::size_t purged, purge_old_requests(store_, tenant, now));
  if (purged < kMaintenanceStepRecords) ++purge_tenant_;
  return Status();
}

Status Maintenance::reclaim_erased() {
  std::vector<TenantId> erased;
  {
    const std::lock_guard lock(mutex_);
    erased.swap(erased_);
  }
  for (const TenantId tenant : erased) {
    // Range tombstones slow every read over them: gone at once (docs/ARCHITECTURE.md, "RocksDB").
    RETURN_IF_ERROR(store_.kv().compact(layout::tenant_begin(tenant), layout::tenant_end(tenant)));
  }
  return Status();
}

}  // namespace clinicdb::engine
