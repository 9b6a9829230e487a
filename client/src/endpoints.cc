#include "endpoints.h"

#include <algorithm>

#include "client_limits.h"
#include "clinicdb/base/check.h"

namespace clinicdb::client {

namespace {}

Endpoints::Endpoints(std::size_t count, BreakerSettings settings, Random& random)
    : settings_(settings) {
  CLINICDB_CHECK(count > 0);
  for (std::size_t i = 0; i < count; ++i) {
    all_.push_back({Backoff(settings.pause_first_ms, settings.pause_longest_ms, random)});
  }
}

std::optional<std::size_t> Endpoints::choose(std::int64_t now_ns) {
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < all_.size(); ++i) {
    Endpoint& endpoint = all_[i];
    if (endpoint.open_until_ns != 0) {
      if (endpoint.probing || now_ns < endpoint.open_until_ns) continue;
      endpoint.probing = true;
      best = i;
      break;
    }
    if (!best || endpoint.outstanding < all_[*best].outstanding ||
        (endpoint.outstanding == all_[*best].outstanding && endpoint.used < all_[*best].used)) {
      best = i;
    }
  }
  if (best) {
    ++all_[*best].outstanding;
    all_[*best].used = ++uses_;
  }
  return best;
}

void Endpoints::succeeded(std::size_t index) {
  ended(index);
  Endpoint& endpoint = all_[index];
  endpoint.failures = 0;
  endpoint.open_until_ns = 0;
  endpoint.pause.reset();
}

void Endpoints::failed(std::size_t index, std::int64_t now_ns) {
  const bool probed = all_[index].probing;
  ended(index);
  Endpoint& endpoint = all_[index];
  ++endpoint.failures;
  // Calls that were under way when the circuit opened say nothing new.
  const bool opens = endpoint.open_until_ns == 0 && endpoint.failures >= settings_.failures_max;
  if (opens || probed) endpoint.open_until_ns = now_ns + endpoint.pause.next_ms() * kNsPerMs;
}

void Endpoints::ended(std::size_t index) {
  Endpoint& endpoint = all_[index];
  CLINICDB_CHECK(endpoint.outstanding > 0);
  --endpoint.outstanding;
  endpoint.probing = false;
}

std::int64_t Endpoints::next_probe_ns() const {
  return std::min_element(
             all_.begin(), all_.end(),
             [](const Endpoint& a, const Endpoint& b) { return a.open_until_ns < b.open_until_ns; })
      ->open_until_ns;
}

}  // namespace clinicdb::client
