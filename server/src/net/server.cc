#include "net/server.h"

#include <unistd.h>

#include <asio/ip/tcp.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <deque>
#include <future>
#include <thread>
#include <utility>

#include "clinicdb/base/random.h"
#include "net/connection.h"
#include "net/io_thread.h"

namespace clinicdb::server {

namespace {

using asio::ip::tcp;

constexpr std::size_t kLeaders = 2;  // one executes while the other syncs (C3)
constexpr std::size_t kSlowCallsKept = 64;
constexpr std::size_t kStreamsWaitingMax = 64;
constexpr auto kAcceptPause = std::chrono::milliseconds(100);
constexpr auto kDrainStep = std::chrono::milliseconds(5);

class RunningServer final : public Server,
                            private engine::CacheListener,
                            private engine::CommitListener {
 public:
  RunningServer(clinic::Clinic& clinic, ServerOptions options, Log& log, const Clock& clock)
      : options_(std::move(options)),
        log_(log),
        clock_(clock),
        admission_(options_.admission),
        active_tenants_(options_.admission.tenant_processor_percent),
        addresses_(options_.addresses),
        authenticator_(clock, options_.auth),
        pool_(std::make_unique<WorkPool>(WorkPoolOptions{.threads = options_.pool_threads})),
        stream_pool_(
            std::make_unique<WorkPool>(WorkPoolOptions{.threads = options_.stream_threads,
                                                       .queued_max = kStreamsWaitingMax,
                                                       .tenant_queued_max = kStreamsWaitingMax / 4,
                                                       .what = "imports and exports"})),
        clinic_(clinic) {}
  ~RunningServer() override { stop(); }

  Status begin();

  std::uint16_t port() const override { return port_; }
  Status change(const ServerChanges& changes) override;
  void stop() override;
  ServerStats stats() const override;
  void for_each_tenant(const std::function<void(TenantId, const Load&)>& visit) const override {
    admission_.for_each_tenant(visit);
  }

 private:
  // engine::CacheListener, by whoever commits
  void stale(const std::vector<std::uint32_t>& slots, Lsn lsn) override {
    for (const auto& thread : threads_) thread->tell_stale(slots, lsn);
  }
  // The commit that it comes from is not published yet.
  void all_stale() override { stale({}, next(clinic_.store().published_lsn())); }

  // engine::CommitListener
  void committed(const std::vector<TenantId>& tenants, Lsn) override {
    for (const auto& thread : threads_) thread->tell_committed(tenants);
  }

  void accept();
  void admit(tcp::socket socket);
  void keep_slow(const SlowCall& call);
  std::size_t connections() const;

  const ServerOptions options_;
  Log& log_;
  const Clock& clock_;
  Admission admission_;
  ActiveTenants active_tenants_;
  AddressGate addresses_;
  Authenticator authenticator_;
  ServiceParts parts_;
  std::vector<std::unique_ptr<IoThread>> threads_;
  std::unique_ptr<WorkPool> pool_;         // goes before the threads whose inboxes it fills
  std::unique_ptr<WorkPool> stream_pool_;  // likewise
  clinic::Clinic& clinic_;
  std::vector<std::thread> leaders_;
  std::unique_ptr<tcp::acceptor> acceptor_;  // of the first I/O thread
  std::unique_ptr<asio::steady_timer> accept_pause_;
  std::uint16_t port_ = 0;

  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::shared_ptr<const TlsContext> tls_;
  std::deque<SlowCall> slow_;
  bool stopping_ = false;
};

Status RunningServer::begin() {
  if (!options_.tls.certificate.empty()) {
    ASSIGN_OR_RETURN(tls_, TlsContext::load(options_.tls));
  }
  parts_.clinic = &clinic_;
  parts_.authenticator = &authenticator_;
  parts_.admission = &admission_;
  parts_.active_tenants = &active_tenants_;
  parts_.addresses = &addresses_;
  parts_.pool = pool_.get();
  parts_.stream_pool = stream_pool_.get();
  parts_.log = &log_;
  parts_.clock = &clock_;
  parts_.rules = options_.session;
  parts_.rules.server_id = Uuid::v7(clock_, system_random());
  parts_.epoch = clinic_.store().stats().last_committed.epoch;
  parts_.slow_call = [this](const SlowCall& call) { keep_slow(call); };
  parts_.slow_us = options_.slow_us;

  const std::size_t threads = options_.io_threads != 0
                                  ? options_.io_threads
                                  : std::max<std::size_t>(1, std::thread::hardware_concurrency());
  for (std::size_t i = 0; i < threads; ++i) threads_.push_back(std::make_unique<IoThread>(parts_));

  const std::string where = options_.address + ":" + std::to_string(options_.port);
  asio::error_code error;
  const asio::ip::address address = asio::ip::make_address(options_.address, error);
  if (error) return invalid_argument(options_.address + " is no IP address to listen on");
  const tcp::endpoint endpoint(address, options_.port);
  acceptor_ = std::make_unique<tcp::acceptor>(threads_.front()->context());
  accept_pause_ = std::make_unique<asio::steady_timer>(threads_.front()->context());
  acceptor_->open(endpoint.protocol(), error);
  if (!error) acceptor_->set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor_->bind(endpoint, error);
  if (!error) acceptor_->listen(4096, error);
  if (!error) port_ = acceptor_->local_endpoint(error).port();
  if (error) return unavailable("cannot listen on " + where + ": " + error.message());

  clinic_.store().cache().set_listener(this);
  clinic_.store().set_commit_listener(this);
  for (std::size_t i = 0; i < kLeaders; ++i)
    leaders_.emplace_back([this] { clinic_.store().lead_commits(); });
  for (const auto& thread : threads_) thread->start();
  asio::post(threads_.front()->context(), [this] { accept(); });
  return Status();
}

void RunningServer::accept() {
  acceptor_->async_accept([this](const asio::error_code& error, tcp::socket socket) {
    if (!acceptor_->is_open()) return;
    if (!error) {
      admit(std::move(socket));
      return accept();
    }
    // No more descriptors, or memory: others will be closed; a pause, or this would spin.
    accept_pause_->expires_after(kAcceptPause);
    accept_pause_->async_wait([this](const asio::error_code& stopped) {
      if (!stopped && acceptor_->is_open()) accept();
    });
  });
}

void RunningServer::admit(tcp::socket socket) {
  asio::error_code error;
  const tcp::endpoint peer = socket.remote_endpoint(error);
  if (error) return;
  const std::string address = peer.address().to_string();
  if (!addresses_.connect(address, clock_.monotonic_ns()).ok()) return;
  socket.set_option(tcp::no_delay(true), error);
  // To the thread with the fewest: connections live long, and stay where they are.
  IoThread* least = threads_.front().get();
  for (const auto& thread : threads_) {
    if (thread->connections() < least->connections()) least = thread.get();
  }
  tcp::socket moved(least->context());
  const auto protocol = peer.protocol();
  const int descriptor = socket.release(error);
  if (!error) moved.assign(protocol, descriptor, error);
  if (error && descriptor >= 0) ::close(descriptor);  // nobody has it: epoll took no more
  if (!error) moved.native_non_blocking(true, error);
  if (error) {
    addresses_.disconnect(address, false);
    return;
  }
  std::shared_ptr<const TlsContext> tls;
  {
    const std::lock_guard lock(mutex_);
    tls = tls_;
  }
  auto connection = std::make_shared<Connection>(*least, parts_, std::move(moved), address,
                                                 peer.address().is_loopback(), std::move(tls));
  asio::post(least->context(), [least, connection] { least->adopt(connection); });
}

void RunningServer::keep_slow(const SlowCall& call) {
  const std::string request = call.request_id ? call.request_id->to_string() : std::string();
  log_.write(LogLevel::kWarning, "slow call",
             {{"method", clinic::MethodId_Name(call.method)},
              {"code", status_code_name(call.code)},
              {"latency_us", static_cast<std::uint64_t>(call.latency_us)},
              {"tenant", call.tenant.value},
              {"trace", call.trace},
              {"request_id", request}});
  const std::lock_guard lock(mutex_);
  slow_.push_front(call);
  if (slow_.size() > kSlowCallsKept) slow_.pop_back();
}

Status RunningServer::change(const ServerChanges& changes) {
  std::shared_ptr<const TlsContext> tls;
  if (!changes.tls.certificate.empty()) {
    ASSIGN_OR_RETURN(tls, TlsContext::load(changes.tls));
  }
  {
    const std::lock_guard lock(mutex_);
    if ((tls == nullptr) != (tls_ == nullptr)) {
      return failed_precondition("TLS is turned on or off by a restart only")
          .with_field("server.tls_certificate");
    }
    tls_ = std::move(tls);
  }
  admission_.set_limits(changes.admission);
  active_tenants_.set_percent(changes.admission.tenant_processor_percent);
  addresses_.set_limits(changes.addresses);
  authenticator_.set_policy(changes.auth);
  parts_.slow_us = changes.slow_us;
  return Status();
}

std::size_t RunningServer::connections() const {
  std::size_t count = 0;
  for (const auto& thread : threads_) count += thread->connections();
  return count;
}

void RunningServer::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    stopping_ = true;
  }
  if (leaders_.empty()) {
    // It never began.
    pool_.reset();
    stream_pool_.reset();
    return;
  }
  std::promise<void> deaf;
  asio::post(threads_.front()->context(), [&] {
    asio::error_code ignored;
    acceptor_->close(ignored);
    accept_pause_->cancel();
    deaf.set_value();
  });
  deaf.get_future().wait();
  for (const auto& thread : threads_) thread->drain();
  const std::int64_t until_ns = clock_.monotonic_ns() + options_.drain_us_max * 1000;
  while (connections() > 0 && clock_.monotonic_ns() < until_ns)
    std::this_thread::sleep_for(kDrainStep);
  if (const std::size_t left = connections(); left > 0) {
    log_.write(LogLevel::kWarning, "closed connections that did not end in time",
               {{"connections", std::uint64_t{left}}});
  }
  clinic_.store().cache().set_listener(nullptr);
  clinic_.store().set_commit_listener(nullptr);
  for (const auto& thread : threads_) thread->stop();
  pool_.reset();
  stream_pool_.reset();
  clinic_.store().stop_leading();
  for (std::thread& leader : leaders_) leader.join();
}

