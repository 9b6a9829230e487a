#include "bench/sync_limit.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace clinicdb::bench {

namespace {

Status failed(const std::string& what) { return unavailable(what + ": " + std::strerror(errno)); }

}  // namespace

SyncLimit::SyncLimit(int descriptor, std::size_t file_bytes)
    : descriptor_(descriptor), file_bytes_(file_bytes), content_(std::size_t{1} << 20, 'x') {}

SyncLimit::~SyncLimit() { ::close(descriptor_); }

Result<std::unique_ptr<SyncLimit>> SyncLimit::open(const std::string& directory,
                                                   std::size_t file_bytes) {
  const std::string path = directory + "/sync_limit";
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (descriptor < 0) return failed(path);
  std::unique_ptr<SyncLimit> limit(new SyncLimit(descriptor, file_bytes));
  const std::vector<char> zeros(std::size_t{1} << 20);
  for (std::size_t at = 0; at < file_bytes; at += zeros.size()) {
    if (::pwrite(descriptor, zeros.data(), zeros.size(), static_cast<off_t>(at)) !=
        static_cast<ssize_t>(zeros.size()))
      return failed(path);
  }
  if (::fdatasync(descriptor) != 0) return failed(path);
  return limit;
}

Status SyncLimit::write(std::size_t bytes) {
  if (content_.size() < bytes) content_.resize(bytes, 'x');
  if (at_ + bytes > file_bytes_) at_ = 0;
  // Not twice the same bytes at one place.
  ++content_[0];
  if (::pwrite(descriptor_, content_.data(), bytes, static_cast<off_t>(at_)) !=
      static_cast<ssize_t>(bytes))
    return failed("pwrite");
  at_ += bytes;
  if (::fdatasync(descriptor_) != 0) return failed("fdatasync");
  return {};
}

}  // namespace clinicdb::bench
