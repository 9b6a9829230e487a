// Layout: where every key of a store lies. docs/format.md, "Keys", is its description.
//
//   key = tenant (u64 BE) | table (u16 BE) | space (u8) | rest
//
// Tenant first, so that a tenant is one contiguous range: move, export, backup, checksum and erase
// are range operations. Tenant 0 is the store itself.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "clinicdb/base/ids.h"
#include "clinicdb/engine/table.h"

namespace clinicdb::engine::layout {

constexpr TenantId kSystem{0};

// Spaces of a table. 1..200 are its indexes.
constexpr std::uint8_t kRows = 0x00;
constexpr std::uint8_t kHistory = 0xf0;

// Tables that the engine keeps in each tenant's range.
constexpr TableId kEvents{0x0001};    // lsn (u64 BE) | ordinal (u32 BE) -> event
constexpr TableId kRequests{0x0002};  // session (16) | request id (16) -> answer

// Tables of the system range.
constexpr TableId kMeta{0x0001};         // "applied" -> epoch, lsn, hash
constexpr TableId kTenants{0x0002};      // tenant (u64 BE) -> tenant record
constexpr TableId kIndexStates{0x0003};  // table (u16 BE) | index (u8) -> index state

constexpr std::size_t kTenantBytes = 8;
constexpr std::size_t kPrefixBytes = 11;

/// tenant | table | space.
std::string prefix(TenantId tenant, TableId table, std::uint8_t space);
std::string row_key(TenantId tenant, TableId table, std::string_view record_key);
/// tenant | table | index | generation. A rebuilt index gets another generation.
std::string index_prefix(TenantId tenant, TableId table, IndexNumber index,
                         std::uint8_t generation);
/// Versions descend, so that the newest comes first.
std::string history_prefix(TenantId tenant, TableId table, std::string_view record_key);
std::string history_key(TenantId tenant, TableId table, std::string_view record_key,
                        std::uint64_t version);
std::string event_key(TenantId tenant, Lsn lsn, std::uint32_t ordinal);
std::string request_key(TenantId tenant, const Uuid& session, const Uuid& request);
/// The first key of a tenant's range, and the first behind it.
std::string tenant_begin(TenantId tenant);
std::string tenant_end(TenantId tenant);
/// The key that says what RocksDB contains.
std::string_view applied_key();

struct ParsedPrefix {
  TenantId tenant;
  TableId table;
  std::uint8_t space = 0;
  std::string_view rest;
};
/// False when `key` is shorter than a prefix.
[[nodiscard]] bool parse(std::string_view key, ParsedPrefix& parsed);

}  // namespace clinicdb::engine::layout
