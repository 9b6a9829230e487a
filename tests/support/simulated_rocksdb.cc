#include "support/simulated_rocksdb.h"

#include <rocksdb/file_system.h>
#include <rocksdb/io_status.h>
#include <rocksdb/system_clock.h>

#include <algorithm>
#include <utility>

#include "clinicdb/base/status.h"

namespace clinicdb::test {

namespace {

using engine::File;
using engine::OpenMode;
using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

/// As RocksDB's own POSIX files report errors, for it acts on the difference.
IOStatus translate(const Status& status) {
  if (status.ok()) return IOStatus::OK();
  const Slice message(status.message().data(), status.message().size());
  if (status.code() == StatusCode::kNotFound) return IOStatus::PathNotFound(message);
  if (status.code() == StatusCode::kResourceExhausted) {
    IOStatus full = IOStatus::NoSpace(message);
    full.SetRetryable(true);
    return full;
  }
  return IOStatus::IOError(message);
}

IOStatus read(const File& file, std::uint64_t offset, std::size_t size, Slice* result,
              char* scratch) {
  const Result<std::size_t> bytes = file.read_at(offset, scratch, size);
  *result = Slice(scratch, bytes.value_or(std::size_t{0}));
  return translate(bytes.status());
}

class SequentialFile final : public rocksdb::FSSequentialFile {
 public:
  explicit SequentialFile(std::unique_ptr<File> file) : file_(std::move(file)) {}
  IOStatus Read(std::size_t n, const IOOptions&, Slice* result, char* scratch,
                IODebugContext*) override {
    const IOStatus status = read(*file_, offset_, n, result, scratch);
    offset_ += result->size();
    return status;
  }
  IOStatus Skip(std::uint64_t n) override {
    offset_ += n;
    return IOStatus::OK();
  }

 private:
  std::unique_ptr<File> file_;
  std::uint64_t offset_ = 0;
};

class RandomAccessFile final : public rocksdb::FSRandomAccessFile {
 public:
  explicit RandomAccessFile(std::unique_ptr<File> file) : file_(std::move(file)) {}
  IOStatus Read(std::uint64_t offset, std::size_t n, const IOOptions&, Slice* result, char* scratch,
                IODebugContext*) const override {
    return read(*file_, offset, n, result, scratch);
  }

 private:
  std::unique_ptr<File> file_;
};

class WritableFile final : public rocksdb::FSWritableFile {
 public:
  WritableFile(std::unique_ptr<File> file, std::uint64_t size)
      : file_(std::move(file)), size_(size) {}

  using rocksdb::FSWritableFile::Append;
  using rocksdb::FSWritableFile::PositionedAppend;
  IOStatus Append(const Slice& data, const IOOptions&, IODebugContext*) override {
    const Status status = file_->write_at(size_, {data.data(), data.size()});
    if (status.ok()) size_ += data.size();
    return translate(status);
  }
  IOStatus PositionedAppend(const Slice& data, std::uint64_t offset, const IOOptions&,
                            IODebugContext*) override {
    const Status status = file_->write_at(offset, {data.data(), data.size()});
    if (status.ok()) size_ = offset + data.size();
    return translate(status);
  }
  IOStatus Truncate(std::uint64_t size, const IOOptions&, IODebugContext*) override {
    const Status status = file_->truncate(size);
    if (status.ok()) size_ = size;
    return translate(status);
  }
  IOStatus Close(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Flush(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Sync(const IOOptions&, IODebugContext*) override { return translate(file_->sync()); }
  bool IsSyncThreadSafe() const override { return true; }
  std::uint64_t GetFileSize(const IOOptions&, IODebugContext*) override { return size_; }

 private:
  std::unique_ptr<File> file_;
  std::uint64_t size_;
};

class Directory final : public rocksdb::FSDirectory {
 public:
  Directory(SimulatedFileSystem& disk, std::string path) : disk_(disk), path_(std::move(path)) {}
  IOStatus Fsync(const IOOptions&, IODebugContext*) override {
    return translate(disk_.sync_directory(path_));
  }
  IOStatus Close(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }

 private:
  SimulatedFileSystem& disk_;
  const std::string path_;
};

class HeldLock final : public rocksdb::FileLock {
 public:
  explicit HeldLock(std::unique_ptr<engine::DirectoryLock> lock) : lock_(std::move(lock)) {}

 private:
  std::unique_ptr<engine::DirectoryLock> lock_;
};

/// RocksDB's chatter is of no interest here.
class SilentLogger final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
  std::size_t GetLogFileSize() const override { return 0; }
};

class SimulatedRocksdb final : public rocksdb::FileSystem {
 public:
  explicit SimulatedRocksdb(SimulatedFileSystem& disk) : disk_(disk) {}
  const char* Name() const override { return "SimulatedRocksdb"; }

