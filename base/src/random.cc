#include "clinicdb/base/random.h"

#include <pthread.h>
#include <sys/random.h>

#include <array>
#include <atomic>
#include <bit>

#include "clinicdb/base/check.h"

namespace clinicdb {

std::uint64_t Random::below(std::uint64_t bound) {
  CLINICDB_CHECK(bound > 0);
  // Reject the incomplete last interval, so that every value is equally likely.
  const std::uint64_t limit = ~std::uint64_t{0} - (~std::uint64_t{0} % bound + 1) % bound;
  std::uint64_t value = next();
  while (value > limit) value = next();
  return value % bound;
}

double Random::unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

SeededRandom::SeededRandom(std::uint64_t seed) {
  for (std::uint64_t& word : state_) {
    seed += 0x9e3779b97f4a7c15ULL;
    std::uint64_t z = seed;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    word = z ^ (z >> 31);
  }
}

std::uint64_t SeededRandom::next() {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t t = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

namespace {

/// Raised in each forked child, so that it does not hand out what its parent has buffered.
std::atomic<std::uint32_t> g_forks{0};

class SystemRandom final : public Random {
 public:
  SystemRandom() {
    pthread_atfork(nullptr, nullptr, [] { g_forks.fetch_add(1, std::memory_order_relaxed); });
  }

  std::uint64_t next() override {
    thread_local std::array<std::uint64_t, 32> buffer;
    thread_local std::size_t left = 0;
    thread_local std::uint32_t forks = 0;
    const std::uint32_t forks_now = g_forks.load(std::memory_order_relaxed);
    if (left == 0 || forks != forks_now) {
      // 256 bytes: getrandom returns requests up to this size whole and uninterrupted.
      const ssize_t got = getrandom(buffer.data(), sizeof buffer, 0);
      CLINICDB_CHECK(got == static_cast<ssize_t>(sizeof buffer));
      left = buffer.size();
      forks = forks_now;
    }
    return buffer[--left];
  }
};

}  // namespace

Random& system_random() {
  static SystemRandom random;
  return random;
}

}  // namespace clinicdb
