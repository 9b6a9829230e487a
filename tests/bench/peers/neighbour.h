// What one tenant's flood does to another tenant's calls.
#pragma once

#include <string>
#include <vector>

#include "bench/peers/line.h"

namespace clinicdb::bench {

struct NeighbourOptions {
  std::uint16_t port = 0;
  LoadOptions neighbour{.threads = 1, .connections = 4, .depth = 1};
  LoadOptions flood{.threads = 1, .connections = 64, .depth = 16};
  int rounds = 3;
};

/// Of one pair of operations, medians over the rounds.
struct NeighbourFigures {
  double alone_p99_us = 0;
  double flooded_p99_us = 0;
  double flood_per_second = 0;  ///< answers, refusals among them
  double flood_refused_per_second = 0;
  double ratio() const { return alone_p99_us > 0 ? flooded_p99_us / alone_p99_us : 0; }
};

/// The neighbour's calls alone, then while the other tenant floods, in turns. The server has at
/// least two tenants.
Result<NeighbourFigures> measure_neighbour(const NeighbourOptions& options, const Clinics& clinics,
                                           Operation calls, Operation flood);

}  // namespace clinicdb::bench
