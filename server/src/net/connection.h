// Connection: a socket and the session on it. Performs what the session decides: reads and writes
// without blocking, runs calls where they belong (method_kind.h), and brings answers back.
//
// Kept alive by whoever has work of it: the reactor, a fiber, a job of the pool. Confined to its
// I/O thread, but for what a job of the pool captures.
#pragma once

#include <asio/ip/tcp.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "limits/fair_turns.h"
#include "net/connection_streams.h"
#include "net/protocol_session.h"
#include "net/service_parts.h"
#include "net/tls.h"

namespace clinicdb::server {

class IoThread;

class Connection final : public SessionHost, public std::enable_shared_from_this<Connection> {
 public:
  /// The address gate has let it in; it lets it out when it closes.
  Connection(IoThread& thread, ServiceParts& parts, asio::ip::tcp::socket socket,
             std::string address, bool loopback, std::shared_ptr<const TlsContext> tls);
  ~Connection() override;

  /// Handles what has come, when its tenant may (limits/fair_turns.h), sends what is there, and
  /// waits for what is next.
  void advance();
  /// It waited for its turn, which is now and ends at `until_ns`.
  void take_turn(std::int64_t until_ns, std::int64_t now_ns);
  void tick(std::int64_t now_ns);
  void drain();
  void close();
  void push_stale(std::span<const std::uint32_t> slots, Lsn lsn);
  void push_all_stale(Lsn lsn);
  /// The tenant that it follows has changed.
  void committed() { streams_.committed(); }
  bool closed() const { return closed_; }
  const ProtocolSession& session() const { return session_; }

  // SessionHost
  Result<Login> login(const wire::Hello& hello, const Uuid& session) override;
  void login_failed(const Status& reason) override;
  void run(const Call& call, std::string_view body) override;
  void cancel(std::uint32_t id) override;
  void stream_data(std::uint32_t id, std::string_view bytes) override { streams_.data(id, bytes); }
  void stream_ended(std::uint32_t id, const Status& why) override { streams_.ended(id, why); }
  void finished(const Call& call, StatusCode code, std::size_t bytes_out) override;
  void send_news() override;
  wire::SessionToken position() override;

 private:
  bool work(std::int64_t until_ns, std::int64_t now_ns);
  bool handle_frames(std::int64_t until_ns, std::int64_t& now_ns);
  bool hold_before_login();
  void wait_turn(std::int64_t now_ns, bool turn_over);
  bool send();
  bool flush();
  void wait_readable();
  void wait_writable();
  void linger();
  clinic::CallContext context_of(const Call& call) const;
  void run_read(const Call& call, std::string_view body);
  void run_write(const Call& call, std::string_view body);
  void run_in_pool(const Call& call, std::string body);
  /// The answer of a call that did not end within run().
  void answer_later(const Call& call, const Result<AnyAnswer>& answer);

  IoThread& thread_;
  ServiceParts& parts_;
  asio::ip::tcp::socket socket_;
  std::string address_;
  bool loopback_;
  Transport transport_;
  ProtocolSession session_;
  ConnectionStreams streams_;
  bool was_logged_in_ = false;
  std::size_t held_before_login_ = 0;       // as the address gate was told
  bool reading_ = false;                    // a wait for bytes is under way
  bool writing_ = false;                    // a wait for room is
  bool readable_ = false;                   // there may be bytes to read
  bool waits_turn_ = false;                 // take_turn is to be called
  FairTurns::Account* turns_of_ = nullptr;  // its tenant's, once it has logged in
  bool active_ = false;                     // something came since the last tick
  bool closed_ = false;
  std::int64_t lingers_until_ns_ = 0;  // all is said; waits for the peer's end; 0: not yet
  std::unordered_map<std::uint32_t, std::shared_ptr<std::atomic<bool>>> pooled_;
};

}  // namespace clinicdb::server
