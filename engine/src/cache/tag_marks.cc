#include "cache/tag_marks.h"

#include <bit>

#include "clinicdb/base/check.h"

namespace clinicdb::engine {

namespace {

void raise(std::atomic<std::uint64_t>& maximum, std::uint64_t value) {
  std::uint64_t current = maximum.load(std::memory_order_seq_cst);
  while (current < value &&
         !maximum.compare_exchange_weak(current, value, std::memory_order_seq_cst)) {
  }
}

/// Two bits of the filter, from the end of the hash that does not choose the slot.
std::uint64_t filter_bits(CacheTag tag) {
  return std::uint64_t{1} << (tag.hash >> 58) | std::uint64_t{1} << (tag.hash >> 52 & 63);
}

}  // namespace

TagMarks::TagMarks(std::size_t slots) : mask_(slots - 1), slots_(std::make_unique<Slot[]>(slots)) {
  CLINICDB_CHECK(std::has_single_bit(slots));
}

bool TagMarks::touch(CacheTag tag, Lsn lsn) {
  Slot& slot = slots_[this->slot(tag)];
  raise(slot.last, lsn.value);
  const std::uint64_t bits = filter_bits(tag);
  if ((slot.watched.load(std::memory_order_seq_cst) & bits) != bits) return false;
  raise(slot.mark, lsn.value);
  slot.watched.store(0, std::memory_order_seq_cst);
  return true;
}

void TagMarks::watch(CacheTag tag) {
  slots_[slot(tag)].watched.fetch_or(filter_bits(tag), std::memory_order_seq_cst);
}

}  // namespace clinicdb::engine
