// Maintenance: what a store does beside its callers, in bounded rounds: makes the next log segment
// ready, keeps the replay short (flush rule), trims the log (L6), builds indexes, forgets old
// request ids, reclaims the space of erased tenants. One thread, or none and rounds by hand.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "clinicdb/base/ids.h"
#include "clinicdb/base/status.h"

namespace clinicdb::engine {

class StoreImpl;

/// Thread-safe.
class Maintenance {
 public:
  /// The store outlives it.
  explicit Maintenance(StoreImpl& store) : store_(store) {}
  ~Maintenance() { stop(); }

  void start();
  /// Ends the thread after its current step. May be called again.
  void stop();
  /// One round. An error is the first of the round's; the other tasks ran all the same.
  Status round();
  /// Bytes of operations that a replay would have to apply.
  std::uint64_t unflushed_bytes() const;
  /// Reclaim this tenant's space when there is time.
  void erased(TenantId tenant);

 private:
  void run();
  Status bound_replay();
  Status purge_requests();
  Status reclaim_erased();

  StoreImpl& store_;
  std::mutex round_mutex_;  ///< one round at a time

  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
  struct Sample {
    std::uint64_t lsn;
    std::uint64_t operations_bytes;
  };
  std::deque<Sample> samples_;  ///< how many bytes were applied by which LSN; oldest first
  std::uint64_t applied_bytes_ = 0;
  std::uint64_t flushed_bytes_ = 0;
  std::vector<TenantId> erased_;

  // Guarded by round_mutex_.
  Lsn seen_;
  Lsn trimmed_;
  Lsn flush_asked_;
  std::size_t purge_tenant_ = 0;
  std::int64_t next_purge_us_ = 0;
};

}  // namespace clinicdb::engine