ServerStats RunningServer::stats() const {
  ServerStats stats;
  stats.io_threads = threads_.size();
  stats.connections = connections();
  stats.addresses = addresses_.counts();
  stats.admission_limits = admission_.limits();
  stats.address_limits = addresses_.limits();
  stats.calls_in_flight = admission_.calls_in_flight();
  stats.bytes_in_flight = admission_.bytes_in_flight();
  std::map<clinic::MethodId, MethodCalls> methods;
  for (const auto& thread : threads_) {
    for (const MethodCalls& calls : thread->metrics().read()) {
      MethodCalls& sum = methods[calls.method];
      sum.method = calls.method;
      sum.add(calls);
    }
  }
  for (const auto& [id, calls] : methods) stats.methods.push_back(calls);
  const std::lock_guard lock(mutex_);
  if (!stopping_) stats.pool = pool_->stats();
  stats.slow.assign(slow_.begin(), slow_.end());
  stats.draining = stopping_;
  return stats;
}

}  // namespace

Result<std::unique_ptr<Server>> Server::start(clinic::Clinic& clinic, ServerOptions options,
                                              Log& log, const Clock& clock) {
  auto server = std::make_unique<RunningServer>(clinic, std::move(options), log, clock);
  RETURN_IF_ERROR(server->begin());
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace clinicdb::server
