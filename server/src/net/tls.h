// TlsContext: the server's certificate and key, TLS 1.3 only, and optionally the authority that
// signs the certificates of nodes. Read from PEM files, and read again when they change.
//
// Transport: a socket's bytes, plain or through TLS, without blocking. OpenSSL reads and writes the
// socket itself and lets go of its buffers when they are empty, so an idle connection costs little.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "clinicdb/base/result.h"

struct ssl_ctx_st;
struct ssl_st;

namespace clinicdb::server {

struct TlsFiles {
  std::string certificate;  ///< PEM, with intermediates; empty: no TLS
  std::string key;          ///< PEM
  std::string node_ca;      ///< PEM; empty: no certificates of nodes are taken
};

/// Immutable; thread-safe.
class TlsContext {
 public:
  /// Errors name the file.
  static Result<std::shared_ptr<const TlsContext>> load(const TlsFiles& files);
  explicit TlsContext(ssl_ctx_st* context) : context_(context) {}
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;
  ssl_ctx_st* get() const { return context_; }

 private:
  ssl_ctx_st* context_;
};

/// Confined to its I/O thread.
class Transport {
 public:
  /// `socket` is non-blocking and its owner closes it. `tls` nullptr: plain.
  Transport(int socket, std::shared_ptr<const TlsContext> tls);
  ~Transport();
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  enum class Outcome { kDone, kWantRead, kWantWrite, kClosed };
  struct Moved {
    Outcome outcome = Outcome::kDone;
    std::size_t bytes = 0;  ///< with kDone: at least 1
  };
  Moved read(std::span<char> room);
  Moved write(std::string_view bytes);
  /// Says the end of TLS, where there is one.
  void shut_down();

  /// Of the peer's certificate, once the handshake is done: its common name; empty: none.
  std::string certificate_name() const;
  /// Bytes that were taken from the socket and not read: no event of it will tell. Not those that
  /// the last read found to be part of a record whose rest has not come.
  bool has_pending() const;

 private:
  Moved outcome_of(int returned);

  int socket_;
  std::shared_ptr<const TlsContext> context_;
  ssl_st* ssl_ = nullptr;
  bool drained_ = true;  // the last read took all there was
};

}  // namespace clinicdb::server
