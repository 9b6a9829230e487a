// CallMetrics: how many calls of each method there were, how they ended and how long they took.
// Written by one thread, without a lock; read by any.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "clinicdb/base/status.h"
#include "clinicdb/clinic/methods.h"

namespace clinicdb::server {

/// Upper bounds of the latency buckets, in microseconds; a last one has the rest.
constexpr std::array<std::uint32_t, 20> kLatencyBoundsUs{
    10,      25,        50,        100,       250,        500,       1'000,
    2'500,   5'000,     10'000,    25'000,    50'000,     100'000,   250'000,
    500'000, 1'000'000, 2'500'000, 5'000'000, 10'000'000, 30'000'000};
constexpr std::size_t kLatencyBuckets = kLatencyBoundsUs.size() + 1;
constexpr std::size_t kStatusCodes = static_cast<std::size_t>(StatusCode::kUnauthenticated) + 1;

/// Counts as read at one moment, of one method.
struct MethodCalls {
  clinic::MethodId method = clinic::METHOD_UNSPECIFIED;
  std::array<std::uint64_t, kLatencyBuckets> latency{};
  std::array<std::uint64_t, kStatusCodes> codes{};
  std::uint64_t latency_us_sum = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;

  std::uint64_t calls() const;
  void add(const MethodCalls& other);
  /// The latency that this part of the calls stayed below, within its bucket by proportion; 0
  /// without calls.
  double quantile_us(double part) const;
};

class CallMetrics {
 public:
  CallMetrics();
  ~CallMetrics();
  CallMetrics(const CallMetrics&) = delete;
  CallMetrics& operator=(const CallMetrics&) = delete;

  /// A number that is no method's is counted as METHOD_UNSPECIFIED. By the one writer only.
  void record(clinic::MethodId method, StatusCode code, std::int64_t latency_ns,
              std::uint64_t bytes_in, std::uint64_t bytes_out);
  /// Methods that were called, by number. By any thread.
  std::vector<MethodCalls> read() const;

 private:
  struct Cell;
  std::array<std::atomic<Cell*>, clinic::kMethodIdsMax> cells_{};
};

}  // namespace clinicdb::server
