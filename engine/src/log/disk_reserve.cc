#include "log/disk_reserve.h"

#include <memory>
#include <utility>

#include "clinicdb/base/result.h"
#include "log/segment.h"

namespace clinicdb::engine {

DiskReserve::DiskReserve(FileSystem& file_system, std::string directory, std::uint64_t bytes)
    : file_system_(file_system),
      directory_(std::move(directory)),
      path_(directory_ + "/reserve"),
      bytes_(bytes) {}

Status DiskReserve::ensure() {
  ASSIGN_OR_RETURN(const bool there, file_system_.exists(path_));
  if (there) {
    ASSIGN_OR_RETURN(const std::unique_ptr<File> file, file_system_.open(path_, OpenMode::kRead));
    ASSIGN_OR_RETURN(const std::uint64_t size, file->size());
    if (size == bytes_) return {};
  }
  if (bytes_ == 0) return release();
  // Complete before it has its name, so that its size tells whether it is whole.
  const std::string temporary = path_ + ".tmp";
  RETURN_IF_ERROR(create_zeroed(file_system_, temporary, bytes_).status());
  RETURN_IF_ERROR(file_system_.rename(temporary, path_));
  return file_system_.sync_directory(directory_);
}

Status DiskReserve::release() {
  ASSIGN_OR_RETURN(const bool there, file_system_.exists(path_));
  if (!there) return {};
  RETURN_IF_ERROR(file_system_.remove(path_));
  return file_system_.sync_directory(directory_);
}

}  // namespace clinicdb::engine
