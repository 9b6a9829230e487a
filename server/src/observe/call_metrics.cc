#include "observe/call_metrics.h"

#include <algorithm>
#include <numeric>

namespace clinicdb::server {

namespace {

using Count = std::atomic<std::uint64_t>;

void add_to(Count& count, std::uint64_t value) {
  // One writer: no read-modify-write is needed, only that readers see whole numbers.
  count.store(count.load(std::memory_order_relaxed) + value, std::memory_order_relaxed);
}

std::size_t bucket_of(std::uint64_t latency_us) {
  return static_cast<std::size_t>(
      std::lower_bound(kLatencyBoundsUs.begin(), kLatencyBoundsUs.end(), latency_us) -
      kLatencyBoundsUs.begin());
}

}  // namespace

struct CallMetrics::Cell {
  std::array<Count, kLatencyBuckets> latency{};
  std::array<Count, kStatusCodes> codes{};
  Count latency_us_sum{0};
  Count bytes_in{0};
  Count bytes_out{0};
};

std::uint64_t MethodCalls::calls() const {
  return std::accumulate(latency.begin(), latency.end(), std::uint64_t{0});
}

void MethodCalls::add(const MethodCalls& other) {
  for (std::size_t i = 0; i < latency.size(); ++i) latency[i] += other.latency[i];
  for (std::size_t i = 0; i < codes.size(); ++i) codes[i] += other.codes[i];
  latency_us_sum += other.latency_us_sum;
  bytes_in += other.bytes_in;
  bytes_out += other.bytes_out;
}

double MethodCalls::quantile_us(double part) const {
  const std::uint64_t all = calls();
  if (all == 0) return 0;
  const double wanted = part * static_cast<double>(all);
  double seen = 0;
  for (std::size_t i = 0; i < latency.size(); ++i) {
    const double here = static_cast<double>(latency[i]);
    if (here > 0 && seen + here >= wanted) {
      const double low = i == 0 ? 0 : kLatencyBoundsUs[i - 1];
      const double high = i < kLatencyBoundsUs.size() ? kLatencyBoundsUs[i] : low * 2;
      return low + (high - low) * (wanted - seen) / here;
    }
    seen += here;
  }
  return kLatencyBoundsUs.back();
}

CallMetrics::CallMetrics() = default;
CallMetrics::~CallMetrics() {
  for (const auto& cell : cells_) delete cell.load();
}

void CallMetrics::record(clinic::MethodId method, StatusCode code, std::int64_t latency_ns,
                         std::uint64_t bytes_in, std::uint64_t bytes_out) {
  if (clinic::find_method(method) == nullptr) method = clinic::METHOD_UNSPECIFIED;
  std::atomic<Cell*>& place = cells_[static_cast<std::size_t>(method)];
  Cell* cell = place.load(std::memory_order_relaxed);
  if (cell == nullptr) {
    cell = new Cell;
    place.store(cell, std::memory_order_release);
  }
  const auto latency_us = static_cast<std::uint64_t>(std::max<std::int64_t>(latency_ns, 0) / 1000);
  add_to(cell->latency[bucket_of(latency_us)], 1);
  add_to(cell->codes[std::min(static_cast<std::size_t>(code), kStatusCodes - 1)], 1);
  add_to(cell->latency_us_sum, latency_us);
  add_to(cell->bytes_in, bytes_in);
  add_to(cell->bytes_out, bytes_out);
}

std::vector<MethodCalls> CallMetrics::read() const {
  std::vector<MethodCalls> methods;
  for (std::size_t i = 0; i < cells_.size(); ++i) {
    const Cell* cell = cells_[i].load(std::memory_order_acquire);
    if (cell == nullptr) continue;
    MethodCalls calls;
    calls.method = static_cast<clinic::MethodId>(i);
    for (std::size_t b = 0; b < kLatencyBuckets; ++b)
      calls.latency[b] = cell->latency[b].load(std::memory_order_relaxed);
    for (std::size_t c = 0; c < kStatusCodes; ++c)
      calls.codes[c] = cell->codes[c].load(std::memory_order_relaxed);
    calls.latency_us_sum = cell->latency_us_sum.load(std::memory_order_relaxed);
    calls.bytes_in = cell->bytes_in.load(std::memory_order_relaxed);
    calls.bytes_out = cell->bytes_out.load(std::memory_order_relaxed);
    methods.push_back(calls);
  }
  return methods;
}

}  // namespace clinicdb::server
