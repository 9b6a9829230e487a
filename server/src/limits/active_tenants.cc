#include "limits/active_tenants.h"

#include <algorithm>
#include <utility>

namespace clinicdb::server {

void LastTwo::saw(TenantId tenant, std::int64_t now_ns) {
  if (now_ns == kNever) return;
  if (last_.tenant == tenant && last_.at_ns != kNever) {
    last_.at_ns = std::max(last_.at_ns, now_ns);
  } else if (before_.tenant == tenant && before_.at_ns != kNever) {
    before_.at_ns = std::max(before_.at_ns, now_ns);
  } else if (now_ns >= before_.at_ns) {
    before_ = {tenant, now_ns};
  }
  if (before_.at_ns > last_.at_ns) std::swap(last_, before_);
}

void LastTwo::saw(const LastTwo& others) {
  saw(others.before_.tenant, others.before_.at_ns);
  saw(others.last_.tenant, others.last_.at_ns);
}

LastTwo ActiveTenants::exchange(const LastTwo& seen) {
  const std::lock_guard lock(mutex_);
  seen_.saw(seen);
  return seen_;
}

}  // namespace clinicdb::server
