// Tenants: made, described, listed and erased. See clinic.h for what holds for all services;
// methods are those of TenantService in clinic/schema/tenant.proto. Thread-safe.
#pragma once

#include <string_view>

#include "clinicdb/base/result.h"
#include "clinicdb/clinic/context.h"
#include "clinicdb/clinic/schema/tenant.pb.h"

namespace clinicdb::clinic {

class Core;

class Tenants {
 public:
  explicit Tenants(const Core& core) : core_(core) {}

  // create, find and list are calls on the store, not on a tenant: their context may have tenant 0.

  /// kAlreadyExists when the slug is taken. A tenant whose profile could not be written any more,
  /// because the process died in between, exists with an empty one.
  Result<CreateTenantResponse> create(const CallContext& context,
                                      const CreateTenantRequest& request) const;
  /// kNotFound when there is no such tenant.
  Result<GetTenantResponse> get(const CallContext& context, const GetTenantRequest& request) const;
  Result<FindTenantResponse> find(const CallContext& context,
                                  const FindTenantRequest& request) const;
  Result<ListTenantsResponse> list(const CallContext& context,
                                   const ListTenantsRequest& request) const;
  Result<UpdateTenantProfileResponse> update_profile(const CallContext& context,
                                                     UpdateTenantProfileRequest request) const;
  /// Erases the context's tenant with everything it has. The request names its slug, so that no
  /// slip does it.
  Result<DeleteTenantResponse> remove(const CallContext& context,
                                      const DeleteTenantRequest& request) const;

 private:
  const Core& core_;
};

}  // namespace clinicdb::clinic
