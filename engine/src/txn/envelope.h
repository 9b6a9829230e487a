// Envelope: what stands before the body of every record and history version. Little-endian, fixed
// offsets, so that the shard's writer can stamp LSN and time into a value that was made elsewhere.
//
//    0  u8   format version, 1
//    1  u8   flags: 1 body is lz4-compressed, 2 body is encrypted, 4 tombstone
//    2  u16  zero
//    4  u32  key id of the encryption, 0 when not encrypted
//    8  u64  record version
//   16  u64  created: LSN          24  i64  created: time, µs       32  16 bytes  created by
//   48  u64  updated: LSN          56  i64  updated: time, µs       64  16 bytes  updated by
//   80       body; compressed: u32 raw length, then lz4
//
// docs/format.md, "Record envelope". All functions are pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "clinicdb/base/result.h"
#include "clinicdb/engine/table.h"

namespace clinicdb::engine {

constexpr std::size_t kEnvelopeBytes = 80;
constexpr std::uint8_t kEnvelopeVersion = 1;
/// Bodies of this size and above are compressed where that saves at least an eighth.
constexpr std::size_t kCompressBodyBytesMin = 4096;

struct Envelope {
  RecordMeta meta;
  bool compressed = false;
  std::string_view stored_body;  ///< as stored
};

/// Header and body. A deleted record has an empty body.
std::string encode_envelope(const RecordMeta& meta, std::string_view body);

/// kDataLoss when the bytes are no envelope, kUnimplemented for a version or flag of a later
/// program.
Result<Envelope> decode_envelope(std::string_view value);

/// The body, decompressed where it must be.
Result<std::string> envelope_body(const Envelope& envelope);

/// Header and body in one.
Result<RawRecord> decode_record(std::string_view value);

/// Writes LSN and time of the commit over an encoded envelope: updated, and created where that is
/// still 0. REQUIRES: `value` was made by encode_envelope.
void stamp_envelope(char* value, Lsn lsn, Time time);

}  // namespace clinicdb::engine
