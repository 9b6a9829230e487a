// Signal: one thread waits for a number to change, another changes it. A futex: a wake-up costs one
// system call and none when nobody waits. (std::atomic::wait of g++ 12 spins and shares its
// waiters' list.)
#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <climits>
#include <cstdint>

namespace clinicdb::engine {

/// Thread-safe.
class Signal {
 public:
  std::uint32_t value() const { return word_.load(std::memory_order_acquire) & ~kSleeps; }

  /// Returns once the value is no longer `old`. At most one thread at a time.
  void wait_while(std::uint32_t old) {
    std::uint32_t word = word_.load(std::memory_order_acquire);
    while ((word & ~kSleeps) == old) {
      if ((word & kSleeps) == 0 &&
          !word_.compare_exchange_weak(word, word | kSleeps, std::memory_order_acquire))
        continue;
      syscall(SYS_futex, &word_, FUTEX_WAIT_PRIVATE, old | kSleeps, nullptr, nullptr, 0);
      word = word_.load(std::memory_order_acquire);
    }
  }

  /// Sets the value and wakes who waits. The waiter may destroy this object as soon as the value
  /// changed; the call below then wakes nobody, or somebody who checks its own value again.
  void set(std::uint32_t value) {
    const auto* address = &word_;
    if ((word_.exchange(value, std::memory_order_acq_rel) & kSleeps) == 0) return;
    syscall(SYS_futex, address, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
  }

 private:
  /// Beside the value: the waiter sleeps, or is about to.
  static constexpr std::uint32_t kSleeps = std::uint32_t{1} << 31;
  static_assert(sizeof(std::atomic<std::uint32_t>) == 4 &&
                std::atomic<std::uint32_t>::is_always_lock_free);
  std::atomic<std::uint32_t> word_{0};
};

}  // namespace clinicdb::engine
