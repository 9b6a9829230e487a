#include "store/tenant_changes.h"

#include <algorithm>

#include "clinicdb/engine/key.h"
#include "store/layout.h"

namespace clinicdb::engine {

namespace {

std::string tenant_key(TenantId id) {
  return layout::row_key(layout::kSystem, layout::kTenants, Key().u64(id.value).str());
}

}  // namespace

Status check_slug_free(const GroupContext& context, std::string_view slug) {
  for (const TenantInfo& other : *context.published.tenants) {
    if (other.slug != slug) continue;
    return already_exists("there is a tenant \"" + std::string(slug) + "\"").with_field("slug");
  }
  return Status();
}

Result<TenantId> unused_tenant_number(const GroupContext& context, Random& random) {
  const State state = context.state();
  while (true) {
    const TenantId id{random.next() >> 1};
    bool taken = id == layout::kSystem;
    RETURN_IF_ERROR(state.get(tenant_key(id), [&](std::string_view) {
      taken = true;
      return Status();
    }));
    if (!taken) return id;
  }
}

void put_tenant(GroupContext& context, const TenantRecord& record) {
  context.group.overlay.put(tenant_key(record.info.id), encode_tenant(record), false);
  context.group.tenants.push_back(layout::kSystem);
  if (record.visibility != TenantVisibility::kVisible) return;
  context.group.on_publish.push_back([info = record.info](Published& published) {
    auto tenants = std::make_shared<TenantMap>(*published.tenants);
    tenants->insert(
        std::upper_bound(tenants->begin(), tenants->end(), info,
                         [](const TenantInfo& a, const TenantInfo& b) { return a.id < b.id; }),
        info);
    published.tenants = std::move(tenants);
  });
}

void erase_tenant_range(GroupContext& context, TenantRecord record) {
  const TenantId id = record.info.id;
  record.visibility = TenantVisibility::kErased;
  context.group.overlay.put(tenant_key(id), encode_tenant(record), false);
  context.group.kind = EntryKind::kErase;
  context.group.erased = id;
  context.group.tenants = {layout::kSystem, id};
  context.group.on_publish.push_back([id](Published& published) {
    auto tenants = std::make_shared<TenantMap>(*published.tenants);
    std::erase_if(*tenants, [id](const TenantInfo& info) { return info.id == id; });
    published.tenants = std::move(tenants);
  });
}

}  // namespace clinicdb::engine
