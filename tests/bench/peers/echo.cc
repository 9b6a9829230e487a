#include "bench/peers/echo.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <asio/co_spawn.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/read.hpp>
#include <asio/ssl.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>
#include <cstdio>
#include <deque>
#include <thread>

#include "bench/peers/sockets.h"

namespace clinicdb::bench {

namespace {

using asio::ip::tcp;
using TlsStream = asio::ssl::stream<tcp::socket>;
using SteadyClock = std::chrono::steady_clock;
constexpr auto kAsTuple = asio::experimental::as_tuple(asio::use_awaitable);
constexpr std::size_t kEchoBytesMax = 65'536;

template <class Stream>
asio::awaitable<void> echo(Stream stream) {
  std::array<char, 16'384> bytes;
  while (true) {
    const auto [failed, count] = co_await stream.async_read_some(asio::buffer(bytes), kAsTuple);
    if (failed) co_return;
    const auto [unsent, sent] =
        co_await asio::async_write(stream, asio::buffer(bytes.data(), count), kAsTuple);
    if (unsent) co_return;
  }
}

asio::awaitable<void> echo_tls(tcp::socket socket, asio::ssl::context& context) {
  TlsStream stream(std::move(socket), context);
  const auto [failed] = co_await stream.async_handshake(asio::ssl::stream_base::server, kAsTuple);
  if (!failed) co_await echo<TlsStream>(std::move(stream));
}

/// One thread's io_context; connections are dealt out in turn.
struct EchoThread {
  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> work = asio::make_work_guard(io);
  std::thread thread{[this] { io.run(); }};
};

asio::awaitable<void> accept(tcp::acceptor& acceptor, std::vector<std::unique_ptr<EchoThread>>& all,
                             asio::ssl::context* tls) {
  for (std::size_t i = 0;; ++i) {
    EchoThread& thread = *all[i % all.size()];
    tcp::socket socket(thread.io);
    const auto [failed] = co_await acceptor.async_accept(socket, kAsTuple);
    if (failed) co_return;
    asio::error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    if (tls != nullptr) {
      asio::co_spawn(thread.io, echo_tls(std::move(socket), *tls), [](std::exception_ptr) {});
    } else {
      asio::co_spawn(thread.io, echo<tcp::socket>(std::move(socket)), [](std::exception_ptr) {});
    }
  }
}

class EchoLine final : public Line {
 public:
  EchoLine(int socket, std::size_t bytes) : socket_(socket), message_(bytes, 'x') {}
  ~EchoLine() override { ::close(socket_); }
  EchoLine(const EchoLine&) = delete;
  EchoLine& operator=(const EchoLine&) = delete;
  int descriptor() const override { return socket_; }
  Status add(std::uint32_t slot, const Call&) override {
    slots_.push_back(slot);
    pending_ += message_;
    return Status();
  }
  Status flush() override {
    RETURN_IF_ERROR(send_all(socket_, pending_));
    pending_.clear();
    return Status();
  }
  Status receive(Answered answered) override {
    std::array<char, kEchoBytesMax> bytes;
    const ssize_t got = ::recv(socket_, bytes.data(), bytes.size(), 0);
    if (got <= 0) return unavailable("the echo ended");
    for (came_ += static_cast<std::size_t>(got); came_ >= message_.size();
         came_ -= message_.size()) {
      const std::uint32_t slot = slots_.front();
      slots_.pop_front();
      answered(slot, Status());
    }
    return Status();
  }

