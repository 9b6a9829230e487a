// SyncLimit: what the disk allows: one fdatasync a write, of the same size, into the same kind of
// file as the commit log's segments: preallocated, written with zeros, synced.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "clinicdb/base/result.h"

namespace clinicdb::bench {

class SyncLimit {
 public:
  /// Makes the file in `directory`.
  static Result<std::unique_ptr<SyncLimit>> open(const std::string& directory,
                                                 std::size_t file_bytes = std::size_t{64} << 20);
  ~SyncLimit();
  SyncLimit(const SyncLimit&) = delete;
  SyncLimit& operator=(const SyncLimit&) = delete;

  /// pwrite of `bytes` behind the last, then fdatasync. Begins again at the file's end.
  Status write(std::size_t bytes);

 private:
  SyncLimit(int descriptor, std::size_t file_bytes);

  int descriptor_;
  std::size_t file_bytes_;
  std::size_t at_ = 0;
  std::vector<char> content_;
};

}  // namespace clinicdb::bench
