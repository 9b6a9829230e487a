// IoThread: one thread with its io_context and the connections that live on it.
//
// Confined to its own thread, but for what says otherwise.
#pragma once

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <unordered_map>
#include <vector>

#include "limits/fair_turns.h"
#include "net/fibers.h"
#include "net/inbox.h"
#include "net/keepers.h"
#include "observe/call_metrics.h"

namespace clinicdb::server {

class Connection;
struct ServiceParts;

class IoThread {
 public:
  /// `parts` outlives it.
  explicit IoThread(ServiceParts& parts);
  /// REQUIRES: stopped.
  ~IoThread();
  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;

  void start();
  /// By any thread: ends connections once they have no call in flight, and takes no new calls.
  void drain();
  /// By any thread: closes what is left, waits for its calls, and ends the thread.
  void stop();

  /// By any thread.
  asio::io_context& context() { return context_; }
  Inbox& inbox() { return inbox_; }
  std::size_t connections() const { return count_.load(std::memory_order_relaxed); }
  const CallMetrics& metrics() const { return metrics_; }

  /// By any thread: answers that hang on these slots are stale; an empty list: all are.
  void tell_stale(const std::vector<std::uint32_t>& slots, Lsn lsn);

  /// By any thread: what these tenants have has changed, and readers see it.
  void tell_committed(const std::vector<TenantId>& tenants);

  /// From now on the connection hears of the tenant's commits.
  void follow(TenantId tenant, Connection* follower);
  void unfollow(TenantId tenant, Connection* follower);

  /// Sends what was told so far.
  void send_news();
  Keepers& keepers() { return keepers_; }
  CallMetrics& metrics() { return metrics_; }
  Fibers& fibers() { return fibers_; }
  FairTurns& turns() { return turns_; }
  /// A connection waits for its turn, or may have it earlier: has it taken in time.
  void schedule_turns(std::int64_t now_ns);
  /// A write of the tenant's is done, for which the writer worked so long.
  void write_ended(FairTurns::Account& account, std::int64_t writer_ns);
  void adopt(const std::shared_ptr<Connection>& connection);
  void forget(Connection& connection);
  /// Calls advance() once, after all that is in the inbox now: many answers, one write.
  void advance_soon(std::shared_ptr<Connection> connection);

 private:
  void drain_inbox();
  void take_turns();
  void tick();

  ServiceParts& parts_;
  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{context_.get_executor()};
  asio::steady_timer timer_{context_};
  Inbox inbox_;
  Fibers fibers_{inbox_};
  CallMetrics metrics_;
  Keepers keepers_;
  FairTurns turns_;
  asio::steady_timer turns_timer_{context_};
  bool turns_posted_ = false;     // take_turns is
  std::int64_t turns_at_ns_ = 0;  // when the timer has them taken; 0: it does not

  struct News {
    std::vector<std::uint32_t> slots;
    Lsn lsn;
  };
  std::mutex news_mutex_;
  std::vector<News> news_;  // guarded by news_mutex_

  void wake_followers();
  std::map<TenantId, std::set<Connection*>> followers_;
  /// Follower and committer: the one says that it is there and then reads, the other publishes and
  /// then asks who is there, so that one of the two sees the other.
  std::atomic<std::size_t> followed_{0};
  std::mutex committed_mutex_;
  std::set<TenantId> committed_;  // guarded by committed_mutex_

  std::unordered_map<Connection*, std::shared_ptr<Connection>> connections_;
  std::atomic<std::size_t> count_{0};
  std::vector<std::shared_ptr<Connection>> to_advance_;
  bool advance_posted_ = false;
  bool draining_ = false;
  bool ticking_ = true;
  std::thread thread_;
};

}  // namespace clinicdb::server
