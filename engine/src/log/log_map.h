// LogMap: what readers need to find an entry: where the segments are, how far the log goes, and the
// recent entries themselves. The appender publishes, readers look up.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "clinicdb/base/ids.h"
#include "log/commit_log.h"
#include "log/segment.h"

namespace clinicdb::engine {

/// A segment file of the log.
struct SegmentInfo {
  std::string path;
  SegmentHeader header;
};

/// Thread-safe.
class LogMap {
 public:
  enum class Where : std::uint8_t {
    kNotYet,     ///< the next to be appended, or beyond
    kTrimmed,    ///< below the oldest segment
    kTruncated,  ///< the log was truncated since the reader began
    kMemory,
    kSegment,
  };
  struct Place {
    Where where = Where::kNotYet;
    std::shared_ptr<const std::string> bytes;    ///< kMemory: the encoded entry
    std::shared_ptr<const SegmentInfo> segment;  ///< kSegment: the file,
    std::uint64_t limit = 0;                     ///< and how far it may be read
  };

  /// `end`: offset behind the last entry of the last segment. REQUIRES: segments is not empty.
  LogMap(const std::vector<SegmentInfo>& segments, const LogTail& tail, std::uint64_t end);

  Place find(Lsn lsn, std::uint64_t truncations) const;
  LogTail tail() const;
  Lsn first() const;
  std::uint64_t truncations() const;
  /// Bytes that the log occupies: whole files, and of the last one what is written.
  std::uint64_t retained_bytes() const;
  std::vector<std::shared_ptr<const SegmentInfo>> segments() const;
  std::size_t segment_count() const;

  /// An entry was appended; the last segment now ends at `end`.
  void publish(const LogTail& tail, std::uint64_t end, std::string_view encoded);
  /// Appending goes on in a new segment.
  void add_segment(SegmentInfo segment);
  /// Removes and returns the oldest segment, unless it is the last one, its entries reach above
  /// `below`, or no more than `retained_bytes` are kept.
  std::shared_ptr<const SegmentInfo> take_oldest(Lsn highest, std::uint64_t retained_bytes);
  /// Forgets what stands above `tail`; every reader must start anew.
  void truncate(const LogTail& tail, std::uint64_t end);

  /// Entries are kept in memory only while somebody reads.
  void add_reader();
  void remove_reader();

 private:
  void drop_memory();

  mutable std::mutex mutex_;
  // guarded by mutex_
  std::deque<std::shared_ptr<const SegmentInfo>> segments_;
  LogTail tail_;
  std::uint64_t end_;
  std::uint64_t truncations_ = 0;
  std::uint64_t readers_ = 0;
  /// The newest entries, consecutive up to tail_.
  std::deque<std::shared_ptr<const std::string>> memory_;
  std::size_t memory_bytes_ = 0;
};

}  // namespace clinicdb::engine
