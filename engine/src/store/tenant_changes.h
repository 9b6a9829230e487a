// Changes to the list of tenants, on the shard's writer. Each is alone in its group, so that what
// it compares with is all published.
#pragma once

#include <string_view>

#include "clinicdb/base/random.h"
#include "clinicdb/base/result.h"
#include "commit/group.h"
#include "store/tenant_record.h"

namespace clinicdb::engine {

/// kAlreadyExists when a visible tenant has the slug.
Status check_slug_free(const GroupContext& context, std::string_view slug);
/// A number that no tenant of this store has or had, random so that tenants of different stores do
/// not meet when they move (M3).
Result<TenantId> unused_tenant_number(const GroupContext& context, Random& random);
/// Puts the record, and shows the tenant from the group's commit on when it is visible.
void put_tenant(GroupContext& context, const TenantRecord& record);
/// Erases the tenant's whole range and keeps its record as erased, so that its number is never used
/// again (M3). The only change of its group.
void erase_tenant_range(GroupContext& context, TenantRecord record);

}  // namespace clinicdb::engine
