// SimulatedFileSystem: files in memory that forget what was not synced, as a disk does when the
// power goes.
//
//   SimulatedFileSystem disk;
//   { ... open, write, sync some of it ... }
//   disk.crash(random);        // unsynced bytes and names are gone, or not, as chance has it
//   { ... open again and see what is there ... }
//
// The model, which is as forgetful as the seam's contract (engine/file.h) allows:
//  1. Bytes are durable after File::sync, for all handles of the file. Of what was written since, a
//  crash keeps
//     any subset of 512-byte sectors, each as one of the versions that it had; a file that grew
//     keeps any length between; sectors in it that were lost read as zeros. A truncation that was
//     not synced may be undone.
//  2. A directory's names are durable after sync_directory on it, and only on it: syncing a file
//  does not keep
//     its name, syncing a directory does not keep the directory's own name in its parent. Of the
//     changes made to a directory since, a crash keeps a beginning, in their order. A rename inside
//     one directory is one change; from one directory to another it is two, one in each, that may
//     be kept apart.
//  3. After a crash every handle and lock from before it is dead: calls on it fail and change
//  nothing.
//
// Paths are split at "/"; relative ones begin at the root, which always exists and is durable.
// Thread-safe; so are its files.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "clinicdb/base/random.h"
#include "clinicdb/base/result.h"
#include "clinicdb/engine/file.h"
#include "support/fault_plan.h"

namespace clinicdb::test {

class SimulatedFileSystem final : public engine::FileSystem {
 public:
  /// `plan` is asked before every operation; nullptr: one of its own, see faults(). Not owned.
  explicit SimulatedFileSystem(FaultPlan* plan = nullptr);
  ~SimulatedFileSystem() override;

  Result<std::unique_ptr<engine::File>> open(const std::string& path,
                                             engine::OpenMode mode) override;
  Status create_directories(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& directory) override;
  Result<bool> exists(const std::string& path) override;
  Status remove(const std::string& path) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status sync_directory(const std::string& path) override;
  Result<std::uint64_t> free_bytes(const std::string& path) override;
  Result<std::unique_ptr<engine::DirectoryLock>> lock(const std::string& path) override;

  // Beyond the seam, for RocksDB over the same disk (simulated_rocksdb.h).
  Status link(const std::string& from, const std::string& to);
  Result<bool> is_directory(const std::string& path);
  Result<std::uint64_t> file_size(const std::string& path);
  /// From here on a crash keeps a beginning of what was appended to this file, without holes: what
  /// a file system does that lets no file grow before its bytes are written (ext4 with
  /// data=ordered, XFS).
  Status keep_appends_in_order(const std::string& path);

  /// The power goes and comes back: what was not durable is dropped as `random` says, handles and
  /// locks die.
  void crash(Random& random);
  /// As crash, keeping nothing that was not durable.
  void crash_losing_all();
  /// From here until the next crash every operation fails and changes nothing: the moment at which
  /// the power went, while the process that has not noticed yet is taken apart.
  void power_off();

  FaultPlan& faults() { return *plan_; }
  const FaultPlan& faults() const { return *plan_; }
  /// Sync of files whose path contains this (empty string: of all) says OK and does nothing. For
  /// controls that must fail.
  void lie_about_sync(std::string path_contains);
  /// Bytes that all files together may have; beyond, writes are cut short with kResourceExhausted.
  void set_capacity(std::uint64_t bytes);
  std::uint64_t used_bytes() const;

  struct Inode;

 private:
  class SimulatedFile;
  class SimulatedLock;
  struct Place;

  Status check(FaultOperation operation, const std::string& path);
  Status admit(const char* operation, const std::string& path) const;
  Inode* walk(const std::vector<std::string>& parts, std::size_t count) const;
  Result<Place> locate(const char* operation, const std::string& path) const;
  void change(Inode& directory, std::vector<std::pair<std::string, std::shared_ptr<Inode>>> sets);
  Status write(Inode& inode, std::uint64_t offset, std::string_view data, const std::string& path);
  bool lies_about(const std::string& path) const;
  template <class Choose>
  void crash_with(Choose&& choose);

  // constant after construction
  std::unique_ptr<FaultPlan> own_plan_;
  FaultPlan* plan_;
  mutable std::mutex mutex_;
  // guarded by mutex_
  std::shared_ptr<std::uint64_t> used_bytes_;
  std::shared_ptr<Inode> root_;
  std::map<std::string, std::uint64_t> locks_;
  std::uint64_t generation_ = 1;
  std::uint64_t next_lock_ = 1;
  bool powered_ = true;
  bool lying_ = false;
  std::string lie_path_contains_;
  std::uint64_t capacity_ = std::numeric_limits<std::uint64_t>::max();
};

}  // namespace clinicdb::test
