// crowd PROGRAM [CONNECTIONS]: what connections cost the server in memory, as the kernel counts it:
//
//   idle       logged in, then silent: over TCP and over TLS, bytes a connection
//   hostile    never logged in, each wrong in one of several ways: growth in all, at its highest
//
// Prints a line each; exits with 1 when one is above its bar. The bars are of 10,000 connections of
// each kind; where they are fewer, four times as many are hostile, and their bar is less.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "clinicdb/base/bytes.h"
#include "clinicdb/wire/handshake.h"
#include "clinicdb/wire/messages.h"
#include "one_tenant_store.h"
#include "server_process.h"
#include "support/temporary_directory.h"
#include "support/test_certificate.h"

namespace {

using namespace clinicdb;  // NOLINT: a program of one file

using server::ServerProcess;
using SteadyClock = std::chrono::steady_clock;

[[noreturn]] void fail(const std::string& why) {
  std::fprintf(stderr, "crowd: %s\n", why.c_str());
  std::_Exit(1);
}

void must(const Status& status) {
  if (!status.ok()) fail(status.to_string());
}

constexpr std::uint64_t kIdleBytesMax = 12 << 10;
constexpr std::uint64_t kIdleTlsBytesMax = 48 << 10;
/// Of 10,000: 63 MiB, of the 64 that they may. What hellos hold together does not depend on how
/// many they are.
constexpr std::uint64_t kHostileBytesMax = std::uint64_t{24} << 20;
constexpr std::uint64_t kHostileBytesMaxEach = 4 << 10;
/// What the server's own caches and tables may take beside, where the connections are few.
constexpr std::uint64_t kBeside = std::uint64_t{1} << 20;
constexpr std::uint64_t kFull = 10'000;

std::uint64_t resident_bytes(const ServerProcess& server) {
  const Result<std::uint64_t> bytes = server.resident_bytes();
  if (!bytes) fail(bytes.error().to_string());
  return *bytes;
}

int connect_to(std::uint16_t port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (socket < 0 || connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address))
    fail("cannot connect");
  const int one = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return socket;
}

std::string hello_bytes() {
  wire::FrameWriter writer;
  wire::Hello hello;
  hello.mutable_credential()->set_none(true);
  hello.set_tenant("sorriso");
  hello.set_session_id(std::string(16, 's'));
  wire::add_hello(writer, wire::Offer{}, hello);
  return std::string(writer.pending());
}

/// A connection that has logged in and says a Ping now and then.
class Idle {
 public:
  Idle(std::uint16_t port, SSL_CTX* tls) : socket_(connect_to(port)) {
    if (tls != nullptr) {
      ssl_.reset(SSL_new(tls));
      SSL_set_fd(ssl_.get(), socket_);
      if (SSL_connect(ssl_.get()) != 1) fail("no TLS");
    }
    send(hello_bytes());
    wire::FrameReader reader(wire::FrameLimits{wire::kBodyBytesMaxDefault, true});
    while (true) {
      const auto frame = reader.next();
      if (!frame) fail(frame.error().to_string());
      if (*frame) {
        if ((*frame)->type != wire::FrameType::kHelloReply) fail("was not let in");
        return;
      }
      const std::span<char> room = reader.prepare();
      const auto got = ssl_ ? SSL_read(ssl_.get(), room.data(), static_cast<int>(room.size()))
                            : recv(socket_, room.data(), room.size(), 0);
      if (got <= 0) fail("the server has ended a connection");
      reader.commit(static_cast<std::size_t>(got));
    }
  }
  ~Idle() { close(socket_); }
  Idle(const Idle&) = delete;
  Idle& operator=(const Idle&) = delete;

  void ping() {
    wire::FrameWriter writer;
    wire::FrameHeader header;
    header.type = wire::FrameType::kPing;
    wire::add_message(writer, header, wire::Ping());
    send(writer.pending());
  }

 private:
  void send(std::string_view bytes) {
    const auto put = ssl_ ? SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()))
                          : ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (put != static_cast<ssize_t>(bytes.size())) fail("the server has ended a connection");
  }

  const int socket_;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_{nullptr, &SSL_free};
};

