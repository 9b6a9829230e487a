#include "store/layout.h"

#include "clinicdb/base/bytes.h"

namespace clinicdb::engine::layout {

namespace {

void append_prefix(std::string& out, TenantId tenant, TableId table, std::uint8_t space) {
  append_be64(out, tenant.value);
  append_be16(out, table.value);
  out.push_back(static_cast<char>(space));
}

std::string start_key(TenantId tenant, TableId table, std::uint8_t space, std::size_t more) {
  std::string key;
  key.reserve(kPrefixBytes + more);
  append_prefix(key, tenant, table, space);
  return key;
}

}  // namespace

std::string prefix(TenantId tenant, TableId table, std::uint8_t space) {
  return start_key(tenant, table, space, 0);
}

std::string row_key(TenantId tenant, TableId table, std::string_view record_key) {
  std::string key = start_key(tenant, table, kRows, record_key.size());
  key.append(record_key);
  return key;
}

std::string index_prefix(TenantId tenant, TableId table, IndexNumber index,
                         std::uint8_t generation) {
  std::string key = start_key(tenant, table, index, 1 + 64);
  key.push_back(static_cast<char>(generation));
  return key;
}

std::string history_prefix(TenantId tenant, TableId table, std::string_view record_key) {
  std::string key = start_key(tenant, table, kHistory, record_key.size() + 8);
  key.append(record_key);
  return key;
}

std::string history_key(TenantId tenant, TableId table, std::string_view record_key,
                        std::uint64_t version) {
  std::string key = history_prefix(tenant, table, record_key);
  append_be64(key, ~version);
  return key;
}

std::string event_key(TenantId tenant, Lsn lsn, std::uint32_t ordinal) {
  std::string key = start_key(tenant, kEvents, kRows, 12);
  append_be64(key, lsn.value);
  append_be32(key, ordinal);
  return key;
}

std::string request_key(TenantId tenant, const Uuid& session, const Uuid& request) {
  std::string key = start_key(tenant, kRequests, kRows, 32);
  key.append(session.view()).append(request.view());
  return key;
}

std::string tenant_begin(TenantId tenant) {
  std::string key;
  append_be64(key, tenant.value);
  return key;
}

std::string tenant_end(TenantId tenant) {
  std::string key;
  append_be64(key, tenant.value + 1);
  return key;
}

std::string_view applied_key() {
  static const std::string key = row_key(kSystem, kMeta, "applied");
  return key;
}

bool parse(std::string_view key, ParsedPrefix& parsed) {
  if (key.size() < kPrefixBytes) return false;
  parsed.tenant.value = load_be64(key.data());
  parsed.table.value = load_be16(key.data() + 8);
  parsed.space = static_cast<std::uint8_t>(key[10]);
  parsed.rest = key.substr(kPrefixBytes);
  return true;
}

}  // namespace clinicdb::engine::layout
