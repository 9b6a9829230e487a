#include "net/keepers.h"

#include <algorithm>

namespace clinicdb::server {

bool Keepers::add(Connection* keeper, std::span<const std::uint32_t> slots) {
  std::unordered_set<std::uint32_t>& kept = by_keeper_[keeper];
  if (kept.size() + slots.size() > kSlotsMax) return false;
  for (const std::uint32_t slot : slots) {
    if (kept.insert(slot).second) by_slot_[slot].push_back(keeper);
  }
  any_.store(true, std::memory_order_seq_cst);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  return true;
}

void Keepers::remove(Connection* keeper) {
  const auto found = by_keeper_.find(keeper);
  if (found == by_keeper_.end()) return;
  for (const std::uint32_t slot : found->second) {
    const auto at = by_slot_.find(slot);
    std::erase(at->second, keeper);
    if (at->second.empty()) by_slot_.erase(at);
  }
  by_keeper_.erase(found);
  if (by_keeper_.empty()) any_.store(false, std::memory_order_seq_cst);
}

std::vector<std::pair<Connection*, std::vector<std::uint32_t>>> Keepers::take(
    const std::vector<std::uint32_t>& slots) {
  std::unordered_map<Connection*, std::vector<std::uint32_t>> news;
  for (const std::uint32_t slot : slots) {
    const auto at = by_slot_.find(slot);
    if (at == by_slot_.end()) continue;
    for (Connection* keeper : at->second) {
      news[keeper].push_back(slot);
      by_keeper_[keeper].erase(slot);
    }
    by_slot_.erase(at);
  }
  return {news.begin(), news.end()};
}

std::vector<Connection*> Keepers::take_all() {
  std::vector<Connection*> keepers;
  for (auto& [keeper, slots] : by_keeper_) {
    keepers.push_back(keeper);
    slots.clear();
  }
  by_slot_.clear();
  return keepers;
}

}  // namespace clinicdb::server
