#include "cache/cache_shard.h"

#include <algorithm>
#include <utility>

#include "clinicdb/base/check.h"

namespace clinicdb::engine {

namespace {

constexpr std::size_t kChainsMin = 64;

void link_behind_hand(TenantShare& share, CachedAnswer& answer) {
  if (share.hand == nullptr) {
    answer.ring_next = answer.ring_previous = share.hand = &answer;
    return;
  }
  // Behind the hand: the newcomer is looked at last.
  answer.ring_next = share.hand;
  answer.ring_previous = share.hand->ring_previous;
  answer.ring_previous->ring_next = &answer;
  share.hand->ring_previous = &answer;
}

void unlink_from_ring(TenantShare& share, CachedAnswer& answer) {
  if (answer.ring_next == &answer) {
    share.hand = nullptr;
    return;
  }
  if (share.hand == &answer) share.hand = answer.ring_next;
  answer.ring_next->ring_previous = answer.ring_previous;
  answer.ring_previous->ring_next = answer.ring_next;
}

}  // namespace

CacheShard::~CacheShard() {
  Graveyard gone;
  clear(gone);
}

CachedAnswer* CacheShard::find(const CacheKey& key, std::uint64_t hash) {
  if (chains_.empty()) return nullptr;
  CachedAnswer* answer = chains_[hash & (chains_.size() - 1)];
  while (answer != nullptr && !(answer->hash == hash && answer->is(key)))
    answer = answer->chain_next;
  return answer;
}

void CacheShard::note_use(CachedAnswer& answer) {
  answer.used = true;
  answer.share->used = true;
  ++answer.uses;
  ++answer.method_stats->hits;
}

void CacheShard::insert(std::unique_ptr<CachedAnswer> owned, Graveyard& gone) {
  CLINICDB_DCHECK(find({owned->tenant, owned->method, owned->rights_class, owned->arguments},
                       owned->hash) == nullptr);
  CLINICDB_CHECK(owned->bytes <= bytes_max_);
  // Before the newcomer is there, so that it is not itself what the CLOCK hand finds unused.
  while (bytes_ + owned->bytes > bytes_max_) evict_one(victim(owned->tenant, owned->bytes), gone);
  if (count_ >= chains_.size()) grow();
  CachedAnswer* answer = owned.release();
  answer->method_stats = &method(answer->method);
  answer->share = &share_of(answer->tenant);
  answer->share->used = true;
  CachedAnswer*& chain = chains_[answer->hash & (chains_.size() - 1)];
  answer->chain_next = std::exchange(chain, answer);
  link_behind_hand(*answer->share, *answer);
  ++count_;
  bytes_ += answer->bytes;
  answer->share->bytes += answer->bytes;
  answer->method_stats->bytes += answer->bytes;
}

void CacheShard::remove(CachedAnswer& answer, Graveyard& gone) {
  CachedAnswer** link = &chains_[answer.hash & (chains_.size() - 1)];
  while (*link != &answer) link = &(*link)->chain_next;
  *link = answer.chain_next;
  TenantShare& share = *answer.share;
  unlink_from_ring(share, answer);
  --count_;
  bytes_ -= answer.bytes;
  share.bytes -= answer.bytes;
  answer.method_stats->bytes -= answer.bytes;
  gone.emplace_back(&answer);
  drop_share_if_empty(share);
}

void CacheShard::clear(TenantId tenant, Graveyard& gone) {
  const auto found = shares_.find(tenant);
  if (found == shares_.end()) return;
  TenantShare* share = found->second.get();
  // The last removal takes the share itself away.
  for (bool last = false; !last;) {
    last = share->hand->ring_next == share->hand;
    remove(*share->hand, gone);
  }
}

void CacheShard::clear(Graveyard& gone) {
  while (!tenants_.empty()) clear(tenants_.back()->tenant, gone);
}

MethodCacheStats& CacheShard::method(std::uint16_t method) {
  MethodCacheStats& stats = methods_[method];
  stats.method = method;
  return stats;
}

TenantShare& CacheShard::share_of(TenantId tenant) {
  std::unique_ptr<TenantShare>& share = shares_[tenant];
  if (share == nullptr) {
    share = std::make_unique<TenantShare>();
    share->tenant = tenant;
    share->used_until = evicted_bytes_;
    share->position = tenants_.size();
    tenants_.push_back(share.get());
  }
  return *share;
}

TenantShare& CacheShard::victim(TenantId served, std::size_t bytes_wanted) {
  // One look at one tenant an eviction keeps the idle hand going round at no cost worth naming.
  idle_hand_ = idle_hand_ < tenants_.size() ? idle_hand_ : 0;
  TenantShare& at_hand = *tenants_[idle_hand_];
  const bool in_use = std::exchange(at_hand.used, false) || at_hand.tenant == served;
  if (in_use) at_hand.used_until = evicted_bytes_;
  if (evicted_bytes_ - at_hand.used_until > bytes_max_)
    return at_hand;  // the hand stays while it lasts
  ++idle_hand_;

  const auto found = shares_.find(served);
  const bool present = found != shares_.end();
  const std::size_t share_bytes = bytes_max_ / (tenants_.size() + (present ? 0 : 1));
  if (present && found->second->bytes + bytes_wanted > share_bytes) return *found->second;
  for (std::size_t looked_at = 0; looked_at < tenants_.size(); ++looked_at, ++share_hand_) {
    share_hand_ = share_hand_ < tenants_.size() ? share_hand_ : 0;
    if (tenants_[share_hand_]->bytes > share_bytes) return *tenants_[share_hand_];
  }
  // Nobody is above its share: the newcomer alone is larger than one.
  share_hand_ = share_hand_ < tenants_.size() ? share_hand_ : 0;
  return *tenants_[share_hand_++];
}

void CacheShard::evict_one(TenantShare& share, Graveyard& gone) {
  while (std::exchange(share.hand->used, false)) share.hand = share.hand->ring_next;
  ++evicted_;
  evicted_bytes_ += share.hand->bytes;
  remove(*share.hand, gone);
}

void CacheShard::drop_share_if_empty(TenantShare& share) {
  if (share.hand != nullptr) return;
  tenants_.back()->position = share.position;
  tenants_[share.position] = tenants_.back();
  tenants_.pop_back();
  shares_.erase(share.tenant);
}

void CacheShard::grow() {
  std::vector<CachedAnswer*> wider(std::max(kChainsMin, chains_.size() * 2));
  for (CachedAnswer* chain : chains_) {
    while (chain != nullptr) {
      CachedAnswer* next = chain->chain_next;
      CachedAnswer*& head = wider[chain->hash & (wider.size() - 1)];
      chain->chain_next = std::exchange(head, chain);
      chain = next;
    }
  }
  chains_ = std::move(wider);
}

}  // namespace clinicdb::engine
