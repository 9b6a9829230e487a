// Reads a log directory and finds where the log ends (L1, L3, L4). Changes nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "clinicdb/base/result.h"
#include "log/commit_log.h"
#include "log/log_map.h"
#include "log/manifest.h"

namespace clinicdb::engine {

struct RecoveredLog {
  LogManifest manifest;
  std::vector<SegmentInfo>
      segments;  ///< ascending, never empty; the last is where appending goes on
  std::vector<std::string> dropped_paths;  ///< segments that a truncation under way removes
  LogTail tail;
  std::uint64_t end = 0;  ///< offset behind the last entry, in the last segment
  /// A torn tail reaches from `end` to here and is to be zeroed (L2); 0 for none.
  std::uint64_t dirty_end = 0;
  /// Entries from here to `end` may be in the page cache only, whatever the sync at open said:
  /// after a failed sync the kernel calls pages clean that it never wrote, and the next process
  /// reads them as if nothing had been. They are to be written again and synced before they count
  /// (L1).
  std::uint64_t unproven_from = 0;
  Lsn known_committed;
};

/// What `options.directory` holds; nullopt when there is no log, or one whose making was cut short.
/// Every entry from the segment of `options.applied` on is verified; older segments by their
/// headers only, and in full when they are read. kDataLoss as CommitLog::open says.
Result<std::optional<RecoveredLog>> recover_log(const CommitLogOptions& options);

}  // namespace clinicdb::engine
