#include "backup/file_tools.h"

#include <utility>

#include "backup/sha256.h"

namespace clinicdb::engine {

namespace {

constexpr std::size_t kPieceBytes = std::size_t{1} << 20;

/// Reads the file piece by piece.
Status read_pieces(const File& file,
                   FunctionRef<Status(std::uint64_t offset, std::string_view)> take) {
  std::string piece(kPieceBytes, '\0');
  for (std::uint64_t offset = 0;;) {
    ASSIGN_OR_RETURN(const std::size_t size, file.read_at(offset, piece.data(), piece.size()));
    if (size == 0) return Status();
    RETURN_IF_ERROR(take(offset, {piece.data(), size}));
    offset += size;
  }
}

}  // namespace

Result<FileSum> sum_file(FileSystem& files, const std::string& path, BytesDone done) {
  ASSIGN_OR_RETURN(const std::unique_ptr<File> file, files.open(path, OpenMode::kRead));
  Sha256 sha;
  FileSum sum;
  RETURN_IF_ERROR(read_pieces(*file, [&](std::uint64_t, std::string_view piece) {
    sha.add(piece);
    sum.bytes += piece.size();
    done(piece.size());
    return Status();
  }));
  sum.sha256 = sha.finish();
  return sum;
}

Result<FileSum> copy_file(FileSystem& files, const std::string& from, const std::string& to,
                          BytesDone done) {
  ASSIGN_OR_RETURN(const std::unique_ptr<File> source, files.open(from, OpenMode::kRead));
  ASSIGN_OR_RETURN(const std::unique_ptr<File> target, files.open(to, OpenMode::kCreate));
  Sha256 sha;
  FileSum sum;
  const auto copy = [&](std::uint64_t offset, std::string_view piece) -> Status {
    RETURN_IF_ERROR(target->write_at(offset, piece));
    sha.add(piece);
    sum.bytes += piece.size();
    done(piece.size());
    return Status();
  };
  RETURN_IF_ERROR(read_pieces(*source, copy));
  RETURN_IF_ERROR(target->sync());
  sum.sha256 = sha.finish();
  return sum;
}

Status write_file_atomically(FileSystem& files, const std::string& path, std::string_view bytes) {
  const std::string draft = path + ".new";
  RETURN_IF_ERROR(remove_tree(files, draft));
  {
    ASSIGN_OR_RETURN(const std::unique_ptr<File> file, files.open(draft, OpenMode::kCreate));
    RETURN_IF_ERROR(file->write_at(0, bytes));
    RETURN_IF_ERROR(file->sync());
  }
  RETURN_IF_ERROR(files.rename(draft, path));
  return files.sync_directory(parent_directory(path));
}

Result<std::string> read_small_file(FileSystem& files, const std::string& path,
                                    std::size_t bytes_max) {
  ASSIGN_OR_RETURN(const std::unique_ptr<File> file, files.open(path, OpenMode::kRead));
  ASSIGN_OR_RETURN(const std::uint64_t size, file->size());
  if (size > bytes_max) {
    return resource_exhausted(path + " has " + std::to_string(size) + " bytes; at most " +
                              std::to_string(bytes_max) + " were expected");
  }
  std::string bytes(size, '\0');
  ASSIGN_OR_RETURN(const std::size_t got, file->read_at(0, bytes.data(), bytes.size()));
  bytes.resize(got);
  return bytes;
}

Status remove_tree(FileSystem& files, const std::string& path) {
  ASSIGN_OR_RETURN(const bool found, files.exists(path));
  if (!found) return Status();
  // What cannot be listed is a file.
  if (const Result<std::vector<std::string>> names = files.list(path)) {
    for (const std::string& name : *names) RETURN_IF_ERROR(remove_tree(files, path + "/" + name));
  }
  return files.remove(path);
}

Status require_missing_or_empty(FileSystem& files, const std::string& directory) {
  ASSIGN_OR_RETURN(const bool found, files.exists(directory));
  if (!found) return Status();
  ASSIGN_OR_RETURN(const std::vector<std::string> names, files.list(directory));
  if (names.empty()) return Status();
  return failed_precondition(directory + " is not empty; choose a new directory");
}

FileSystem& file_system_of(const BackupOptions& options, FileSystem* other) {
  if (options.file_system != nullptr) return *options.file_system;
  return other != nullptr ? *other : posix_file_system();
}

std::string parent_directory(const std::string& path) {
  const std::size_t end = path.find_last_not_of('/');
  const std::size_t slash = end == std::string::npos ? end : path.rfind('/', end);
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Draft::Draft(FileSystem& files, std::string directory)
    : files_(&files), directory_(std::move(directory)), path_(directory_ + ".part") {}

Draft::Draft(Draft&& other) noexcept
    : files_(std::exchange(other.files_, nullptr)),
      directory_(std::move(other.directory_)),
      path_(std::move(other.path_)) {}

Draft::~Draft() {
  if (files_ != nullptr) {
    remove_tree(*files_, path_)
        .ignore("it does not have the name that counts; the next try removes it");
  }
}

Result<Draft> Draft::make(FileSystem& files, const std::string& directory) {
  std::string name = directory;
  while (name.size() > 1 && name.back() == '/') name.pop_back();
  RETURN_IF_ERROR(require_missing_or_empty(files, name));
  RETURN_IF_ERROR(files.create_directories(parent_directory(name)));
  Draft draft(files, std::move(name));
  RETURN_IF_ERROR(remove_tree(files, draft.path_));
  RETURN_IF_ERROR(files.create_directories(draft.path_));
  return draft;
}

Status Draft::publish() {
  RETURN_IF_ERROR(files_->sync_directory(path_));
  // Over an empty directory a rename is as good as over none.
  RETURN_IF_ERROR(files_->rename(path_, directory_));
  FileSystem& files = *std::exchange(files_, nullptr);
  return files.sync_directory(parent_directory(directory_));
}

}  // namespace clinicdb::engine
