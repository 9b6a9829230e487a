#include "txn/envelope.h"

#include <lz4.h>

#include <cstring>

#include "clinicdb/base/bytes.h"
#include "store/limits.h"

namespace clinicdb::engine {

namespace {

constexpr std::size_t kFlags = 1;
constexpr std::size_t kReserved = 2;
constexpr std::size_t kKeyId = 4;
constexpr std::size_t kRecordVersion = 8;
constexpr std::size_t kCreatedLsn = 16;
constexpr std::size_t kCreatedTime = 24;
constexpr std::size_t kCreatedBy = 32;
constexpr std::size_t kUpdatedLsn = 48;
constexpr std::size_t kUpdatedTime = 56;
constexpr std::size_t kUpdatedBy = 64;
static_assert(kUpdatedBy + 16 == kEnvelopeBytes);

constexpr std::uint8_t kCompressed = 1;
constexpr std::uint8_t kEncrypted = 2;
constexpr std::uint8_t kTombstone = 4;

/// Appends the compressed body; false, leaving `out` as it was, when that saves too little.
bool append_compressed(std::string& out, std::string_view body) {
  const std::size_t start = out.size();
  const int bound = LZ4_compressBound(static_cast<int>(body.size()));
  append_le32(out, static_cast<std::uint32_t>(body.size()));
  out.resize(out.size() + static_cast<std::size_t>(bound));
  const int size = LZ4_compress_default(body.data(), out.data() + start + 4,
                                        static_cast<int>(body.size()), bound);
  if (size <= 0 || static_cast<std::size_t>(size) + 4 > body.size() - body.size() / 8) {
    out.resize(start);
    return false;
  }
  out.resize(start + 4 + static_cast<std::size_t>(size));
  return true;
}

}  // namespace

std::string encode_envelope(const RecordMeta& meta, std::string_view body) {
  std::string value;
  value.reserve(kEnvelopeBytes + body.size());
  value.resize(kEnvelopeBytes);
  char* at = value.data();
  at[0] = static_cast<char>(kEnvelopeVersion);
  store_le64(at + kRecordVersion, meta.version);
  store_le64(at + kCreatedLsn, meta.created_lsn.value);
  store_le64(at + kCreatedTime, static_cast<std::uint64_t>(meta.created.us));
  std::memcpy(at + kCreatedBy, meta.created_by.bytes.data(), 16);
  store_le64(at + kUpdatedLsn, meta.updated_lsn.value);
  store_le64(at + kUpdatedTime, static_cast<std::uint64_t>(meta.updated.us));
  std::memcpy(at + kUpdatedBy, meta.updated_by.bytes.data(), 16);
  int flags = meta.deleted ? kTombstone : 0;
  if (body.size() >= kCompressBodyBytesMin && append_compressed(value, body)) {
    flags |= kCompressed;
  } else {
    value.append(body);
  }
  value[kFlags] = static_cast<char>(flags);
  return value;
}

Result<Envelope> decode_envelope(std::string_view value) {
  if (value.size() < kEnvelopeBytes) {
    return data_loss("record of " + std::to_string(value.size()) +
                     " bytes is shorter than its envelope");
  }
  const char* at = value.data();
  const auto version = static_cast<std::uint8_t>(at[0]);
  if (version != kEnvelopeVersion) {
    return unimplemented("record envelope version " + std::to_string(version) +
                         " is not known to this program");
  }
  const auto flags = static_cast<std::uint8_t>(at[kFlags]);
  if ((flags & ~(kCompressed | kTombstone)) != 0 || load_le16(at + kReserved) != 0 ||
      load_le32(at + kKeyId) != 0) {
    return unimplemented((flags & kEncrypted) != 0
                             ? "record is encrypted, which this program cannot read"
                             : "record envelope has flags of a later program");
  }
  Envelope envelope;
  envelope.meta.version = load_le64(at + kRecordVersion);
  envelope.meta.deleted = (flags & kTombstone) != 0;
  envelope.meta.created_lsn.value = load_le64(at + kCreatedLsn);
  envelope.meta.created.us = static_cast<std::int64_t>(load_le64(at + kCreatedTime));
  envelope.meta.created_by = Uuid::from_bytes(value.substr(kCreatedBy, 16));
  envelope.meta.updated_lsn.value = load_le64(at + kUpdatedLsn);
  envelope.meta.updated.us = static_cast<std::int64_t>(load_le64(at + kUpdatedTime));
  envelope.meta.updated_by = Uuid::from_bytes(value.substr(kUpdatedBy, 16));
  envelope.compressed = (flags & kCompressed) != 0;
  envelope.stored_body = value.substr(kEnvelopeBytes);
  return envelope;
}

Result<std::string> envelope_body(const Envelope& envelope) {
  const std::string_view stored = envelope.stored_body;
  if (!envelope.compressed) return std::string(stored);
  if (stored.size() < 4) return data_loss("compressed record body is cut short");
  const std::uint32_t raw_bytes = load_le32(stored.data());
  // lz4 expands at most 255 times: a larger claim is a lie, and costs no memory.
  if (raw_bytes > kRecordBodyBytesMax || raw_bytes / 255 > stored.size()) {
    return data_loss("compressed record body declares " + std::to_string(raw_bytes) + " bytes");
  }
  std::string body(raw_bytes, '\0');
  const int got =
      LZ4_decompress_safe(stored.data() + 4, body.data(), static_cast<int>(stored.size() - 4),
                          static_cast<int>(raw_bytes));
  if (got < 0 || static_cast<std::uint32_t>(got) != raw_bytes) {
    return data_loss("compressed record body is damaged");
  }
  return body;
}

Result<RawRecord> decode_record(std::string_view value) {
  ASSIGN_OR_RETURN(const Envelope envelope, decode_envelope(value));
  ASSIGN_OR_RETURN(std::string body, envelope_body(envelope));
  return RawRecord{envelope.meta, std::move(body)};
}

void stamp_envelope(char* value, Lsn lsn, Time time) {
  store_le64(value + kUpdatedLsn, lsn.value);
  store_le64(value + kUpdatedTime, static_cast<std::uint64_t>(time.us));
  if (load_le64(value + kCreatedLsn) == 0) {
    store_le64(value + kCreatedLsn, lsn.value);
    store_le64(value + kCreatedTime, static_cast<std::uint64_t>(time.us));
  }
}

}  // namespace clinicdb::engine
