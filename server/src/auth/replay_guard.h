// ReplayGuard: a token is for one session. The first session that brings it has it; brought by
// another one, it was copied. Reconnecting names the same session again, and is let in.
//
// Bounded: when it is full of tokens that have not ended, new ones are refused, never old ones
// forgotten. Thread-safe.
#pragma once

#include <cstddef>
#include <mutex>
#include <string>
#include <unordered_map>

#include "clinicdb/base/clock.h"
#include "clinicdb/base/ids.h"
#include "clinicdb/base/status.h"

namespace clinicdb::server {

class ReplayGuard {
 public:
  static constexpr std::size_t kTokensMax = 100'000;

  explicit ReplayGuard(std::size_t tokens_max = kTokensMax) : tokens_max_(tokens_max) {}

  /// kUnauthenticated when the token is another session's, or has no id; kResourceExhausted when no
  /// more can be remembered.
  Status admit(const std::string& token_id, const Uuid& session, Time until, Time now);
  std::size_t size() const;

 private:
  struct Use {
    Uuid session;
    Time until;
  };
  const std::size_t tokens_max_;
  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::unordered_map<std::string, Use> uses_;
  Time next_sweep_;
};

}  // namespace clinicdb::server
