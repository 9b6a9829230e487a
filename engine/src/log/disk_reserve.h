// DiskReserve: a file of zeros that is kept to be freed when the disk is full, so that a store can
// still flush and close.
#pragma once

#include <cstdint>
#include <string>

#include "clinicdb/base/status.h"
#include "clinicdb/engine/file.h"

namespace clinicdb::engine {

/// Confined to the appender's thread.
class DiskReserve {
 public:
  /// `bytes` 0: no reserve.
  DiskReserve(FileSystem& file_system, std::string directory, std::uint64_t bytes);
  /// Makes the file unless it is there in its size. kResourceExhausted when the disk is full.
  Status ensure();
  /// Removes the file.
  Status release();

 private:
  FileSystem& file_system_;
  const std::string directory_;
  const std::string path_;
  const std::uint64_t bytes_;
};

}  // namespace clinicdb::engine