  IOStatus NewSequentialFile(const std::string& path, const FileOptions&,
                             std::unique_ptr<rocksdb::FSSequentialFile>* out,
                             IODebugContext*) override {
    return open<SequentialFile>(path, out);
  }
  IOStatus NewRandomAccessFile(const std::string& path, const FileOptions&,
                               std::unique_ptr<rocksdb::FSRandomAccessFile>* out,
                               IODebugContext*) override {
    return open<RandomAccessFile>(path, out);
  }
  /// Replaces what is there, as O_TRUNC does.
  IOStatus NewWritableFile(const std::string& path, const FileOptions&,
                           std::unique_ptr<rocksdb::FSWritableFile>* out,
                           IODebugContext*) override {
    Result<std::unique_ptr<File>> file = disk_.open(path, OpenMode::kCreate);
    if (!file && file.error().code() == StatusCode::kAlreadyExists) {
      file = disk_.open(path, OpenMode::kWrite);
      if (file) {
        if (const Status cut = (*file)->truncate(0); !cut.ok()) return translate(cut);
      }
    }
    if (!file) return translate(file.error());
    // RocksDB relies on it: a MANIFEST whose last, unsynced record has a hole is corrupt to it, one
    // that is cut short is not. The engine's own files get no such help.
    *out = std::make_unique<WritableFile>(std::move(file).value(), 0);
    return translate(disk_.keep_appends_in_order(path));
  }
  IOStatus ReopenWritableFile(const std::string& path, const FileOptions& options,
                              std::unique_ptr<rocksdb::FSWritableFile>* out,
                              IODebugContext* debug) override {
    Result<std::unique_ptr<File>> file = disk_.open(path, OpenMode::kWrite);
    if (!file) return NewWritableFile(path, options, out, debug);
    const Result<std::uint64_t> size = (*file)->size();
    if (!size) return translate(size.error());
    *out = std::make_unique<WritableFile>(std::move(file).value(), *size);
    return IOStatus::OK();
  }
  IOStatus ReuseWritableFile(const std::string& path, const std::string& old_path,
                             const FileOptions& options,
                             std::unique_ptr<rocksdb::FSWritableFile>* out,
                             IODebugContext* debug) override {
    if (const Status renamed = disk_.rename(old_path, path); !renamed.ok())
      return translate(renamed);
    return NewWritableFile(path, options, out, debug);
  }
  IOStatus NewDirectory(const std::string& path, const IOOptions&,
                        std::unique_ptr<rocksdb::FSDirectory>* out, IODebugContext*) override {
    const Result<bool> directory = disk_.is_directory(path);
    if (!directory) return translate(directory.error());
    if (!*directory) return IOStatus::IOError(path, "not a directory");
    *out = std::make_unique<Directory>(disk_, path);
    return IOStatus::OK();
  }

