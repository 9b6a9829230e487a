// TagMarks: for each tag, the LSN of the last commit that touched it, in a table of fixed size.
//
// Tags are hashed into slots, and tags that share a slot share its marks. A mark is a monotone
// maximum, so sharing makes a tag look changed later than it was, never earlier: an answer is
// dropped too early, never too late. The slot thereby is the floor of rule K2: nothing is ever
// forgotten, so nothing needs a floor of its own.
//
// A slot:   last     of the last commit that touched any of its tags; what an arriving fill is held
// against
//           watched  a small Bloom filter of the tags that kept answers in this slot depend on
//           mark     of the last commit that touched a watched tag; what a kept answer is held
//           against
//
// An import marks a hundred thousand tags a second, most of which no kept answer depends on. Held
// against `last`, every kept answer would be dropped within a second; `watched` is what keeps those
// of the clinics that are not being imported.
//
// Why no touched tag is missed. A fill watches its tags *before* it looks at `last`; a commit
// raises `last` *before* it looks at `watched`; both in the one order of sequentially consistent
// operations. So either the fill sees the commit and is discarded, or the commit sees the watch and
// raises `mark`. Raising the mark to L empties the filter. That forgets only answers older than L,
// which the mark makes stale: an answer read at L or later is kept only after L was published, so
// after L's marks were set (C2). Thread-safe, without locks.
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

  /// Notes that `lsn` touched the tag; whether a kept answer may depend on it. REQUIRES: before
  /// `lsn` is published.
  bool touch(CacheTag tag, Lsn lsn);

  /// Announces an answer that depends on the tag. REQUIRES: before `untouched_since` decides
  /// whether it is kept.
  void watch(CacheTag tag);

  /// Whether nothing that shares the tag's slot was touched above `lsn`. For answers that are not
  /// kept yet.
  bool untouched_since(CacheTag tag, Lsn lsn) const {
    return slots_[slot(tag)].last.load(std::memory_order_seq_cst) <= lsn.value;
  }

  /// Whether no watched tag of the slot was touched above `lsn`. For answers that are kept.
  bool unmarked_since(std::uint32_t slot, Lsn lsn) const {
    return slots_[slot].mark.load(std::memory_order_acquire) <= lsn.value;
  }

 private:
  struct alignas(32) Slot {
    std::atomic<std::uint64_t> mark{0};
    std::atomic<std::uint64_t> last{0};
    std::atomic<std::uint64_t> watched{0};
  };

  std::uint64_t mask_;
  std::unique_ptr<Slot[]> slots_;
};

}  // namespace clinicdb::engine
