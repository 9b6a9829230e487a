#include "clinicdb/clinic/methods.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "clinicdb/base/check.h"
#include "clinicdb/clinic/schema/appointment.pb.h"
#include "clinicdb/clinic/schema/availability.pb.h"
#include "clinicdb/clinic/schema/billing.pb.h"
#include "clinicdb/clinic/schema/calendar.pb.h"
#include "clinicdb/clinic/schema/care.pb.h"
#include "clinicdb/clinic/schema/catalogue.pb.h"
#include "clinicdb/clinic/schema/consent.pb.h"
#include "clinicdb/clinic/schema/duplicate.pb.h"
#include "clinicdb/clinic/schema/feed.pb.h"
#include "clinicdb/clinic/schema/patient.pb.h"
#include "clinicdb/clinic/schema/people.pb.h"
#include "clinicdb/clinic/schema/record.pb.h"
#include "clinicdb/clinic/schema/series.pb.h"
#include "clinicdb/clinic/schema/tenant.pb.h"
#include "clinicdb/clinic/schema/transfer.pb.h"
#include "clinicdb/clinic/schema/waitlist.pb.h"

namespace clinicdb::clinic {

namespace {

void append_methods(const google::protobuf::FileDescriptor& file, std::vector<MethodInfo>& list) {
  for (int s = 0; s < file.service_count(); ++s) {
    const google::protobuf::ServiceDescriptor& service = *file.service(s);
    for (int m = 0; m < service.method_count(); ++m) {
      const google::protobuf::MethodDescriptor& method = *service.method(m);
      const google::protobuf::MethodOptions& options = method.options();
      list.push_back({options.GetExtension(method_id), service.name(), method.name(),
                      options.GetExtension(access_right), options.GetExtension(cache_policy),
                      options.GetExtension(audit_action),
                      method.client_streaming() || method.server_streaming()});
    }
  }
}

std::vector<MethodInfo> declared_methods() {
  std::vector<MethodInfo> list;
  // Named through their messages, so that a static link keeps the files.
  append_methods(*Tenant::descriptor()->file(), list);
  append_methods(*User::descriptor()->file(), list);
  append_methods(*Service::descriptor()->file(), list);
  append_methods(*Patient::descriptor()->file(), list);
  append_methods(*PatientMerge::descriptor()->file(), list);
  append_methods(*ClinicalRecord::descriptor()->file(), list);
  append_methods(*Appointment::descriptor()->file(), list);
  append_methods(*ListCalendarRequest::descriptor()->file(), list);
  append_methods(*Series::descriptor()->file(), list);
  append_methods(*WaitlistEntry::descriptor()->file(), list);
  append_methods(*Hours::descriptor()->file(), list);
  append_methods(*Invoice::descriptor()->file(), list);
  append_methods(*DomainEvent::descriptor()->file(), list);
  append_methods(*Consent::descriptor()->file(), list);
  append_methods(*Lot::descriptor()->file(), list);
  append_methods(*ImportPart::descriptor()->file(), list);
  std::sort(list.begin(), list.end(),
            [](const MethodInfo& a, const MethodInfo& b) { return a.id < b.id; });
  return list;
}

class Methods {
 public:
  Methods() : list_(declared_methods()) {
    for (const MethodInfo& info : list_) {
      CLINICDB_CHECK(info.id > METHOD_UNSPECIFIED && info.id < kMethodIdsMax);
      CLINICDB_CHECK(by_id_[static_cast<std::size_t>(info.id)] == nullptr);
      by_id_[static_cast<std::size_t>(info.id)] = &info;
    }
  }
  Methods(const Methods&) = delete;
  Methods& operator=(const Methods&) = delete;

  std::span<const MethodInfo> list() const { return list_; }
  const MethodInfo* find(MethodId id) const {
    return id >= 0 && id < kMethodIdsMax ? by_id_[static_cast<std::size_t>(id)] : nullptr;
  }

 private:
  std::vector<MethodInfo> list_;  // by number
  std::array<const MethodInfo*, kMethodIdsMax> by_id_{};
};

const Methods& methods() {
  static const Methods all;
  return all;
}

/// The calls that are on the store and not on a tenant.
bool needs_tenant(MethodId id) {
  return id != METHOD_TENANTS_CREATE && id != METHOD_TENANTS_FIND && id != METHOD_TENANTS_LIST;
}

Status refusal(const MethodInfo& method, const CallContext& context) {
  if (!context.rights.allows(method.right)) {
    return permission_denied(std::string(method.service) + "." + std::string(method.name) +
                             " takes the right " + AccessRight_Name(method.right));
  }
  if (context.tenant == TenantId{} && needs_tenant(method.id)) {
    return invalid_argument(std::string(method.service) + "." + std::string(method.name) +
                            ": the call names no tenant");
  }
  return {};
}

}  // namespace

const MethodInfo* find_method(MethodId id) { return methods().find(id); }

std::span<const MethodInfo> all_methods() { return methods().list(); }

Status authorise(MethodId id, const CallContext& context, std::string_view subject,
                 const AuditHook& hook) {
  const MethodInfo* method = find_method(id);
  CLINICDB_CHECK(method != nullptr);
  const bool allowed =
      context.rights.allows(method->right) && (context.tenant != TenantId{} || !needs_tenant(id));
  if (hook) RETURN_IF_ERROR(hook(AuditEntry{*method, context, subject, allowed}));
  return allowed ? Status() : refusal(*method, context);
}

}  // namespace clinicdb::clinic