  IOStatus FileExists(const std::string& path, const IOOptions&, IODebugContext*) override {
    const Result<bool> found = disk_.exists(path);
    if (!found) return translate(found.error());
    return *found ? IOStatus::OK() : IOStatus::NotFound();
  }
  IOStatus GetChildren(const std::string& path, const IOOptions&, std::vector<std::string>* out,
                       IODebugContext*) override {
    Result<std::vector<std::string>> names = disk_.list(path);
    if (!names) return translate(names.error());
    *out = std::move(names).value();
    return IOStatus::OK();
  }
  IOStatus DeleteFile(const std::string& path, const IOOptions&, IODebugContext*) override {
    return translate(disk_.remove(path));
  }
  IOStatus DeleteDir(const std::string& path, const IOOptions&, IODebugContext*) override {
    return translate(disk_.remove(path));
  }
  IOStatus Truncate(const std::string& path, std::size_t size, const IOOptions&,
                    IODebugContext*) override {
    Result<std::unique_ptr<File>> file = disk_.open(path, OpenMode::kWrite);
    return translate(file ? (*file)->truncate(size) : file.error());
  }
  IOStatus CreateDir(const std::string& path, const IOOptions& options,
                     IODebugContext* debug) override {
    if (FileExists(path, options, debug).ok()) return IOStatus::IOError(path, "exists");
    return translate(disk_.create_directories(path));
  }
  IOStatus CreateDirIfMissing(const std::string& path, const IOOptions&, IODebugContext*) override {
    return translate(disk_.create_directories(path));
  }
  IOStatus GetFileSize(const std::string& path, const IOOptions&, std::uint64_t* out,
                       IODebugContext*) override {
    const Result<std::uint64_t> size = disk_.file_size(path);
    *out = size.value_or(std::uint64_t{0});
    return translate(size.status());
  }
  IOStatus GetFileModificationTime(const std::string&, const IOOptions&, std::uint64_t* out,
                                   IODebugContext*) override {
    *out = 0;
    return IOStatus::OK();
  }
  IOStatus GetAbsolutePath(const std::string& path, const IOOptions&, std::string* out,
                           IODebugContext*) override {
    *out = path.starts_with('/') ? path : "/" + path;
    return IOStatus::OK();
  }
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions&,
                      IODebugContext*) override {
    return translate(disk_.rename(from, to));
  }
  IOStatus LinkFile(const std::string& from, const std::string& to, const IOOptions&,
                    IODebugContext*) override {
    return translate(disk_.link(from, to));
  }
  IOStatus LockFile(const std::string& path, const IOOptions&, rocksdb::FileLock** out,
                    IODebugContext*) override {
    Result<std::unique_ptr<engine::DirectoryLock>> lock = disk_.lock(path);
    if (!lock) return translate(lock.error());
    *out = new HeldLock(std::move(lock).value());  // RocksDB hands it back to UnlockFile.
    return IOStatus::OK();
  }
  IOStatus UnlockFile(rocksdb::FileLock* lock, const IOOptions&, IODebugContext*) override {
    delete lock;
    return IOStatus::OK();
  }
  IOStatus GetTestDirectory(const IOOptions&, std::string* out, IODebugContext*) override {
    *out = "/test";
    return IOStatus::OK();
  }
  IOStatus NewLogger(const std::string&, const IOOptions&, std::shared_ptr<rocksdb::Logger>* out,
                     IODebugContext*) override {
    *out = std::make_shared<SilentLogger>();
    return IOStatus::OK();
  }
  IOStatus GetFreeSpace(const std::string& path, const IOOptions&, std::uint64_t* out,
                        IODebugContext*) override {
    const Result<std::uint64_t> bytes = disk_.free_bytes(path);
    *out = bytes.value_or(std::uint64_t{0});
    return translate(bytes.status());
  }
  IOStatus IsDirectory(const std::string& path, const IOOptions&, bool* out,
                       IODebugContext*) override {
    const Result<bool> directory = disk_.is_directory(path);
    *out = directory.value_or(false);
    return translate(directory.status());
  }

 private:
  template <class Adapter, class Out>
  IOStatus open(const std::string& path, std::unique_ptr<Out>* out) {
    Result<std::unique_ptr<File>> file = disk_.open(path, OpenMode::kRead);
    if (!file) return translate(file.error());
    *out = std::make_unique<Adapter>(std::move(file).value());
    return IOStatus::OK();
  }

  SimulatedFileSystem& disk_;
};

/// After a failed background job RocksDB sleeps a second before it goes on; hundreds of injected
/// failures and power cuts would wait for nothing else.
class HastyClock final : public rocksdb::SystemClockWrapper {
 public:
  using SystemClockWrapper::SystemClockWrapper;
  const char* Name() const override { return "HastyClock"; }
  void SleepForMicroseconds(int micros) override {
    SystemClockWrapper::SleepForMicroseconds(std::min(micros, 1000));
  }
};

class SimulatedEnv final : public rocksdb::EnvWrapper {
 public:
  explicit SimulatedEnv(SimulatedFileSystem& disk)
      : EnvWrapper(rocksdb::NewCompositeEnv(std::make_shared<SimulatedRocksdb>(disk))) {
    file_system_ = target()->GetFileSystem();
    system_clock_ = std::make_shared<HastyClock>(rocksdb::SystemClock::Default());
  }
  const char* Name() const override { return "SimulatedEnv"; }
};

}  // namespace

std::unique_ptr<rocksdb::Env> simulated_rocksdb_env(SimulatedFileSystem& disk) {
  return std::make_unique<SimulatedEnv>(disk);
}

}  // namespace clinicdb::test
