// What backups do with files: copy and hash them, clear what an earlier try has left.
#pragma once

#include <cstdint>
#include <string>

#include "clinicdb/base/function_ref.h"
#include "clinicdb/base/result.h"
#include "clinicdb/engine/backup.h"
#include "clinicdb/engine/file.h"

namespace clinicdb::engine {

struct FileSum {
  std::uint64_t bytes = 0;
  std::string sha256;  ///< 32 bytes
};

/// Told of each piece that was done, in bytes.
using BytesDone = FunctionRef<void(std::uint64_t bytes)>;

/// Reads the file to its end.
Result<FileSum> sum_file(FileSystem& files, const std::string& path, BytesDone done);

/// Copies `from` to `to`, which does not exist, and syncs it; its name is not. The sum is that of
/// the bytes read.
Result<FileSum> copy_file(FileSystem& files, const std::string& from, const std::string& to,
                          BytesDone done);

/// Writes the file under a temporary name, syncs it, renames it and syncs its directory: after OK
/// it is there whole, after a crash whole or not at all.
Status write_file_atomically(FileSystem& files, const std::string& path, std::string_view bytes);

/// The whole of a file. kResourceExhausted when it is larger than `bytes_max`.
Result<std::string> read_small_file(FileSystem& files, const std::string& path,
                                    std::size_t bytes_max);

/// Removes a file, or a directory with everything in it; OK when there is none. Only for what we
/// made ourselves: it follows symbolic links.
Status remove_tree(FileSystem& files, const std::string& path);

/// kFailedPrecondition unless the directory is missing or empty.
Status require_missing_or_empty(FileSystem& files, const std::string& directory);

/// Where the backup's files are: the options' own place, else `other`, else the operating system.
FileSystem& file_system_of(const BackupOptions& options, FileSystem* other);

/// The directory that `path` stands in.
std::string parent_directory(const std::string& path);

/// A place beside `directory`, on the same file system, for what will take its name when it is
/// complete. What an earlier try has left there is removed; then it is made.
class Draft {
 public:
  static Result<Draft> make(FileSystem& files, const std::string& directory);
  Draft(Draft&& other) noexcept;
  Draft& operator=(Draft&&) = delete;
  /// Removes the draft unless it was published.
  ~Draft();

  const std::string& path() const { return path_; }
  /// Gives it its name, durably. Its files and their names are durable already.
  Status publish();

 private:
  Draft(FileSystem& files, std::string directory);

  FileSystem* files_;
  std::string directory_;
  std::string path_;
};

}  // namespace clinicdb::engine
