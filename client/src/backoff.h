// Backoff: how long to wait before the next try: twice as long each time, up to a limit, with full
// jitter, so that clients that failed together do not come back together.
//
// Confined to one thread at a time.
#pragma once

#include <algorithm>
#include <cstdint>

#include "clinicdb/base/random.h"

namespace clinicdb::client {

class Backoff {
 public:
  /// REQUIRES: 0 < first_ms <= longest_ms. `random` outlives it.
  Backoff(std::uint32_t first_ms, std::uint32_t longest_ms, Random& random)
      : first_ms_(first_ms), longest_ms_(longest_ms), random_(random) {}

  /// Milliseconds to wait after one more failure.
  std::uint32_t next_ms() {
    const std::uint32_t shift = std::min<std::uint32_t>(failures_++, 20);
    const std::uint64_t widest =
        std::min<std::uint64_t>(std::uint64_t{first_ms_} << shift, longest_ms_);
    return static_cast<std::uint32_t>(1 + random_.below(widest));
  }
  void reset() { failures_ = 0; }
  std::uint32_t failures() const { return failures_; }

 private:
  std::uint32_t first_ms_;
  std::uint32_t longest_ms_;
  std::uint32_t failures_ = 0;
  Random& random_;
};

}  // namespace clinicdb::client
