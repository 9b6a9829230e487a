// ResultCache: whole answers, kept until something they depend on changes.
//
// An answer carries the LSN of the view it was read at and the tags it depends on. Each commit
// marks the tags of what it touched with its LSN *before* it publishes its view (C2), so:
//   - an answer is used only while no tag of it was marked after it was read, and only by readers
//   whose view
//     is not older than the answer (K2);
//   - an answer that was read at an older view than a mark on one of its tags is dropped when it
//   arrives.
// A cached answer is therefore never staler than an uncached read. Tag marks live in a table of
// fixed size; tags that share a slot share their marks, which can drop an answer too early but
// never too late. The slot is the floor that rule K2 asks for.
//
// Answers are immutable and shared, never copied. Bounded by bytes, fair between tenants: a tenant
// over its share gives up its own answers first. Misses of one key are answered by one fill
// (single-flight). Thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "clinicdb/base/function_ref.h"
#include "clinicdb/base/ids.h"
#include "clinicdb/base/result.h"
#include "clinicdb/engine/caller.h"
#include "clinicdb/engine/table.h"

namespace clinicdb::engine {

/// What an answer depends on: a hash of tenant, table and row or range.
struct CacheTag {
  std::uint64_t hash = 0;
  constexpr auto operator<=>(const CacheTag&) const = default;
};

/// One record.
CacheTag cache_tag_record(TenantId tenant, TableId table, std::string_view key);
/// Any record or entry of the table.
CacheTag cache_tag_table(TenantId tenant, TableId table);
/// The entries of an index whose keys begin with `bucket`; exactly IndexDef::tag_bytes bytes, or
/// empty for the whole index.
CacheTag cache_tag_range(TenantId tenant, TableId table, IndexNumber index,
                         std::string_view bucket);

struct MethodCacheStats {
  std::uint16_t method = 0;
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t joined = 0;     ///< misses that waited for another's fill
  std::uint64_t stale = 0;      ///< answers found, but a tag was marked since
  std::uint64_t discarded = 0;  ///< fills that came too late
  std::uint64_t bytes = 0;
};

struct ResultCacheStats {
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t joined = 0;
  std::uint64_t stale = 0;
  std::uint64_t discarded = 0;
  std::uint64_t evicted = 0;
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;
  std::uint64_t bytes_max = 0;
  std::vector<MethodCacheStats> methods;
};

/// Which answer: a method with its arguments, for one tenant and one class of rights (K1).
struct CacheKey {
  TenantId tenant;
  std::uint16_t method = 0;
  std::uint16_t rights_class = 0;
  std::string_view arguments;  ///< canonical bytes of the arguments
};

/// A filled answer, before it is kept.
struct CacheFill {
  std::shared_ptr<const void>
      answer;             ///< of the type that the method's callers agree on; nullptr: keep nothing
  std::size_t bytes = 0;  ///< what it holds in memory
  Lsn lsn;                ///< of the view it was read at
  std::vector<CacheTag> tags;  ///< at most kCacheTagsMax; more: not kept
};

constexpr std::size_t kCacheTagsMax = Dependencies::kSlotsMax;

/// Who keeps answers elsewhere, such as near the callers of a server, and must hear when they
/// become stale. Called by commits, before their view is published: what is told to a caller's
/// thread in here comes before the commit's own answer. Must be short. Thread-safe.
class CacheListener {
 public:
  virtual ~CacheListener() = default;
  /// Answers with one of these slots that were read below `lsn` are stale.
  virtual void stale(const std::vector<std::uint32_t>& slots, Lsn lsn) = 0;
  /// Everything is.
  virtual void all_stale() = 0;
};

class ResultCache {
 public:
  /// bytes_max 0: keeps nothing; `get` always fills.
  static std::unique_ptr<ResultCache> create(std::size_t bytes_max);
  virtual ~ResultCache() = default;

  /// The kept answer for a reader whose view is at `view`, or nullptr.
  virtual std::shared_ptr<const void> find(const CacheKey& key, Lsn view) = 0;

  /// The kept answer, or that of `fill`. Of several callers that miss the same key at once one
  /// fills and the others wait for it; they take its answer when it would be a hit for the `view`
  /// they came with (not newer, K2, and no tag marked since), and fill for themselves otherwise. An
  /// error of `fill` is returned to its caller alone and never kept. `fill` may call `get` for
  /// other keys; inside a fill nobody waits.
  virtual Result<std::shared_ptr<const void>> get(const CacheKey& key, Lsn view,
                                                  FunctionRef<Result<CacheFill>()> fill) = 0;

  /// Marks tags as changed by `lsn`. Called by the commit pipeline, before the view is published.
  virtual void invalidate(const CacheTag* tags, std::size_t count, Lsn lsn) = 0;
  /// From now on, one at a time; nullptr: nobody. It outlives its use: after set_listener(nullptr)
  /// it is not called any more.
  virtual void set_listener(CacheListener* listener) = 0;
  /// Whether nothing that an answer hangs on has changed since it was read.
  virtual bool still_holds(const Dependencies& dependencies) const = 0;

  /// Drops everything of one tenant (its erasure), or of all.
  virtual void clear(TenantId tenant) = 0;
  virtual void clear() = 0;

  /// The hottest keys, most used first, for warming another cache: method, rights class, tenant,
  /// arguments.
  struct HotKey {
    TenantId tenant;
    std::uint16_t method;
    std::uint16_t rights_class;
    std::string arguments;
    std::uint64_t uses;
  };
  virtual std::vector<HotKey> hot_keys(std::size_t count) = 0;

  virtual ResultCacheStats stats() = 0;
};

}  // namespace clinicdb::engine
