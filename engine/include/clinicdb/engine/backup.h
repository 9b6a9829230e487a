// Backups: copies of a store, or of one tenant, that outlive it.
//
//   ASSIGN_OR_RETURN(BackupReport made, backup_store(store, "/backup/2026-11-21", {}));
//   ASSIGN_OR_RETURN(RestoreReport back, restore_store("/backup/2026-11-21", "data", schema, {},
//   {}));
//
// A backup is made beside running calls and holds the state of one log position. It counts only
// when it was verified: backup_store and backup_tenant read back what they wrote before they return
// OK; restoring verifies again. Whatever fails, nothing half-made is left under the name that was
// asked for. Layouts: docs/format.md, "Backup".
//
// Thread-safe. One backup of a store, and one restore of a tenant into it, run at a time; others
// wait.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "clinicdb/base/clock.h"
#include "clinicdb/base/ids.h"
#include "clinicdb/base/result.h"
#include "clinicdb/engine/file.h"
#include "clinicdb/engine/store.h"

namespace clinicdb::engine {

struct BackupOptions {
  /// Called now and then, on the calling thread, with how many bytes of how many are done; the
  /// total is 0 where it is not known. May be empty.
  std::function<void(std::uint64_t done, std::uint64_t total)> progress;
  /// Where backups are written and read. Not owned. nullptr: the store's own, or the operating
  /// system's.
  FileSystem* file_system = nullptr;
};

/// What a backup of a store holds.
struct BackupReport {
  Uuid store_id;         ///< of the store it was made of
  LogPosition position;  ///< every commit up to here, and none above
  Time time;             ///< of the commit at `position`
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
};

/// Copies the whole store into `directory`, which is missing or empty: flushes, takes a checkpoint
/// (commits wait for some milliseconds), copies its files, writes the manifest last, and reads
/// everything back. kFailedPrecondition when the directory holds something, or the store takes no
/// writes.
Result<BackupReport> backup_store(Store& store, const std::string& directory,
                                  const BackupOptions& options);

/// Reads every byte of a backup and compares sizes and SHA-256 sums with its manifest. kNotFound
/// when there is none, kDataLoss naming the file that is damaged or missing, kUnimplemented for a
/// format of a later program.
Result<BackupReport> verify_backup(const std::string& directory, const BackupOptions& options);

struct RestoreReport {
  BackupReport backup;
  Uuid store_id;        ///< of the new store
  VerifyReport verify;  ///< of the new store; restoring fails when it names problems
};

/// Makes a store of a backup in `directory`, which is missing or empty: verifies the backup, copies
/// it beside, opens the copy, runs Store::verify, and only then gives it its name. The new store
/// has an id of its own and begins an epoch of its own, so that what it commits is never taken for
/// what the old one committed.
Result<RestoreReport> restore_store(const std::string& backup_directory,
                                    const std::string& directory, const Schema& schema,
                                    const StoreOptions& store_options,
                                    const BackupOptions& options);

/// Makes an openable copy of the store in `directory`, which is missing or empty: a store with an
/// id and an epoch of its own. Shares RocksDB's immutable files by hard links where the directory
/// is on the same file system, so that it takes milliseconds and no space; it is therefore no
/// backup.
Result<BackupReport> checkpoint(Store& store, const std::string& directory);

/// What a backup of a tenant holds.
struct TenantBackupReport {
  TenantInfo tenant;          ///< as it was; its number is that of the store it was made of
  Uuid store_id;              ///< of that store
  LogPosition position;       ///< as of this commit
  Time time;                  ///< when it was made
  std::uint64_t entries = 0;  ///< records, history versions, events and kept answers
  std::uint64_t bytes = 0;    ///< of the file
};

/// Writes one tenant as of one moment into `file`, replacing it: records, history, events and kept
/// answers of requests. Indexes are not in it; they are made anew by restoring.
Result<TenantBackupReport> backup_tenant(Store& store, TenantId tenant, const std::string& file,
                                         const BackupOptions& options);

/// Reads every byte of it. kDataLoss with file and offset when it is damaged or cut short,
/// kUnimplemented for a format of a later program.
Result<TenantBackupReport> verify_tenant_backup(const std::string& file,
                                                const BackupOptions& options);

struct TenantRestoreReport {
  TenantInfo tenant;  ///< the new one
  TenantBackupReport backup;
  std::uint64_t index_entries = 0;  ///< made anew
};

/// Makes a new tenant of the backup, called `slug`, beside whatever tenants there are, the original
/// included: with a number of its own (M3), the same UUID, and everything else as it was. In
/// bounded commits, so that other calls go on; nobody sees the tenant before all of it was read
/// back and compared with the backup. After an error or a crash nothing of it is left, or what is
/// left is invisible and removed by the next restore.
///   kDataLoss           the file is damaged; nothing was changed;
///   kAlreadyExists      there is a tenant of that slug;
///   kFailedPrecondition it has records of tables that the store was not opened with, or that an
///   index of the
///                       store refuses.
/// Events keep their LSNs when the backup is of this store; in another store, whose LSNs are
/// others, they get that of the commit that restores them, in the same order.
Result<TenantRestoreReport> restore_tenant(Store& store, const std::string& file,
                                           std::string_view slug, const BackupOptions& options);

}  // namespace clinicdb::engine
