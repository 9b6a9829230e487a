// A bare asio server that sends back what it gets: what a network service in C++ can do here, and
// so the limit that ClinicDB's server leans on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "bench/peers/line.h"

namespace clinicdb::bench {

struct EchoTls {
  std::string certificate;  ///< of the server; empty: without TLS
  std::string key;
};

/// Listens on a free port of loopback, prints it as a line of JSON and serves until it is killed.
int serve_echo(const EchoTls& tls, int threads);

/// Callers as coroutines, each with a connection and one message of `bytes` bytes in flight.
/// `authority`: the certificate to trust; empty: without TLS.
Result<Figures> call_echo(const LoadOptions& options, std::uint16_t port, std::size_t bytes,
                          const std::string& authority);

/// ClinicDB's client library: callers are coroutines on `threads` I/O threads, each of which has
/// one connection and one tenant.
struct LibraryOptions {
  std::uint16_t port = 0;
  bool fresh = false;
  std::string authority;  ///< the certificate to trust; empty: without TLS
};
Result<Figures> run_library(const LoadOptions& options, const Clinics& clinics,
                            std::optional<Operation> operation, const LibraryOptions& library);

}  // namespace clinicdb::bench
