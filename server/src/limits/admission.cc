#include "limits/admission.h"

#include <algorithm>
#include <vector>

namespace clinicdb::server {

namespace {

/// A rested caller may take two seconds' worth at once.
double burst_of(std::uint64_t per_second) { return static_cast<double>(per_second) * 2; }

Refusal refuse(Load& tenant, Status status, std::uint32_t retry_after_ms) {
  ++tenant.refused;
  return {std::move(status), retry_after_ms};
}

constexpr std::uint32_t kRetryMs = 50;

}  // namespace

std::shared_ptr<Load> Admission::tenant(TenantId tenant) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<Load>& load = tenants_[tenant];
  if (load == nullptr) {
    load = std::make_shared<Load>(static_cast<double>(limits_.tenant_calls_per_second),
                                  burst_of(limits_.tenant_calls_per_second));
  }
  return load;
}

std::shared_ptr<Load> Admission::user(TenantId tenant, const std::string& name) {
  const std::lock_guard lock(mutex_);
  std::weak_ptr<Load>& known = users_[{tenant, name}];
  std::shared_ptr<Load> load = known.lock();
  if (load == nullptr) {
    load = std::make_shared<Load>(static_cast<double>(limits_.user_calls_per_second),
                                  burst_of(limits_.user_calls_per_second));
    known = load;
  }
  if (users_.size() > users_swept_at_) {
    std::erase_if(users_, [](const auto& user) { return user.second.expired(); });
    users_swept_at_ = std::max<std::size_t>(1024, users_.size() * 2);
  }
  return load;
}

Refusal Admission::admit(Load& tenant, Load& user, std::uint64_t bytes, std::int64_t now_ns) {
  const AdmissionLimits limits = this->limits();
  const std::uint64_t share = limits.tenant_share_percent;
  ++tenant.calls;
  {
    const std::lock_guard lock(tenant.mutex_);
    if (!tenant.bucket_.take(1, now_ns)) {
      return refuse(tenant, resource_exhausted("the tenant makes more calls than it may"),
                    tenant.bucket_.wait_ms(1));
    }
  }
  {
    const std::lock_guard lock(user.mutex_);
    if (!user.bucket_.take(1, now_ns)) {
      return refuse(tenant, resource_exhausted("the user makes more calls than it may"),
                    user.bucket_.wait_ms(1));
    }
  }
  // Counted first and taken back on refusal: two threads cannot both take the last place.
  const std::uint64_t tenant_calls = tenant.calls_in_flight.fetch_add(1) + 1;
  const std::uint64_t tenant_bytes = tenant.bytes_in_flight.fetch_add(bytes) + bytes;
  const std::uint64_t all_calls = calls_.fetch_add(1) + 1;
  const std::uint64_t all_bytes = bytes_.fetch_add(bytes) + bytes;
  if (tenant_calls > std::max<std::uint64_t>(1, limits.calls_in_flight_max * share / 100) ||
      (tenant_bytes > limits.bytes_in_flight_max * share / 100 && tenant_calls > 1)) {
    release(tenant, bytes);
    return refuse(tenant, resource_exhausted("the tenant has too many calls under way"), kRetryMs);
  }
  if (all_calls > limits.calls_in_flight_max ||
      (all_bytes > limits.bytes_in_flight_max && all_calls > 1)) {
    release(tenant, bytes);
    return refuse(tenant, unavailable("the server has too many calls under way"), kRetryMs);
  }
  tenant.bytes_in.fetch_add(bytes, std::memory_order_relaxed);
  return {};
}

void Admission::release(Load& tenant, std::uint64_t bytes) {
  tenant.calls_in_flight.fetch_sub(1);
  tenant.bytes_in_flight.fetch_sub(bytes);
  calls_.fetch_sub(1);
  bytes_.fetch_sub(bytes);
}

void Admission::set_limits(const AdmissionLimits& limits) {
  std::vector<std::shared_ptr<Load>> tenants;
  std::vector<std::shared_ptr<Load>> users;
  {
    const std::lock_guard lock(mutex_);
    limits_ = limits;
    for (const auto& [id, load] : tenants_) tenants.push_back(load);
    for (const auto& [name, known] : users_) {
      if (auto load = known.lock()) users.push_back(std::move(load));
    }
  }
  for (const auto& load : tenants) {
    const std::lock_guard lock(load->mutex_);
    load->bucket_.set(static_cast<double>(limits.tenant_calls_per_second),
                      burst_of(limits.tenant_calls_per_second));
  }
  for (const auto& load : users) {
    const std::lock_guard lock(load->mutex_);
    load->bucket_.set(static_cast<double>(limits.user_calls_per_second),
                      burst_of(limits.user_calls_per_second));
  }
}

AdmissionLimits Admission::limits() const {
  const std::lock_guard lock(mutex_);
  return limits_;
}

void Admission::for_each_tenant(const std::function<void(TenantId, const Load&)>& visit) const {
  std::map<TenantId, std::shared_ptr<Load>> tenants;
  {
    const std::lock_guard lock(mutex_);
    tenants = tenants_;
  }
  for (const auto& [id, load] : tenants) visit(id, *load);
}

}  // namespace clinicdb::server
