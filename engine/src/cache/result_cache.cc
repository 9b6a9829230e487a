// Why a hit is never staler than the reader's view, and never newer (K2, C2).
//
// Let an answer A have been read at LSN a, and a reader hold the view V it took before it came
// here. It is given A only if (1) a <= V, and (2) no tag of A has a mark above a. Suppose a commit
// L with a < L <= V had touched what A depends on. The pipeline marked L's tags, then published L
// (C2); the reader took a view that contains L from that publication, and came here afterwards:
//
//     pipeline:  mark(tags, L) ──► publish(L)
//                                      └─(synchronizes)─► reader: view V >= L ──► find: reads the
//                                      marks
//
// So the mark L happened before the check, marks never fall, and (2) fails. Hence nothing that A
// depends on changed between a and V: A is what an uncached read at V yields. A mark above V, of a
// commit not yet published, may refuse A although it is still right for V; that costs a read and
// nothing else.
//
// Marks are set only for tags that a kept answer watches; tag_marks.h says why none is missed. A
// fill that was read before L and comes in after it is refused at arrival. Nor does it matter
// whether tags are checked one after another while marks rise: each mark up to V is in place before
// the check begins.
//
// What does not hold by itself is `clear`: a fill read before it could come in after it. Each shard
// counts its clears, and a fill that saw one go by is not kept.
//
// Waiting. Only a caller that is not itself inside a fill waits for another's fill, and a caller
// that waits holds no flight; so there is no cycle of waiting, whatever fills do.
#include "clinicdb/engine/result_cache.h"

#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <condition_variable>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>
#include <utility>

#include "cache/cache_shard.h"
#include "cache/tag_marks.h"
#include "clinicdb/base/bytes.h"
#include "clinicdb/base/check.h"
#include "clinicdb/engine/caller.h"

namespace clinicdb::engine {

namespace {

// A shard holds its part of the bytes; one that is too small for large answers serves nobody.
constexpr std::size_t kShardBytesMin = std::size_t{4} << 20;
constexpr std::size_t kShardsMax = 64;
// One answer takes at most this part of a shard.
constexpr std::size_t kAnswerPartOfShard = 4;
// The table of marks takes 32 bytes for each KiB of answers: an answer of few KiB with its few tags
// seldom shares a slot.
constexpr std::size_t kMarkSlotsMin = std::size_t{1} << 16;
constexpr std::size_t kMarkSlotsMax = std::size_t{1} << 24;
constexpr std::size_t kAnswerBytesPerMarkSlot = 1024;
// What an answer takes beside itself: its chain, its allocations, the pointer's counts.
constexpr std::size_t kAnswerOverheadBytes = sizeof(CachedAnswer) + 64;

// Fills that run on this thread, one inside the other.
thread_local int fills_running = 0;

/// Tells who asks what the answer hangs on; an answer that is not kept says so, also over what a
/// fill inside has said.
void tell_dependencies(const CachedAnswer* kept) {
  const Caller* caller = current_caller();
  if (caller == nullptr || caller->dependencies == nullptr) return;
  Dependencies& told = *caller->dependencies;
  told.count = kept == nullptr ? 0 : kept->tag_count;
  if (kept == nullptr) return;
  told.lsn = kept->lsn;
  std::copy_n(kept->slots.begin(), told.count, told.slots.begin());
}

Result<CacheFill> run_fill(FunctionRef<Result<CacheFill>()> fill) {
  struct Depth {
    Depth() { ++fills_running; }
    ~Depth() { --fills_running; }
  } depth;
  return fill();
}

std::uint64_t key_hash(const CacheKey& key) {
  char scope[16] = {};
  store_le64(scope, key.tenant.value);
  store_le16(scope + 8, key.method);
  store_le16(scope + 10, key.rights_class);
  return XXH3_64bits_withSeed(key.arguments.data(), key.arguments.size(),
                              XXH3_64bits(scope, sizeof scope));
}

std::string flight_name(const CacheKey& key) {
  std::string name;
  name.reserve(12 + key.arguments.size());
  append_le64(name, key.tenant.value);
  append_be16(name, key.method);
  append_be16(name, key.rights_class);
  name.append(key.arguments);
  return name;
}

/// A fill that others may wait for. Guarded by its shard's mutex; `landed` under it too.
struct Flight {
  Lsn view;
  bool done = false;
  CacheFill fill;  ///< without an answer when the fill failed
  std::condition_variable landed;
};

struct alignas(64) Shard {
  CacheShard kept;
  // Guarded by kept.mutex.
  std::unordered_map<std::string, std::shared_ptr<Flight>> flights;
  std::uint64_t clears = 0;
};

class ShardedResultCache final : public ResultCache {
 public:
  explicit ShardedResultCache(std::size_t bytes_max)
      : bytes_max_(bytes_max),
        shard_count_(
            std::bit_floor(std::clamp<std::size_t>(bytes_max / kShardBytesMin, 1, kShardsMax))),
        marks_(std::bit_ceil(
            std::clamp(bytes_max / kAnswerBytesPerMarkSlot, kMarkSlotsMin, kMarkSlotsMax))),
        shards_(std::make_unique<Shard[]>(shard_count_)) {
    for (std::size_t i = 0; i < shard_count_; ++i) {
      shards_[i].kept.set_bytes_max(bytes_max / shard_count_);
    }
  }

