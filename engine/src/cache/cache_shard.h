// CacheShard: the kept answers of one part of the key space, and who of its tenants gives way when
// it is full.
//
//   chains_ (by hash)  ──► CachedAnswer ◄── ring of its tenant (CLOCK)
//                              │
//                              ├──► TenantShare  ring, hand, bytes     ◄── ring of tenants (idle
//                              hand) └──► MethodCacheStats
//
// Room is made in this order:
//   1. from a tenant that used nothing while a whole shard's worth of bytes was evicted (idle);
//   2. from the tenant that is being served, when the newcomer would take it above its share;
//   3. from the next tenant in turn that is above its share. There is one, for the shares add up to
//   the bound,
//      unless the newcomer alone is larger than a share: then from the next in turn.
// The share is the bound divided by the number of tenants present; what others leave unused may be
// used until it is wanted. Within a tenant the CLOCK hand passes over an answer that was used since
// it last came by.
//
// Confined to its mutex: every member function needs `mutex` held. Answers that go are handed to a
// Graveyard, for their destructors to run after the lock is released.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "cache/tag_marks.h"
#include "clinicdb/engine/result_cache.h"

namespace clinicdb::engine {

struct TenantShare;

/// One kept answer. Its key is constant.
struct CachedAnswer {
  std::uint64_t hash = 0;
  CachedAnswer* chain_next = nullptr;
  TenantId tenant;
  std::uint16_t method = 0;
  std::uint16_t rights_class = 0;
  std::string arguments;

  std::shared_ptr<const void> answer;
  Lsn lsn;
  std::size_t bytes = 0;  ///< this object and the key included
  std::uint64_t uses = 0;
  bool used = false;  ///< since the CLOCK hand came by
  std::uint8_t tag_count = 0;
  std::array<std::uint32_t, kCacheTagsMax> slots{};

  TenantShare* share = nullptr;
  MethodCacheStats* method_stats = nullptr;
  CachedAnswer* ring_next = nullptr;
  CachedAnswer* ring_previous = nullptr;

  bool is(const CacheKey& key) const {
    return tenant == key.tenant && method == key.method && rights_class == key.rights_class &&
           arguments == key.arguments;
  }
  bool unchanged(const TagMarks& marks) const {
    for (std::size_t i = 0; i < tag_count; ++i) {
      if (!marks.unmarked_since(slots[i], lsn)) return false;
    }
    return true;
  }
};

/// What one tenant holds in one shard.
struct TenantShare {
  TenantId tenant;
  std::size_t bytes = 0;
  CachedAnswer* hand = nullptr;  ///< into the ring of its answers; nullptr: none
  bool used = true;              ///< since the idle hand came by
  std::uint64_t used_until = 0;  ///< CacheShard::evicted_bytes_ when last seen in use
  std::size_t position = 0;      ///< in CacheShard::tenants_
};

using Graveyard = std::vector<std::unique_ptr<CachedAnswer>>;

class CacheShard {
 public:
  CacheShard() = default;
  CacheShard(const CacheShard&) = delete;
  CacheShard& operator=(const CacheShard&) = delete;
  ~CacheShard();

  /// Before any other call.
  void set_bytes_max(std::size_t bytes_max) { bytes_max_ = bytes_max; }

  CachedAnswer* find(const CacheKey& key, std::uint64_t hash);
  void note_use(CachedAnswer& answer);
  /// Keeps an answer, making room for it. REQUIRES: find(its key) is nullptr; it is not larger than
  /// the bound; share and method_stats are not set.
  void insert(std::unique_ptr<CachedAnswer> answer, Graveyard& gone);
  void remove(CachedAnswer& answer, Graveyard& gone);
  void clear(TenantId tenant, Graveyard& gone);
  void clear(Graveyard& gone);

  /// Valid as long as the shard.
  MethodCacheStats& method(std::uint16_t method);
  const std::unordered_map<std::uint16_t, MethodCacheStats>& methods() const { return methods_; }

  std::size_t bytes() const { return bytes_; }
  std::size_t count() const { return count_; }
  std::uint64_t evicted() const { return evicted_; }
  template <class Visit>
  void for_each(Visit visit) const {
    for (const CachedAnswer* chain : chains_) {
      for (; chain != nullptr; chain = chain->chain_next) visit(*chain);
    }
  }

  std::mutex mutex;

 private:
  TenantShare& share_of(TenantId tenant);
  /// Who gives way for `bytes_wanted` of the tenant `served`. REQUIRES: count() > 0.
  TenantShare& victim(TenantId served, std::size_t bytes_wanted);
  void evict_one(TenantShare& share, Graveyard& gone);
  void drop_share_if_empty(TenantShare& share);
  void grow();

  std::size_t bytes_max_ = 0;
  std::size_t bytes_ = 0;
  std::size_t count_ = 0;
  std::uint64_t evicted_ = 0;
  std::uint64_t evicted_bytes_ = 0;
  std::vector<CachedAnswer*> chains_;  ///< owns; a power of two, or empty
  std::unordered_map<TenantId, std::unique_ptr<TenantShare>> shares_;
  std::vector<TenantShare*> tenants_;  ///< those of shares_, for the hands to go round
  std::size_t idle_hand_ = 0;
  std::size_t share_hand_ = 0;
  std::unordered_map<std::uint16_t, MethodCacheStats> methods_;
};

}  // namespace clinicdb::engine
