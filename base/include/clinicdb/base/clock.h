// Clock: the seam through which all time enters, so that tests and simulations own it.
#pragma once

#include <atomic>
#include <cstdint>

namespace clinicdb {

/// A point in time: microseconds since the Unix epoch, UTC, without leap seconds.
struct Time {
  std::int64_t us = 0;
  constexpr auto operator<=>(const Time&) const = default;
};

/// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  /// Wall-clock time. May step backwards.
  virtual Time now() const = 0;
  /// Nanoseconds from an arbitrary start. Never steps backwards.
  virtual std::int64_t monotonic_ns() const = 0;
};

/// The operating system's clocks. One object for the process; stateless.
const Clock& system_clock();

/// A clock that moves only when told to. Thread-safe.
class FakeClock : public Clock {
 public:
  explicit FakeClock(Time start = Time{1'700'000'000'000'000}) : wall_us_(start.us) {}
  Time now() const override { return Time{wall_us_.load()}; }
  std::int64_t monotonic_ns() const override { return monotonic_ns_.load(); }
  /// Moves both clocks forward. REQUIRES: us >= 0.
  void advance_us(std::int64_t us);
  /// Sets the wall clock alone, backwards too.
  void set_wall(Time time) { wall_us_.store(time.us); }

 private:
  std::atomic<std::int64_t> wall_us_;
  std::atomic<std::int64_t> monotonic_ns_{0};
};

}  // namespace clinicdb
