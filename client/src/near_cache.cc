#include "near_cache.h"

#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

namespace clinicdb::client {

namespace {

/// What an entry costs beside its key and its answer.
constexpr std::size_t kEntryBytes = 256;

struct Entry {
  std::string request;
  std::uint16_t method;
  Answer answer;
  std::shared_ptr<Source> source;
  std::uint32_t era;
  std::uint64_t lsn;
  std::vector<std::uint64_t> tags;
  std::size_t bytes;
  bool used = false;  // since the hand of the clock passed last
};

/// Looked up by a view of the request, so that a hit allocates nothing.
struct Key {
  std::string_view request;
  std::uint16_t method;
  bool operator==(const Key&) const = default;
};

std::size_t hash_of(std::uint16_t method, std::string_view request) {
  return std::hash<std::string_view>()(request) ^ (std::size_t{method} * 0x9E3779B97F4A7C15u);
}

struct KeyHash {
  std::size_t operator()(const Key& key) const { return hash_of(key.method, key.request); }
};

}  // namespace

void Marks::raise(std::atomic<std::uint64_t>& mark, std::uint64_t lsn) {
  std::uint64_t old = mark.load(std::memory_order_relaxed);
  while (old < lsn && !mark.compare_exchange_weak(old, lsn, std::memory_order_release)) {
  }
}

void Marks::take(const wire::Push::Invalidation& news) {
  for (const std::uint64_t tag : news.tags()) raise(slots_[tag % kSlots], news.lsn());
}

bool Marks::untouched(const std::vector<std::uint64_t>& tags, std::uint64_t lsn) const {
  for (const std::uint64_t tag : tags) {
    if (slots_[tag % kSlots].load(std::memory_order_acquire) > lsn) return false;
  }
  return true;
}

void Source::take(const wire::Push::Invalidation& news) {
  if (news.all()) era.fetch_add(1, std::memory_order_release);
  marks->take(news);
}

struct alignas(64) NearCache::Shard {
  using Entries = std::list<Entry>;

  void erase(Entries::iterator at) {
    bytes -= at->bytes;
    index.erase(Key{at->request, at->method});
    entries.erase(at);
  }

  /// Gives up what was not used since the clock's hand passed last, until it fits.
  void make_room(std::size_t bytes_max) {
    while (bytes > bytes_max && !entries.empty()) {
      if (std::exchange(entries.front().used, false)) {
        entries.splice(entries.end(), entries, entries.begin());
      } else {
        erase(entries.begin());
        ++evicted;
      }
    }
  }

  std::mutex mutex;
  // Guarded by mutex.
  Entries entries;  // in the order of the clock's hand
  std::unordered_map<Key, Entries::iterator, KeyHash> index;
  std::size_t bytes = 0;
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t stale = 0;
  std::uint64_t evicted = 0;
};

NearCache::NearCache(std::size_t bytes_max, std::int64_t staleness_ns)
    : shard_bytes_max_(bytes_max / kShards),
      staleness_ns_(staleness_ns),
      shards_(new Shard[kShards]) {}

NearCache::~NearCache() = default;

NearCache::Shard& NearCache::shard_of(std::size_t hash) const {
  return shards_[(hash >> 7) % kShards];
}

std::optional<Answer> NearCache::find(std::uint16_t method, std::string_view request,
                                      std::int64_t now_ns) {
  Shard& shard = shard_of(hash_of(method, request));
  const std::lock_guard<std::mutex> lock(shard.mutex);
  const auto found = shard.index.find(Key{request, method});
  if (found == shard.index.end()) {
    ++shard.misses;
    return std::nullopt;
  }
  Entry& entry = *found->second;
  const Source& source = *entry.source;
  const std::int64_t heard_ns = source.heard_all_until_ns.load(std::memory_order_acquire);
  if (source.ended.load(std::memory_order_acquire) ||
      source.era.load(std::memory_order_acquire) != entry.era ||
      !source.marks->untouched(entry.tags, entry.lsn)) {
    shard.erase(found->second);
    ++shard.stale;
    return std::nullopt;
  }
  // It may be good again with the next Pong.
  if (heard_ns == 0 || now_ns - heard_ns > staleness_ns_) {
    ++shard.misses;
    return std::nullopt;
  }
  entry.used = true;
  ++shard.hits;
  return entry.answer;
}

void NearCache::keep(std::uint16_t method, std::string_view request, Answer answer,
                     std::size_t bytes, const std::shared_ptr<Source>& source, std::uint64_t lsn,
                     std::vector<std::uint64_t> tags) {
  const std::size_t all_bytes = bytes + request.size() + 8 * tags.size() + kEntryBytes;
  if (all_bytes > shard_bytes_max_ / 4) return;
  if (source->ended || !source->marks->untouched(tags, lsn)) return;
  Shard& shard = shard_of(hash_of(method, request));
  const std::lock_guard<std::mutex> lock(shard.mutex);
  const auto old = shard.index.find(Key{request, method});
  if (old != shard.index.end()) shard.erase(old->second);
  shard.entries.push_back(Entry{std::string(request), method, std::move(answer), source,
                                source->era.load(std::memory_order_acquire), lsn, std::move(tags),
                                all_bytes});
  const auto at = std::prev(shard.entries.end());
  shard.index.emplace(Key{at->request, method}, at);
  shard.bytes += all_bytes;
  shard.make_room(shard_bytes_max_);
}

NearCacheStats NearCache::stats() const {
  NearCacheStats all;
  for (std::size_t i = 0; i < kShards; ++i) {
    Shard& shard = shards_[i];
    const std::lock_guard<std::mutex> lock(shard.mutex);
    all.hits += shard.hits;
    all.misses += shard.misses;
    all.stale += shard.stale;
    all.evicted += shard.evicted;
    all.entries += shard.entries.size();
    all.bytes += shard.bytes;
  }
  return all;
}

}  // namespace clinicdb::client
