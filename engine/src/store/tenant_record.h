// A tenant's row in the store's own range, and the rules of slugs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "clinicdb/base/result.h"
#include "clinicdb/engine/store.h"

namespace clinicdb::engine {

enum class TenantVisibility : std::uint8_t {
  kVisible = 0,
  kErased = 1,     ///< kept for ever, so that its number is never used again (M3)
  kRestoring = 2,  ///< a restore is under way, or was when the process ended: nobody sees it yet
};

struct TenantRecord {
  TenantInfo info;
  TenantVisibility visibility = TenantVisibility::kVisible;
};

std::string encode_tenant(const TenantRecord& record);
Result<TenantRecord> decode_tenant(TenantId id, std::string_view value);

/// 1 to 63 of a-z, 0-9 and -, no - at either end.
Status check_slug(std::string_view slug);

}  // namespace clinicdb::engine
