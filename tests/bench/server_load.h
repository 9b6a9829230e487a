// Load on a running server, through the protocol alone: so many connections, each with so many
// calls in flight, driven by a few threads with epoll. It costs little beside the server that it
// measures, as pgbench does, so that figures of both can stand beside each other.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "clinicdb/base/result.h"

namespace clinicdb::bench {

struct ServerLoadOptions {
  std::uint16_t port = 7400;  ///< of 127.0.0.1; the server takes operators from there
  int threads = 2;
  int connections = 64;
  int depth = 1;  ///< calls in flight on each connection
  double seconds = 3;
  std::uint64_t patients = 1000;
  std::uint64_t professionals = 20;
};

struct ServerFigures {
  std::string operation;
  double per_second = 0;
  double p50_us = 0;
  double p95_us = 0;
  double p99_us = 0;
  std::uint64_t errors = 0;
};

/// get, cpf, search, day, update, book, mix (40 get, 15 cpf, 15 day, 10 search, 10 update, 10
/// book); with "fresh-" before it a read asks the store and not the cache.
Result<std::vector<ServerFigures>> run_server_load(const ServerLoadOptions& options,
                                                   const std::vector<std::string>& operations);

}  // namespace clinicdb::bench
