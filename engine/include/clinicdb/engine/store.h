// Store: clinic data in a directory, inside this process.
//
//   Result<std::unique_ptr<Store>> store = Store::open("data", schema, {});
//   Result<TenantId> tenant = (*store)->create_tenant("sorriso");
//   Result<Committed> done = (*store)->transact(*tenant, {}, [&](Transaction& tx) ->
//   Result<std::string> {
//     RETURN_IF_ERROR(tx.put(kPatients, patient).status());
//     return std::string();
//   });
//
// Thread-safe. Installs no signal handlers. Threads: callers log and sync themselves; RocksDB's
// flush and compaction threads and, unless opened read-only, one that applies what was committed
// and one for maintenance run until close.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "clinicdb/base/clock.h"
#include "clinicdb/base/function_ref.h"
#include "clinicdb/base/ids.h"
#include "clinicdb/base/random.h"
#include "clinicdb/base/result.h"
#include "clinicdb/engine/file.h"
#include "clinicdb/engine/result_cache.h"
#include "clinicdb/engine/table.h"
#include "clinicdb/engine/transaction.h"

namespace clinicdb::engine {

class CommitGate;

struct StoreOptions {
  /// Make the store where the directory has none. Otherwise kNotFound.
  bool create_if_missing = true;
  /// Serve reads from what is there; write nothing, replay nothing to disk, take no lock.
  bool read_only = false;

  /// Memory for RocksDB's blocks, indexes and filters. Bytes.
  std::size_t block_cache_bytes = std::size_t{256} << 20;
  /// One RocksDB memtable; up to three exist. Larger: fewer, larger flushes. Bytes.
  std::size_t write_buffer_bytes = std::size_t{64} << 20;
  /// Memory for cached answers. 0 turns the result cache off. Bytes.
  std::size_t result_cache_bytes = std::size_t{64} << 20;

  /// Size of one commit log segment. Bytes.
  std::size_t log_segment_bytes = std::size_t{64} << 20;
  /// How much commit log may be unflushed in RocksDB: bounds the replay after a crash. Bytes.
  std::size_t replay_bytes_max = std::size_t{128} << 20;
  /// How much flushed commit log is kept for readers and followers. Bytes.
  std::size_t log_retained_bytes = std::size_t{256} << 20;
  /// A file of this size is kept, to be freed when the disk is full, so that the store can close
  /// well. Bytes.
  std::size_t disk_reserve_bytes = std::size_t{16} << 20;

  /// 1: a group is executed when the one before it is committed. 2: while the one before it syncs
  /// (C3).
  int pipeline_depth = 2;
  /// RocksDB's flush and compaction threads. REQUIRES: 1 to 7.
  int background_jobs = 2;

  /// Seams. Not owned; outlive the store. nullptr: the operating system's.
  FileSystem* file_system = nullptr;
  const Clock* clock = nullptr;
  Random* random = nullptr;
  /// What must hold before a prepared entry is committed (C1). nullptr: the local sync.
  CommitGate* commit_gate = nullptr;
};

enum class StoreState : std::uint8_t {
  kOpening,
  kReplaying,
  kServing,
  kReadOnly,
  kFailed,
  kClosed
};
std::string_view store_state_name(StoreState state) noexcept;

struct TenantInfo {
  TenantId id;       ///< unique in a cluster, never reused (M3)
  Uuid uuid;         ///< outlives moves and restores
  std::string slug;  ///< unique in the store: 1 to 63 of a-z, 0-9 and -, not at the ends
  Time created;
};

/// Who calls, and which call it is.
struct CallContext {
  Uuid user;     ///< nil: the system
  Uuid session;  ///< client session that request ids are unique in; nil: none
  /// With an id, the answer is kept with the commit, and the same id again returns it without
  /// executing (R1). A UUIDv7, for it carries its time: ids older than the window are refused.
  std::optional<Uuid> request_id;
  /// Hash of the request's content: the same id with another hash is refused with kInvalidArgument.
  std::uint64_t request_hash = 0;
};

struct Committed {
  LogPosition position;   ///< where it stands in the log; lsn 0 when nothing was written
  std::string answer;     ///< what the command returned
  bool repeated = false;  ///< the answer of an earlier call with this request id
};

/// A command: reads and changes through the transaction, returns its answer. An error drops the
/// changes.
using Command = FunctionRef<Result<std::string>(Transaction&)>;

struct StoreStats {
  StoreState state = StoreState::kOpening;
  std::string state_reason;
  LogPosition last_committed;
  LogPosition last_flushed;
  std::uint64_t commands = 0;
  std::uint64_t groups = 0;
  std::uint64_t log_bytes_appended = 0;  ///< as written, compressed
  std::uint64_t log_bytes_retained = 0;
  std::uint64_t unflushed_log_bytes = 0;
  std::uint64_t replayed_entries = 0;  ///< at this open
  std::uint64_t replay_us = 0;
  std::uint64_t open_us = 0;
  std::uint64_t rocksdb_keys_estimate = 0;
  std::uint64_t rocksdb_sst_bytes = 0;
  std::uint64_t rocksdb_memory_bytes = 0;
  ResultCacheStats cache;
};

struct VerifyReport {
  std::uint64_t tenants = 0;
  std::uint64_t records = 0;
  std::uint64_t index_entries = 0;
  std::uint64_t history_versions = 0;
  std::uint64_t log_entries = 0;
  std::uint64_t log_keys_compared = 0;
  /// One line each: what is wrong, and where. The first `problems_max` of them; `problem_count`
  /// counts all.
  std::vector<std::string> problems;
  std::uint64_t problem_count = 0;
};

struct VerifyOptions {
  std::size_t problems_max = 100;
  /// Called now and then with how much of how much is done; may be empty.
  std::function<void(std::uint64_t done, std::uint64_t total)> progress;
};

/// Who follows what happens. Told of each commit after its view is published, in order, by the
/// thread that commits: must be short, and must not call the store. Thread-safe.
class CommitListener {
 public:
  virtual ~CommitListener() = default;
  /// These tenants, sorted, have changed by the commit `lsn`.
  virtual void committed(const std::vector<TenantId>& tenants, Lsn lsn) = 0;
};

class Store {
 public:
  /// Opens or makes a store. Replays what RocksDB had not flushed. kFailedPrecondition "in use by
  /// pid N" when another process has it; kDataLoss, with file and offset, when the log is corrupt
  /// (L3): then nothing is changed on disk. The schema's tables outlive the store.
  static Result<std::unique_ptr<Store>> open(const std::string& directory, const Schema& schema,
                                             StoreOptions options);
  virtual ~Store() = default;

