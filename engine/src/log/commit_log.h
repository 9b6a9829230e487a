// CommitLog: the shard's append-only, checksummed, segmented log. It is the database; RocksDB is
// its index.
//
// The rules L1-L7 and A2 of docs/format.md ("Commit log") are kept here. The files and their bytes
// are described there and pinned by golden-byte tests.
//
// One thread at a time appends, syncs, truncates and trims; readers may follow the tail from other
// threads.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "clinicdb/base/clock.h"
#include "clinicdb/base/function_ref.h"
#include "clinicdb/base/ids.h"
#include "clinicdb/base/result.h"
#include "clinicdb/engine/file.h"

namespace clinicdb::engine {

/// What an entry is, beside a group of changes.
enum class EntryKind : std::uint8_t {
  kGroup = 1,    ///< a commit group's changes
  kErase = 2,    ///< a whole tenant's range goes (its one operation is an erase)
  kBarrier = 3,  ///< no changes; the first entry of an epoch (F5)
};

/// What the pipeline hands over: one commit group.
struct EntryDraft {
  EntryKind kind = EntryKind::kGroup;
  Time time;                      ///< raised to the last entry's where the clock stepped back (A2)
  Lsn committed;                  ///< highest LSN known committed, standing in the header (L2)
  std::vector<TenantId> tenants;  ///< whose ranges it touches, ascending
  std::string_view operations;    ///< the payload before compression; see txn/operations.h
};

/// An entry as read back. The views live until the next call on what returned it.
struct LogEntry {
  EntryKind kind = EntryKind::kGroup;
  LogPosition position;
  std::uint64_t hash = 0;  ///< XXH3-64 over the whole entry: the chain's link
  std::uint64_t previous_hash = 0;
  Lsn committed;
  Lsn synced;
  Time time;
  std::vector<TenantId> tenants;
  std::string_view operations;  ///< decompressed
};

/// Where the log stands after an entry.
struct LogTail {
  LogPosition position;  ///< lsn 0: empty log
  std::uint64_t hash = 0;
  Time time;
};

struct CommitLogOptions {
  FileSystem* file_system = nullptr;  ///< not owned
  std::string directory;
  Uuid store_id;  ///< segments of another store are refused
  std::uint64_t segment_bytes = std::uint64_t{64} << 20;
  std::uint64_t reserve_bytes = std::uint64_t{16} << 20;  ///< freed when the disk is full
  bool read_only = false;                                 ///< open what is there; no write, no sync
  /// What RocksDB's meta key holds: (epoch, LSN) and hash of the last entry it contains; lsn 0 for
  /// none (L3).
  LogPosition applied;
  std::uint64_t applied_hash = 0;
};

/// Follows the log from an LSN: recent entries from memory, older ones from the files.
/// Thread-compatible; any number beside the appender. Sees appended entries at once, synced or not;
/// `CommitLog::tail` and the pipeline's published LSN say how far they count.
class LogReader {
 public:
  virtual ~LogReader() = default;
  /// The next entry, or nullptr at the tail. kOutOfRange when it was trimmed away; kDataLoss with
  /// file and offset when it is corrupt. The entry lives until the next call.
  virtual Result<const LogEntry*> next() = 0;
};

struct CommitLogStats {
  std::uint64_t segments = 0;
  std::uint64_t retained_bytes = 0;
  std::uint64_t appended_bytes = 0;      ///< by this process
  std::uint64_t appended_raw_bytes = 0;  ///< before compression
  std::uint64_t appended_entries = 0;
  Lsn first;  ///< oldest LSN that can still be read
};

class CommitLog {
 public:
  /// Opens or makes the log in `directory` (which exists). L1: syncs what is there before trusting
  /// it. Finds the end by L3: a torn tail is cut off; an invalid entry that a later one or
  /// RocksDB's meta says was synced is kDataLoss naming file and offset, as is a log that ends
  /// before `applied`, or whose entry at `applied` has another hash. On kDataLoss nothing on disk
  /// is changed.
  static Result<std::unique_ptr<CommitLog>> open(const CommitLogOptions& options);
  virtual ~CommitLog() = default;

  virtual LogTail tail() const = 0;
  virtual Epoch epoch() const = 0;
  /// Highest LSN that some entry's header, or RocksDB's meta, says is committed (L4).
  virtual Lsn known_committed() const = 0;

  /// Writes an entry behind the tail and returns where it stands. Not durable before `sync` returns
  /// OK. kResourceExhausted when the disk is full: the reserve is freed, nothing was appended, and
  /// the log can be read and closed, but every later append fails the same way (the store turns
  /// read-only). Any other error is final (L7): all later calls fail with it.
  virtual Result<LogTail> append(const EntryDraft& draft) = 0;
  /// Makes everything appended durable. An error is final (L7).
  virtual Status sync() = 0;

  /// Begins `epoch` with the next entry. REQUIRES: epoch above the current one. Durable on return
  /// (L5).
  virtual Status begin_epoch(Epoch epoch) = 0;
  /// The epoch -> first LSN table, oldest first (L5).
  virtual std::vector<std::pair<Epoch, Lsn>> epochs() const = 0;

  /// Drops every entry above `position`, which must be in the log (or lsn 0). Synced before it
  /// returns (L2).
  virtual Status truncate_above(LogPosition position) = 0;

  /// A reader whose first entry is `from`. kOutOfRange when `from` was trimmed away or is beyond
  /// tail + 1.
  virtual Result<std::unique_ptr<LogReader>> reader(Lsn from) = 0;

  /// Pins entries from `lsn` on under `name`; kept in memory only (followers re-announce
  /// themselves).
  virtual void set_slot(const std::string& name, Lsn lsn) = 0;
  virtual void drop_slot(const std::string& name) = 0;
  /// Removes whole segments below `flushed` (what RocksDB holds durably, L6), below every slot, and
  /// only as far as more than `retained_bytes` are kept.
  virtual Status trim(Lsn flushed, std::uint64_t retained_bytes) = 0;

  /// Makes the next segment ready (zero-written and synced), so that an append need not. For the
  /// maintenance thread: safe beside the appender. Does nothing when one is ready or not soon
  /// needed.
  virtual Status prepare_next_segment() = 0;

  virtual CommitLogStats stats() const = 0;
};

}  // namespace clinicdb::engine