  std::shared_ptr<const void> find(const CacheKey& key, Lsn view) override {
    const std::uint64_t hash = key_hash(key);
    Shard& shard = shard_of(hash);
    Graveyard gone;
    const std::lock_guard lock(shard.kept.mutex);
    return find_locked(shard, key, hash, view, gone);
  }

  Result<std::shared_ptr<const void>> get(const CacheKey& key, Lsn view,
                                          FunctionRef<Result<CacheFill>()> fill) override;

  void invalidate(const CacheTag* tags, std::size_t count, Lsn lsn) override {
    const std::shared_lock lock(listener_mutex_);
    std::vector<std::uint32_t> stale;
    for (std::size_t i = 0; i < count; ++i) {
      if (marks_.touch(tags[i], lsn) && listener_ != nullptr) stale.push_back(marks_.slot(tags[i]));
    }
    if (!stale.empty()) listener_->stale(stale, lsn);
  }

  void set_listener(CacheListener* listener) override {
    const std::unique_lock lock(listener_mutex_);
    listener_ = listener;
  }

  bool still_holds(const Dependencies& dependencies) const override {
    for (std::size_t i = 0; i < dependencies.count; ++i) {
      if (!marks_.unmarked_since(dependencies.slots[i], dependencies.lsn)) return false;
    }
    return dependencies.count > 0;
  }

  void clear(TenantId tenant) override {
    for (std::size_t i = 0; i < shard_count_; ++i) {
      Graveyard gone;
      const std::lock_guard lock(shards_[i].kept.mutex);
      ++shards_[i].clears;
      shards_[i].kept.clear(tenant, gone);
    }
    tell_all_stale();
  }

  void clear() override {
    for (std::size_t i = 0; i < shard_count_; ++i) {
      Graveyard gone;
      const std::lock_guard lock(shards_[i].kept.mutex);
      ++shards_[i].clears;
      shards_[i].kept.clear(gone);
    }
    tell_all_stale();
  }

  std::vector<HotKey> hot_keys(std::size_t count) override;
  ResultCacheStats stats() override;

 private:
  void tell_all_stale() {
    const std::shared_lock lock(listener_mutex_);
    if (listener_ != nullptr) listener_->all_stale();
  }
  Shard& shard_of(std::uint64_t hash) { return shards_[(hash >> 48) & (shard_count_ - 1)]; }

  // Those that end in _locked need the shard's mutex.
  std::shared_ptr<const void> find_locked(Shard& shard, const CacheKey& key, std::uint64_t hash,
                                          Lsn view, Graveyard& gone);
  void keep_locked(Shard& shard, const CacheKey& key, std::uint64_t hash, const CacheFill& fill,
                   Graveyard& gone);
  bool untouched(const CacheFill& fill) const {
    return std::all_of(fill.tags.begin(), fill.tags.end(),
                       [&](CacheTag tag) { return marks_.untouched_since(tag, fill.lsn); });
  }
  Result<std::shared_ptr<const void>> fill_alone(Shard& shard, const CacheKey& key,
                                                 std::uint64_t hash, std::uint64_t clears_before,
                                                 FunctionRef<Result<CacheFill>()> fill);
  Result<std::shared_ptr<const void>> fill_for_all(Shard& shard, const CacheKey& key,
                                                   std::uint64_t hash, std::uint64_t clears_before,
                                                   const std::string& name,
                                                   const std::shared_ptr<Flight>& flight,
                                                   FunctionRef<Result<CacheFill>()> fill);

