// What each method of the services is, as declared in clinic/schema/*.proto: its permanent number,
// the right it takes, how its answers may be kept and what an audit calls it. Nothing of it is
// written a second time.
//
// Pure and immutable: thread-safe.
#pragma once

#include <functional>
#include <span>
#include <string_view>

#include "clinicdb/base/status.h"
#include "clinicdb/clinic/context.h"

namespace clinicdb::clinic {

struct MethodInfo {
  MethodId id = METHOD_UNSPECIFIED;
  std::string_view service;  ///< "PatientService"
  std::string_view name;     ///< "FindByCpf"
  AccessRight right = ACCESS_RIGHT_UNSPECIFIED;
  CachePolicy cache = CACHE_POLICY_UNSPECIFIED;
  AuditAction audit = AUDIT_ACTION_UNSPECIFIED;
  bool streams = false;  ///< one side, or both, sends many messages
};

/// Method numbers are below this.
constexpr int kMethodIdsMax = 1024;

/// nullptr when no method has that number.
const MethodInfo* find_method(MethodId id);
/// All methods, by number.
std::span<const MethodInfo> all_methods();

/// One deed, as an audit sees it.
struct AuditEntry {
  const MethodInfo& method;
  const CallContext& context;
  std::string_view
      subject;  ///< the 16 bytes of what it is about, where the request names one; else empty
  bool allowed = false;
};

/// Called for each authorised or refused call, on the caller's thread, before anything is done.
/// When it fails the call fails with its status: an audit that cannot be written is never passed
/// over.
using AuditHook = std::function<Status(const AuditEntry&)>;

/// The one place where a call is allowed or not: kPermissionDenied names the method and the right
/// that is missing, kInvalidArgument says that the context has no tenant. REQUIRES: `id` is
/// declared.
Status authorise(MethodId id, const CallContext& context, std::string_view subject,
                 const AuditHook& hook);

}  // namespace clinicdb::clinic
