// Fine cache tags: of an index with IndexDef::tag_bytes, a commit marks, beside each bucket that it
// touched, the sixteenth of it. Who reads a small part of a bucket depends on that part alone.
#pragma once

#include <cstddef>
#include <string_view>

#include "clinicdb/engine/result_cache.h"

namespace clinicdb::engine {

/// The entries of an index whose keys have the first tag_bytes bytes, and the four bits behind
/// them, of `key`. REQUIRES: tag_bytes is the index's; key is longer.
CacheTag cache_tag_sixteenth(TenantId tenant, TableId table, IndexNumber index,
                             std::string_view key, std::size_t tag_bytes);

}  // namespace clinicdb::engine
