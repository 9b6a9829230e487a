// TagMarks: for each tag, the LSN of the last commit that touched it, in a table of fixed size.
//
// Tags are hashed into slots, and tags that share a slot share its mark. A mark is a monotone
// maximum, so sharing makes a tag look changed later than it was, never earlier: an answer is
// dropped too early, never too late. The slot thereby is the floor of rule K2: nothing is ever
// forgotten, so nothing needs a floor of its own. Thread-safe, without locks.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "clinicdb/base/ids.h"
#include "clinicdb/engine/result_cache.h"

namespace clinicdb::engine {

class TagMarks {
 public:
  /// REQUIRES: slots is a power of two, at most 2^32.
  explicit TagMarks(std::size_t slots);

  std::uint32_t slot(CacheTag tag) const { return static_cast<std::uint32_t>(tag.hash & mask_); }

  /// Raises the mark of the tag's slot to `lsn`.
  void mark(CacheTag tag, Lsn lsn);

  /// Whether nothing that shares the slot was marked above `lsn`.
  bool unchanged_since(std::uint32_t slot, Lsn lsn) const {
    return marks_[slot].load(std::memory_order_acquire) <= lsn.value;
  }

 private:
  std::uint64_t mask_;
  std::unique_ptr<std::atomic<std::uint64_t>[]> marks_;
};

}  // namespace clinicdb::engine
