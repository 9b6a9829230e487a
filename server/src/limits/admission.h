// Admission: whether a call may begin: before anything is allocated for it, each call takes a place
// in the server, in its tenant and in its user's rate. What a tenant can hold of the server is
// bounded (bulkhead), so that one that floods it leaves the others theirs.
//
//   std::shared_ptr<Load> tenant = admission.tenant(id), user = admission.user(id, "user:…");
//   Refusal refused = admission.admit(*tenant, *user, body_bytes, now_ns);
//   ... admission.release(*tenant, body_bytes);
//
// Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "clinicdb/base/ids.h"
#include "clinicdb/base/status.h"
#include "limits/token_bucket.h"

namespace clinicdb::server {

struct AdmissionLimits {
  std::uint64_t calls_in_flight_max = 16'384;  ///< of all
  std::uint64_t bytes_in_flight_max = std::uint64_t{256} << 20;
  /// Of one tenant, in percent of both.
  std::uint64_t tenant_share_percent = 50;
  /// Of an I/O thread's time, beside others, of a tenant that floods; 0: no turns are taken. Kept
  /// by FairTurns.
  std::uint64_t tenant_processor_percent = 0;
  std::uint64_t tenant_calls_per_second = 0;  ///< 0: without limit
  std::uint64_t user_calls_per_second = 0;
};

/// What one tenant, or one user, has under way and has used. Thread-safe.
class Load {
 public:
  Load(double per_second, double burst) : bucket_(per_second, burst) {}

  std::atomic<std::uint64_t> calls_in_flight{0};
  std::atomic<std::uint64_t> bytes_in_flight{0};
  // Since the start, for metrics.
  std::atomic<std::uint64_t> calls{0};
  std::atomic<std::uint64_t> refused{0};
  std::atomic<std::uint64_t> bytes_in{0};
  std::atomic<std::uint64_t> bytes_out{0};
  // Of tenants, by FairTurns.
  std::atomic<std::uint64_t> worked_ns{0};
  std::atomic<std::uint64_t> turns_held{0};
  std::atomic<std::uint64_t> held_ns{0};

 private:
  friend class Admission;
  std::mutex mutex_;
  TokenBucket bucket_;  // guarded by mutex_
};

struct Refusal {
  Status status;  ///< OK: admitted
  std::uint32_t retry_after_ms = 0;
};

class Admission {
 public:
  explicit Admission(const AdmissionLimits& limits) : limits_(limits) {}

  /// The same object for the same tenant as long as anybody holds it.
  std::shared_ptr<Load> tenant(TenantId tenant);
  std::shared_ptr<Load> user(TenantId tenant, const std::string& name);

  /// Takes a place for a call with a body of so many bytes, or says why not: kResourceExhausted
  /// when its own tenant or user has too much, kUnavailable when the server has.
  Refusal admit(Load& tenant, Load& user, std::uint64_t bytes, std::int64_t now_ns);
  /// REQUIRES: admitted with the same bytes.
  void release(Load& tenant, std::uint64_t bytes);

  std::uint64_t calls_in_flight() const { return calls_.load(std::memory_order_relaxed); }
  std::uint64_t bytes_in_flight() const { return bytes_.load(std::memory_order_relaxed); }

  /// For calls from now on.
  void set_limits(const AdmissionLimits& limits);
  AdmissionLimits limits() const;

  /// Visits the tenants that somebody holds.
  void for_each_tenant(const std::function<void(TenantId, const Load&)>& visit) const;

 private:
  std::atomic<std::uint64_t> calls_{0};
  std::atomic<std::uint64_t> bytes_{0};

  mutable std::mutex mutex_;
  // Guarded by mutex_.
  AdmissionLimits limits_;
  std::map<TenantId, std::shared_ptr<Load>> tenants_;  ///< kept: their counts are metrics
  std::map<std::pair<TenantId, std::string>, std::weak_ptr<Load>> users_;
  std::size_t users_swept_at_ = 1024;
};

}  // namespace clinicdb::server
