// The operating system's files behind the FileSystem seam.
//
// Files are made readable by their owner only: they hold health data. Every descriptor is
// close-on-exec. The directory lock is flock(2): it belongs to the open file, so a second open in
// this process is refused too, it needs no table of our own, and it ends with the process.
#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <utility>

#include "clinicdb/engine/file.h"

namespace clinicdb::engine {
namespace {

constexpr mode_t kFileMode = 0600;
constexpr mode_t kDirectoryMode = 0700;

/// Repeats a call that a signal interrupted.
template <class Call>
auto retry_interrupted(Call call) {
  for (;;) {
    const auto result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

/// Owns a descriptor.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    // The result says nothing that a sync has not said; EINTR on Linux has closed it.
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  Descriptor& operator=(Descriptor&&) = delete;
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }

 private:
  int fd_;
};

Descriptor open_descriptor(const std::string& path, int flags) {
  return Descriptor(
      retry_interrupted([&] { return ::open(path.c_str(), flags | O_CLOEXEC, kFileMode); }));
}

class PosixFile final : public File {
 public:
  PosixFile(Descriptor descriptor, std::string path)
      : descriptor_(std::move(descriptor)), path_(std::move(path)) {}

  Status write_at(std::uint64_t offset, std::string_view data) override {
    while (!data.empty()) {
      const ssize_t wrote = retry_interrupted([&] {
        return ::pwrite(descriptor_.get(), data.data(), data.size(), static_cast<off_t>(offset));
      });
      if (wrote < 0) return status_from_errno(errno, "write", path_);
      // Nothing written without an error: treat it as the disk's, for it would loop for ever.
      if (wrote == 0) return status_from_errno(EIO, "write", path_);
      data.remove_prefix(static_cast<std::size_t>(wrote));
      offset += static_cast<std::uint64_t>(wrote);
    }
    return {};
  }

  Result<std::size_t> read_at(std::uint64_t offset, char* out, std::size_t size) const override {
    std::size_t done = 0;
    while (done < size) {
      const ssize_t got = retry_interrupted([&] {
        return ::pread(descriptor_.get(), out + done, size - done,
                       static_cast<off_t>(offset + done));
      });
      if (got < 0) return status_from_errno(errno, "read", path_);
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    return done;
  }

  Status sync() override {
    if (retry_interrupted([&] { return ::fdatasync(descriptor_.get()); }) != 0) {
      return status_from_errno(errno, "fdatasync", path_);
    }
    return {};
  }

  Status truncate(std::uint64_t size) override {
    if (retry_interrupted(
            [&] { return ::ftruncate(descriptor_.get(), static_cast<off_t>(size)); }) != 0) {
      return status_from_errno(errno, "truncate", path_);
    }
    return {};
  }

  Result<std::uint64_t> size() const override {
    struct stat info {};
    if (::fstat(descriptor_.get(), &info) != 0) return status_from_errno(errno, "stat", path_);
    return static_cast<std::uint64_t>(info.st_size);
  }

 private:
  const Descriptor descriptor_;
  const std::string path_;
};

class PosixDirectoryLock final : public DirectoryLock {
 public:
  explicit PosixDirectoryLock(Descriptor descriptor) : descriptor_(std::move(descriptor)) {}
  ~PosixDirectoryLock() override {
    // The file stays: removing it would let two holders lock two files of one name. Only the id
    // goes; if that fails, the next holder overwrites it.
    if (::ftruncate(descriptor_.get(), 0) != 0) errno = 0;
  }

 private:
  const Descriptor descriptor_;
};

/// The process id that a lock file names; 0 when it names none (yet).
long holder_of(int fd) {
  char text[24];
  const ssize_t got = retry_interrupted([&] { return ::pread(fd, text, sizeof text, 0); });
  long pid = 0;
  if (got > 0) std::from_chars(text, text + got, pid);
  return pid;
}

class PosixFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    int flags = O_RDONLY;
    if (mode == OpenMode::kWrite) flags = O_RDWR;
    if (mode == OpenMode::kCreate) flags = O_RDWR | O_CREAT | O_EXCL;
    Descriptor descriptor = open_descriptor(path, flags);
    if (!descriptor.valid()) return status_from_errno(errno, "open", path);
    return std::unique_ptr<File>(std::make_unique<PosixFile>(std::move(descriptor), path));
  }

