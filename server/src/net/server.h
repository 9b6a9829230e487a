// Server: a clinic, served over the network: one port, some I/O threads, two threads that commit,
// and a pool for what blocks.
//
//   I/O threads   connections; reads that memory can answer; parsing and checking of writes
//   leaders       the commit pipeline's two roles (engine/store.h, lead_commits)
//   pool          reads from the disk, rare and slow methods
//   stream pool   imports and exports, each for as long as it lasts
//
//   Result<std::unique_ptr<Server>> server = Server::start(clinic, std::move(options));
//   ... (*server)->stop();      // no call that was begun is lost
//
// Thread-safe.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "auth/authenticator.h"
#include "clinicdb/base/result.h"
#include "clinicdb/clinic/clinic.h"
#include "limits/address_gate.h"
#include "limits/admission.h"
#include "net/protocol_session.h"
#include "net/service_parts.h"
#include "net/tls.h"
#include "net/work_pool.h"
#include "observe/call_metrics.h"
#include "observe/log.h"

namespace clinicdb::server {

struct ServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 7400;   ///< 0: any that is free
  std::size_t io_threads = 0;  ///< 0: one a core
  std::size_t pool_threads = 8;
  /// Imports and exports that run at once, of all tenants; the others wait for their turn.
  std::size_t stream_threads = 4;
  TlsFiles tls;
  AdmissionLimits admission;
  AddressLimits addresses;
  SessionRules session;
  std::shared_ptr<const AuthPolicy> auth;
  std::int64_t slow_us = 100'000;
  std::int64_t drain_us_max = 30'000'000;
};

/// What a running server may be told anew.
struct ServerChanges {
  TlsFiles tls;
  AdmissionLimits admission;
  AddressLimits addresses;
  std::shared_ptr<const AuthPolicy> auth;
  std::int64_t slow_us = 100'000;
};

struct ServerStats {
  std::size_t io_threads = 0;
  std::size_t connections = 0;
  AddressGate::Counts addresses;
  AdmissionLimits admission_limits;
  AddressLimits address_limits;
  std::uint64_t calls_in_flight = 0;
  std::uint64_t bytes_in_flight = 0;
  WorkPool::Stats pool;
  std::vector<MethodCalls> methods;  ///< by number
  std::vector<SlowCall> slow;        ///< newest first
  bool draining = false;
};

class Server {
 public:
  /// Binds, and serves from then on. `clinic`, `log` and `clock` outlive the server. Errors name
  /// the address or the file.
  static Result<std::unique_ptr<Server>> start(clinic::Clinic& clinic, ServerOptions options,
                                               Log& log, const Clock& clock);
  virtual ~Server() = default;

  virtual std::uint16_t port() const = 0;
  /// For connections and calls from now on. An error changes nothing.
  virtual Status change(const ServerChanges& changes) = 0;
  /// Takes no new connections and calls, answers those in flight, and ends: at the latest after
  /// drain_us_max. Idempotent.
  virtual void stop() = 0;

  virtual ServerStats stats() const = 0;
  virtual void for_each_tenant(const std::function<void(TenantId, const Load&)>& visit) const = 0;
};

}  // namespace clinicdb::server