  // Constant after construction.
  const std::size_t bytes_max_;
  const std::size_t shard_count_;
  // Own synchronisation.
  TagMarks marks_;
  std::unique_ptr<Shard[]> shards_;
  std::shared_mutex listener_mutex_;
  CacheListener* listener_ = nullptr;  // guarded by listener_mutex_
};

std::shared_ptr<const void> ShardedResultCache::find_locked(Shard& shard, const CacheKey& key,
                                                            std::uint64_t hash, Lsn view,
                                                            Graveyard& gone) {
  CachedAnswer* kept = shard.kept.find(key, hash);
  if (kept != nullptr && kept->unchanged(marks_)) {
    // K2: a newer answer stays for newer readers.
    if (kept->lsn <= view) {
      shard.kept.note_use(*kept);
      tell_dependencies(kept);
      return kept->answer;
    }
  } else if (kept != nullptr) {
    ++kept->method_stats->stale;
    shard.kept.remove(*kept, gone);
  }
  ++shard.kept.method(key.method).misses;
  return nullptr;
}

void ShardedResultCache::keep_locked(Shard& shard, const CacheKey& key, std::uint64_t hash,
                                     const CacheFill& fill, Graveyard& gone) {
  tell_dependencies(nullptr);
  const std::size_t bytes = fill.bytes + key.arguments.size() + kAnswerOverheadBytes;
  if (fill.answer == nullptr || fill.tags.size() > kCacheTagsMax ||
      bytes > bytes_max_ / shard_count_ / kAnswerPartOfShard) {
    return;
  }
  // In this order: see tag_marks.h.
  for (const CacheTag tag : fill.tags) marks_.watch(tag);
  if (!untouched(fill)) {
    ++shard.kept.method(key.method).discarded;
    return;
  }
  if (CachedAnswer* before = shard.kept.find(key, hash)) {
    if (before->lsn >= fill.lsn && before->unchanged(marks_)) return;
    shard.kept.remove(*before, gone);
  }
  auto answer = std::make_unique<CachedAnswer>();
  answer->hash = hash;
  answer->tenant = key.tenant;
  answer->method = key.method;
  answer->rights_class = key.rights_class;
  answer->arguments = key.arguments;
  answer->answer = fill.answer;
  answer->lsn = fill.lsn;
  answer->bytes = bytes;
  answer->uses = 1;
  answer->tag_count = static_cast<std::uint8_t>(fill.tags.size());
  for (std::size_t i = 0; i < fill.tags.size(); ++i) answer->slots[i] = marks_.slot(fill.tags[i]);
  tell_dependencies(answer.get());
  shard.kept.insert(std::move(answer), gone);
}

Result<std::shared_ptr<const void>> ShardedResultCache::get(const CacheKey& key, Lsn view,
                                                            FunctionRef<Result<CacheFill>()> fill) {
  if (bytes_max_ == 0) {
    ASSIGN_OR_RETURN(CacheFill filled, run_fill(fill));
    tell_dependencies(nullptr);
    return std::move(filled.answer);
  }
  const std::uint64_t hash = key_hash(key);
  Shard& shard = shard_of(hash);
  // Before the lock, so that what they hold last is destroyed after it.
  Graveyard gone;
  std::shared_ptr<Flight> flight;
  std::unique_lock lock(shard.kept.mutex);
  if (std::shared_ptr<const void> hit = find_locked(shard, key, hash, view, gone)) return hit;

  const std::uint64_t clears_before = shard.clears;
  const std::string name = flight_name(key);
  const auto found = shard.flights.find(name);
  if (found == shard.flights.end()) {
    flight = std::make_shared<Flight>();
    flight->view = view;
    shard.flights.emplace(name, flight);
    lock.unlock();
    return fill_for_all(shard, key, hash, clears_before, name, flight, fill);
  }
  // The answer of a fill at a newer view would be too new for this reader (K2): it does not wait
  // for it.
  // Nor does a caller who must not block: the fill that is under way may be reading the disk.
  const Caller* caller = current_caller();
  const bool may_wait = fills_running == 0 && (caller == nullptr || !caller->memory_only);
  if (found->second->view <= view && may_wait) {
    flight = found->second;
    ++shard.kept.method(key.method).joined;
    flight->landed.wait(lock, [&] { return flight->done; });
    const CacheFill& filled = flight->fill;
    if (filled.answer != nullptr && filled.lsn <= view && untouched(filled)) {
      tell_dependencies(nullptr);
      return filled.answer;
    }
  }
  lock.unlock();
  return fill_alone(shard, key, hash, clears_before, fill);
}

Result<std::shared_ptr<const void>> ShardedResultCache::fill_alone(
    Shard& shard, const CacheKey& key, std::uint64_t hash, std::uint64_t clears_before,
    FunctionRef<Result<CacheFill>()> fill) {
  ASSIGN_OR_RETURN(CacheFill filled, run_fill(fill));
  Graveyard gone;
  const std::lock_guard lock(shard.kept.mutex);
  if (shard.clears == clears_before) {
    keep_locked(shard, key, hash, filled, gone);
  } else {
    tell_dependencies(nullptr);
  }
  return std::move(filled.answer);
}

Result<std::shared_ptr<const void>> ShardedResultCache::fill_for_all(
    Shard& shard, const CacheKey& key, std::uint64_t hash, std::uint64_t clears_before,
    const std::string& name, const std::shared_ptr<Flight>& flight,
    FunctionRef<Result<CacheFill>()> fill) {
  // Lands the flight on every way out, an exception of the application's `fill` included.
  struct Landing {
    Shard& shard;
    const std::string& name;
    Flight& flight;
    ~Landing() {
      const std::lock_guard lock(shard.kept.mutex);
      flight.done = true;
      shard.flights.erase(name);
      flight.landed.notify_all();
    }
  } landing{shard, name, *flight};

  ASSIGN_OR_RETURN(CacheFill filled, run_fill(fill));
  std::shared_ptr<const void> answer = filled.answer;
  Graveyard gone;
  const std::lock_guard lock(shard.kept.mutex);
  if (shard.clears == clears_before) {
    keep_locked(shard, key, hash, filled, gone);
  } else {
    tell_dependencies(nullptr);
  }
  flight->fill = std::move(filled);
  return answer;
}

std::vector<ResultCache::HotKey> ShardedResultCache::hot_keys(std::size_t count) {
  const auto hotter = [](const auto& a, const auto& b) { return a.uses > b.uses; };
  std::vector<HotKey> hottest;
  for (std::size_t i = 0; i < shard_count_; ++i) {
    const std::lock_guard lock(shards_[i].kept.mutex);
    std::vector<const CachedAnswer*> answers;
    shards_[i].kept.for_each([&](const CachedAnswer& answer) {
      if (answer.unchanged(marks_)) answers.push_back(&answer);
    });
    const std::size_t taken = std::min(count, answers.size());
    std::partial_sort(answers.begin(), answers.begin() + static_cast<std::ptrdiff_t>(taken),
                      answers.end(),
                      [&](const CachedAnswer* a, const CachedAnswer* b) { return hotter(*a, *b); });
    for (std::size_t j = 0; j < taken; ++j) {
      const CachedAnswer& a = *answers[j];
      hottest.push_back({a.tenant, a.method, a.rights_class, a.arguments, a.uses});
    }
  }
  std::stable_sort(hottest.begin(), hottest.end(), hotter);
  if (hottest.size() > count) hottest.resize(count);
  return hottest;
}

ResultCacheStats ShardedResultCache::stats() {
  ResultCacheStats stats;
  stats.bytes_max = bytes_max_;
  std::unordered_map<std::uint16_t, MethodCacheStats> methods;
  for (std::size_t i = 0; i < shard_count_; ++i) {
    const CacheShard& kept = shards_[i].kept;
    const std::lock_guard lock(shards_[i].kept.mutex);
    stats.evicted += kept.evicted();
    stats.entries += kept.count();
    stats.bytes += kept.bytes();
    for (const auto& [number, part] : kept.methods()) {
      MethodCacheStats& method = methods[number];
      method.method = number;
      method.hits += part.hits;
      method.misses += part.misses;
      method.joined += part.joined;
      method.stale += part.stale;
      method.discarded += part.discarded;
      method.bytes += part.bytes;
    }
  }
  for (const auto& [number, method] : methods) {
    stats.hits += method.hits;
    stats.misses += method.misses;
    stats.joined += method.joined;
    stats.stale += method.stale;
    stats.discarded += method.discarded;
    stats.methods.push_back(method);
  }
  std::sort(
      stats.methods.begin(), stats.methods.end(),
      [](const MethodCacheStats& a, const MethodCacheStats& b) { return a.method < b.method; });
  return stats;
}

}  // namespace

std::unique_ptr<ResultCache> ResultCache::create(std::size_t bytes_max) {
  return std::make_unique<ShardedResultCache>(bytes_max);
}

}  // namespace clinicdb::engine
