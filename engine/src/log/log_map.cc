#include "log/log_map.h"

#include <algorithm>
#include <utility>

#include "clinicdb/base/check.h"
#include "log/log_limits.h"

namespace clinicdb::engine {

LogMap::LogMap(const std::vector<SegmentInfo>& segments, const LogTail& tail, std::uint64_t end)
    : tail_(tail), end_(end) {
  CLINICDB_CHECK(!segments.empty());
  for (const SegmentInfo& segment : segments) {
    segments_.push_back(std::make_shared<const SegmentInfo>(segment));
  }
}

LogMap::Place LogMap::find(Lsn lsn, std::uint64_t truncations) const {
  const std::lock_guard lock(mutex_);
  Place place;
  if (truncations != truncations_) {
    place.where = Where::kTruncated;
  } else if (lsn > tail_.position.lsn) {
    place.where = Where::kNotYet;
  } else if (lsn < segments_.front()->header.first_lsn) {
    place.where = Where::kTrimmed;
  } else if (const std::uint64_t back = tail_.position.lsn.value - lsn.value;
             back < memory_.size()) {
    place.where = Where::kMemory;
    place.bytes = memory_[memory_.size() - 1 - back];
  } else {
    const auto above = std::upper_bound(
        segments_.begin(), segments_.end(), lsn,
        [](Lsn wanted, const auto& segment) { return wanted < segment->header.first_lsn; });
    place.where = Where::kSegment;
    place.segment = *std::prev(above);
    place.limit = above == segments_.end() ? end_ : place.segment->header.file_bytes;
  }
  return place;
}

LogTail LogMap::tail() const {
  const std::lock_guard lock(mutex_);
  return tail_;
}

Lsn LogMap::first() const {
  const std::lock_guard lock(mutex_);
  return segments_.front()->header.first_lsn;
}

std::uint64_t LogMap::truncations() const {
  const std::lock_guard lock(mutex_);
  return truncations_;
}

std::uint64_t LogMap::retained_bytes() const {
  const std::lock_guard lock(mutex_);
  std::uint64_t bytes = end_;
  for (std::size_t i = 0; i + 1 < segments_.size(); ++i) bytes += segments_[i]->header.file_bytes;
  return bytes;
}

std::vector<std::shared_ptr<const SegmentInfo>> LogMap::segments() const {
  const std::lock_guard lock(mutex_);
  return {segments_.begin(), segments_.end()};
}

std::size_t LogMap::segment_count() const {
  const std::lock_guard lock(mutex_);
  return segments_.size();
}

void LogMap::publish(const LogTail& tail, std::uint64_t end, std::string_view encoded) {
  const std::lock_guard lock(mutex_);
  CLINICDB_CHECK(tail.position.lsn == next(tail_.position.lsn));
  tail_ = tail;
  end_ = end;
  if (readers_ == 0) return;
  if (encoded.size() > kTailCacheBytesMax) return drop_memory();
  memory_.push_back(std::make_shared<const std::string>(encoded));
  memory_bytes_ += encoded.size();
  while (memory_bytes_ > kTailCacheBytesMax) {
    memory_bytes_ -= memory_.front()->size();
    memory_.pop_front();
  }
}

void LogMap::add_segment(SegmentInfo segment) {
  auto added = std::make_shared<const SegmentInfo>(std::move(segment));
  const std::lock_guard lock(mutex_);
  segments_.push_back(std::move(added));
  end_ = kSegmentHeaderBytes;
}

std::shared_ptr<const SegmentInfo> LogMap::take_oldest(Lsn highest, std::uint64_t retained_bytes) {
  const std::lock_guard lock(mutex_);
  if (segments_.size() < 2 || segments_[1]->header.previous.lsn > highest) return nullptr;
  std::uint64_t bytes = end_;
  for (std::size_t i = 0; i + 1 < segments_.size(); ++i) bytes += segments_[i]->header.file_bytes;
  if (bytes <= retained_bytes) return nullptr;
  std::shared_ptr<const SegmentInfo> oldest = std::move(segments_.front());
  segments_.pop_front();
  return oldest;
}

void LogMap::truncate(const LogTail& tail, std::uint64_t end) {
  const std::lock_guard lock(mutex_);
  while (segments_.size() > 1 && segments_.back()->header.first_lsn > tail.position.lsn) {
    segments_.pop_back();
  }
  tail_ = tail;
  end_ = end;
  ++truncations_;
  drop_memory();
}

void LogMap::add_reader() {
  const std::lock_guard lock(mutex_);
  ++readers_;
}

void LogMap::remove_reader() {
  const std::lock_guard lock(mutex_);
  CLINICDB_CHECK(readers_ > 0);
  if (--readers_ == 0) drop_memory();
}

void LogMap::drop_memory() {
  memory_.clear();
  memory_bytes_ = 0;
}

}  // namespace clinicdb::engine
