#include "auth/replay_guard.h"

#include <utility>

#include "auth/encoding.h"

namespace clinicdb::server {

namespace {

constexpr std::int64_t kSweepUs = 60'000'000;

}  // namespace

Status ReplayGuard::admit(const std::string& token_id, const Uuid& session, Time until, Time now) {
  if (token_id.empty()) return unauthenticated("token: has no jti, which is asked for here");
  if (session.is_nil()) return unauthenticated("token: the session that brings it has no id");
  // Its hash, so that long ids cost no more memory than short ones.
  std::string key = sha256(token_id);
  const std::lock_guard lock(mutex_);
  if (now >= next_sweep_ || uses_.size() >= tokens_max_) {
    std::erase_if(uses_, [&](const auto& use) { return use.second.until <= now; });
    next_sweep_ = Time{now.us + kSweepUs};
  }
  if (const auto use = uses_.find(key); use != uses_.end()) {
    if (use->second.session == session) return Status();
    return unauthenticated("token: is in use by another session");
  }
  if (uses_.size() >= tokens_max_)
    return resource_exhausted("no more tokens can be remembered; try again later");
  uses_.emplace(std::move(key), Use{session, until});
  return Status();
}

std::size_t ReplayGuard::size() const {
  const std::lock_guard lock(mutex_);
  return uses_.size();
}

}  // namespace clinicdb::server
