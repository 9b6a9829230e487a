// The commit log's entry as bytes: pure encoding and decoding, no files.
//
// An entry has a *local part*, which says where it stands in this copy of the log, and a *shared
// part*, which is the same on every copy of the shard. `hash` covers the shared part and is the
// chain's link, so that two logs can be compared by it although their segments differ; `checksum`
// covers the local part with `hash` in it. Together they cover every byte once; the padding must be
// zero. docs/format.md draws it, and golden bytes in tests/engine/entry_test.cc pin it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "clinicdb/base/clock.h"
#include "clinicdb/base/ids.h"
#include "clinicdb/base/result.h"

namespace clinicdb::engine {

/// What an entry is, beside a group of changes.
enum class EntryKind : std::uint8_t {
  kGroup = 1,    ///< a commit group's changes
  kErase = 2,    ///< a whole tenant's range goes (its one operation is an erase)
  kBarrier = 3,  ///< no changes; the first entry of an epoch (F5)
};

inline constexpr std::uint32_t kEntryMagic = 0x31454c43;  ///< "CLE1"
inline constexpr std::uint16_t kEntryVersion = 1;
inline constexpr std::size_t kEntryHeaderBytes = 96;
inline constexpr std::size_t kEntryMagicOffset = 8;
/// Entries begin and end at multiples of this.
inline constexpr std::size_t kEntryAlignment = 8;

/// What stands in the shared part.
struct EntryContent {
  EntryKind kind = EntryKind::kGroup;
  LogPosition position;
  std::uint64_t previous_hash = 0;
  Lsn committed;  ///< known committed when it was written (L2); below its own LSN
  Time time;
  std::span<const TenantId> tenants;  ///< ascending
  std::string_view operations;        ///< before compression
};

/// A valid entry, its views pointing into the bytes it was decoded from.
struct EntryView {
  EntryKind kind = EntryKind::kGroup;
  LogPosition position;
  std::uint64_t hash = 0;
  std::uint64_t previous_hash = 0;
  Lsn committed;
  Lsn synced;
  Time time;
  std::uint64_t segment_id = 0;
  bool compressed = false;
  std::size_t operations_bytes = 0;  ///< before compression
  std::size_t encoded_bytes = 0;     ///< of the whole entry, padding included
  std::string_view tenant_bytes;     ///< 8 bytes each
  std::string_view payload;          ///< as stored

  std::vector<TenantId> tenants() const;
};

/// Encodes one entry after another into a buffer that it keeps. Thread-compatible.
class EntryEncoder {
 public:
  /// Encodes the shared part; returns its hash. Compresses the operations where that saves at least
  /// an eighth of them. REQUIRES: operations.size() <= kEntryPayloadBytesMax, tenants ascending,
  /// committed below position.lsn.
  std::uint64_t encode(const EntryContent& content);
  /// Size of what `seal` will return. REQUIRES: encode was called.
  std::size_t encoded_bytes() const { return encoded_bytes_; }
  /// Fills in the local part and returns the whole entry, which lives until the next `encode`. May
  /// be called again for another place. REQUIRES: encode was called; synced below the entry's LSN.
  std::string_view seal(std::uint64_t segment_id, Lsn synced);

 private:
  std::vector<char> buffer_;
  std::size_t encoded_bytes_ = 0;
};

/// Size of the entry whose header stands at `bytes`, as it declares it: only the local part has
/// been checked. kDataLoss, saying why, when no entry of this version begins here.
Result<std::size_t> declared_entry_bytes(std::string_view bytes);

/// The entry that `bytes` begins with. kDataLoss, saying why, when it is not valid in itself;
/// whether it belongs to this place and chain is the caller's to check.
Result<EntryView> decode_entry(std::string_view bytes);

/// Gives entries' operations, decompressed into a buffer that it keeps. Thread-compatible.
class OperationsReader {
 public:
  /// Lives until the next call and as long as the entry's bytes. kDataLoss when the payload does
  /// not decompress to what the header declares.
  Result<std::string_view> read(const EntryView& entry);

 private:
  std::vector<char> buffer_;
};

}  // namespace clinicdb::engine