 private:
  const int socket_;
  const std::string message_;
  std::string pending_;
  std::deque<std::uint32_t> slots_;  // in the order of their messages
  std::size_t came_ = 0;
};

template <class Stream>
asio::awaitable<void> call(Stream& stream, std::size_t bytes, SteadyClock::time_point from,
                           SteadyClock::time_point until, Seen& seen) {
  std::string message(bytes, 'x');
  while (true) {
    const SteadyClock::time_point began = SteadyClock::now();
    const auto [unsent, sent] = co_await asio::async_write(stream, asio::buffer(message), kAsTuple);
    const auto [failed, got] = co_await asio::async_read(stream, asio::buffer(message), kAsTuple);
    const SteadyClock::time_point now = SteadyClock::now();
    if (unsent || failed) {
      seen.failure = unavailable("the echo ended");
      co_return;
    }
    if (now >= until) co_return;
    if (now >= from)
      seen.latencies_us.push_back(std::chrono::duration<float, std::micro>(now - began).count());
  }
}

asio::awaitable<void> call_tcp(tcp::endpoint endpoint, std::size_t bytes,
                               SteadyClock::time_point from, SteadyClock::time_point until,
                               Seen& seen) {
  tcp::socket socket(co_await asio::this_coro::executor);
  const auto [failed] = co_await socket.async_connect(endpoint, kAsTuple);
  if (failed) {
    seen.failure = unavailable("no echo on the port");
    co_return;
  }
  socket.set_option(tcp::no_delay(true));
  co_await call(socket, bytes, from, until, seen);
}

asio::awaitable<void> call_tls(tcp::endpoint endpoint, asio::ssl::context& context,
                               std::size_t bytes, SteadyClock::time_point from,
                               SteadyClock::time_point until, Seen& seen) {
  TlsStream stream(co_await asio::this_coro::executor, context);
  const auto [failed] = co_await stream.next_layer().async_connect(endpoint, kAsTuple);
  asio::error_code refused = failed;
  if (!refused) {
    stream.next_layer().set_option(tcp::no_delay(true));
    const auto [rejected] =
        co_await stream.async_handshake(asio::ssl::stream_base::client, kAsTuple);
    refused = rejected;
  }
  if (refused) {
    seen.failure = unavailable("no TLS echo on the port: " + refused.message());
    co_return;
  }
  co_await call(stream, bytes, from, until, seen);
}

}  // namespace

int serve_echo(const EchoTls& tls, int threads) {
  asio::ssl::context context(asio::ssl::context::tlsv13);
  if (!tls.certificate.empty()) {
    context.use_certificate_chain_file(tls.certificate);
    context.use_private_key_file(tls.key, asio::ssl::context::pem);
  }
  std::vector<std::unique_ptr<EchoThread>> all;
  for (int i = 0; i < threads; ++i) all.push_back(std::make_unique<EchoThread>());
  asio::io_context io{1};
  tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
  std::printf("{\"port\":%u}\n", unsigned{acceptor.local_endpoint().port()});
  std::fflush(stdout);
  asio::co_spawn(io, accept(acceptor, all, tls.certificate.empty() ? nullptr : &context),
                 [](std::exception_ptr) {});
  io.run();
  return 0;
}

Result<Figures> call_echo(const LoadOptions& options, std::uint16_t port, std::size_t bytes,
                          const std::string& authority) {
  asio::ssl::context context(asio::ssl::context::tlsv13);
  if (!authority.empty()) {
    context.load_verify_file(authority);
    context.set_verify_mode(asio::ssl::verify_peer);
  }
  const tcp::endpoint endpoint(asio::ip::address_v4::loopback(), port);
  const auto seconds_of = [](double seconds) {
    return std::chrono::duration_cast<SteadyClock::duration>(
        std::chrono::duration<double>(seconds));
  };
  const auto from = SteadyClock::now() + seconds_of(options.warm_seconds);
  const auto until = from + seconds_of(options.seconds);
  std::vector<Seen> parts(static_cast<std::size_t>(options.connections));
  std::vector<std::thread> threads;
  for (int t = 0; t < options.threads; ++t) {
    threads.emplace_back([&, t] {
      asio::io_context io{1};
      for (int i = t; i < options.connections; i += options.threads) {
        Seen& seen = parts[static_cast<std::size_t>(i)];
        if (authority.empty()) {
          asio::co_spawn(io, call_tcp(endpoint, bytes, from, until, seen),
                         [](std::exception_ptr) {});
        } else {
          asio::co_spawn(io, call_tls(endpoint, context, bytes, from, until, seen),
                         [](std::exception_ptr) {});
        }
      }
      io.run();
    });
  }
  for (std::thread& thread : threads) thread.join();
  const Clinics none{1, 1, 1, 1};
  return figures_of(parts, options.seconds, Bookings(none, 0));
}

Result<std::unique_ptr<Line>> open_echo_line(std::uint16_t port, std::size_t bytes) {
  const int socket = connect_loopback(port);
  if (socket < 0) return unavailable("no echo on the port");
  return std::unique_ptr<Line>(std::make_unique<EchoLine>(socket, bytes));
}

}  // namespace clinicdb::bench
