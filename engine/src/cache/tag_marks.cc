#include "cache/tag_marks.h"

#include <bit>

#include "clinicdb/base/check.h"

namespace clinicdb::engine {

TagMarks::TagMarks(std::size_t slots)
    : mask_(slots - 1), marks_(std::make_unique<std::atomic<std::uint64_t>[]>(slots)) {
  CLINICDB_CHECK(std::has_single_bit(slots));
}

void TagMarks::mark(CacheTag tag, Lsn lsn) {
  std::atomic<std::uint64_t>& mark = marks_[slot(tag)];
  std::uint64_t current = mark.load(std::memory_order_relaxed);
  while (current < lsn.value &&
         !mark.compare_exchange_weak(current, lsn.value, std::memory_order_release,
                                     std::memory_order_relaxed)) {
  }
}

}  // namespace clinicdb::engine
