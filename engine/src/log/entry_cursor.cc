#include "log/entry_cursor.h"

#include <algorithm>
#include <utility>

#include "log/log_limits.h"

namespace clinicdb::engine {

EntryCursor::EntryCursor(const File& file, std::string path, std::uint64_t offset,
                         std::uint64_t limit)
    : file_(file), path_(std::move(path)), offset_(offset), limit_(limit) {}

Result<EntryView> EntryCursor::read() {
  ASSIGN_OR_RETURN(std::string_view bytes, fetch(kEntryHeaderBytes));
  const Result<std::size_t> declared = declared_entry_bytes(bytes);
  if (!declared) return corrupt(declared.error().message());
  // The declared length is only trusted as far as the segment goes.
  if (*declared > limit_ - offset_) return corrupt("entry reaches beyond the end of its segment");
  ASSIGN_OR_RETURN(bytes, fetch(*declared));
  Result<EntryView> entry = decode_entry(bytes);
  if (!entry) return corrupt(entry.error().message());
  return entry;
}

Status EntryCursor::corrupt(std::string_view why) const {
  return data_loss(path_ + " at offset " + std::to_string(offset_) + ": " + std::string(why));
}

Result<std::string_view> EntryCursor::fetch(std::size_t size) {
  if (offset_ >= limit_) return std::string_view();
  size = std::min<std::uint64_t>(size, limit_ - offset_);
  const bool inside = offset_ >= buffer_offset_ && offset_ + size <= buffer_offset_ + buffered_;
  if (!inside) {
    const std::size_t wanted =
        std::min<std::uint64_t>(std::max(size, kCursorReadBytes), limit_ - offset_);
    if (buffer_.size() < wanted) buffer_.resize(wanted);
    buffered_ = 0;
    ASSIGN_OR_RETURN(buffered_, file_.read_at(offset_, buffer_.data(), wanted));
    buffer_offset_ = offset_;
    size = std::min(size, buffered_);
  }
  return std::string_view(buffer_.data() + (offset_ - buffer_offset_), size);
}

}  // namespace clinicdb::engine
