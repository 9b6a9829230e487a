// Keepers: which connections keep answers near their callers, and on which of the result cache's
// slots those hang (K3). News of a change go to the keepers of its slots and nobody else, so that a
// connection is told of nothing that it had not asked for.
//
// Confined to its I/O thread, but for `any`.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace clinicdb::server {

class Connection;

class Keepers {
 public:
  /// Of one connection; beyond it an answer is not to be kept.
  static constexpr std::size_t kSlotsMax = 65'536;

  /// From now on the keeper hears of these. False, and nothing done, when it has too many.
  bool add(Connection* keeper, std::span<const std::uint32_t> slots);
  void remove(Connection* keeper);

  /// Who keeps something of these slots, and what; they are forgotten, for it is stale now.
  std::vector<std::pair<Connection*, std::vector<std::uint32_t>>> take(
      const std::vector<std::uint32_t>& slots);
  /// Everybody, and everything is forgotten.
  std::vector<Connection*> take_all();

  /// By any thread: whether news would reach anybody. One that changed something asks after it has
  /// marked what is stale; one that keeps something checks the marks after it was added: between
  /// the two, none is missed.
  bool any() const {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    return any_.load(std::memory_order_seq_cst);
  }

 private:
  std::unordered_map<std::uint32_t, std::vector<Connection*>> by_slot_;
  std::unordered_map<Connection*, std::unordered_set<std::uint32_t>> by_keeper_;
  std::atomic<bool> any_{false};
};

}  // namespace clinicdb::server
