// The file of a tenant's backup, as bytes. Little-endian.
//
//   header    0 u32 magic "CTB1"       4 u16 version, 1         6 u16 slug bytes, 1 to 63
//             8 16  tenant UUID       24 i64 tenant created, µs
//            32 16  store id          48 u64 epoch             56 u64 LSN
//            64 i64 made, µs          72 u64 tenant's number   80 slug, padded with zeros to 64
//           144 u64 XXH3-64 of the 144 bytes above                                        152 bytes
//   block     0 u32 magic "CTBB"       4 u32 entries            8 u32 raw bytes    12 u32 stored
//   bytes
//            16 u64 XXH3-64 of what is stored, seeded with the XXH3-64 of the 16 bytes above
//            24     stored: the entries, lz4-compressed unless raw bytes = stored bytes
//   ...
//   end       0 u32 magic "CTBE"       4 u32 zero               8 u64 entries     16 u64 blocks
//            24 u64 XXH3-64 of the content (see ContentHash)
//            32 32  SHA-256 of everything above, the header included                       64 bytes
//
// An entry is a put of txn/operations.h whose key lacks the tenant's number, so that nothing in it
// depends on the number (M3). Entries ascend by key. docs/format.md, "Backup of a tenant".
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "backup/sha256.h"
#include "clinicdb/base/clock.h"
#include "clinicdb/base/function_ref.h"
#include "clinicdb/base/ids.h"
#include "clinicdb/base/result.h"
#include "clinicdb/engine/file.h"
#include "clinicdb/engine/store.h"

namespace clinicdb::engine {

constexpr std::uint32_t kTenantFileMagic = 0x31425443;   ///< "CTB1"
constexpr std::uint32_t kTenantBlockMagic = 0x42425443;  ///< "CTBB"
constexpr std::uint32_t kTenantEndMagic = 0x45425443;    ///< "CTBE"
constexpr std::uint16_t kTenantFileVersion = 1;
constexpr std::size_t kTenantHeaderBytes = 152;
constexpr std::size_t kTenantBlockHeaderBytes = 24;
constexpr std::size_t kTenantEndBytes = 64;
/// A block is closed when it has this much; one entry may take it beyond.
constexpr std::size_t kTenantBlockBytes = std::size_t{256} << 10;
/// What a block may declare: the largest entry and what may stand before it.
constexpr std::size_t kTenantBlockBytesMax = std::size_t{96} << 20;

struct TenantFileHeader {
  TenantInfo tenant;
  Uuid store_id;
  LogPosition position;
  Time made;
};
std::string encode_tenant_header(const TenantFileHeader& header);
/// kDataLoss when the bytes are no header, kUnimplemented for a version of a later program.
Result<TenantFileHeader> decode_tenant_header(std::string_view bytes);

/// A hash over a tenant's entries that is the same before and after a restore: an event counts by
/// its value and place, not by its LSN, which may be another in another store.
class ContentHash {
 public:
  ContentHash();
  ~ContentHash();
  ContentHash(const ContentHash&) = delete;
  ContentHash& operator=(const ContentHash&) = delete;
  /// REQUIRES: keys ascend.
  void add(std::string_view key, std::string_view value);
  std::uint64_t finish() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Writes a file from front to end. Confined to one thread.
class TenantFileWriter {
 public:
  /// `file` is empty and outlives the writer.
  explicit TenantFileWriter(File& file) : file_(file) {}
  Status begin(const TenantFileHeader& header);
  /// REQUIRES: keys ascend.
  Status add(std::string_view key, std::string_view value);
  /// Writes the end and syncs.
  Status finish();

  std::uint64_t entries() const { return entries_; }
  std::uint64_t bytes() const { return offset_; }

 private:
  Status write(std::string_view bytes);
  Status close_block();

  File& file_;
  Sha256 sha_;
  ContentHash content_;
  std::uint64_t offset_ = 0;
  std::uint64_t entries_ = 0;
  std::uint64_t blocks_ = 0;
  std::string block_;
  std::uint32_t block_entries_ = 0;
  std::string stored_;
};

/// Reads a file from front to end, checking everything. Confined to one thread.
class TenantFileReader {
 public:
  /// `file` outlives the reader; `path` is for messages.
  TenantFileReader(const File& file, std::string path) : file_(file), path_(std::move(path)) {}
  /// First.
  Result<TenantFileHeader> begin();
  /// Gives the entries of the next block to `take`, then returns true; false at the end, when all
  /// sums were right and nothing follows. kDataLoss with file and offset otherwise.
  Result<bool> next_block(FunctionRef<Status(std::string_view key, std::string_view value)> take);

  std::uint64_t entries() const { return entries_; }
  std::uint64_t offset() const { return offset_; }
  /// REQUIRES: next_block returned false.
  std::uint64_t content_hash() const { return content_hash_; }

 private:
  Status damaged(std::string_view why) const;
  /// The next `size` bytes, which live until the next call; they are not yet passed.
  Result<std::string_view> peek(std::size_t size);
  void pass(std::string_view bytes);
  Status read_end(std::string_view head);

  const File& file_;
  const std::string path_;
  Sha256 sha_;
  ContentHash content_;
  std::uint64_t content_hash_ = 0;
  std::uint64_t offset_ = 0;
  std::uint64_t entries_ = 0;
  std::uint64_t blocks_ = 0;
  std::string last_key_;
  std::string bytes_;
  std::string raw_;
};

}  // namespace clinicdb::engine
