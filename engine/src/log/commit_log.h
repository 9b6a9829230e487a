// CommitLog: the shard's append-only, checksummed, segmented log. It is the database; RocksDB is
// its index.
//
// The rules L1-L7 and A2 of docs/format.md ("Commit log") are kept here. The files and their bytes
// are described there and pinned by golden-byte tests.
//
// One thread at a time appends, syncs, begins epochs and truncates (the appender). What says "any
// thread" may be called beside it. Readers follow the tail from other threads, and may outlive the
// log.
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
#include "log/entry.h"

namespace clinicdb::engine {

/// What the pipeline hands over: one commit group.
struct EntryDraft {
  EntryKind kind = EntryKind::kGroup;
  Time time;                      ///< raised to the last entry's where the clock stepped back (A2)
  Lsn committed;                  ///< highest LSN known committed, standing in the header (L2)
  std::vector<TenantId> tenants;  ///< whose ranges it touches, strictly ascending
  std::string_view operations;    ///< the payload before compression; see txn/operations.h
};

/// An entry as read back. The views live until the next call on what returned it.
struct LogEntry {
  EntryKind kind = EntryKind::kGroup;
  LogPosition position;
  /// XXH3-64 of what is the same on every copy of the shard's log: all but the segment's id, the
  /// synced LSN and the padding. The chain's link.
  std::uint64_t hash = 0;
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
  /// Of a new segment. A multiple of 4096 and at least 8192. A larger entry gets a segment of its
  /// own size.
  std::uint64_t segment_bytes = std::uint64_t{64} << 20;
  std::uint64_t reserve_bytes = std::uint64_t{16} << 20;  ///< freed when the disk is full
  bool read_only = false;                                 ///< open what is there; no write, no sync
  /// What RocksDB's meta key holds: (epoch, LSN) and hash of the last entry it contains; lsn 0 for
  /// none (L3).
  LogPosition applied;
  std::uint64_t applied_hash = 0;
};

/// Follows the log from an LSN: recent entries from memory, older ones from the files. Confined to
/// one thread at a time; any number beside the appender. Sees appended entries at once, synced or
/// not; `CommitLog::tail` and the pipeline's published LSN say how far they count.
class LogReader {
 public:
  virtual ~LogReader() = default;
  /// The next entry, or nullptr at the tail. kOutOfRange when it was trimmed away; kAborted when
  /// the log was truncated since the reader was made (begin another); kDataLoss with file and
  /// offset when it is corrupt. The entry lives until the next call.
  virtual Result<const LogEntry*> next() = 0;
};

struct CommitLogStats {
  std::uint64_t segments = 0;
  std::uint64_t retained_bytes = 0;
  std::uint64_t appended_bytes = 0;      ///< by this process
  std::uint64_t appended_raw_bytes = 0;  ///< before compression
  std::uint64_t appended_entries = 0;
  std::uint64_t cut_bytes = 0;  ///< of a torn tail, at this open
  Lsn first;                    ///< oldest LSN that can still be read
};

class CommitLog {
 public:
  /// Opens or makes the log in `directory` (which exists). A new log stands in epoch 1. L1: syncs
  /// what is there before trusting it, and writes again and syncs the entries that nothing later
  /// proves to be on the disk. Finds the end by L3: a torn tail is cut off; an invalid
  /// entry that a later one or RocksDB's meta says was synced is kDataLoss naming file and offset,
  /// as is a log that ends before `applied`, begins above applied + 1, or whose entry at `applied`
  /// has another hash. Entries are verified from the segment of `applied` on; those in older
  /// segments when they are read. On kDataLoss nothing on disk is changed. kNotFound: read_only,
  /// and there is no log. kFailedPrecondition: another store's log. On a full disk it opens, and
  /// appends fail as `append` says.
  static Result<std::unique_ptr<CommitLog>> open(const CommitLogOptions& options);
  virtual ~CommitLog() = default;

  /// Any thread.
  virtual LogTail tail() const = 0;
  /// What the next entry carries.
  virtual Epoch epoch() const = 0;
  /// Highest LSN that some entry's header, or RocksDB's meta, says is committed (L4).
  virtual Lsn known_committed() const = 0;

  /// Writes an entry behind the tail and returns where it stands. Not durable before `sync` returns
  /// OK. kResourceExhausted when the disk is full: the reserve is freed, nothing was appended, and
  /// the log can be read and closed, but every later append fails the same way (the store turns
  /// read-only). kInvalidArgument: `operations` is larger than kEntryPayloadBytesMax; nothing was
  /// appended. Any other error is final (L7): all later calls fail with it, as kFailedPrecondition.
  /// REQUIRES: draft.committed <= tail().position.lsn.
  virtual Result<LogTail> append(const EntryDraft& draft) = 0;
  /// Makes everything appended durable. An error is final (L7).
  virtual Status sync() = 0;

  /// Begins `epoch` with the next entry, syncing what was appended before. REQUIRES: epoch above
  /// the current one. Durable on return (L5). Errors as of `append`.
  virtual Status begin_epoch(Epoch epoch) = 0;
  /// The epoch -> first LSN table, oldest first (L5).
  virtual std::vector<std::pair<Epoch, Lsn>> epochs() const = 0;

  /// Drops every entry above `position`, and every epoch that begins above it; synced before it
  /// returns (L2). A crash amid it is made good at open. `position` is in the log, or just before
  /// its first entry (lsn 0 for an untrimmed log): otherwise kOutOfRange, and kFailedPrecondition
  /// when it has another epoch; nothing is changed then. Any other error is final.
  virtual Status truncate_above(LogPosition position) = 0;

  /// Any thread. A reader whose first entry is `from`. kOutOfRange when `from` was trimmed away or
  /// is beyond tail + 1.
  virtual Result<std::unique_ptr<LogReader>> reader(Lsn from) = 0;

  /// Any thread. Pins entries from `lsn` on under `name`; kept in memory only (followers
  /// re-announce themselves).
  virtual void set_slot(const std::string& name, Lsn lsn) = 0;
  virtual void drop_slot(const std::string& name) = 0;
  /// Removes whole segments at or below `flushed` (what RocksDB holds durably, L6), below every
  /// slot, oldest first, while more than `retained_bytes` are kept. Any thread, but not beside
  /// truncate_above.
  virtual Status trim(Lsn flushed, std::uint64_t retained_bytes) = 0;

  /// Makes the next segment ready (zero-written and synced), so that an append need not. For the
  /// maintenance thread: any thread. Does nothing when one is ready or the current one is less than
  /// half full. An error is not final: the append that needs the segment tries again.
  virtual Status prepare_next_segment() = 0;

  /// Any thread.
  virtual CommitLogStats stats() const = 0;
};

/// Makes a log in `options.directory` (which exists) whose first entry will follow `tail`: what a
/// copy of a store begins with when RocksDB holds everything up to `tail`. `epochs` is its epoch
/// table (L5): it has the epoch of `tail` and may end in one that begins behind it.
/// kFailedPrecondition when there is a log already.
Status create_log_behind(const CommitLogOptions& options, const LogTail& tail,
                         const std::vector<std::pair<Epoch, Lsn>>& epochs);

}  // namespace clinicdb::engine
