// Inbox: work that other threads leave for an I/O thread. Many deliveries cost one wake-up: whoever
// finds the inbox empty calls `wake`, the others only add.
//
// Thread-safe.
#pragma once

#include <functional>
#include <mutex>
#include <utility>
#include <vector>

namespace clinicdb::server {

class Inbox {
 public:
  using Work = std::function<void()>;

  /// `wake` makes the I/O thread call `drain` soon. Called on any thread.
  explicit Inbox(std::function<void()> wake) : wake_(std::move(wake)) {}

  void add(Work work) {
    bool first = false;
    {
      const std::lock_guard lock(mutex_);
      first = work_.empty();
      work_.push_back(std::move(work));
    }
    if (first) wake_();
  }

  /// Runs what is there. On the I/O thread only.
  void drain() {
    {
      const std::lock_guard lock(mutex_);
      work_.swap(running_);
    }
    for (Work& work : running_) work();
    running_.clear();
  }

 private:
  const std::function<void()> wake_;
  std::mutex mutex_;
  std::vector<Work> work_;     // guarded by mutex_
  std::vector<Work> running_;  // the I/O thread's
};

}  // namespace clinicdb::server
