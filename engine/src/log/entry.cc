#include "log/entry.h"

#include <lz4.h>
#include <xxhash.h>

#include <cstring>
#include <string>
#include <type_traits>

#include "clinicdb/base/bytes.h"
#include "clinicdb/base/check.h"
#include "log/log_limits.h"

namespace clinicdb::engine {
namespace {

/// The header as it lies on disk, little-endian (base/bytes.h asserts that the machine is).
struct RawHeader {
  // local part
  std::uint64_t checksum;
  std::uint32_t magic;
  std::uint16_t version;
  std::uint16_t header_bytes;
  std::uint64_t hash;
  std::uint64_t segment_id;
  std::uint64_t synced_lsn;
  // shared part
  std::uint8_t kind;
  std::uint8_t flags;
  std::uint16_t reserved;
  std::uint32_t tenant_count;
  std::uint64_t epoch;
  std::uint64_t lsn;
  std::uint64_t previous_hash;
  std::uint64_t committed_lsn;
  std::int64_t time_us;
  std::uint32_t payload_stored_bytes;
  std::uint32_t payload_raw_bytes;
};

constexpr std::size_t kChecksumEnd = 8;
constexpr std::size_t kSharedBegin = 40;

static_assert(sizeof(RawHeader) == kEntryHeaderBytes);
static_assert(std::has_unique_object_representations_v<RawHeader>, "no hidden padding");
static_assert(offsetof(RawHeader, checksum) == 0);
static_assert(offsetof(RawHeader, magic) == kEntryMagicOffset);
static_assert(offsetof(RawHeader, version) == 12);
static_assert(offsetof(RawHeader, header_bytes) == 14);
static_assert(offsetof(RawHeader, hash) == 16);
static_assert(offsetof(RawHeader, segment_id) == 24);
static_assert(offsetof(RawHeader, synced_lsn) == 32);
static_assert(offsetof(RawHeader, kind) == kSharedBegin);
static_assert(offsetof(RawHeader, flags) == 41);
static_assert(offsetof(RawHeader, reserved) == 42);
static_assert(offsetof(RawHeader, tenant_count) == 44);
static_assert(offsetof(RawHeader, epoch) == 48);
static_assert(offsetof(RawHeader, lsn) == 56);
static_assert(offsetof(RawHeader, previous_hash) == 64);
static_assert(offsetof(RawHeader, committed_lsn) == 72);
static_assert(offsetof(RawHeader, time_us) == 80);
static_assert(offsetof(RawHeader, payload_stored_bytes) == 88);
static_assert(offsetof(RawHeader, payload_raw_bytes) == 92);
static_assert(kEntryPayloadBytesMax <= LZ4_MAX_INPUT_SIZE);

constexpr std::uint8_t kFlagLz4 = 1;

constexpr std::uint64_t padded(std::uint64_t bytes) {
  return (bytes + kEntryAlignment - 1) / kEntryAlignment * kEntryAlignment;
}

std::uint64_t local_checksum(const char* entry) {
  return XXH3_64bits(entry + kChecksumEnd, kSharedBegin - kChecksumEnd);
}

RawHeader load_header(const char* bytes) {
  RawHeader header;
  std::memcpy(&header, bytes, sizeof header);
  return header;
}

/// Without the padding. Cannot overflow: two 32-bit numbers, one times eight.
std::uint64_t content_bytes(const RawHeader& header) {
  return kEntryHeaderBytes + std::uint64_t{header.tenant_count} * 8 + header.payload_stored_bytes;
}

bool known_kind(std::uint8_t kind) {
  return kind >= static_cast<std::uint8_t>(EntryKind::kGroup) &&
         kind <= static_cast<std::uint8_t>(EntryKind::kBarrier);
}

bool ascending(std::string_view tenant_bytes) {
  for (std::size_t i = 8; i < tenant_bytes.size(); i += 8) {
    if (load_le64(tenant_bytes.data() + i) <= load_le64(tenant_bytes.data() + i - 8)) return false;
  }
  return true;
}

/// What a correct writer never writes although hash and checksum agree.
Status check_fields(const RawHeader& header) {
  if (!known_kind(header.kind)) return data_loss("entry has an unknown kind");
  if ((header.flags & ~kFlagLz4) != 0 || header.reserved != 0) {
    return data_loss("entry has unknown flags");
  }
  if (header.lsn == 0) return data_loss("entry has no LSN");
  if (header.committed_lsn >= header.lsn || header.synced_lsn >= header.lsn) {
    return data_loss("entry counts itself as committed or synced");
  }
  const bool compressed = (header.flags & kFlagLz4) != 0;
  const std::uint64_t stored = header.payload_stored_bytes;
  if (header.payload_raw_bytes > kEntryPayloadBytesMax ||
      header.payload_raw_bytes > stored * (compressed ? kEntryExpansionMax : 1) ||
      stored > header.payload_raw_bytes) {
    return data_loss("entry declares impossible payload sizes");
  }
  return {};
}

}  // namespace

std::vector<TenantId> EntryView::tenants() const {
  std::vector<TenantId> tenants(tenant_bytes.size() / 8);
  for (std::size_t i = 0; i < tenants.size(); ++i) {
    tenants[i] = TenantId{load_le64(tenant_bytes.data() + 8 * i)};
  }
  return tenants;
}

std::uint64_t EntryEncoder::encode(const EntryContent& content) {
  CLINICDB_CHECK(content.operations.size() <= kEntryPayloadBytesMax);
  CLINICDB_CHECK(content.committed < content.position.lsn);
  const std::size_t payload_offset = kEntryHeaderBytes + content.tenants.size() * 8;
  const std::size_t bytes_max = padded(payload_offset + content.operations.size());
  if (buffer_.size() > kEntryBufferKeptBytes && bytes_max <= kEntryBufferKeptBytes) {
    buffer_ = std::vector<char>();
  }
  if (buffer_.size() < bytes_max) buffer_.resize(bytes_max);

  char* const out = buffer_.data();
  for (std::size_t i = 0; i < content.tenants.size(); ++i) {
    CLINICDB_CHECK(i == 0 || content.tenants[i - 1] < content.tenants[i]);
    store_le64(out + kEntryHeaderBytes + 8 * i, content.tenants[i].value);
  }
  const std::string_view raw = content.operations;
  std::size_t stored = 0;
  if (raw.size() >= kEntryCompressBytesMin) {
    // The capacity is what is worth storing compressed: lz4 gives up, returning 0, when it does not
    // fit.
    const std::size_t worth = raw.size() - raw.size() / 8;
    stored = static_cast<std::size_t>(LZ4_compress_default(
        raw.data(), out + payload_offset, static_cast<int>(raw.size()), static_cast<int>(worth)));
  }
  const bool compressed = stored != 0;
  if (!compressed) {
    stored = raw.size();
    if (stored != 0) std::memcpy(out + payload_offset, raw.data(), stored);
  }

  const std::size_t end = payload_offset + stored;
  encoded_bytes_ = padded(end);
  std::memset(out + end, 0, encoded_bytes_ - end);

  RawHeader header{};
  header.magic = kEntryMagic;
  header.version = kEntryVersion;
  header.header_bytes = kEntryHeaderBytes;
  header.kind = static_cast<std::uint8_t>(content.kind);
  header.flags = compressed ? kFlagLz4 : 0;
  header.tenant_count = static_cast<std::uint32_t>(content.tenants.size());
  header.epoch = content.position.epoch.value;
  header.lsn = content.position.lsn.value;
  header.previous_hash = content.previous_hash;
  header.committed_lsn = content.committed.value;
  header.time_us = content.time.us;
  header.payload_stored_bytes = static_cast<std::uint32_t>(stored);
  header.payload_raw_bytes = static_cast<std::uint32_t>(raw.size());
  std::memcpy(out, &header, sizeof header);
  const std::uint64_t hash = XXH3_64bits(out + kSharedBegin, end - kSharedBegin);
  store_le64(out + offsetof(RawHeader, hash), hash);
  return hash;
}

std::string_view EntryEncoder::seal(std::uint64_t segment_id, Lsn synced) {
  CLINICDB_CHECK(encoded_bytes_ != 0);
  char* const out = buffer_.data();
  CLINICDB_CHECK(synced.value < load_le64(out + offsetof(RawHeader, lsn)));
  store_le64(out + offsetof(RawHeader, segment_id), segment_id);
  store_le64(out + offsetof(RawHeader, synced_lsn), synced.value);
  store_le64(out, local_checksum(out));
  return {out, encoded_bytes_};
}

Result<std::size_t> declared_entry_bytes(std::string_view bytes) {
  if (bytes.size() < kEntryHeaderBytes) return data_loss("entry header is cut short");
  const RawHeader header = load_header(bytes.data());
  if (header.magic != kEntryMagic) return data_loss("no entry begins here");
  if (header.checksum != local_checksum(bytes.data())) {
    return data_loss("entry header's checksum does not match");
  }
  if (header.version != kEntryVersion || header.header_bytes != kEntryHeaderBytes) {
    return data_loss("entry has version " + std::to_string(header.version) +
                     ", which this build does not read");
  }
  return static_cast<std::size_t>(padded(content_bytes(header)));
}

Result<EntryView> decode_entry(std::string_view bytes) {
  ASSIGN_OR_RETURN(const std::size_t encoded_bytes, declared_entry_bytes(bytes));
  if (bytes.size() < encoded_bytes) return data_loss("entry is cut short");
  const RawHeader header = load_header(bytes.data());
  const std::size_t end = static_cast<std::size_t>(content_bytes(header));
  if (header.hash != XXH3_64bits(bytes.data() + kSharedBegin, end - kSharedBegin)) {
    return data_loss("entry's hash does not match");
  }
  for (const char c : bytes.substr(end, encoded_bytes - end)) {
    if (c != 0) return data_loss("entry's padding is not zero");
  }
  RETURN_IF_ERROR(check_fields(header));

  EntryView view;
  view.kind = static_cast<EntryKind>(header.kind);
  view.position = {Epoch{header.epoch}, Lsn{header.lsn}};
  view.hash = header.hash;
  view.previous_hash = header.previous_hash;
  view.committed = Lsn{header.committed_lsn};
  view.synced = Lsn{header.synced_lsn};
  view.time = Time{header.time_us};
  view.segment_id = header.segment_id;
  view.compressed = (header.flags & kFlagLz4) != 0;
  view.operations_bytes = header.payload_raw_bytes;
  view.encoded_bytes = encoded_bytes;
  view.tenant_bytes = bytes.substr(kEntryHeaderBytes, std::size_t{header.tenant_count} * 8);
  view.payload = bytes.substr(end - header.payload_stored_bytes, header.payload_stored_bytes);
  if (!ascending(view.tenant_bytes)) return data_loss("entry's tenants are not in order");
  return view;
}

Result<std::string_view> OperationsReader::read(const EntryView& entry) {
  if (!entry.compressed) return entry.payload;
  if (buffer_.size() > kEntryBufferKeptBytes && entry.operations_bytes <= kEntryBufferKeptBytes) {
    buffer_ = std::vector<char>();
  }
  if (buffer_.size() < entry.operations_bytes) buffer_.resize(entry.operations_bytes);
  const int got = LZ4_decompress_safe(entry.payload.data(), buffer_.data(),
                                      static_cast<int>(entry.payload.size()),
                                      static_cast<int>(entry.operations_bytes));
  if (got < 0 || static_cast<std::size_t>(got) != entry.operations_bytes) {
    return data_loss("entry's payload does not decompress");
  }
  return std::string_view(buffer_.data(), entry.operations_bytes);
}

}  // namespace clinicdb::engine
