// Limits, without a socket: who gets a place, and who gets it back.
#include <catch2/catch.hpp>

#include "limits/address_gate.h"
#include "limits/admission.h"

namespace clinicdb::server {
namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;

TEST_CASE("token bucket: a burst, then the rate, and never more", "[server]") {
  TokenBucket bucket(10, 20);
  for (int i = 0; i < 20; ++i) CHECK(bucket.take(1, kSecondNs));
  CHECK_FALSE(bucket.take(1, kSecondNs));
  CHECK(bucket.wait_ms(1) >= 100);
  CHECK(bucket.wait_ms(1) <= 102);
  CHECK_FALSE(bucket.take(1, kSecondNs / 2));  // time goes back: nothing is given
  CHECK(bucket.take(1, kSecondNs + kSecondNs / 10));
  CHECK_FALSE(bucket.take(1, kSecondNs + kSecondNs / 10));
  for (int i = 0; i < 20; ++i) CHECK(bucket.take(1, 100 * kSecondNs));
  CHECK_FALSE(bucket.take(1, 100 * kSecondNs));
  TokenBucket unlimited(0, 0);
  for (int i = 0; i < 1000; ++i) CHECK(unlimited.take(1, 0));
}

TEST_CASE("admission: one tenant never has more than its share (bulkhead)", "[server]") {
  AdmissionLimits limits;
  limits.calls_in_flight_max = 10;
  limits.tenant_share_percent = 50;
  Admission admission(limits);
  const auto flood = admission.tenant(TenantId{1});
  const auto quiet = admission.tenant(TenantId{2});
  const auto user = admission.user(TenantId{1}, "u");
  CHECK(admission.tenant(TenantId{1}) == flood);
  CHECK(admission.user(TenantId{1}, "u") == user);
  int admitted = 0;
  for (int i = 0; i < 100; ++i) admitted += admission.admit(*flood, *user, 0, 1).status.ok();
  CHECK(admitted == 5);
  CHECK(flood->refused == 95);
  const Refusal refused = admission.admit(*flood, *user, 0, 1);
  CHECK(refused.status.code() == StatusCode::kResourceExhausted);
  CHECK(refused.retry_after_ms > 0);
  for (int i = 0; i < 5; ++i) CHECK(admission.admit(*quiet, *user, 0, 1).status.ok());
  const auto third = admission.tenant(TenantId{3});
  CHECK(admission.admit(*third, *user, 0, 1).status.code() == StatusCode::kUnavailable);
  admission.release(*flood, 0);
  CHECK(admission.admit(*third, *user, 0, 1).status.ok());
  CHECK(admission.calls_in_flight() == 10);
}

TEST_CASE("admission: bytes count, but one call of any size may run", "[server]") {
  AdmissionLimits limits;
  limits.bytes_in_flight_max = 1000;
  Admission admission(limits);
  const auto tenant = admission.tenant(TenantId{1});
  const auto user = admission.user(TenantId{1}, "u");
  CHECK(admission.admit(*tenant, *user, 5000, 1).status.ok());
  CHECK_FALSE(admission.admit(*tenant, *user, 1, 1).status.ok());
  admission.release(*tenant, 5000);
  CHECK(admission.admit(*tenant, *user, 400, 1).status.ok());
  CHECK_FALSE(admission.admit(*tenant, *user, 400, 1).status.ok());
  CHECK(admission.bytes_in_flight() == 400);
}

TEST_CASE("admission: rates of tenant and user, and new ones at once", "[server]") {
  AdmissionLimits limits;
  limits.tenant_calls_per_second = 100;
  limits.user_calls_per_second = 10;
  Admission admission(limits);
  const auto tenant = admission.tenant(TenantId{1});
  const auto one = admission.user(TenantId{1}, "one");
  const auto two = admission.user(TenantId{1}, "two");
  const auto take = [&](Load& user, std::int64_t now_ns) {
    const bool taken = admission.admit(*tenant, user, 0, now_ns).status.ok();
    if (taken) admission.release(*tenant, 0);
    return taken;
  };
  int of_one = 0;
  for (int i = 0; i < 50; ++i) of_one += take(*one, kSecondNs);
  CHECK(of_one == 20);
  CHECK(take(*two, kSecondNs));
  limits.user_calls_per_second = 0;
  admission.set_limits(limits);
  CHECK(take(*one, kSecondNs));
}

TEST_CASE("address gate: counts before and after login, and failures", "[server]") {
  AddressLimits limits;
  limits.connections_max = 4;
  limits.before_login_max = 3;
  limits.before_login_per_address_max = 2;
  limits.failures_per_minute = 3;
  AddressGate gate(limits);
  CHECK(gate.connect("a", 1).ok());
  CHECK(gate.connect("a", 1).ok());
  CHECK_FALSE(gate.connect("a", 1).ok());
  gate.logged_in("a");
  CHECK(gate.connect("a", 1).ok());
  CHECK(gate.connect("b", 1).ok());
  CHECK_FALSE(gate.connect("c", 1).ok());  // 4 connections
  gate.disconnect("b", false);
  CHECK(gate.counts().connections == 3);
  CHECK(gate.counts().before_login == 2);

  for (int i = 0; i < 3; ++i) gate.login_failed("b", kSecondNs);
  CHECK_FALSE(gate.connect("b", kSecondNs).ok());
  CHECK(gate.connect("d", kSecondNs).ok());  // others are not held to it
  gate.disconnect("d", false);
  CHECK(gate.connect("b", 30 * kSecondNs).ok());
  gate.disconnect("b", false);
  gate.disconnect("a", true);
  gate.disconnect("a", false);
  gate.disconnect("a", false);
  CHECK(gate.counts().connections == 0);
  CHECK(gate.counts().before_login == 0);
}

TEST_CASE("address gate: large hellos share what is for all of them, small ones always fit",
          "[server]") {
  constexpr std::size_t kFree = AddressGate::kBeforeLoginBytes;
  AddressLimits limits;
  limits.before_login_bytes_max = 3 * kFree;
  AddressGate gate(limits);
  CHECK(gate.hold_before_login(0, kFree));
  CHECK(gate.hold_before_login(0, 3 * kFree));
  CHECK(gate.hold_before_login(kFree, 2 * kFree));  // with it, all three
  CHECK_FALSE(gate.hold_before_login(kFree, 2 * kFree));
  CHECK(gate.hold_before_login(0, kFree));
  CHECK(gate.hold_before_login(3 * kFree, 2 * kFree));
  CHECK(gate.hold_before_login(kFree, 2 * kFree));
  CHECK_FALSE(gate.hold_before_login(2 * kFree, 3 * kFree));
  CHECK(gate.hold_before_login(2 * kFree, 0));
  CHECK(gate.hold_before_login(2 * kFree, 3 * kFree));
}

}  // namespace
}  // namespace clinicdb::server
