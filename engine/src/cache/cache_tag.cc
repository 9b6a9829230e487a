#include <xxhash.h>

#include "clinicdb/base/bytes.h"
#include "clinicdb/base/check.h"
#include "clinicdb/engine/fine_tag.h"
#include "clinicdb/engine/result_cache.h"

namespace clinicdb::engine {

namespace {

// What a tag names. In memory only, so the numbers may change.
enum class TagKind : std::uint8_t { kTable = 1, kRecord = 2, kRange = 3, kSixteenth = 4 };

/// XXH3-64 over 16 bytes that say whose tag of which kind it is; the seed for the bytes that
/// follow.
std::uint64_t scope_hash(TenantId tenant, TableId table, TagKind kind, IndexNumber index) {
  char scope[16] = {};
  store_le64(scope, tenant.value);
  store_le16(scope + 8, table.value);
  scope[10] = static_cast<char>(kind);
  scope[11] = static_cast<char>(index);
  return XXH3_64bits(scope, sizeof scope);
}

CacheTag tag(std::uint64_t scope, std::string_view bytes) {
  return {XXH3_64bits_withSeed(bytes.data(), bytes.size(), scope)};
}

}  // namespace

CacheTag cache_tag_record(TenantId tenant, TableId table, std::string_view key) {
  return tag(scope_hash(tenant, table, TagKind::kRecord, 0), key);
}

CacheTag cache_tag_table(TenantId tenant, TableId table) {
  return {scope_hash(tenant, table, TagKind::kTable, 0)};
}

CacheTag cache_tag_range(TenantId tenant, TableId table, IndexNumber index,
                         std::string_view bucket) {
  return tag(scope_hash(tenant, table, TagKind::kRange, index), bucket);
}

CacheTag cache_tag_sixteenth(TenantId tenant, TableId table, IndexNumber index,
                             std::string_view key, std::size_t tag_bytes) {
  CLINICDB_CHECK(key.size() > tag_bytes);
  // The bits follow the bucket by way of the seed, so that the key need not be copied.
  const auto bits = static_cast<std::uint64_t>(static_cast<std::uint8_t>(key[tag_bytes]) >> 4);
  return tag(scope_hash(tenant, table, TagKind::kSixteenth, index) + bits,
             key.substr(0, tag_bytes));
}

}  // namespace clinicdb::engine
