#include "connection.h"

#include <algorithm>
#include <asio/connect.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/post.hpp>
#include <asio/ssl.hpp>
#include <asio/write.hpp>
#include <type_traits>
#include <utility>

#include "client_limits.h"
#include "clinicdb/base/check.h"

namespace clinicdb::client {

Connection::Connection(ConnectionSettings settings)
    : settings_(std::move(settings)),
      multiplexer_(settings_.multiplexer),
      connect_until_ns_(now_ns() + settings_.connect_timeout_ns) {}

bool Connection::stands() const {
  switch (multiplexer_.state()) {
    case Multiplexer::State::kIdle:
    case Multiplexer::State::kGreeting:
    case Multiplexer::State::kOpen:
      return true;
    default:
      return false;
  }
}

bool Connection::accepts() const { return stands() && waiting_.size() < kWaitingCallsMax; }

void Connection::start(Call& call) {
  CLINICDB_CHECK(accepts());
  if (waiting_.empty() && multiplexer_.can_start()) {
    multiplexer_.start(call, now_ns());
    flush();
  } else {
    waiting_.push_back(&call);
  }
}

void Connection::start_waiting() {
  while (!waiting_.empty() && multiplexer_.can_start()) {
    Call* const call = waiting_.front();
    waiting_.pop_front();
    multiplexer_.start(*call, now_ns());
  }
}

void Connection::give_up(Call& call) {
  const auto at = std::find(waiting_.begin(), waiting_.end(), &call);
  if (at != waiting_.end()) {
    waiting_.erase(at);
    return;
  }
  if (call.wire_id == 0) return;
  multiplexer_.give_up(call);
  flush();
}

void Connection::established() {
  multiplexer_.connected(now_ns());
  flush();
}

void Connection::connecting_failed(Status why) { close(std::move(why)); }

void Connection::bytes_arrived(std::size_t count) {
  // Whoever is told may call again at once: all that is written together, and by this call.
  gathering_ = true;
  take_bytes(count);
  gathering_ = false;
  if (!is_closed()) write_gathered();
}

void Connection::take_bytes(std::size_t count) {
  if (!multiplexer_.commit(count, now_ns()).ok()) {
    after_close();
    return;
  }
  if (multiplexer_.state() == Multiplexer::State::kOpen && !std::exchange(told_open_, true) &&
      on_open) {
    on_open();
  }
  start_waiting();
}

void Connection::tick() {
  if (is_closed()) return;
  if (multiplexer_.state() == Multiplexer::State::kIdle && now_ns() > connect_until_ns_) {
    close(unavailable("connecting to " + settings_.address.host + ":" + settings_.address.port +
                      " takes too long"));
    return;
  }
  if (!multiplexer_.tick(now_ns()).ok()) {
    after_close();
    return;
  }
  // Those that wait for a place have deadlines, too.
  for (std::size_t left = waiting_.size(); left > 0; --left) {
    Call* const call = waiting_.front();
    waiting_.pop_front();
    if (call->deadline_ns == 0 || call->deadline_ns > now_ns()) {
      waiting_.push_back(call);
    } else {
      call->failed({deadline_exceeded("the time was over before the call could be sent"),
                    Failure::Stage::kNotSent, 0});
    }
  }
  start_waiting();
  flush();
}

void Connection::drain() {
  multiplexer_.drain();
  if (is_closed()) {
    after_close();
  }
}

void Connection::ping() {
  multiplexer_.ping(now_ns());
  flush();
}

void Connection::close(Status why) {
  multiplexer_.close(std::move(why));
  after_close();
}

void Connection::after_close() {
  close_socket();
  if (!std::exchange(told_open_, true) && on_refused) on_refused(multiplexer_.failure());
  while (!waiting_.empty()) {
    Call* const call = waiting_.front();
    waiting_.pop_front();
    call->failed({multiplexer_.failure(), Failure::Stage::kNotSent, 0});
  }
}

namespace {

using Socket = asio::ip::tcp::socket;
using TlsSocket = asio::ssl::stream<Socket>;

/// The same for both kinds of stream.
template <class Stream>
class StreamConnection final : public Connection,
                               public std::enable_shared_from_this<StreamConnection<Stream>> {
 public:
  template <class... Extra>
  StreamConnection(asio::io_context& io, ConnectionSettings settings, Extra&... extra)
      : Connection(std::move(settings)), resolver_(io), stream_(io, extra...) {}

  void begin() override {
    resolver_.async_resolve(
        settings_.address.host, settings_.address.port,
        [self = this->shared_from_this()](const asio::error_code& error, const auto& found) {
          if (error) return self->refused("resolve", error);
          asio::async_connect(self->socket(), found,
                              [self](const asio::error_code& failed, const auto&) {
                                if (failed) return self->refused("connect to", failed);
                                self->connected();
                              });
        });
  }

 private:
  Socket& socket() {
    if constexpr (std::is_same_v<Stream, Socket>) {
      return stream_;
    } else {
      return stream_.next_layer();
    }
  }

  void refused(const char* what, const asio::error_code& error) {
    if (is_closed()) return;
    connecting_failed(unavailable(std::string("cannot ") + what + " " + settings_.address.host +
                                  ":" + settings_.address.port + ": " + error.message()));
  }

  void connected() {
    if (is_closed()) return;
    asio::error_code ignored;  // a connection without it is slower, not wrong
    socket().set_option(asio::ip::tcp::no_delay(true), ignored);
    if constexpr (std::is_same_v<Stream, Socket>) {
      socket().non_blocking(true, ignored);  // for what is written at once
      established();
      read();
    } else {
      // What SSL_set_tlsext_host_name does, without its cast.
      SSL_ctrl(stream_.native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
               const_cast<char*>(settings_.tls_name.c_str()));
      stream_.set_verify_callback(asio::ssl::host_name_verification(settings_.tls_name), ignored);
      stream_.async_handshake(asio::ssl::stream_base::client,
                              [self = this->shared_from_this()](const asio::error_code& error) {
                                if (error) return self->refused("speak TLS with", error);
                                if (self->is_closed()) return;
                                self->established();
                                self->read();
                              });
    }
  }

  void read() {
    const std::span<char> room = multiplexer_.prepare();
    stream_.async_read_some(
        asio::buffer(room.data(), room.size()),
        [self = this->shared_from_this()](const asio::error_code& error, std::size_t count) {
          if (self->is_closed()) return;
          if (error) return self->lost(error);
          self->bytes_arrived(count);
          if (!self->is_closed()) self->read();
        });
  }

  // Posted, so that calls that are started together are written together.
  void flush() override {
    if (gathering_ || flush_posted_ || writing_ || multiplexer_.output().pending().empty()) return;
    flush_posted_ = true;
    asio::post(stream_.get_executor(), [self = this->shared_from_this()] {
      self->flush_posted_ = false;
      self->write();
    });
  }

  void write_gathered() override { write(); }

  void write() {
    if (writing_ || is_closed() || multiplexer_.output().pending().empty()) return;
    multiplexer_.output().take(sending_);
    std::size_t sent = 0;
    if constexpr (std::is_same_v<Stream, Socket>) {
      // A socket mostly takes it at once: nothing is waited for, and no turn of the reactor spent.
      asio::error_code refused;
      sent = stream_.write_some(asio::buffer(sending_), refused);
      if (refused && refused != asio::error::would_block) return lost(refused);
      if (sent == sending_.size()) return;
    }
    writing_ = true;
    asio::async_write(
        stream_, asio::buffer(sending_.data() + sent, sending_.size() - sent),
        [self = this->shared_from_this()](const asio::error_code& error, std::size_t) {
          self->writing_ = false;
          if (self->is_closed()) return;
          if (error) return self->lost(error);
          self->write();
        });
  }

  void lost(const asio::error_code& error) {
    close(unavailable("the connection to " + settings_.address.host + ":" + settings_.address.port +
                      " was lost: " + error.message()));
  }

  void close_socket() override {
    resolver_.cancel();
    asio::error_code ignored;  // what is closed already needs no closing
    socket().close(ignored);
  }

  asio::ip::tcp::resolver resolver_;
  Stream stream_;
  bool writing_ = false;
  bool flush_posted_ = false;
  std::string sending_;
};

}  // namespace

std::shared_ptr<Connection> Connection::create(asio::io_context& io, ConnectionSettings settings) {
  std::shared_ptr<Connection> connection;
  if (settings.tls == nullptr) {
    connection = std::make_shared<StreamConnection<Socket>>(io, std::move(settings));
  } else {
    asio::ssl::context& tls = *settings.tls;
    connection = std::make_shared<StreamConnection<TlsSocket>>(io, std::move(settings), tls);
  }
  connection->begin();
  return connection;
}

}  // namespace clinicdb::client
