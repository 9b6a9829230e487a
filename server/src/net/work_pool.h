// WorkPool: threads for what may block: reads from the disk, and methods that are rare and slow.
// Tenants take turns, and one of them never has all threads (bulkhead), so that who waits for the
// disk makes only itself wait.
//
// Bounded. Thread-safe.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "clinicdb/base/ids.h"
#include "clinicdb/base/status.h"

namespace clinicdb::server {

struct WorkPoolOptions {
  std::size_t threads = 8;
  std::size_t queued_max = 8192;
  /// Of one tenant.
  std::size_t tenant_queued_max = 4096;
  /// What is refused when too much waits: "calls for the disk".
  const char* what = "calls for the disk";
};

class WorkPool {
 public:
  using Job = std::function<void()>;

  explicit WorkPool(const WorkPoolOptions& options);
  /// Runs what is queued, then ends.
  ~WorkPool();
  WorkPool(const WorkPool&) = delete;
  WorkPool& operator=(const WorkPool&) = delete;

  /// kResourceExhausted when the tenant, or all together, have too many waiting. A job must not
  /// throw.
  Status submit(TenantId tenant, Job job);

  struct Stats {
    std::size_t threads = 0;
    std::size_t running = 0;
    std::size_t queued = 0;
    std::uint64_t done = 0;
    std::uint64_t refused = 0;
  };
  Stats stats() const;

 private:
  struct Queue {
    std::deque<Job> jobs;
    std::size_t running = 0;
  };
  void work();
  std::map<TenantId, Queue>::iterator next_queue();

  const WorkPoolOptions options_;
  const std::size_t tenant_running_max_;
  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::condition_variable changed_;
  std::map<TenantId, Queue> queues_;
  TenantId last_;  // whose turn it was
  Stats stats_;
  bool ends_ = false;

  std::vector<std::thread> threads_;
};

}  // namespace clinicdb::server
