// ServiceParts: what every connection of a server works with. Not owned; all outlive the server's
// I/O threads, and each is thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "auth/authenticator.h"
#include "clinicdb/base/clock.h"
#include "clinicdb/clinic/clinic.h"
#include "limits/active_tenants.h"
#include "limits/address_gate.h"
#include "limits/admission.h"
#include "net/protocol_session.h"
#include "net/tls.h"
#include "net/work_pool.h"
#include "observe/log.h"

namespace clinicdb::server {

/// A call that took long, for the log and the live page.
struct SlowCall {
  Time when;
  clinic::MethodId method = clinic::METHOD_UNSPECIFIED;
  StatusCode code = StatusCode::kOk;
  std::uint64_t trace = 0;
  std::optional<Uuid> request_id;
  TenantId tenant;
  std::int64_t latency_us = 0;
};

struct ServiceParts {
  clinic::Clinic* clinic = nullptr;
  Authenticator* authenticator = nullptr;
  Admission* admission = nullptr;
  ActiveTenants* active_tenants = nullptr;
  AddressGate* addresses = nullptr;
  WorkPool* pool = nullptr;
  WorkPool* stream_pool = nullptr;  ///< for what lasts
  Log* log = nullptr;
  const Clock* clock = nullptr;
  SessionRules rules;
  Epoch epoch;
  /// Told of calls above `slow_us`. Thread-safe.
  std::function<void(const SlowCall&)> slow_call;
  std::atomic<std::int64_t> slow_us{100'000};
};

}  // namespace clinicdb::server