  /// Waits for running calls, flushes and releases the directory. Later calls return
  /// kFailedPrecondition.
  virtual Status close() = 0;

  virtual Result<TenantInfo> create_tenant(std::string_view slug) = 0;
  /// kNotFound when there is no such tenant.
  virtual Result<TenantInfo> find_tenant(std::string_view slug) = 0;
  virtual Result<TenantInfo> tenant(TenantId id) = 0;
  virtual Result<std::vector<TenantInfo>> list_tenants() = 0;
  /// Erases the tenant's whole key range, in one commit. Its number is never used again.
  virtual Status delete_tenant(TenantId id) = 0;

  /// A reader on the published view. It holds back RocksDB's cleaning for as long as it lives: keep
  /// it short. kNotFound for an unknown tenant.
  virtual Result<std::unique_ptr<Reader>> view(TenantId tenant) = 0;

  /// Runs `command` on the shard's writer, serially with all others. For trusted, short commands
  /// (C5): it may run on another caller's thread while this one waits, must not block, and must not
  /// throw. OK means durable (and committed by the gate). kUnknownOutcome: see R2.
  virtual Result<Committed> execute(TenantId tenant, const CallContext& context,
                                    Command command) = 0;

  /// Runs `fn` on this thread, on a snapshot; the writer then checks that nothing it read has
  /// changed, ranges included, and commits, or `fn` runs again on a newer snapshot, `attempts`
  /// times in all. kAborted when every attempt met a conflict. An exception of `fn` drops the
  /// changes and passes on.
  virtual Result<Committed> transact(TenantId tenant, const CallContext& context, Command fn,
                                     int attempts = 16) = 0;

  /// Lends this thread to the commits of callers that do not block (caller.h), until stop_leading:
  /// two such threads keep executing and syncing busy at once.
  virtual void lead_commits() = 0;
  /// Ends every lead_commits, once what waits for them is committed. Later callers block again.
  virtual void stop_leading() = 0;

  /// From now on, one at a time; nullptr: nobody. It outlives its use: after
  /// set_commit_listener(nullptr) it is not called any more.
  virtual void set_commit_listener(CommitListener* listener) = 0;

  /// Answers cached by tag and LSN. Tags come from cache_tag_*.
  virtual ResultCache& cache() = 0;
  /// The last LSN whose effects readers see.
  virtual Lsn published_lsn() const = 0;

  /// Writes RocksDB's memtables to files.
  virtual Status flush() = 0;
  virtual StoreStats stats() = 0;
  /// Compares every index with its records, both ways, histories with versions, and the log with
  /// RocksDB. Runs on a snapshot beside other calls. An error means that verifying itself failed;
  /// findings are in the report.
  virtual Result<VerifyReport> verify(const VerifyOptions& options) = 0;

  /// Builds every index that is not ready, in bounded steps, until none is left. The maintenance
  /// thread does it too; this call waits.
  virtual Status build_indexes() = 0;
};

}  // namespace clinicdb::engine
