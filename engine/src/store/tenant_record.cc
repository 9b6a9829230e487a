#include "store/tenant_record.h"

#include "clinicdb/base/bytes.h"

namespace clinicdb::engine {

namespace {
constexpr std::uint8_t kTenantRecordVersion = 1;
constexpr std::size_t kHeaderBytes = 26;
constexpr std::size_t kSlugBytesMax = 63;
}  // namespace

std::string encode_tenant(const TenantRecord& record) {
  std::string value;
  value.push_back(static_cast<char>(kTenantRecordVersion));
  value.push_back(static_cast<char>(record.visibility));
  value.append(record.info.uuid.view());
  append_le64(value, static_cast<std::uint64_t>(record.info.created.us));
  value.append(record.info.slug);
  return value;
}

Result<TenantRecord> decode_tenant(TenantId id, std::string_view value) {
  if (value.size() < kHeaderBytes || static_cast<std::uint8_t>(value[0]) != kTenantRecordVersion ||
      static_cast<std::uint8_t>(value[1]) >
          static_cast<std::uint8_t>(TenantVisibility::kRestoring)) {
    return data_loss("the record of tenant " + std::to_string(id.value) +
                     " is damaged or of a later program");
  }
  TenantRecord record;
  record.visibility = static_cast<TenantVisibility>(value[1]);
  record.info.id = id;
  record.info.uuid = Uuid::from_bytes(value.substr(2, 16));
  record.info.created.us = static_cast<std::int64_t>(load_le64(value.data() + 18));
  record.info.slug = value.substr(kHeaderBytes);
  return record;
}

Status check_slug(std::string_view slug) {
  bool good =
      !slug.empty() && slug.size() <= kSlugBytesMax && slug.front() != '-' && slug.back() != '-';
  for (const char c : slug)
    good = good && ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-');
  if (good) return Status();
  return invalid_argument("a tenant's slug has 1 to 63 of a-z, 0-9 and -, and no - at its ends")
      .with_field("slug");
}

}  // namespace clinicdb::engine
