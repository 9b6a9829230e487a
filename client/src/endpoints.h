// Endpoints: which of several servers the next call goes to: of those whose circuit is closed the
// one with the fewest calls outstanding. A circuit opens after some failures in a row, and lets one
// call through after a pause to see.
//
// Confined to one thread at a time; one for each lane.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "backoff.h"

namespace clinicdb::client {

struct BreakerSettings {
  std::uint32_t failures_max = 5;  ///< in a row, that open the circuit
  std::uint32_t pause_first_ms = 50;
  std::uint32_t pause_longest_ms = 5'000;
};

class Endpoints {
 public:
  /// REQUIRES: count > 0. `random` outlives it.
  Endpoints(std::size_t count, BreakerSettings settings, Random& random);

  /// The endpoint for a call; nullopt when no circuit is closed and no pause is over. Ties go to
  /// the one that was used longest ago. A half-open circuit is chosen before others, once.
  std::optional<std::size_t> choose(std::int64_t now_ns);
  /// The call that choose() gave to it was done, or gave a server's refusal: the server lives.
  void succeeded(std::size_t endpoint);
  /// Connecting failed, the connection was lost, or the server could not serve.
  void failed(std::size_t endpoint, std::int64_t now_ns);
  /// The call ended without a word about the server, such as one that was given up.
  void ended(std::size_t endpoint);

  std::size_t outstanding(std::size_t endpoint) const { return all_[endpoint].outstanding; }
  bool is_open(std::size_t endpoint) const { return all_[endpoint].open_until_ns != 0; }
  /// When the first of the open circuits lets a call through. REQUIRES: all are open.
  std::int64_t next_probe_ns() const;

 private:
  struct Endpoint {
    Backoff pause;
    std::size_t outstanding = 0;
    std::uint32_t failures = 0;      // in a row
    std::int64_t open_until_ns = 0;  // 0: the circuit is closed
    bool probing = false;            // half-open, its one call is under way
    std::uint64_t used = 0;
  };

  const BreakerSettings settings_;
  std::vector<Endpoint> all_;
  std::uint64_t uses_ = 0;
};

}  // namespace clinicdb::client
