// Backups of a whole store. docs/format.md, "Backup", is the layout.
//
//   backup    flush ─► pause commits: checkpoint, tail, epochs ─► copy to DIR.part ─► manifest ─►
//   read back ─► DIR restore   read all ─► copy to DIR.part ─► log behind the tail ─► identity ─►
//   open, verify, close ─► DIR
//
// A backup holds no log: RocksDB's files hold every commit up to the tail, and a log can begin
// behind any entry whose position, hash and time are known. A copy that becomes a store gets an id
// and an epoch of its own, so that no address (epoch, LSN) ever names two different commits.
#include <algorithm>
#include <mutex>
#include <utility>

#include "backup/backup_manifest.h"
#include "backup/file_tools.h"
#include "clinicdb/engine/backup.h"
#include "log/commit_log.h"
#include "store/identity.h"
#include "store/store_impl.h"

namespace clinicdb::engine {

namespace {

constexpr std::size_t kManifestBytesMax = std::size_t{64} << 20;

/// Counts bytes for the caller's progress.
class Progress {
 public:
  explicit Progress(const BackupOptions& options) : options_(options) {}
  void expect(std::uint64_t bytes) { total_ += bytes; }
  void done(std::uint64_t bytes) {
    done_ += bytes;
    if (options_.progress) options_.progress(done_, total_);
  }

