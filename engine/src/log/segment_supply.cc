#include "log/segment_supply.h"

#include <utility>

#include "clinicdb/base/check.h"
#include "log/log_limits.h"

namespace clinicdb::engine {
namespace {

constexpr std::string_view kPreparedName = "next";
constexpr std::string_view kTemporarySuffix = ".tmp";

}  // namespace

SegmentSupply::SegmentSupply(FileSystem& file_system, std::string directory,
                             std::uint64_t segment_bytes)
    : file_system_(file_system),
      directory_(std::move(directory)),
      segment_bytes_(segment_bytes),
      prepared_path_(directory_ + "/" + std::string(kPreparedName)) {
  CLINICDB_CHECK(segment_bytes_ >= kSegmentBytesMin);
  CLINICDB_CHECK(segment_bytes_ % kSegmentHeaderBytes == 0);
}

Status SegmentSupply::adopt(const std::vector<std::string>& names) {
  const std::lock_guard lock(mutex_);
  for (const std::string& name : names) {
    const std::string path = directory_ + "/" + name;
    if (name.ends_with(kTemporarySuffix)) RETURN_IF_ERROR(file_system_.remove(path));
    if (name != kPreparedName) continue;
    ASSIGN_OR_RETURN(std::unique_ptr<File> file, file_system_.open(path, OpenMode::kWrite));
    ASSIGN_OR_RETURN(const std::uint64_t size, file->size());
    if (size == segment_bytes_) {
      // It got this name only after its zeros were synced. A header that a crash left there is
      // overwritten.
      prepared_ = std::move(file);
    } else {
      file.reset();
      RETURN_IF_ERROR(file_system_.remove(path));
    }
  }
  return {};
}

Status SegmentSupply::prepare() {
  const std::lock_guard lock(mutex_);
  return prepare_locked();
}

Status SegmentSupply::prepare_locked() {
  if (prepared_) return {};
  const std::string temporary = prepared_path_ + std::string(kTemporarySuffix);
  ASSIGN_OR_RETURN(std::unique_ptr<File> file,
                   create_zeroed(file_system_, temporary, segment_bytes_));
  RETURN_IF_ERROR(file_system_.rename(temporary, prepared_path_));
  // Without this a crash may leave it under either name: both are handled by adopt.
  prepared_ = std::move(file);
  return {};
}

Result<SegmentSupply::Begun> SegmentSupply::begin(SegmentHeader header, std::uint64_t entry_bytes) {
  const std::lock_guard lock(mutex_);
  std::unique_ptr<File> file;
  std::string path = prepared_path_;
  header.file_bytes = segment_bytes_;
  if (kSegmentHeaderBytes + entry_bytes <= segment_bytes_) {
    RETURN_IF_ERROR(prepare_locked());
    file = std::move(prepared_);
  } else {
    const std::uint64_t blocks = (entry_bytes + kSegmentHeaderBytes - 1) / kSegmentHeaderBytes;
    header.file_bytes = kSegmentHeaderBytes + blocks * kSegmentHeaderBytes;
    path = directory_ + "/own-size" + std::string(kTemporarySuffix);
    ASSIGN_OR_RETURN(file, create_zeroed(file_system_, path, header.file_bytes));
  }
  RETURN_IF_ERROR(file->write_at(0, encode_segment_header(header)));
  RETURN_IF_ERROR(file->sync());
  const std::string final_path = directory_ + "/" + segment_file_name(header.segment_id);
  RETURN_IF_ERROR(file_system_.rename(path, final_path));
  RETURN_IF_ERROR(file_system_.sync_directory(directory_));
  return Begun{std::move(file), SegmentInfo{final_path, header}};
}

}  // namespace clinicdb::engine
