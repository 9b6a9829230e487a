#include "limits/address_gate.h"

#include "clinicdb/base/check.h"

namespace clinicdb::server {

namespace {

constexpr std::int64_t kMinuteNs = 60'000'000'000;

}  // namespace

Status AddressGate::connect(const std::string& address, std::int64_t now_ns) {
  const std::lock_guard lock(mutex_);
  const auto refuse = [&](const char* why) {
    ++counts_.refused;
    return resource_exhausted(why);
  };
  if (counts_.connections >= limits_.connections_max) return refuse("too many connections");
  if (counts_.before_login >= limits_.before_login_max)
    return refuse("too many connections that have not logged in");
  if (addresses_.size() >= kAddressesMax) {
    sweep(now_ns);
    if (addresses_.size() >= kAddressesMax) return refuse("too many addresses");
  }
  Address& from = addresses_[address];
  if (from.failed && now_ns - from.last_failure_ns > kMinuteNs) from.failed = false;
  // Takes none: what has come back since the last failure is looked at.
  if (from.failed && from.failures.take(0, now_ns) && from.failures.tokens() < 1)
    return refuse("too many failed logins from the address");
  if (from.connections >= limits_.connections_per_address_max)
    return refuse("too many connections of the address");
  if (from.before_login >= limits_.before_login_per_address_max)
    return refuse("too many connections of the address that have not logged in");
  ++from.connections;
  ++from.before_login;
  ++counts_.connections;
  ++counts_.before_login;
  return Status();
}

void AddressGate::logged_in(const std::string& address) {
  const std::lock_guard lock(mutex_);
  Address& from = addresses_[address];
  CLINICDB_CHECK(from.before_login > 0);
  --from.before_login;
  --counts_.before_login;
}

void AddressGate::login_failed(const std::string& address, std::int64_t now_ns) {
  const std::lock_guard lock(mutex_);
  Address& from = addresses_[address];
  ++counts_.login_failures;
  if (limits_.failures_per_minute == 0) return;
  const double per_minute = static_cast<double>(limits_.failures_per_minute);
  if (!from.failed) from.failures = TokenBucket(per_minute / 60, per_minute);
  from.failed = true;
  from.last_failure_ns = now_ns;
  static_cast<void>(from.failures.take(1, now_ns));
}

void AddressGate::disconnect(const std::string& address, bool was_logged_in) {
  const std::lock_guard lock(mutex_);
  const auto found = addresses_.find(address);
  CLINICDB_CHECK(found != addresses_.end() && found->second.connections > 0);
  --found->second.connections;
  --counts_.connections;
  if (!was_logged_in) {
    CLINICDB_CHECK(found->second.before_login > 0);
    --found->second.before_login;
    --counts_.before_login;
  }
  if (found->second.connections == 0 && !found->second.failed) addresses_.erase(found);
}

void AddressGate::sweep(std::int64_t now_ns) {
  std::erase_if(addresses_, [&](const auto& each) {
    return each.second.connections == 0 &&
           (!each.second.failed || now_ns - each.second.last_failure_ns > kMinuteNs);
  });
}

void AddressGate::set_limits(const AddressLimits& limits) {
  const std::lock_guard lock(mutex_);
  limits_ = limits;
}

bool AddressGate::hold_before_login(std::size_t before, std::size_t now) {
  const auto counted = [](std::size_t bytes) {
    return bytes > kBeforeLoginBytes ? bytes - kBeforeLoginBytes : 0;
  };
  if (counted(before) == counted(now)) return true;
  const std::lock_guard lock(mutex_);
  const std::uint64_t held = held_before_login_ - counted(before) + counted(now);
  if (now > before && held > limits_.before_login_bytes_max) {
    ++counts_.refused;
    return false;
  }
  held_before_login_ = held;
  return true;
}

AddressLimits AddressGate::limits() const {
  const std::lock_guard lock(mutex_);
  return limits_;
}

AddressGate::Counts AddressGate::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

}  // namespace clinicdb::server
