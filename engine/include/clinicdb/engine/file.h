// FileSystem and File: the seam between the engine and the disk. Tests and the simulation replace
// it to lose unsynced bytes, to fail the Nth operation, or to run without a disk at all.
//
// The rules of the real thing hold for every implementation: bytes are durable after File::sync, a
// new, renamed or removed name after sync_directory of its parent, and neither before.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "clinicdb/base/result.h"

namespace clinicdb::engine {

/// An open file. Thread-compatible: reads may run concurrently with each other and with one writer
/// of other byte ranges. Closed by its destructor, which syncs nothing.
class File {
 public:
  virtual ~File() = default;
  /// Writes all of `data` at `offset`, extending the file where needed. On error any part may be
  /// written.
  virtual Status write_at(std::uint64_t offset, std::string_view data) = 0;
  /// Reads up to `size` bytes at `offset` into `out`; returns how many, fewer only at the end of
  /// the file.
  virtual Result<std::size_t> read_at(std::uint64_t offset, char* out, std::size_t size) const = 0;
  /// fdatasync: contents and size are durable on OK. After an error nothing is known; never retry
  /// (L7).
  virtual Status sync() = 0;
  virtual Status truncate(std::uint64_t size) = 0;
  virtual Result<std::uint64_t> size() const = 0;
};

/// Holds the exclusive right to a directory; released by its destructor and by the process's death.
class DirectoryLock {
 public:
  virtual ~DirectoryLock() = default;
};

enum class OpenMode : std::uint8_t {
  kRead,    ///< must exist
  kWrite,   ///< read and write, must exist
  kCreate,  ///< read and write, must not exist
};

/// Thread-safe.
class FileSystem {
 public:
  virtual ~FileSystem() = default;
  virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
  /// Makes the directory and its missing parents. OK where it exists.
  virtual Status create_directories(const std::string& path) = 0;
  /// Names in the directory, without "." and "..", sorted. kNotFound where there is none.
  virtual Result<std::vector<std::string>> list(const std::string& directory) = 0;
  virtual Result<bool> exists(const std::string& path) = 0;
  virtual Status remove(const std::string& path) = 0;
  /// Replaces `to` where it exists.
  virtual Status rename(const std::string& from, const std::string& to) = 0;
  virtual Status sync_directory(const std::string& path) = 0;
  /// Free bytes for this user on the file system that holds `path`.
  virtual Result<std::uint64_t> free_bytes(const std::string& path) = 0;
  /// Takes the lock file `path`, made where missing, and writes this process's id into it.
  /// kFailedPrecondition "in use by pid N" where another holds it (another store of this process
  /// included).
  virtual Result<std::unique_ptr<DirectoryLock>> lock(const std::string& path) = 0;
};

/// The operating system's files. One object for the process.
FileSystem& posix_file_system();

}  // namespace clinicdb::engine