/// Bytes that each of so many idle connections has added to the server.
std::uint64_t idle_bytes(const ServerProcess& server, std::size_t count, SSL_CTX* tls) {
  // What the first ones find to be made is not theirs.
  std::vector<std::unique_ptr<Idle>> first;
  for (int i = 0; i < 50; ++i) first.push_back(std::make_unique<Idle>(server.port(), tls));
  const std::uint64_t before = resident_bytes(server);
  std::vector<std::unique_ptr<Idle>> all;
  auto pinged = SteadyClock::now();
  while (all.size() < count) {
    all.push_back(std::make_unique<Idle>(server.port(), tls));
    // The server asks who is silent for long whether it lives, and ends it.
    if (SteadyClock::now() - pinged < std::chrono::seconds(8)) continue;
    for (const auto& each : all) each->ping();
    pinged = SteadyClock::now();
  }
  for (const auto& each : all) each->ping();
  // Until the server has let go of what it read and wrote for them.
  std::this_thread::sleep_for(std::chrono::milliseconds(1'500));
  return (resident_bytes(server) - std::min(before, resident_bytes(server))) / count;
}

constexpr std::size_t kKinds = 6;
constexpr std::size_t kLarge = 5;

/// What a hostile one says, by its kind.
std::string hostile_bytes(std::size_t kind) {
  const std::string hello = hello_bytes();
  std::string large = hello.substr(0, wire::kFrameHeaderBytes);
  // It declares all that is taken before a hello, and holds back the last byte.
  constexpr std::size_t kBody = wire::kFrameBytesMaxBeforeLogin - wire::kFrameHeaderBytes;
  store_le32(large.data() + 8, kBody);
  large.append(kBody - 1, 'x');
  switch (kind) {
    case 0:
      return {};
    case 1:
      return hello.substr(0, 20);
    case 2:
      return hello.substr(0, hello.size() - 1);
    case 3:
      return "GET / HTTP/1.1\r\nHost: clinic\r\n\r\n";
    case 4:
      return std::string("\x16\x03\x01\x02\x00\x01", 6);  // a TLS hello, cut
    default:
      return large;
  }
}

/// The growth at its highest while so many come, and until the server has given all of them up.
std::uint64_t hostile_growth(const ServerProcess& server, std::size_t count,
                             const std::vector<std::string>& kinds) {
  const std::uint64_t before = resident_bytes(server);
  std::atomic<bool> ends{false};
  std::uint64_t highest = before;
  std::thread watcher([&] {
    while (!ends) {
      highest = std::max(highest, resident_bytes(server));
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  });
  std::vector<int> sockets;
  for (std::size_t i = 0; i < count; ++i) {
    sockets.push_back(connect_to(server.port()));
    const std::string& bytes = kinds[i % kinds.size()];
    // The server may have ended it.
    (void)::send(sockets.back(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }
  std::this_thread::sleep_for(std::chrono::seconds(7));
  ends = true;
  watcher.join();
  for (const int socket : sockets) close(socket);
  return highest - before;
}

bool within(const char* what, std::uint64_t bytes, std::uint64_t bar, const char* unit,
            std::uint64_t divisor) {
  std::printf("%-46s %8.1f %s, at most %.1f%s\n", what,
              static_cast<double>(bytes) / static_cast<double>(divisor), unit,
              static_cast<double>(bar) / static_cast<double>(divisor),
              bytes <= bar ? "" : "  MISSED");
  std::fflush(stdout);
  return bytes <= bar;
}

}  // namespace

int main(int count, char** words) {
  if (count < 2) fail("usage: crowd PROGRAM [CONNECTIONS]");
  const std::size_t connections =
      count > 2 ? static_cast<std::size_t>(std::atoll(words[2])) : kFull;
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  const std::size_t most = std::max(connections, std::min<std::size_t>(4 * connections, kFull));
  if (files.rlim_cur < most + 200)
    fail("needs " + std::to_string(most + 200) + " open files; see ulimit -n");

  const test::TemporaryDirectory directory;
  must(server::make_one_tenant_store(directory.path("data")));
  const std::uint64_t beside = connections < kFull ? kBeside : 0;
  bool good = true;
  {
    ServerProcess server(words[1], directory.path("data"));
    must(server.start());
    good &= within("an idle connection, TCP", idle_bytes(server, connections, nullptr),
                   kIdleBytesMax + beside / connections, "KiB", 1 << 10);
    must(server.stop());
  }
  {
    const test::TestCertificate certificate;
    std::ofstream(directory.path("tls.toml"))
        << "[server]\ntls_certificate = \"" << certificate.certificate_file() << "\"\ntls_key = \""
        << certificate.key_file() << "\"\n";
    const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> tls{SSL_CTX_new(TLS_client_method()),
                                                                &SSL_CTX_free};
    SSL_CTX_set_mode(tls.get(), SSL_MODE_RELEASE_BUFFERS);
    ServerProcess server(words[1], directory.path("data"),
                         {"--config", directory.path("tls.toml")});
    must(server.start());
    good &= within("an idle connection, TLS", idle_bytes(server, connections, tls.get()),
                   kIdleTlsBytesMax + beside / connections, "KiB", 1 << 10);
    must(server.stop());
  }
  // They come from one address, which would soon have to wait: here it need not.
  std::ofstream(directory.path("hostile.toml")) << "[limits]\nfailed_logins_per_minute = 0\n";
  std::vector<std::string> every_kind;
  for (std::size_t kind = 0; kind < kKinds; ++kind) every_kind.push_back(hostile_bytes(kind));
  const std::size_t hostile = std::min<std::size_t>(4 * connections, kFull);
  const std::vector<std::pair<const char*, std::vector<std::string>>> crowds{
      {"hostile connections of every kind", every_kind},
      {"hostile connections with large hellos", {hostile_bytes(kLarge)}}};
  for (const auto& [what, kinds] : crowds) {
    ServerProcess server(words[1], directory.path("data"),
                         {"--config", directory.path("hostile.toml")});
    must(server.start());
    good &= within(what, hostile_growth(server, hostile, kinds),
                   kHostileBytesMax + kHostileBytesMaxEach * hostile, "MiB", 1 << 20);
    must(server.stop());
  }
  return good ? 0 : 1;
}
