// TokenBucket: so many a second on average, so many at once. Pure over the time it is given.
// Confined to one thread at a time.
#pragma once

#include <algorithm>
#include <cstdint>

namespace clinicdb::server {

class TokenBucket {
 public:
  /// `per_second` 0: without limit. `burst` is what a rested caller may take at once.
  TokenBucket(double per_second, double burst)
      : per_ns_(per_second / 1e9), burst_(burst), tokens_(burst) {}

  /// Takes `count` if they are there.
  bool take(double count, std::int64_t now_ns) {
    if (per_ns_ <= 0) return true;
    refill(now_ns);
    if (tokens_ < count) return false;
    tokens_ -= count;
    return true;
  }
  /// How long until `count` will be there, in milliseconds, rounded up.
  std::uint32_t wait_ms(double count) const {
    if (per_ns_ <= 0 || tokens_ >= count) return 0;
    return static_cast<std::uint32_t>(std::min((count - tokens_) / per_ns_ / 1e6 + 1, 60'000.0));
  }
  double tokens() const { return tokens_; }
  /// New limits, from the configuration that was read again.
  void set(double per_second, double burst) {
    per_ns_ = per_second / 1e9;
    burst_ = burst;
    tokens_ = std::min(tokens_, burst_);
  }

 private:
  void refill(std::int64_t now_ns) {
    // Time that goes backwards gives nothing and takes nothing.
    if (now_ns > filled_ns_) {
      if (filled_ns_ != 0)
        tokens_ = std::min(burst_, tokens_ + static_cast<double>(now_ns - filled_ns_) * per_ns_);
      filled_ns_ = now_ns;
    }
  }

  double per_ns_;
  double burst_;
  double tokens_;
  std::int64_t filled_ns_ = 0;
};

}  // namespace clinicdb::server
