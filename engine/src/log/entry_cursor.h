// EntryCursor: walks the entries of one segment file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "clinicdb/base/result.h"
#include "clinicdb/engine/file.h"
#include "log/entry.h"

namespace clinicdb::engine {

/// Confined to its thread. Checks entries in themselves only; chain and place are the caller's.
class EntryCursor {
 public:
  /// Reads [offset, limit) of `file`, which outlives the cursor. `path` is for messages.
  EntryCursor(const File& file, std::string path, std::uint64_t offset, std::uint64_t limit);

  /// The entry at offset(); it lives until the next call. kDataLoss with file and offset when no
  /// valid one begins there and ends by the limit; another code when the disk cannot be read.
  Result<EntryView> read();
  /// Goes on behind `entry`, which `read` returned.
  void skip(const EntryView& entry) { offset_ += entry.encoded_bytes; }
  void seek(std::uint64_t offset) { offset_ = offset; }
  /// A limit that has grown, because the file's writer went on.
  void set_limit(std::uint64_t limit) { limit_ = limit; }
  std::uint64_t offset() const { return offset_; }
  /// "path at offset N: why" as kDataLoss.
  Status corrupt(std::string_view why) const;

 private:
  /// The bytes at offset_: `size` of them, or what is left before the limit.
  Result<std::string_view> fetch(std::size_t size);

  const File& file_;
  const std::string path_;
  std::uint64_t offset_;
  std::uint64_t limit_;
  std::vector<char> buffer_;
  std::uint64_t buffer_offset_ = 0;  ///< where the buffered bytes stand in the file
  std::size_t buffered_ = 0;
};

}  // namespace clinicdb::engine
