// Random: the seam through which all chance enters, so that a run replays from its seed.
#pragma once

#include <cstdint>

namespace clinicdb {

class Random {
 public:
  virtual ~Random() = default;
  /// 64 uniformly distributed bits.
  virtual std::uint64_t next() = 0;
  /// Uniform in [0, bound). REQUIRES: bound > 0.
  std::uint64_t below(std::uint64_t bound);
  /// Uniform in [0, 1).
  double unit();
};

/// xoshiro256** by Blackman and Vigna (https://prng.di.unimi.it), seeded through splitmix64.
/// Reproducible on every machine. Thread-compatible.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed);
  std::uint64_t next() override;

 private:
  std::uint64_t state_[4];
};

/// The kernel's generator (getrandom), buffered a thread. One object for the process. Thread-safe.
Random& system_random();

}  // namespace clinicdb
