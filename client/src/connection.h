// Connection: one TCP connection, with TLS or without, that a Multiplexer speaks over: connecting,
// reading, and writing what has gathered in one go.
//
// Confined to its io_context. It lives until its last handler has run, closed or not.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "call.h"
#include "clinicdb/base/clock.h"
#include "multiplexer.h"

namespace asio {
class io_context;
namespace ssl {
class context;
}
}  // namespace asio

namespace clinicdb::client {

struct Address {
  std::string host;
  std::string port;
};

struct ConnectionSettings {
  Address address;
  MultiplexerSettings multiplexer;
  std::int64_t connect_timeout_ns = 3'000'000'000;
  /// nullptr: without TLS. Outlives the connection.
  asio::ssl::context* tls = nullptr;
  /// What the server's certificate must be for.
  std::string tls_name;
  const Clock* clock = &system_clock();
};

class Connection {
 public:
  static std::shared_ptr<Connection> create(asio::io_context& io, ConnectionSettings settings);
  virtual ~Connection() = default;

  /// Sends the call now, or once the connection stands. When it does not come to stand, the call is
  /// told kUnavailable, kNotSent. REQUIRES: accepts().
  void start(Call& call);
  /// The caller does not wait any more; the call is not told. No effect on one it does not have.
  void give_up(Call& call);
  /// Whether it is, or is about to be, good for new calls.
  bool stands() const;
  /// Whether one more call can be given to it now.
  bool accepts() const;
  bool is_closed() const { return multiplexer_.state() == Multiplexer::State::kClosed; }
  /// See Multiplexer::tick.
  void tick();
  /// Tells all calls `why`, and closes.
  void close(Status why);
  /// Closes once the calls in flight are done.
  void drain();
  /// Pings now.
  void ping();
  /// Writes what the multiplexer was given for a stream.
  void write_soon() { flush(); }

  Multiplexer& multiplexer() { return multiplexer_; }
  /// Called once when the server has let us in.
  std::function<void()> on_open;
  /// Called once when it closes without that.
  std::function<void(const Status&)> on_refused;

 protected:
  Connection(ConnectionSettings settings);
  virtual void begin() = 0;
  /// Writes what is pending, unless a write is under way.
  virtual void flush() = 0;
  /// Writes what was given meanwhile, now.
  virtual void write_gathered() = 0;
  virtual void close_socket() = 0;
  std::int64_t now_ns() const { return settings_.clock->monotonic_ns(); }
  /// The transport stands.
  void established();
  void connecting_failed(Status why);
  void bytes_arrived(std::size_t count);

  const ConnectionSettings settings_;
  Multiplexer multiplexer_;
  bool gathering_ = false;  // bytes are being taken; what is given is written behind them

 private:
  void take_bytes(std::size_t count);
  void start_waiting();
  void after_close();

  const std::int64_t connect_until_ns_;
  bool told_open_ = false;
  std::deque<Call*> waiting_;
};

}  // namespace clinicdb::client
