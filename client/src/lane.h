// Lane: one I/O thread's share of a client: one connection an endpoint, the choice between them,
// and the calls that wait to be sent again.
//
// All but submit(), give_up() and post() is confined to the lane's thread. Those are thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "backoff.h"
#include "clinicdb/base/random.h"
#include "connection.h"
#include "endpoints.h"
#include "near_cache.h"
#include "operation.h"
#include "stream_operation.h"

namespace clinicdb::client {

struct LaneSettings {
  std::vector<Address> endpoints;
  ConnectionSettings connection;  ///< but the address
  BreakerSettings breaker;
  std::uint32_t retry_first_ms = 5;
  std::uint32_t retry_longest_ms = 500;
  Random* random = &system_random();
  /// What each endpoint's pushes mark, for all lanes; empty: answers are not kept.
  std::vector<std::shared_ptr<Marks>> marks;
  /// How often to ping, so that kept answers stay usable; 0: only when the line is silent.
  std::int64_t ping_every_ns = 0;
};

class Lane {
 public:
  explicit Lane(LaneSettings settings);
  /// Calls that are under way are told kCancelled.
  ~Lane();
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  /// The lane whose thread this is, or nullptr.
  static Lane* current();
  asio::io_context& io();
  const Clock& clock() const { return *settings_.connection.clock; }

  /// Sends the operation; it lives until it is told. From the lane's own thread it is on its way
  /// when this returns.
  void submit(Operation& operation);
  /// Nobody waits for the operation any more: it is told kCancelled, unless it was told before.
  /// `alive` says, on the lane's thread, whether it still lives.
  void give_up(std::function<Operation*()> alive);

  /// Sends a stream's call to one of the servers; on the lane's thread. It is not sent again.
  void start(StreamOperation& operation);
  /// What became of it says something about its server: that it lives, that it was lost, or
  /// nothing.
  enum class Served : std::uint8_t { kYes, kLost, kUnknown };
  void told(StreamOperation& operation, Served served);

  /// Waits until one of the servers has let us in, or all have refused or failed: the reason of the
  /// last. Thread-safe; not on the lane's thread.
  Status first_hello();

  /// What the servers say of themselves; for tests.
  Endpoints& endpoints() { return endpoints_; }

 private:
  friend class Operation;
  struct Io;
  struct Later {
    std::int64_t at_ns;
    Operation* operation;
  };

  void take_submitted();
  void send(Operation& operation);
  void send_later(Operation& operation, std::uint32_t after_ms);
  void operation_answered(Operation& operation, const wire::Frame& frame);
  void operation_failed(Operation& operation, Failure failure);
  Connection& connection(std::size_t endpoint);
  void greet(std::size_t endpoint, std::shared_ptr<std::promise<Status>> told);
  void tick();
  void schedule_tick();
  void shut_down();

  const LaneSettings settings_;
  Endpoints endpoints_;
  /// A connection and what answers that came on it hang on.
  struct Held {
    std::shared_ptr<Connection> connection;
    std::shared_ptr<Source> source;
  };
  void let_go(Held& held);
  void hear(Held& held);

  std::vector<Held> connections_;                     // by endpoint; may be empty
  std::vector<std::shared_ptr<Connection>> leaving_;  // that drain
  std::vector<Later> later_;
  std::int64_t last_ping_ns_ = 0;
  Status last_lost_;  // why the last connection was not to be had
  bool shutting_down_ = false;

  std::mutex mutex_;
  std::vector<Operation*> submitted_;  // guarded by mutex_

  std::unique_ptr<Io> io_;
  std::thread thread_;
};

}  // namespace clinicdb::client
