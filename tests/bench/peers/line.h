// Line: one connection to a server of whatever kind, with calls in flight on it; and the loop that
// drives many of them from two threads, as pgbench does, so that all servers meet equal callers.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/peers/calls.h"
#include "clinicdb/base/function_ref.h"
#include "clinicdb/base/result.h"

namespace clinicdb::bench {

/// Confined to one thread.
class Line {
 public:
  virtual ~Line() = default;
  virtual int descriptor() const = 0;
  /// Adds a call under the number of its slot; `flush` sends what was added.
  virtual Status add(std::uint32_t slot, const Call& call) = 0;
  virtual Status flush() = 0;
  /// Whether `receive` has something to take though the descriptor may never say so.
  virtual bool ready() const { return false; }
  /// Takes what has come, once the descriptor is readable, or it
  /// is ready(). `answered` may add calls.
  using Answered = FunctionRef<void(std::uint32_t slot, const Status& status)>;
  virtual Status receive(Answered answered) = 0;
};

struct LoadOptions {
  int threads = 2;
  int connections = 64;
  int depth = 1;  ///< calls in flight on each
  double seconds = 3;
  double warm_seconds = 0.3;  ///< before it, not counted
  std::uint64_t first_booking = 0;
};

struct Figures {
  double per_second = 0;
  double p50_us = 0;
  double p95_us = 0;
  double p99_us = 0;
  std::uint64_t errors = 0;
  std::string first_error;
  std::uint64_t next_booking = 0;
};

/// What one thread saw.
struct Seen {
  std::vector<float> latencies_us;
  std::uint64_t errors = 0;
  Status first_error;
  Status failure;  ///< why it ended early
  void error(const Status& status) {
    if (errors++ == 0) first_error = status;
  }
};
Result<Figures> figures_of(std::vector<Seen>& parts, double seconds, const Bookings& bookings);

/// The `index`-th connection of the load. May be called by several threads.
using OpenLine = std::function<Result<std::unique_ptr<Line>>(int index)>;
/// `tenant_of`: whose calls a connection makes; nullopt: anybody's.
using TenantOf = std::function<std::optional<std::uint32_t>(int index)>;
Result<Figures> run_lines(const LoadOptions& options, const Clinics& clinics,
                          std::optional<Operation> operation, const OpenLine& open,
                          const TenantOf& tenant_of);

/// A server that speaks ClinicDB's protocol. `fresh`: reads are from the store, not from its cache.
Result<std::unique_ptr<Line>> open_clinicdb_line(std::uint16_t port, std::uint32_t tenant,
                                                 bool fresh);

enum class PostgresMode : std::uint8_t {
  kDirect,     ///< prepared statements
  kRls,        ///< the same, in a transaction that says whose rows may be seen
  kUnprepared  ///< parsed each time, for poolers that know no prepared statements
};
/// `conninfo` as libpq takes it.
Result<std::unique_ptr<Line>> open_postgres_line(const std::string& conninfo, PostgresMode mode,
                                                 int depth);
/// One call at a time.
Result<std::unique_ptr<Line>> open_mariadb_line(std::uint16_t port, const std::string& database);
/// Of `bytes` bytes each way.
Result<std::unique_ptr<Line>> open_echo_line(std::uint16_t port, std::size_t bytes);

}  // namespace clinicdb::bench