 private:
  const BackupOptions& options_;
  std::uint64_t done_ = 0;
  std::uint64_t total_ = 0;
};

/// What the files of a checkpoint hold.
struct CheckpointState {
  LogTail tail;
  EpochTable epochs;
};

/// Makes a RocksDB checkpoint in `directory`, which does not exist. The large flush goes first,
/// beside running commits; only what came since is flushed while they wait.
Result<CheckpointState> checkpoint_rocks(StoreImpl& store, const std::string& directory) {
  RETURN_IF_ERROR(store.flush());
  CheckpointState state;
  const auto take = [&]() -> Status {
    state.tail = store.log().tail();
    state.epochs = store.log().epochs();
    ASSIGN_OR_RETURN(const AppliedMark applied, store.kv().applied());
    if (applied.position != state.tail.position || applied.hash != state.tail.hash) {
      return internal_error("RocksDB holds LSN " + std::to_string(applied.position.lsn.value) +
                            " while the log ends at " +
                            std::to_string(state.tail.position.lsn.value));
    }
    return store.kv().checkpoint(directory);
  };
  RETURN_IF_ERROR(store.pipeline().with_log(take));
  return state;
}

/// Removes the scratch checkpoint when the backup is made, or failed.
struct ScratchCheckpoint {
  FileSystem& files;
  std::string path;
  ~ScratchCheckpoint() { remove_tree(files, path).ignore("the next backup removes it"); }
};

BackupReport report_of(const BackupManifest& manifest) {
  BackupReport report;
  report.store_id = manifest.store_id;
  report.position = manifest.tail.position;
  report.time = manifest.tail.time;
  report.files = manifest.files.size();
  for (const BackupManifest::Entry& file : manifest.files) report.bytes += file.sum.bytes;
  return report;
}

Result<BackupManifest> read_backup_manifest(FileSystem& files, const std::string& directory) {
  const std::string path = directory + "/" + std::string(kBackupManifestName);
  ASSIGN_OR_RETURN(const bool found, files.exists(path));
  if (!found) return not_found("there is no backup in " + directory + ": it has no file BACKUP");
  ASSIGN_OR_RETURN(const std::string text, read_small_file(files, path, kManifestBytesMax));
  Result<BackupManifest> manifest = decode_backup_manifest(text);
  if (!manifest) return std::move(manifest).error().with_context(path);
  return manifest;
}

Status check_sum(const std::string& path, const FileSum& is, const FileSum& should_be) {
  if (is.bytes != should_be.bytes) {
    return data_loss(path + " has " + std::to_string(is.bytes) + " bytes, not the " +
                     std::to_string(should_be.bytes) +
                     " that were backed up; this backup cannot be used");
  }
  if (is.sha256 != should_be.sha256) {
    return data_loss(
        path + " is not what was backed up: its SHA-256 is another; this backup cannot be used");
  }
  return Status();
}

Status verify_files(FileSystem& files, const std::string& directory, const BackupManifest& manifest,
                    Progress& progress) {
  for (const BackupManifest::Entry& file : manifest.files) {
    const std::string path = directory + "/" + file.name;
    ASSIGN_OR_RETURN(const bool found, files.exists(path));
    if (!found) return data_loss(path + " is missing; this backup cannot be used");
    ASSIGN_OR_RETURN(const FileSum sum,
                     sum_file(files, path, [&](std::uint64_t bytes) { progress.done(bytes); }));
    RETURN_IF_ERROR(check_sum(path, sum, file.sum));
  }
  return Status();
}

/// Gives a directory that holds RocksDB's files what else makes it a store: a log behind `state`,
/// in an epoch of its own, and, last, an identity.
Result<Uuid> make_store_of(const std::string& directory, const CheckpointState& state,
                           FileSystem& files, const StoreOptions& options) {
  const Clock& clock = options.clock != nullptr ? *options.clock : system_clock();
  Random& random = options.random != nullptr ? *options.random : system_random();
  const Uuid id = Uuid::v7(clock, random);
  CommitLogOptions log;
  log.file_system = &files;
  log.directory = directory + "/log";
  log.store_id = id;
  log.segment_bytes = options.log_segment_bytes;
  RETURN_IF_ERROR(files.create_directories(log.directory));
  EpochTable epochs = state.epochs;
  epochs.emplace_back(Epoch{epochs.back().first.value + 1}, next(state.tail.position.lsn));
  RETURN_IF_ERROR(create_log_behind(log, state.tail, epochs));
  RETURN_IF_ERROR(write_identity(files, directory, id));
  return id;
}

/// Opens the copy as a store and verifies it; a finding is an error.
Result<VerifyReport> prove(const std::string& directory, const Schema& schema,
                           const StoreOptions& options) {
  StoreOptions own = options;
  own.create_if_missing = false;
  own.read_only = false;
  ASSIGN_OR_RETURN(const std::unique_ptr<Store> store, Store::open(directory, schema, own));
  ASSIGN_OR_RETURN(VerifyReport report, store->verify({}));
  RETURN_IF_ERROR(store->close());
  if (report.problem_count == 0) return report;
  return data_loss("the restored store is not whole: " + report.problems.front() + " (" +
                   std::to_string(report.problem_count) + " findings)");
}

}  // namespace

Result<BackupReport> backup_store(Store& store, const std::string& directory,
                                  const BackupOptions& options) {
  auto& impl = static_cast<StoreImpl&>(store);
  FileSystem& files = file_system_of(options, &impl.file_system());
  RETURN_IF_ERROR(impl.check_writable());
  ASSIGN_OR_RETURN(Draft draft, Draft::make(files, directory));
  const std::lock_guard one_at_a_time(impl.backup_mutex());

  ScratchCheckpoint scratch{files, impl.directory() + "/backup-scratch"};
  RETURN_IF_ERROR(remove_tree(files, scratch.path));
  ASSIGN_OR_RETURN(CheckpointState state, checkpoint_rocks(impl, scratch.path));
  ASSIGN_OR_RETURN(const std::vector<std::string> names, files.list(scratch.path));

  Progress progress(options);
  for (const std::string& name : names) {
    ASSIGN_OR_RETURN(const std::unique_ptr<File> file,
                     files.open(scratch.path + "/" + name, OpenMode::kRead));
    ASSIGN_OR_RETURN(const std::uint64_t size, file->size());
    progress.expect(2 * size);  // written, and read back
  }
  BackupManifest manifest;
  manifest.store_id = impl.store_id();
  manifest.tail = state.tail;
  manifest.epochs = std::move(state.epochs);
  RETURN_IF_ERROR(files.create_directories(draft.path() + "/rocksdb"));
  for (const std::string& name : names) {
    BackupManifest::Entry entry;
    entry.name = "rocksdb/" + name;
    ASSIGN_OR_RETURN(entry.sum,
                     copy_file(files, scratch.path + "/" + name, draft.path() + "/" + entry.name,
                               [&](std::uint64_t bytes) { progress.done(bytes); }));
    manifest.files.push_back(std::move(entry));
  }
  RETURN_IF_ERROR(files.sync_directory(draft.path() + "/rocksdb"));
  RETURN_IF_ERROR(write_file_atomically(files,
                                        draft.path() + "/" + std::string(kBackupManifestName),
                                        encode_backup_manifest(manifest)));
  ASSIGN_OR_RETURN(const BackupManifest written, read_backup_manifest(files, draft.path()));
  RETURN_IF_ERROR(verify_files(files, draft.path(), written, progress));
  RETURN_IF_ERROR(draft.publish());
  return report_of(manifest);
}

Result<BackupReport> verify_backup(const std::string& directory, const BackupOptions& options) {
  FileSystem& files = file_system_of(options, nullptr);
  ASSIGN_OR_RETURN(const BackupManifest manifest, read_backup_manifest(files, directory));
  Progress progress(options);
  progress.expect(report_of(manifest).bytes);
  RETURN_IF_ERROR(verify_files(files, directory, manifest, progress));
  return report_of(manifest);
}

Result<RestoreReport> restore_store(const std::string& backup_directory,
                                    const std::string& directory, const Schema& schema,
                                    const StoreOptions& store_options,
                                    const BackupOptions& options) {
  FileSystem& files = file_system_of(options, store_options.file_system);
  ASSIGN_OR_RETURN(const BackupManifest manifest, read_backup_manifest(files, backup_directory));
  RETURN_IF_ERROR(require_missing_or_empty(files, directory));
  RestoreReport report;
  report.backup = report_of(manifest);
  Progress progress(options);
  progress.expect(2 * report.backup.bytes);  // verified, and copied
  RETURN_IF_ERROR(verify_files(files, backup_directory, manifest, progress));

  ASSIGN_OR_RETURN(Draft draft, Draft::make(files, directory));
  RETURN_IF_ERROR(files.create_directories(draft.path() + "/rocksdb"));
  for (const BackupManifest::Entry& file : manifest.files) {
    const std::string from = backup_directory + "/" + file.name;
    ASSIGN_OR_RETURN(const FileSum sum,
                     copy_file(files, from, draft.path() + "/" + file.name,
                               [&](std::uint64_t bytes) { progress.done(bytes); }));
    RETURN_IF_ERROR(check_sum(from, sum, file.sum));
  }
  RETURN_IF_ERROR(files.sync_directory(draft.path() + "/rocksdb"));
  ASSIGN_OR_RETURN(report.store_id, make_store_of(draft.path(), {manifest.tail, manifest.epochs},
                                                  files, store_options));
  ASSIGN_OR_RETURN(report.verify, prove(draft.path(), schema, store_options));
  RETURN_IF_ERROR(draft.publish());
  return report;
}

Result<BackupReport> checkpoint(Store& store, const std::string& directory) {
  auto& impl = static_cast<StoreImpl&>(store);
  FileSystem& files = impl.file_system();
  RETURN_IF_ERROR(impl.check_writable());
  ASSIGN_OR_RETURN(Draft draft, Draft::make(files, directory));
  const std::string rocks = draft.path() + "/rocksdb";
  ASSIGN_OR_RETURN(const CheckpointState state, checkpoint_rocks(impl, rocks));
  BackupReport report;
  report.position = state.tail.position;
  report.time = state.tail.time;
  ASSIGN_OR_RETURN(const std::vector<std::string> names, files.list(rocks));
  for (const std::string& name : names) {
    // RocksDB does not sync all that it puts into a checkpoint.
    ASSIGN_OR_RETURN(const std::unique_ptr<File> file,
                     files.open(rocks + "/" + name, OpenMode::kWrite));
    RETURN_IF_ERROR(file->sync());
    ASSIGN_OR_RETURN(const std::uint64_t size, file->size());
    ++report.files;
    report.bytes += size;
  }
  RETURN_IF_ERROR(files.sync_directory(rocks));
  ASSIGN_OR_RETURN(report.store_id, make_store_of(draft.path(), state, files, impl.options()));
  RETURN_IF_ERROR(draft.publish());
  return report;
}

}  // namespace clinicdb::engine
