#include "net/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>

namespace clinicdb::server {

namespace {

Status tls_error(const std::string& file, const std::string& what) {
  std::array<char, 256> text{};
  ERR_error_string_n(ERR_get_error(), text.data(), text.size());
  ERR_clear_error();
  return invalid_argument(file + ": " + what + ": " + text.data());
}

}  // namespace

Result<std::shared_ptr<const TlsContext>> TlsContext::load(const TlsFiles& files) {
  ERR_clear_error();
  SSL_CTX* raw = SSL_CTX_new(TLS_server_method());
  if (raw == nullptr) return tls_error("OpenSSL", "no TLS");
  std::shared_ptr<const TlsContext> context = std::make_shared<TlsContext>(raw);
  SSL_CTX_set_min_proto_version(raw, TLS1_3_VERSION);
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                            SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // A record's header and its body by one system call.
  SSL_CTX_set_read_ahead(raw, 1);
  // A stolen key of tickets would open what it was used for; connections live long, so they gain
  // little.
  SSL_CTX_set_num_tickets(raw, 0);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  if (SSL_CTX_use_certificate_chain_file(raw, files.certificate.c_str()) != 1)
    return tls_error(files.certificate, "is no certificate in PEM");
  if (SSL_CTX_use_PrivateKey_file(raw, files.key.c_str(), SSL_FILETYPE_PEM) != 1)
    return tls_error(files.key, "is no private key in PEM");
  if (SSL_CTX_check_private_key(raw) != 1)
    return tls_error(files.key, "is not the key of " + files.certificate);
  if (!files.node_ca.empty()) {
    if (SSL_CTX_load_verify_locations(raw, files.node_ca.c_str(), nullptr) != 1)
      return tls_error(files.node_ca, "has no certificates in PEM");
    // Asked for, not demanded: applications come without one and bring a token.
    SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, nullptr);
  }
  return context;
}

TlsContext::~TlsContext() { SSL_CTX_free(context_); }

Transport::Transport(int socket, std::shared_ptr<const TlsContext> tls)
    : socket_(socket), context_(std::move(tls)) {
  if (context_ == nullptr) return;
  ssl_ = SSL_new(context_->get());
  SSL_set_fd(ssl_, socket_);
  SSL_set_accept_state(ssl_);
}

Transport::~Transport() { SSL_free(ssl_); }

Transport::Moved Transport::outcome_of(int returned) {
  if (returned > 0) return {Outcome::kDone, static_cast<std::size_t>(returned)};
  const int error = SSL_get_error(ssl_, returned);
  ERR_clear_error();
  if (error == SSL_ERROR_WANT_READ) return {Outcome::kWantRead, 0};
  if (error == SSL_ERROR_WANT_WRITE) return {Outcome::kWantWrite, 0};
  return {Outcome::kClosed, 0};
}

Transport::Moved Transport::read(std::span<char> room) {
  if (ssl_ != nullptr) {
    ERR_clear_error();
    const Moved moved = outcome_of(
        SSL_read(ssl_, room.data(), static_cast<int>(std::min<std::size_t>(room.size(), INT_MAX))));
    drained_ = moved.outcome != Outcome::kDone;
    return moved;
  }
  while (true) {
    const ssize_t got = recv(socket_, room.data(), room.size(), 0);
    if (got > 0) return {Outcome::kDone, static_cast<std::size_t>(got)};
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return {Outcome::kWantRead, 0};
    return {Outcome::kClosed, 0};
  }
}

Transport::Moved Transport::write(std::string_view bytes) {
  if (ssl_ != nullptr) {
    ERR_clear_error();
    return outcome_of(SSL_write(ssl_, bytes.data(),
                                static_cast<int>(std::min<std::size_t>(bytes.size(), INT_MAX))));
  }
  while (true) {
    const ssize_t put = send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (put > 0) return {Outcome::kDone, static_cast<std::size_t>(put)};
    if (put < 0 && errno == EINTR) continue;
    if (put < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return {Outcome::kWantWrite, 0};
    return {Outcome::kClosed, 0};
  }
}

void Transport::shut_down() {
  if (ssl_ == nullptr) return;
  ERR_clear_error();
  SSL_shutdown(ssl_);
  ERR_clear_error();
}

std::string Transport::certificate_name() const {
  if (ssl_ == nullptr || SSL_get_verify_result(ssl_) != X509_V_OK) return {};
  X509* certificate = SSL_get1_peer_certificate(ssl_);
  if (certificate == nullptr) return {};
  std::array<char, 256> name{};
  const int size = X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName,
                                             name.data(), static_cast<int>(name.size()));
  X509_free(certificate);
  return size > 0 ? std::string(name.data(), static_cast<std::size_t>(size)) : std::string();
}

bool Transport::has_pending() const {
  return ssl_ != nullptr && !drained_ && SSL_has_pending(ssl_) == 1;
}

}  // namespace clinicdb::server
