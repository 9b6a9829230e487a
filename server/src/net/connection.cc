#include "net/connection.h"

#include <asio/post.hpp>
#include <utility>

#include "clinicdb/engine/caller.h"
#include "clinicdb/wire/schema/protocol.pb.h"
#include "net/io_thread.h"
#include "net/method_kind.h"

namespace clinicdb::server {

namespace {

/// Frames of one connection that are handled before others get their turn.
constexpr std::size_t kFramesPerTurn = 64;
/// Of a turn that has an end, before it is asked whether that has come.
constexpr std::size_t kFramesPerStep = 4;
constexpr int kReadsPerTurn = 8;
constexpr std::size_t kFibersMax = 4096;
constexpr std::int64_t kLingerNs = 1'000'000'000;

Status too_late() { return deadline_exceeded("the deadline passed before the call began"); }

}  // namespace

Connection::Connection(IoThread& thread, ServiceParts& parts, asio::ip::tcp::socket socket,
                       std::string address, bool loopback, std::shared_ptr<const TlsContext> tls)
    : thread_(thread),
      parts_(parts),
      socket_(std::move(socket)),
      address_(std::move(address)),
      loopback_(loopback),
      transport_(socket_.native_handle(), std::move(tls)),
      session_(parts.rules, *parts.admission, *this, parts.clock->monotonic_ns()),
      streams_(*this, session_, thread, parts) {}

Connection::~Connection() { close(); }

void Connection::advance() {
  if (closed_) return;
  FairTurns::Turn turn{.now = true};
  const std::int64_t now_ns = parts_.clock->monotonic_ns();
  if (turns_of_ == nullptr) {
    thread_.turns().begin(now_ns);
  } else if (!waits_turn_) {
    turn = thread_.turns().ask(*turns_of_, now_ns);
    if (!turn.now) wait_turn(now_ns, false);
  }
  // Answers do not wait for a turn.
  if (waits_turn_) {
    send();
  } else {
    take_turn(turn.until_ns, now_ns);
  }
}

void Connection::take_turn(std::int64_t until_ns, std::int64_t now_ns) {
  waits_turn_ = false;
  const bool has_more = work(until_ns, now_ns);
  if (closed_) return;
  // Where it was not to handle more before its answers are taken (S4), it may be now.
  const bool more = has_more || !session_.wants_input();
  if (!send() || !session_.wants_input()) return;
  if (more && turns_of_ != nullptr) {
    wait_turn(now_ns, true);
  } else {
    wait_readable();
  }
}

void Connection::wait_turn(std::int64_t now_ns, bool turn_over) {
  if (waits_turn_) return;
  waits_turn_ = true;
  thread_.turns().wait(*turns_of_, *this, now_ns, turn_over);
  thread_.schedule_turns(now_ns);
}

// Reads and handles what has come, as far as the turn allows. True: there may be more.
bool Connection::work(std::int64_t until_ns, std::int64_t now_ns) {
  bool more = handle_frames(until_ns, now_ns);
  for (int i = 0; i < kReadsPerTurn && readable_ && !more && session_.wants_input(); ++i) {
    if (now_ns >= until_ns) return true;
    const std::span<char> room = session_.prepare();
    const Transport::Moved moved = transport_.read(room);
    if (moved.outcome == Transport::Outcome::kClosed) {
      close();
      return false;
    }
    if (moved.outcome != Transport::Outcome::kDone) {
      readable_ = false;
      if (moved.outcome == Transport::Outcome::kWantWrite) wait_writable();
      break;
    }
    session_.commit(moved.bytes);
    if (!hold_before_login()) {
      close();
      return false;
    }
    more = handle_frames(until_ns, now_ns);
    // What did not fill the room was all there is; the reactor tells when more comes.
    if (moved.bytes < room.size() && !transport_.has_pending()) readable_ = false;
  }
  return more || readable_;
}

// Handles frames that were read. True: there may be more.
bool Connection::handle_frames(std::int64_t until_ns, std::int64_t& now_ns) {
  if (until_ns == FairTurns::kNoEnd) return session_.process(kFramesPerTurn, now_ns);
  while (session_.process(kFramesPerStep, now_ns)) {
    now_ns = parts_.clock->monotonic_ns();
    if (now_ns >= until_ns || !thread_.turns().may_write(*turns_of_)) return true;
  }
  return false;
}

// Tells the address gate what this one holds, until it has logged in. False: too much.
bool Connection::hold_before_login() {
  if (was_logged_in_) return true;
  const std::size_t now = session_.memory_bytes();
  if (!parts_.addresses->hold_before_login(held_before_login_, now)) return false;
  held_before_login_ = now;
  return true;
}

// Sends answers, and what streams have as long as the socket takes all of it; their windows end it.
// False when the connection is closed, or about to be.
bool Connection::send() {
  do {
    streams_.fill();
    if (!flush()) return false;
  } while (session_.output().empty() && streams_.fill());
  if (!session_.ended() || !session_.output().empty()) return true;
  linger();
  return false;
}

// Sends what the socket takes. False when the connection is closed now.
bool Connection::flush() {
  if (writing_) return true;
  while (true) {
    const std::string_view output = session_.output();
    if (output.empty()) return true;
    const Transport::Moved moved = transport_.write(output);
    if (moved.outcome == Transport::Outcome::kClosed) {
      close();
      return false;
    }
    if (moved.outcome == Transport::Outcome::kWantWrite) wait_writable();
    if (moved.outcome == Transport::Outcome::kWantRead) wait_readable();
    if (moved.outcome != Transport::Outcome::kDone) return true;
    const std::int64_t now_ns = parts_.clock->monotonic_ns();
    session_.sent(moved.bytes, now_ns);
    if (turns_of_ != nullptr) thread_.turns().worked(*turns_of_, now_ns);
  }
}

void Connection::wait_readable() {
  if (reading_ || closed_) return;
  reading_ = true;
  const auto go_on = [self = shared_from_this()](const asio::error_code& error) {
    self->reading_ = false;
    if (error || self->closed_) return self->close();
    if (self->lingers_until_ns_ != 0) return self->linger();
    self->active_ = true;
    self->readable_ = true;
    self->advance();
  };
  // What TLS has taken from the socket already, the socket will not tell of.
  if (transport_.has_pending())
    return asio::post(thread_.context(), [go_on] { go_on(asio::error_code()); });
  socket_.async_wait(asio::ip::tcp::socket::wait_read, go_on);
}

void Connection::wait_writable() {
  if (writing_ || closed_) return;
  writing_ = true;
  socket_.async_wait(asio::ip::tcp::socket::wait_write,
                     [self = shared_from_this()](const asio::error_code& error) {
                       self->writing_ = false;
                       if (error || self->closed_) return self->close();
                       self->advance();
                     });
}

// All is said. Closing at once while the peer still sends would reset the connection, and the peer
// would lose what was said last; so its bytes are taken and thrown away for a moment.
void Connection::linger() {
  if (closed_) return;
  if (lingers_until_ns_ == 0) {
    lingers_until_ns_ = parts_.clock->monotonic_ns() + kLingerNs;
    transport_.shut_down();
    asio::error_code ignored;
    socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  }
  char thrown_away[4096];
  for (int i = 0; i < kReadsPerTurn; ++i) {
    const Transport::Moved moved = transport_.read(thrown_away);
    if (moved.outcome == Transport::Outcome::kDone) continue;
    if (moved.outcome == Transport::Outcome::kClosed) return close();
    break;
  }
  wait_readable();
}

void Connection::close() {
  if (closed_) return;
  closed_ = true;
  for (const auto& [id, cancelled] : pooled_) *cancelled = true;
  streams_.close();
  if (waits_turn_) thread_.turns().forget(*turns_of_, *this);
  asio::error_code ignored;
  socket_.close(ignored);
  if (!was_logged_in_) parts_.addresses->hold_before_login(held_before_login_, 0);
  parts_.addresses->disconnect(address_, was_logged_in_);
  thread_.forget(*this);
}

void Connection::tick(std::int64_t now_ns) {
  if (closed_) return;
  if (lingers_until_ns_ != 0) {
    if (now_ns > lingers_until_ns_) close();
    return;
  }
  streams_.tick(now_ns);
  session_.tick(now_ns, parts_.clock->now());
  if (session_.abandoned()) return close();
  if (session_.ended() || !session_.output().empty()) return advance();
  if (!active_) session_.release();
  active_ = false;
}

void Connection::drain() {
  if (closed_) return;
  session_.drain();
  streams_.drain();
  advance();
}

Result<Login> Connection::login(const wire::Hello& hello, const Uuid& session) {
  PeerFacts peer;
  peer.loopback = loopback_;
  peer.certificate_name = transport_.certificate_name();
  Login login;
  ASSIGN_OR_RETURN(login.principal,
                   parts_.authenticator->authenticate(hello.credential(), session, peer));
  ASSIGN_OR_RETURN(const std::string slug, login.principal.choose_tenant(hello.tenant()));
  if (!slug.empty()) {
    const Result<engine::TenantInfo> tenant = parts_.clinic->store().find_tenant(slug);
    if (!tenant) {
      // Only who may work on any tenant learns which there are.
      if (login.principal.any_tenant) return tenant.error();
      return permission_denied("the credential is for no tenant of this store")
          .with_field("tenant");
    }
    login.tenant = tenant->id;
  }
  login.tenant_load = parts_.admission->tenant(login.tenant);
  login.user_load = parts_.admission->user(login.tenant, login.principal.name);
  turns_of_ = &thread_.turns().account(login.tenant, login.tenant_load);
  parts_.addresses->logged_in(address_);
  was_logged_in_ = true;
  parts_.addresses->hold_before_login(held_before_login_, 0);
  return login;
}

void Connection::login_failed(const Status& reason) {
  parts_.addresses->login_failed(address_, parts_.clock->monotonic_ns());
  parts_.log->write(LogLevel::kWarning, "login refused",
                    {{"address", address_},
                     {"code", status_code_name(reason.code())},
                     {"reason", reason.message()}});
}

clinic::CallContext Connection::context_of(const Call& call) const {
  const Login& login = session_.login();
  clinic::CallContext context(login.tenant, login.principal.rights);
  context.user = login.principal.user;
  context.session = session_.session_id();
  context.request_id = call.request_id;
  context.use_cache = !call.fresh;
  return context;
}

void Connection::run(const Call& call, std::string_view body) {
  thread_.turns().active(*turns_of_, call.arrived_ns);
  const clinic::MethodInfo* method = clinic::find_method(call.method);
  if (method == nullptr) {
    return session_.answer(call,
                           unimplemented("there is no method " + std::to_string(call.method)));
  }
  if (is_on_store(call.method) && !session_.login().principal.any_tenant) {
    return session_.answer(call,
                           permission_denied("the credential is for single tenants, and " +
                                             std::string(method->name) + " is on all of them"));
  }
  if (method->streams != call.stream) {
    return session_.answer(
        call, invalid_argument(std::string(method->service) + "." + std::string(method->name) +
                               (method->streams ? " is a stream" : " is no stream") +
                               ": see the flag of its Request"));
  }
  if (method->streams) return streams_.run(call, context_of(call), body);
  switch (method_kind(*method)) {
    case MethodKind::kRead:
      return run_read(call, body);
    case MethodKind::kWrite:
      return run_write(call, body);
    case MethodKind::kSlow:
      return run_in_pool(call, std::string(body));
  }
}

void Connection::run_read(const Call& call, std::string_view body) {
  engine::Dependencies kept;
  engine::Caller caller{.memory_only = true};
  // What was made anew passed the kept answers by: nothing told what all of it hangs on.
  if (call.keep && !call.fresh) caller.dependencies = &kept;
  Result<AnyAnswer> answer{AnyAnswer()};
  {
    const engine::CallerScope scope(&caller);
    answer = dispatch_bytes(*parts_.clinic, call.method, context_of(call), body);
  }
  if (!answer && caller.missed) return run_in_pool(call, std::string(body));
  // First it is to hear of changes, then it is asked whether one came in between.
  const bool keeps = kept.count > 0 &&
                     thread_.keepers().add(this, std::span(kept.slots.data(), kept.count)) &&
                     parts_.clinic->store().cache().still_holds(kept);
  session_.answer(call, answer, keeps ? &kept : nullptr);
}

void Connection::run_write(const Call& call, std::string_view body) {
  if (thread_.fibers().waiting() >= kFibersMax)
    return session_.answer(call, unavailable("too many writes are under way; try again"));
  thread_.turns().write_began(*turns_of_);
  thread_.fibers().run([self = shared_from_this(), call, context = context_of(call),
                        own = std::string(body)](const bool& missed) mutable {
    const Result<AnyAnswer> answer =
        dispatch_bytes(*self->parts_.clinic, call.method, context, own);
    self->thread_.write_ended(*self->turns_of_, Fibers::writer_work_ns());
    if (!answer && missed) return self->run_in_pool(call, std::move(own));
    self->answer_later(call, answer);
  });
}

void Connection::run_in_pool(const Call& call, std::string body) {
  auto cancelled = std::make_shared<std::atomic<bool>>(closed_);
  const Status queued = parts_.pool->submit(
      session_.login().tenant, [self = shared_from_this(), call, context = context_of(call),
                                own = std::move(body), cancelled]() mutable {
        ServiceParts& parts = self->parts_;
        const std::int64_t begun_ns = parts.clock->monotonic_ns();
        Result<AnyAnswer> answer{AnyAnswer()};
        if (*cancelled) {
          answer = clinicdb::cancelled("the caller does not wait any more");
        } else if (call.deadline_ns != 0 && begun_ns > call.deadline_ns) {
          answer = too_late();
        } else {
          answer = dispatch_bytes(*parts.clinic, call.method, context, own);
        }
        const std::int64_t worked_ns = parts.clock->monotonic_ns() - begun_ns;
        Inbox& inbox = self->thread_.inbox();
        inbox.add([self = std::move(self), call, worked_ns, answer = std::move(answer)] {
          self->pooled_.erase(call.id);
          self->thread_.turns().charge(*self->turns_of_, worked_ns);
          self->answer_later(call, answer);
        });
      });
  if (queued.ok()) {
    pooled_.insert_or_assign(call.id, std::move(cancelled));
  } else {
    answer_later(call, queued);
  }
}

void Connection::answer_later(const Call& call, const Result<AnyAnswer>& answer) {
  session_.answer(call, answer);
  thread_.advance_soon(shared_from_this());
}

void Connection::cancel(std::uint32_t id) {
  if (const auto found = pooled_.find(id); found != pooled_.end()) *found->second = true;
  streams_.cancel(id);
}

void Connection::finished(const Call& call, StatusCode code, std::size_t bytes_out) {
  std::int64_t latency_ns = 0;
  if (call.arrived_ns != 0) {
    const std::int64_t now_ns = parts_.clock->monotonic_ns();
    latency_ns = now_ns - call.arrived_ns;
    thread_.turns().worked(*turns_of_, now_ns);
  }
  thread_.metrics().record(call.method, code, latency_ns, call.body_bytes, bytes_out);
  if (call.stream) return;  // lasts as long as its caller likes
  if (latency_ns / 1000 < parts_.slow_us.load(std::memory_order_relaxed)) return;
  parts_.slow_call({parts_.clock->now(), call.method, code, call.trace, call.request_id,
                    session_.login().tenant, latency_ns / 1000});
}

void Connection::push_stale(std::span<const std::uint32_t> slots, Lsn lsn) {
  session_.push_stale(slots, {parts_.epoch, lsn});
  thread_.advance_soon(shared_from_this());
}

void Connection::push_all_stale(Lsn lsn) {
  session_.push_all_stale({parts_.epoch, lsn});
  thread_.advance_soon(shared_from_this());
}

void Connection::send_news() { thread_.send_news(); }

wire::SessionToken Connection::position() {
  wire::SessionToken token;
  token.position = {parts_.epoch, parts_.clinic->store().published_lsn()};
  return token;
}

}  // namespace clinicdb::server
