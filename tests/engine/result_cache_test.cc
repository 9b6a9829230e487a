#include "clinicdb/engine/result_cache.h"

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "clinicdb/base/random.h"

namespace clinicdb::engine {

namespace {

constexpr TenantId kTenant{7};
constexpr TableId kTable{0x1001};

CacheKey key(std::string_view arguments, TenantId tenant = kTenant, std::uint16_t method = 1) {
  return {tenant, method, 0, arguments};
}

CacheTag row(std::string_view name) { return cache_tag_record(kTenant, kTable, name); }

CacheFill fill_of(std::string text, Lsn lsn, std::vector<CacheTag> tags = {},
                  std::size_t bytes = 100) {
  return {std::make_shared<const std::string>(std::move(text)), bytes, lsn, std::move(tags)};
}

/// The answer as text; "" when there is none.
std::string text_of(const std::shared_ptr<const void>& answer) {
  return answer == nullptr ? std::string() : *static_cast<const std::string*>(answer.get());
}

std::string get(ResultCache& cache, const CacheKey& k, Lsn view, CacheFill fill) {
  auto answer = cache.get(k, view, [&]() -> Result<CacheFill> { return fill; });
  return answer ? text_of(*answer) : answer.error().to_string();
}

void mark(ResultCache& cache, CacheTag tag, Lsn lsn) { cache.invalidate(&tag, 1, lsn); }

}  // namespace

TEST_CASE("result_cache: an answer is kept until a tag of it is marked", "[engine]") {
  const auto cache = ResultCache::create(1 << 20);
  CHECK(get(*cache, key("a"), Lsn{5}, fill_of("one", Lsn{5}, {row("a"), row("b")})) == "one");
  CHECK(get(*cache, key("a"), Lsn{6}, fill_of("other", Lsn{6})) == "one");
  CHECK(text_of(cache->find(key("a"), Lsn{5})) == "one");
  mark(*cache, row("c"), Lsn{6});
  CHECK(text_of(cache->find(key("a"), Lsn{6})) == "one");
  mark(*cache, row("b"), Lsn{7});
  CHECK(cache->find(key("a"), Lsn{7}) == nullptr);
  const ResultCacheStats stats = cache->stats();
  CHECK(stats.hits == 3);
  CHECK(stats.misses == 2);
  CHECK(stats.stale == 1);
  CHECK(stats.entries == 0);
  CHECK(stats.bytes == 0);
}

}  // namespace clinicdb::engine