  Status create_directories(const std::string& path) override {
    for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
      const std::string parent = path.substr(0, end);
      if (::mkdir(parent.c_str(), kDirectoryMode) != 0) {
        const int reason = errno;
        struct stat info {};
        const bool there = ::stat(parent.c_str(), &info) == 0;
        if (!there) return status_from_errno(reason, "make directory", parent);
        if (!S_ISDIR(info.st_mode)) return status_from_errno(ENOTDIR, "make directory", parent);
      }
      if (end == std::string::npos) return {};
    }
  }

  Result<std::vector<std::string>> list(const std::string& directory) override {
    DIR* const stream = ::opendir(directory.c_str());
    if (stream == nullptr) return status_from_errno(errno, "list", directory);
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = ::readdir(stream)) {
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
      errno = 0;
    }
    const int reason = errno;
    ::closedir(stream);
    if (reason != 0) return status_from_errno(reason, "list", directory);
    std::sort(names.begin(), names.end());
    return names;
  }

  Result<bool> exists(const std::string& path) override {
    struct stat info {};
    if (::stat(path.c_str(), &info) == 0) return true;
    if (errno == ENOENT || errno == ENOTDIR) return false;
    return status_from_errno(errno, "stat", path);
  }

  Status remove(const std::string& path) override {
    if (::remove(path.c_str()) != 0) return status_from_errno(errno, "remove", path);
    return {};
  }

  Status rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return status_from_errno(errno, "rename", from);
    return {};
  }

  Status sync_directory(const std::string& path) override {
    const Descriptor directory = open_descriptor(path, O_RDONLY | O_DIRECTORY);
    if (!directory.valid()) return status_from_errno(errno, "open directory", path);
    if (retry_interrupted([&] { return ::fsync(directory.get()); }) != 0) {
      return status_from_errno(errno, "fsync directory", path);
    }
    return {};
  }

  Result<std::uint64_t> free_bytes(const std::string& path) override {
    struct statvfs info {};
    if (retry_interrupted([&] { return ::statvfs(path.c_str(), &info); }) != 0) {
      return status_from_errno(errno, "statvfs", path);
    }
    return static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
  }

  Result<std::unique_ptr<DirectoryLock>> lock(const std::string& path) override {
    Descriptor descriptor = open_descriptor(path, O_RDWR | O_CREAT);
    if (!descriptor.valid()) return status_from_errno(errno, "open", path);
    if (retry_interrupted([&] { return ::flock(descriptor.get(), LOCK_EX | LOCK_NB); }) != 0) {
      if (errno != EWOULDBLOCK) return status_from_errno(errno, "lock", path);
      const long holder = holder_of(descriptor.get());
      std::string message = path + ": in use by ";
      message += holder > 0 ? "pid " + std::to_string(holder) : "another process";
      if (holder == static_cast<long>(::getpid())) message += " (this process)";
      return failed_precondition(std::move(message));
    }
    const std::string pid = std::to_string(::getpid()) + "\n";
    if (::ftruncate(descriptor.get(), 0) != 0 ||
        retry_interrupted([&] { return ::pwrite(descriptor.get(), pid.data(), pid.size(), 0); }) <
            0) {
      // A full disk must not keep a store from opening; only the message for the next one is
      // poorer.
      if (errno != ENOSPC && errno != EDQUOT) return status_from_errno(errno, "write", path);
    }
    return std::unique_ptr<DirectoryLock>(
        std::make_unique<PosixDirectoryLock>(std::move(descriptor)));
  }
};

}  // namespace

FileSystem& posix_file_system() {
  static PosixFileSystem file_system;
  return file_system;
}

}  // namespace clinicdb::engine
