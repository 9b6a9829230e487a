// ActiveTenants: what the I/O threads tell each other for FairTurns: which tenants worked last, on
// whichever thread, and how much of a thread's time one of them may have beside others.
//
// Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <mutex>

#include "clinicdb/base/ids.h"

namespace clinicdb::server {

/// The two tenants that worked last: enough to tell of any tenant whether another one did.
class LastTwo {
 public:
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::min() / 2;

  void saw(TenantId tenant, std::int64_t now_ns);
  void saw(const LastTwo& others);
  /// When a tenant that is not this one was last seen; kNever: not at all.
  std::int64_t other_than(TenantId tenant) const {
    return last_.tenant == tenant ? before_.at_ns : last_.at_ns;
  }

 private:
  struct Seen {
    TenantId tenant;
    std::int64_t at_ns = kNever;
  };
  Seen last_;
  Seen before_;  // of another tenant, and not later
};

class ActiveTenants {
 public:
  explicit ActiveTenants(std::uint64_t percent) : percent_(percent) {}

  /// Adds what one thread saw, and returns what all did.
  LastTwo exchange(const LastTwo& seen);

  /// Of an I/O thread's time, that one tenant may have while another one works, too; 0: no turns
  /// are taken at all, and whoever comes first works first.
  std::uint64_t percent() const { return percent_.load(std::memory_order_relaxed); }
  void set_percent(std::uint64_t percent) { percent_.store(percent, std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> percent_;
  std::mutex mutex_;
  LastTwo seen_;  // guarded by mutex_
};

}  // namespace clinicdb::server
