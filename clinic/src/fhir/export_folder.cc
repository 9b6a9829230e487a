// An export's files in a folder of this machine.
#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <utility>
#include <vector>

#include "clinicdb/clinic/fhir/export_sink.h"

namespace clinicdb::clinic::fhir {

namespace {

constexpr std::size_t kExportBufferBytes = std::size_t{256} << 10;

// A file that gets its name when it is whole: written as .NAME.part, synced, renamed.
class OutputFile {
 public:
  OutputFile(const std::string& directory, const std::string& name, bool gzip)
      : part_(directory + "/." + name + ".part"), path_(directory + "/" + name), gzip_(gzip) {}
  ~OutputFile() {
    if (deflating_) deflateEnd(&stream_);
    if (descriptor_ >= 0) {
      ::close(descriptor_);
      ::unlink(part_.c_str());
    }
  }
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  Status open() {
    descriptor_ = ::open(part_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (descriptor_ < 0) return status_from_errno(errno, "make", part_);
    if (gzip_) {
      if (deflateInit2(&stream_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 16 + MAX_WBITS, 8,
                       Z_DEFAULT_STRATEGY) != Z_OK) {
        return resource_exhausted("no memory to pack " + path_);
      }
      deflating_ = true;
    }
    return Status();
  }

  Status append(std::string_view text) {
    buffer_.append(text);
    return buffer_.size() < kExportBufferBytes ? Status() : drain(false);
  }

  Status finish() {
    RETURN_IF_ERROR(drain(true));
    // L7's lesson holds here too: after a failed sync nothing is known of the file, so it gets no
    // name.
    if (::fsync(descriptor_) != 0) return status_from_errno(errno, "sync", part_);
    const int descriptor = std::exchange(descriptor_, -1);
    if (::close(descriptor) != 0) return status_from_errno(errno, "close", part_);
    if (std::rename(part_.c_str(), path_.c_str()) != 0)
      return status_from_errno(errno, "rename", part_);
    return Status();
  }

 private:
  Status drain(bool last) {
    if (!gzip_) {
      RETURN_IF_ERROR(write_all(buffer_));
      buffer_.clear();
      return Status();
    }
    stream_.next_in = reinterpret_cast<Bytef*>(buffer_.data());
    stream_.avail_in = static_cast<uInt>(buffer_.size());
    std::string packed(kExportBufferBytes, '\0');
    int outcome = Z_OK;
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(packed.data());
      stream_.avail_out = static_cast<uInt>(packed.size());
      outcome = deflate(&stream_, last ? Z_FINISH : Z_NO_FLUSH);
      if (outcome == Z_STREAM_ERROR) return internal_error("cannot pack " + path_);
      RETURN_IF_ERROR(write_all({packed.data(), packed.size() - stream_.avail_out}));
    } while (last ? outcome != Z_STREAM_END : stream_.avail_out == 0);
    buffer_.clear();
    return Status();
  }

  Status write_all(std::string_view rest) {
    while (!rest.empty()) {
      const ssize_t done = ::write(descriptor_, rest.data(), rest.size());
      if (done < 0 && errno == EINTR) continue;
      if (done < 0) return status_from_errno(errno, "write", part_);
      rest.remove_prefix(static_cast<std::size_t>(done));
    }
    return Status();
  }

  std::string part_;
  std::string path_;
  bool gzip_;
  int descriptor_ = -1;
  std::string buffer_;
  z_stream stream_{};
  bool deflating_ = false;
};

Status sync_directory(const std::string& directory) {
  const int descriptor = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return status_from_errno(errno, "open folder", directory);
  const int outcome = ::fsync(descriptor);
  const int reason = errno;
  ::close(descriptor);
  return outcome == 0 ? Status() : status_from_errno(reason, "sync folder", directory);
}

class Folder final : public ExportSink {
 public:
  Folder(std::string folder, bool gzip) : folder_(std::move(folder)), gzip_(gzip) {}

  Result<std::size_t> open(const std::string& name) override {
    auto file = std::make_unique<OutputFile>(folder_, gzip_ ? name + ".gz" : name, gzip_);
    RETURN_IF_ERROR(file->open());
    files_.push_back(std::move(file));
    return files_.size() - 1;
  }
  Status append(std::size_t file, std::string_view bytes) override {
    return files_[file]->append(bytes);
  }
  Status finish(std::size_t file) override {
    RETURN_IF_ERROR(files_[file]->finish());
    files_[file].reset();
    return Status();
  }
  Status close() override { return sync_directory(folder_); }

 private:
  const std::string folder_;
  const bool gzip_;
  std::vector<std::unique_ptr<OutputFile>> files_;  // nullptr: finished
};

}  // namespace

Result<std::unique_ptr<ExportSink>> open_export_folder(const std::string& folder, bool gzip) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return status_from_errno(error.value(), "make folder", folder);
  return std::unique_ptr<ExportSink>(std::make_unique<Folder>(folder, gzip));
}

}  // namespace clinicdb::clinic::fhir
