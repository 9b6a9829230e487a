// SegmentSupply: makes segments, the next one ahead of time.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "clinicdb/base/result.h"
#include "clinicdb/engine/file.h"
#include "log/log_map.h"
#include "log/segment.h"

namespace clinicdb::engine {

/// Thread-safe: one thread may prepare while another begins.
class SegmentSupply {
 public:
  SegmentSupply(FileSystem& file_system, std::string directory, std::uint64_t segment_bytes);

  /// Takes over a segment that an earlier process had prepared, and removes what it left
  /// unfinished. `names` is what the directory holds.
  Status adopt(const std::vector<std::string>& names);

  /// Zero-writes the next segment unless one is ready. kResourceExhausted when the disk is full.
  Status prepare();

  struct Begun {
    std::unique_ptr<File> file;
    SegmentInfo segment;
  };
  /// A segment with room for an entry of `entry_bytes`, its header written, its name durable. Fills
  /// in the header's file_bytes.
  Result<Begun> begin(SegmentHeader header, std::uint64_t entry_bytes);

 private:
  Status prepare_locked();

  // constant after construction
  FileSystem& file_system_;
  const std::string directory_;
  const std::uint64_t segment_bytes_;
  const std::string prepared_path_;

  std::mutex mutex_;
  // guarded by mutex_
  std::unique_ptr<File> prepared_;
};

}  // namespace clinicdb::engine
