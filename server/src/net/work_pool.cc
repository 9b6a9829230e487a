#include "net/work_pool.h"

#include <algorithm>
#include <utility>

namespace clinicdb::server {

WorkPool::WorkPool(const WorkPoolOptions& options)
    : options_(options),
      // A quarter is always left for the others.
      tenant_running_max_(options.threads < 2
                              ? 1
                              : options.threads - std::max<std::size_t>(1, options.threads / 4)) {
  stats_.threads = options.threads;
  for (std::size_t i = 0; i < options.threads; ++i) threads_.emplace_back([this] { work(); });
}

WorkPool::~WorkPool() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
    changed_.notify_all();
  }
  for (std::thread& thread : threads_) thread.join();
}

Status WorkPool::submit(TenantId tenant, Job job) {
  const std::lock_guard lock(mutex_);
  Queue& queue = queues_[tenant];
  if (stats_.queued >= options_.queued_max || queue.jobs.size() >= options_.tenant_queued_max) {
    ++stats_.refused;
    return resource_exhausted(std::string("too many ") + options_.what + " wait; try again");
  }
  queue.jobs.push_back(std::move(job));
  ++stats_.queued;
  changed_.notify_one();
  return Status();
}

// The next tenant in turn that has a job and a thread left to it.
std::map<TenantId, WorkPool::Queue>::iterator WorkPool::next_queue() {
  const auto ready = [&](const Queue& queue) {
    return !queue.jobs.empty() && queue.running < tenant_running_max_;
  };
  const auto after = queues_.upper_bound(last_);
  for (auto at = after; at != queues_.end(); ++at) {
    if (ready(at->second)) return at;
  }
  for (auto at = queues_.begin(); at != after; ++at) {
    if (ready(at->second)) return at;
  }
  return queues_.end();
}

void WorkPool::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    auto at = next_queue();
    if (at == queues_.end()) {
      if (ends_ && stats_.queued == 0) return;
      changed_.wait(lock);
      continue;
    }
    const TenantId tenant = at->first;
    last_ = tenant;
    Job job = std::move(at->second.jobs.front());
    at->second.jobs.pop_front();
    ++at->second.running;
    --stats_.queued;
    ++stats_.running;
    lock.unlock();
    job();
    job = nullptr;
    lock.lock();
    --stats_.running;
    ++stats_.done;
    const auto own = queues_.find(tenant);
    --own->second.running;
    // A job of this tenant may have waited for the thread; and who waits to end looks again.
    if (!own->second.jobs.empty() || ends_) changed_.notify_all();
    if (own->second.jobs.empty() && own->second.running == 0) queues_.erase(own);
  }
}

WorkPool::Stats WorkPool::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

}  // namespace clinicdb::server
