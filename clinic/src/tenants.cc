#include "clinicdb/clinic/tenants.h"

#include <utility>

#include "clinicdb/clinic/check.h"
#include "clinicdb/clinic/identifiers.h"
#include "clinicdb/clinic/tables.h"
#include "core.h"

namespace clinicdb::clinic {

namespace {

/// The tenant with its profile, as far as it has one.
Result<Tenant> describe(engine::Store& store, const engine::TenantInfo& info) {
  Tenant tenant;
  tenant.set_number(info.id.value);
  tenant.set_uuid(std::string(info.uuid.view()));
  tenant.set_slug(info.slug);
  tenant.set_created_us(info.created.us);
  ASSIGN_OR_RETURN(const std::unique_ptr<engine::Reader> reader, store.view(info.id));
  ASSIGN_OR_RETURN(std::optional<engine::Stored<TenantProfile>> profile,
                   reader->get(tenant_profiles_table(), kTenantProfileKey));
  if (profile) {
    *tenant.mutable_profile() = std::move(profile->record);
    tenant.set_profile_version(profile->meta.version);
  }
  return tenant;
}

Result<engine::PutResult> put_profile(engine::Transaction& tx, const TenantProfile& profile,
                                      std::optional<std::uint64_t> expected_version) {
  ASSIGN_OR_RETURN(const engine::PutResult put,
                   tx.put(tenant_profiles_table(), profile, {expected_version, true}));
  if (put.effect == engine::PutEffect::kUnchanged) return put;
  EventPayload payload;
  payload.set_version(put.version);
  RETURN_IF_ERROR(tx.emit(EVENT_TENANT_PROFILE_CHANGED, payload.SerializeAsString()));
  return put;
}

}  // namespace

Result<CreateTenantResponse> Tenants::create(const CallContext& context,
                                             const CreateTenantRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_TENANTS_CREATE, context));
  RETURN_IF_ERROR(check_slug(request.slug(), "slug"));
  TenantProfile profile = request.profile();
  RETURN_IF_ERROR(check(profile));
  ASSIGN_OR_RETURN(const engine::TenantInfo info, core_.store().create_tenant(request.slug()));
  if (request.has_profile()) {
    engine::CallContext call;
    call.user = context.user;
    const auto command = [&](engine::Transaction& tx) -> Result<std::string> {
      RETURN_IF_ERROR(put_profile(tx, profile, {}).status());
      return std::string();
    };
    RETURN_IF_ERROR(core_.store().execute(info.id, call, command).status());
  }
  CreateTenantResponse response;
  ASSIGN_OR_RETURN(*response.mutable_tenant(), describe(core_.store(), info));
  return response;
}

Result<GetTenantResponse> Tenants::get(const CallContext& context, const GetTenantRequest&) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_TENANTS_GET, context));
  ASSIGN_OR_RETURN(const engine::TenantInfo info, core_.store().tenant(context.tenant));
  GetTenantResponse response;
  ASSIGN_OR_RETURN(*response.mutable_tenant(), describe(core_.store(), info));
  return response;
}

Result<FindTenantResponse> Tenants::find(const CallContext& context,
                                         const FindTenantRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_TENANTS_FIND, context));
  ASSIGN_OR_RETURN(const engine::TenantInfo info, core_.store().find_tenant(request.slug()));
  FindTenantResponse response;
  ASSIGN_OR_RETURN(*response.mutable_tenant(), describe(core_.store(), info));
  return response;
}

Result<ListTenantsResponse> Tenants::list(const CallContext& context,
                                          const ListTenantsRequest&) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_TENANTS_LIST, context));
  ASSIGN_OR_RETURN(const std::vector<engine::TenantInfo> all, core_.store().list_tenants());
  ListTenantsResponse response;
  for (const engine::TenantInfo& info : all) {
    Result<Tenant> tenant = describe(core_.store(), info);
    // One that was deleted since is not in the list.
    if (!tenant && tenant.error().code() == StatusCode::kNotFound) continue;
    if (!tenant) return std::move(tenant).error();
    *response.add_tenants() = std::move(tenant).value();
  }
  return response;
}

Result<UpdateTenantProfileResponse> Tenants::update_profile(
    const CallContext& context, UpdateTenantProfileRequest request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_TENANTS_UPDATE_PROFILE, context));
  const std::uint64_t hash = request_hash(context, METHOD_TENANTS_UPDATE_PROFILE, request);
  RETURN_IF_ERROR(check(*request.mutable_profile()));
  std::optional<std::uint64_t> expected;
  if (request.has_expected_version()) expected = request.expected_version();
  return core_.execute<UpdateTenantProfileResponse>(
      context, hash, [&](engine::Transaction& tx, UpdateTenantProfileResponse& response) -> Status {
        ASSIGN_OR_RETURN(const engine::PutResult put, put_profile(tx, request.profile(), expected));
        response.mutable_result()->set_version(put.version);
        response.mutable_result()->set_unchanged(put.effect == engine::PutEffect::kUnchanged);
        return {};
      });
}

Result<DeleteTenantResponse> Tenants::remove(const CallContext& context,
                                             const DeleteTenantRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_TENANTS_DELETE, context));
  ASSIGN_OR_RETURN(const engine::TenantInfo info, core_.store().tenant(context.tenant));
  if (info.slug != request.slug()) {
    return invalid_argument("slug: the call's tenant has another slug").with_field("slug");
  }
  RETURN_IF_ERROR(core_.store().delete_tenant(context.tenant));
  return DeleteTenantResponse();
}

}  // namespace clinicdb::clinic
