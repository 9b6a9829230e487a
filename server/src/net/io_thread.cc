#include "net/io_thread.h"

#include <signal.h>

#include <asio/post.hpp>
#include <chrono>
#include <future>
#include <utility>

#include "clinicdb/base/check.h"
#include "net/connection.h"
#include "net/service_parts.h"

namespace clinicdb::server {

namespace {

constexpr auto kTick = std::chrono::milliseconds(250);
constexpr int kTurnsAtOnceMax = 64;

}  // namespace

IoThread::IoThread(ServiceParts& parts)
    : parts_(parts),
      inbox_([this] { asio::post(context_, [this] { drain_inbox(); }); }),
      turns_(*parts.active_tenants) {}

IoThread::~IoThread() { CLINICDB_CHECK(!thread_.joinable()); }

void IoThread::start() {
  thread_ = std::thread([this] {
    // OpenSSL writes to the socket itself: to a client that is gone, that is an error and no more.
    // The signal comes to the thread that wrote, so to hold it back here changes nothing for the
    // process.
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
    tick();
    context_.run();
  });
}

void IoThread::adopt(const std::shared_ptr<Connection>& connection) {
  connections_.emplace(connection.get(), connection);
  count_.store(connections_.size(), std::memory_order_relaxed);
  if (draining_) return connection->drain();
  connection->advance();
}

void IoThread::tell_stale(const std::vector<std::uint32_t>& slots, Lsn lsn) {
  if (!keepers_.any()) return;
  bool first = false;
  {
    const std::lock_guard lock(news_mutex_);
    first = news_.empty();
    news_.push_back({slots, lsn});
  }
  // Before the answer of the commit that it comes from, which goes the same way.
  if (first) inbox_.add([this] { send_news(); });
}

void IoThread::send_news() {
  std::vector<News> news;
  {
    const std::lock_guard lock(news_mutex_);
    news.swap(news_);
  }
  for (const News& each : news) {
    if (each.slots.empty()) {
      for (Connection* keeper : keepers_.take_all()) keeper->push_all_stale(each.lsn);
      continue;
    }
    for (const auto& [keeper, slots] : keepers_.take(each.slots))
      keeper->push_stale(slots, each.lsn);
  }
}

void IoThread::tell_committed(const std::vector<TenantId>& tenants) {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (followed_.load(std::memory_order_seq_cst) == 0) return;
  bool first = false;
  {
    const std::lock_guard lock(committed_mutex_);
    first = committed_.empty();
    committed_.insert(tenants.begin(), tenants.end());
  }
  if (first) inbox_.add([this] { wake_followers(); });
}

void IoThread::wake_followers() {
  std::set<TenantId> tenants;
  {
    const std::lock_guard lock(committed_mutex_);
    tenants.swap(committed_);
  }
  for (const TenantId tenant : tenants) {
    const auto found = followers_.find(tenant);
    if (found == followers_.end()) continue;
    for (Connection* follower : found->second) follower->committed();
  }
}

void IoThread::follow(TenantId tenant, Connection* follower) {
  followers_[tenant].insert(follower);
  followed_.fetch_add(1, std::memory_order_seq_cst);
  std::atomic_thread_fence(std::memory_order_seq_cst);
}

void IoThread::unfollow(TenantId tenant, Connection* follower) {
  const auto found = followers_.find(tenant);
  CLINICDB_CHECK(found != followers_.end() && found->second.erase(follower) == 1);
  if (found->second.empty()) followers_.erase(found);
  followed_.fetch_sub(1, std::memory_order_seq_cst);
}

void IoThread::forget(Connection& connection) {
  keepers_.remove(&connection);
  connections_.erase(&connection);
  count_.store(connections_.size(), std::memory_order_relaxed);
}

void IoThread::advance_soon(std::shared_ptr<Connection> connection) {
  to_advance_.push_back(std::move(connection));
  if (advance_posted_) return;
  advance_posted_ = true;
  asio::post(context_, [this] {
    advance_posted_ = false;
    std::vector<std::shared_ptr<Connection>> now;
    now.swap(to_advance_);
    // Those that have several answers come several times; the first time sends them all.
    for (const auto& each : now) each->advance();
  });
}

void IoThread::drain_inbox() {
  turns_.begin(parts_.clock->monotonic_ns());
  inbox_.drain();
}

void IoThread::schedule_turns(std::int64_t now_ns) {
  if (turns_posted_) return;
  const std::optional<std::int64_t> at_ns = turns_.next_ns(now_ns);
  if (!at_ns || (turns_at_ns_ != 0 && turns_at_ns_ <= *at_ns)) return;
  if (*at_ns <= now_ns) {
    turns_posted_ = true;
    return asio::post(context_, [this] { take_turns(); });
  }
  turns_at_ns_ = *at_ns;
  turns_timer_.expires_after(std::chrono::nanoseconds(*at_ns - now_ns));
  turns_timer_.async_wait([this](const asio::error_code& error) {
    if (error) return;  // for an earlier time, or for good
    turns_at_ns_ = 0;
    if (!turns_posted_) take_turns();
  });
}

// What is posted is run after the sockets were looked at, so this is done in pieces, between which
// those who came meanwhile get into the queue.
void IoThread::take_turns() {
  turns_posted_ = false;
  turns_.looked();
  std::int64_t now_ns = parts_.clock->monotonic_ns();
  const std::int64_t until_ns = now_ns + FairTurns::kLookNs;
  for (int i = 0; i < kTurnsAtOnceMax && now_ns < until_ns; ++i) {
    const FairTurns::Next next = turns_.next(now_ns);
    if (next.connection == nullptr) break;
    const std::shared_ptr<Connection> connection = connections_.at(next.connection);
    connection->take_turn(next.until_ns, now_ns);
    now_ns = parts_.clock->monotonic_ns();
  }
  schedule_turns(now_ns);
}

void IoThread::write_ended(FairTurns::Account& account, std::int64_t writer_ns) {
  if (turns_.write_ended(account, writer_ns)) schedule_turns(parts_.clock->monotonic_ns());
}

void IoThread::tick() {
  const std::int64_t now_ns = parts_.clock->monotonic_ns();
  std::vector<std::shared_ptr<Connection>> all;
  all.reserve(connections_.size());
  for (const auto& [address, connection] : connections_) all.push_back(connection);
  for (const auto& connection : all) connection->tick(now_ns);
  if (!ticking_) return;
  timer_.expires_after(kTick);
  timer_.async_wait([this](const asio::error_code& error) {
    if (!error) tick();
  });
}

void IoThread::drain() {
  asio::post(context_, [this] {
    draining_ = true;
    std::vector<std::shared_ptr<Connection>> all;
    for (const auto& [address, connection] : connections_) all.push_back(connection);
    for (const auto& connection : all) connection->drain();
  });
}

void IoThread::stop() {
  std::promise<void> idle;
  // Fibers wait for commits, which still come; a connection of a job in the pool lives as long.
  std::function<void()> wait_for_fibers = [&] {
    if (fibers_.waiting() == 0) return idle.set_value();
    asio::post(context_, wait_for_fibers);
  };
  asio::post(context_, [&] {
    ticking_ = false;
    timer_.cancel();
    turns_timer_.cancel();
    std::vector<std::shared_ptr<Connection>> all;
    for (const auto& [address, connection] : connections_) all.push_back(connection);
    for (const auto& connection : all) connection->close();
    wait_for_fibers();
  });
  idle.get_future().wait();
  work_.reset();
  thread_.join();
}

}  // namespace clinicdb::server
