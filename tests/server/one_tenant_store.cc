#include "one_tenant_store.h"

#include "clinicdb/clinic/clinic.h"
#include "clinicdb/clinic/tenants.h"

namespace clinicdb::server {

Status make_one_tenant_store(const std::string& directory) {
  ASSIGN_OR_RETURN(const auto clinic, clinic::Clinic::open(directory, {}));
  clinic::CreateTenantRequest request;
  request.set_slug("sorriso");
  return clinic->tenants().create(clinic::CallContext::system(TenantId{}), request).status();
}

}  // namespace clinicdb::server
