// Client: the clinic's services on a server. The one header that programs include; async.h has the
// same services for asio's coroutines.
//
//   ClientOptions options;
//   options.endpoints = {"localhost:7400"};
//   options.tenant = "sorriso";
//   options.api_key = key;
//   Result<std::unique_ptr<Client>> client = Client::connect(options);
//   Result<RegisterPatientResponse> ana = (*client)->patients().register_patient(request);
//
// Thread-safe, and so is every service. All calls of a lane (an I/O thread of the client) go over
// one connection an endpoint; as many as like may be in flight.
//
// What holds for all calls: a read gives a shared, immutable answer, nullptr where there is no such
// record; a change gives its response once it is durable. Errors are the server's, as
// clinicdb/clinic/clinic.h says, and these of the client: kUnavailable, no server could be reached;
// kDeadlineExceeded, the time was over and nothing was changed; kUnknownOutcome, a change may have
// been made: call again with the same request id, and the answer says which (R2). The client itself
// tries again, within the call's time, where that is safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "clinicdb/base/result.h"
#include "clinicdb/client/call.h"
#include "clinicdb/client/services.h"

namespace clinicdb::client {

struct TlsOptions {
  /// Off: who listens on the line reads patients' data. For loopback only.
  bool enabled = false;
  /// Certificates to trust, PEM; empty: the system's.
  std::string authority_file;
  /// What the server's certificate must be for; empty: the endpoint's host.
  std::string server_name;
  /// The client's own, PEM, for mutual TLS; both or none.
  std::string certificate_file;
  std::string key_file;
};

/// Answers kept in this process.
struct NearCacheOptions {
  /// 0: none are kept.
  std::size_t bytes_max = 0;
  /// An answer is used only while the client is sure to have heard of changes until so long ago.
  /// The server pushes changes at once, so answers are mostly much fresher; this bounds how stale
  /// one may be when the line is dead and nobody knows yet (K3). It pings four times as often.
  std::uint32_t staleness_ms = 1'000;
};

struct ClientOptions {
  /// "host:port" each; a call goes to the one with the fewest calls outstanding. At least one.
  std::vector<std::string> endpoints;
  /// Slug of the tenant to work on; empty: the credential's only one, or the store itself.
  std::string tenant;
  /// Who calls: at most one of the two; none: the TLS certificate, or, where the server lets
  /// nobody in, nobody.
  std::string token;  ///< a signed token (JWT)
  std::string api_key;
  TlsOptions tls;
  /// For calls that say none. With retries.
  std::uint32_t timeout_ms = 10'000;
  std::uint32_t connect_timeout_ms = 3'000;
  /// I/O threads, each with its own connections: 1 to 64. One serves some 100,000 small calls a
  /// second.
  std::uint32_t threads = 1;
  /// In which request ids are unique (R1). Nil: a new one. A program that must know after a crash
  /// what became of a call keeps session and request id, and calls again with both.
  Uuid session;
  /// Name and version of the program, for the server's logs; at most 128 bytes.
  std::string program = "clinicdb-client";
  NearCacheOptions near_cache;
  /// What the server's frames may hold.
  std::uint32_t answer_bytes_max = 8u << 20;
};

struct NearCacheStats {
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t stale = 0;  ///< found, but something they depend on has changed
  std::uint64_t evicted = 0;
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;
};

/// How a client fares; figures of its whole life.
struct ClientStats {
  std::uint64_t calls = 0;
  std::uint64_t failures = 0;  ///< calls that gave an error of whatever kind
  NearCacheStats near_cache;
};

class Client final : public Caller, public Services {
 public:
  /// Reaches a server and says hello. kInvalidArgument, with field(): an option is wrong;
  /// kUnauthenticated, kPermissionDenied: who calls is not let in; kUnavailable: no server could be
  /// reached. Later losses of connections are repaired without a word.
  static Result<std::unique_ptr<Client>> connect(const ClientOptions& options);
  /// Calls in flight fail with kCancelled. REQUIRES: not on a thread of the client.
  ~Client() override;
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// REQUIRES: not on a thread of the client, for those must not wait.
  Result<Answer> call(const Method& method, const google::protobuf::MessageLite& request,
                      const google::protobuf::MessageLite& response,
                      const CallOptions& options) override;

  const Uuid& session() const;
  ClientStats stats() const;

  /// What async.h reaches through; not for programs.
  class Core;
  Core& core() { return *core_; }

 private:
  explicit Client(std::unique_ptr<Core> core);
  const std::unique_ptr<Core> core_;
};

}  // namespace clinicdb::client
