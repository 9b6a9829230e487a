// What TLS does between the socket and the session: records that carry more than is read at once,
// and records that come in parts.
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <memory>
#include <stdexcept>

#include "clinicdb/wire/handshake.h"
#include "clinicdb/wire/messages.h"
#include "served_clinic.h"
#include "support/test_certificate.h"

namespace clinicdb::server {
namespace {

/// TLS whose records are at hand before they are sent. Throws when something fails.
class TlsPeer {
 public:
  explicit TlsPeer(std::uint16_t port) : socket_(connect_loopback(port)) {
    SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(ssl_.get());
    while (SSL_do_handshake(ssl_.get()) != 1) {
      send(take_records());
      if (!fill(5'000)) throw std::runtime_error("no handshake");
    }
    send(take_records());
  }
  ~TlsPeer() { close(socket_); }
  TlsPeer(const TlsPeer&) = delete;
  TlsPeer& operator=(const TlsPeer&) = delete;

  /// The plain bytes as one record: at most 16 KiB.
  std::string record(std::string_view plain) {
    if (SSL_write(ssl_.get(), plain.data(), static_cast<int>(plain.size())) !=
        static_cast<int>(plain.size()))
      throw std::runtime_error("not written");
    return take_records();
  }
  void send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t put = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (put <= 0) throw std::runtime_error("the server has ended it");
      bytes.remove_prefix(static_cast<std::size_t>(put));
    }
  }
  /// Whether one more frame came in time.
  bool receive(int timeout_ms) {
    while (true) {
      const Result<std::optional<wire::Frame>> frame = reader_.next();
      if (!frame) throw std::runtime_error(frame.error().to_string());
      if (*frame) return (*frame)->type != wire::FrameType::kError;
      const std::span<char> room = reader_.prepare();
      const int got = SSL_read(ssl_.get(), room.data(), static_cast<int>(room.size()));
      if (got > 0) {
        reader_.commit(static_cast<std::size_t>(got));
      } else if (!fill(timeout_ms)) {
        return false;
      }
    }
  }

 private:
  std::string take_records() {
    std::string records(BIO_ctrl_pending(SSL_get_wbio(ssl_.get())), '\0');
    if (!records.empty())
      BIO_read(SSL_get_wbio(ssl_.get()), records.data(), static_cast<int>(records.size()));
    return records;
  }
  bool fill(int timeout_ms) {
    pollfd wait{socket_, POLLIN, 0};
    if (poll(&wait, 1, timeout_ms) <= 0) return false;
    std::array<char, 16'384> bytes{};
    const ssize_t got = recv(socket_, bytes.data(), bytes.size(), 0);
    if (got <= 0) return false;
    BIO_write(SSL_get_rbio(ssl_.get()), bytes.data(), static_cast<int>(got));
    return true;
  }

  const int socket_;
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_{SSL_CTX_new(TLS_client_method()),
                                                                   &SSL_CTX_free};
  const std::unique_ptr<SSL, decltype(&SSL_free)> ssl_{SSL_new(context_.get()), &SSL_free};
  wire::FrameReader reader_{wire::FrameLimits{wire::kBodyBytesMaxDefault, true}};
};

/// A server that speaks TLS, and a peer that has logged in.
struct Line {
  test::TestCertificate certificate;
  ServedClinic served{[this](ServerOptions& options) {
    options.tls.certificate = certificate.certificate_file();
    options.tls.key = certificate.key_file();
  }};
  TlsPeer peer{served.port()};
  wire::FrameWriter writer;

  Line() {
    wire::Hello hello;
    *hello.mutable_credential() = with_token(served.token());
    wire::add_hello(writer, wire::Offer{}, hello);
    peer.send(peer.record(taken()));
    if (!peer.receive(5'000)) throw std::runtime_error("not let in");
  }
  std::string taken() {
    std::string bytes(writer.pending());
    writer.clear();
    return bytes;
  }
  void add_gets(std::uint32_t first, std::uint32_t count) {
    clinic::GetPatientRequest get;
    get.set_id(std::string(16, 'x'));
    for (std::uint32_t i = 0; i < count; ++i) {
      wire::FrameHeader header;
      header.type = wire::FrameType::kRequest;
      header.id = first + i;
      header.code = clinic::METHOD_PATIENTS_GET;
      wire::add_message(writer, header, get);
    }
  }
};

TEST_CASE("tls: all calls of one record are answered, however many they are", "[server]") {
  Line line;
  constexpr std::uint32_t kCalls = 250;
  line.add_gets(1, kCalls);
  const std::string calls = line.taken();
  REQUIRE(calls.size() > 3 * wire::kReadBytesDefault);
  REQUIRE(calls.size() < 16'384);
  line.peer.send(line.peer.record(calls));
  std::uint32_t answers = 0;
  while (answers < kCalls && line.peer.receive(5'000)) ++answers;
  CHECK(answers == kCalls);
}

TEST_CASE("tls: a record that comes in parts, behind a whole one, is read when it is whole",
          "[server]") {
  Line line;
  line.add_gets(1, 1);
  const std::string whole = line.peer.record(line.taken());
  line.add_gets(2, 1);
  const std::string parted = line.peer.record(line.taken());
  line.peer.send(whole + parted.substr(0, 9));
  CHECK(line.peer.receive(5'000));
  CHECK_FALSE(line.peer.receive(20));
  line.peer.send(parted.substr(9));
  CHECK(line.peer.receive(5'000));
}

}  // namespace
}  // namespace clinicdb::server
