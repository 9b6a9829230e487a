// The files of this machine as an import's source.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <utility>

#include "clinicdb/clinic/fhir/import_source.h"
#include "fhir/input.h"

namespace clinicdb::clinic::fhir {

namespace {

namespace fs = std::filesystem;

bool has_input_name(const fs::path& path) {
  std::string name = path.filename().string();
  if (name.empty() || name.front() == '.') return false;
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (name.ends_with(".gz")) name.resize(name.size() - 3);
  return name.ends_with(".json") || name.ends_with(".ndjson") || name.ends_with(".jsonl");
}

// Folders in folders are entered, links to folders are not: a link could lead in circles.
Status add_folder(const std::string& folder, std::vector<std::string>& files) {
  std::error_code error;
  std::vector<std::string> found;
  fs::recursive_directory_iterator at(folder, error);
  for (; !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
    const fs::path& path = at->path();
    const bool hidden = path.filename().string().front() == '.';
    std::error_code ignored;
    if (at->is_directory(ignored)) {
      if (hidden) at.disable_recursion_pending();
    } else if (at->is_regular_file(ignored) && has_input_name(path)) {
      found.push_back(path.string());
    }
  }
  if (error) return status_from_errno(error.value(), "read folder", folder);
  std::sort(found.begin(), found.end());
  files.insert(files.end(), found.begin(), found.end());
  return Status();
}

class LocalFiles final : public ImportSource {
 public:
  explicit LocalFiles(std::vector<std::string> files) : files_(std::move(files)) {
    for (const std::string& file : files_) {
      std::error_code error;
      const auto size = fs::file_size(file, error);
      if (error) {
        bytes_total_ = 0;
        return;
      }
      bytes_total_ += size;
    }
  }
  ~LocalFiles() override { close(); }

  const std::vector<std::string>& files() const override { return files_; }
  std::uint64_t bytes_total() const override { return bytes_total_; }
  bool can_read_again(std::size_t file) const override { return files_[file] != "-"; }

  Status open(std::size_t file) override {
    close();
    open_ = file;
    if (files_[file] == "-") {
      descriptor_ = STDIN_FILENO;
      return Status();
    }
    descriptor_ = ::open(files_[file].c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor_ < 0) return status_from_errno(errno, "open", files_[file]);
    ::posix_fadvise(descriptor_, 0, 0, POSIX_FADV_SEQUENTIAL);
    return Status();
  }

  Result<std::size_t> read(std::span<char> room) override {
    ssize_t got = 0;
    do {
      got = ::read(descriptor_, room.data(), room.size());
    } while (got < 0 && errno == EINTR);
    if (got < 0) return status_from_errno(errno, "read", files_[open_]);
    return static_cast<std::size_t>(got);
  }

 private:
  void close() {
    if (descriptor_ > STDIN_FILENO) ::close(descriptor_);
    descriptor_ = -1;
  }

  const std::vector<std::string> files_;
  std::uint64_t bytes_total_ = 0;
  std::size_t open_ = 0;
  int descriptor_ = -1;
};

}  // namespace

Result<std::vector<std::string>> find_inputs(const std::vector<std::string>& paths) {
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    if (path == "-") {
      files.push_back(path);
      continue;
    }
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (status.type() == fs::file_type::not_found) return not_found("there is no " + path);
    if (error) return status_from_errno(error.value(), "look at", path);
    if (fs::is_directory(status)) {
      RETURN_IF_ERROR(add_folder(path, files));
    } else {
      files.push_back(path);
    }
  }
  return files;
}

Result<std::unique_ptr<ImportSource>> open_import_files(const std::vector<std::string>& paths) {
  ASSIGN_OR_RETURN(std::vector<std::string> files, find_inputs(paths));
  return std::unique_ptr<ImportSource>(std::make_unique<LocalFiles>(std::move(files)));
}

}  // namespace clinicdb::clinic::fhir
