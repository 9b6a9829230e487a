#include "clinicdb/engine/result_cache.h"

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <new>
#include <thread>

#include "clinicdb/base/random.h"
#include "clinicdb/engine/caller.h"

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

TEST_CASE(
    "result_cache: who keeps answers elsewhere is told what they hang on, and when it changed",
    "[engine]") {
  struct Listener final : CacheListener {
    void stale(const std::vector<std::uint32_t>& slots, Lsn lsn) override {
      for (const std::uint32_t slot : slots) told[slot] = lsn;
    }
    void all_stale() override { ++all; }
    std::map<std::uint32_t, Lsn> told;
    int all = 0;
  } listener;
  const auto cache = ResultCache::create(1 << 20);
  cache->set_listener(&listener);
  Dependencies dependencies;
  Caller caller;
  caller.dependencies = &dependencies;
  const CallerScope scope(&caller);
  for (int round = 0; round < 2; ++round) {  // filled, then kept
    CHECK(get(*cache, key("a"), Lsn{5}, fill_of("one", Lsn{5}, {row("a"), row("b")})) == "one");
    REQUIRE(dependencies.count == 2);
    CHECK(dependencies.lsn == Lsn{5});
    CHECK(cache->still_holds(dependencies));
  }
  mark(*cache, row("nobody's"), Lsn{6});
  CHECK(listener.told.empty());
  mark(*cache, row("b"), Lsn{6});
  REQUIRE(listener.told.size() == 1);
  CHECK(listener.told.begin()->first == dependencies.slots[1]);
  CHECK(listener.told.begin()->second == Lsn{6});
  CHECK_FALSE(cache->still_holds(dependencies));
  // A fill that comes too late is kept nowhere.
  CHECK(get(*cache, key("a"), Lsn{5}, fill_of("one", Lsn{5}, {row("b")})) == "one");
  CHECK(dependencies.count == 0);
  CHECK_FALSE(cache->still_holds(dependencies));
  // Nor is one that has a kept answer inside, when it is not kept itself.
  const auto outer = cache->get(key("outer"), Lsn{9}, [&]() -> Result<CacheFill> {
    get(*cache, key("inner"), Lsn{9}, fill_of("inner", Lsn{9}, {row("z")}));
    CHECK(dependencies.count == 1);
    return fill_of("outer", Lsn{9}, std::vector<CacheTag>(kCacheTagsMax + 1, row("z")));
  });
  CHECK(outer.has_value());
  CHECK(dependencies.count == 0);
  cache->clear(kTenant);
  CHECK(listener.all == 1);
  cache->set_listener(nullptr);
  cache->clear(kTenant);
  CHECK(listener.all == 1);
}

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

TEST_CASE("result_cache: tenant, method, rights class and arguments are all of the key (K1)",
          "[engine]") {
  const auto cache = ResultCache::create(1 << 20);
  get(*cache, {TenantId{1}, 1, 1, "a"}, Lsn{1}, fill_of("x", Lsn{1}));
  CHECK(cache->find({TenantId{1}, 1, 1, "a"}, Lsn{1}) != nullptr);
  CHECK(cache->find({TenantId{2}, 1, 1, "a"}, Lsn{1}) == nullptr);
  CHECK(cache->find({TenantId{1}, 2, 1, "a"}, Lsn{1}) == nullptr);
  CHECK(cache->find({TenantId{1}, 1, 2, "a"}, Lsn{1}) == nullptr);
  CHECK(cache->find({TenantId{1}, 1, 1, "b"}, Lsn{1}) == nullptr);
  CHECK(cache->find({TenantId{1}, 1, 1, ""}, Lsn{1}) == nullptr);
}

TEST_CASE("result_cache: a pinned view never gets a newer answer, which stays for others (K2)",
          "[engine]") {
  const auto cache = ResultCache::create(1 << 20);
  get(*cache, key("a"), Lsn{9}, fill_of("new", Lsn{9}, {row("a")}));
  CHECK(cache->find(key("a"), Lsn{8}) == nullptr);
  CHECK(get(*cache, key("a"), Lsn{8}, fill_of("old", Lsn{8}, {row("a")})) == "old");
  CHECK(text_of(cache->find(key("a"), Lsn{9})) == "new");
}

TEST_CASE("result_cache: a newer answer takes the place of an older one", "[engine]") {
  const auto cache = ResultCache::create(1 << 20);
  get(*cache, key("a"), Lsn{9}, fill_of("new", Lsn{9}));
  // A fill at an older view; then one at a newer view, by a caller that found nothing usable.
  get(*cache, key("a"), Lsn{3}, fill_of("old", Lsn{3}));
  CHECK(text_of(cache->find(key("a"), Lsn{20})) == "new");
  mark(*cache, row("a"), Lsn{10});
  CHECK(get(*cache, key("b"), Lsn{11}, fill_of("b", Lsn{11}, {row("a")})) == "b");
  CHECK(text_of(cache->find(key("b"), Lsn{11})) == "b");
}

TEST_CASE("result_cache: a fill that a mark overtook is discarded (K2)", "[engine]") {
  const auto cache = ResultCache::create(1 << 20);
  const auto answer = cache->get(key("a"), Lsn{5}, [&]() -> Result<CacheFill> {
    mark(*cache, row("a"), Lsn{6});
    return fill_of("late", Lsn{5}, {row("a")});
  });
  CHECK(text_of(*answer) == "late");
  CHECK(cache->find(key("a"), Lsn{6}) == nullptr);
  CHECK(cache->find(key("a"), Lsn{5}) == nullptr);
  CHECK(cache->stats().discarded == 1);
  CHECK(cache->stats().entries == 0);
}

TEST_CASE("result_cache: a lower mark does not take back a higher one", "[engine]") {
  const auto cache = ResultCache::create(1 << 20);
  mark(*cache, row("a"), Lsn{9});
  mark(*cache, row("a"), Lsn{4});
  get(*cache, key("a"), Lsn{5}, fill_of("x", Lsn{5}, {row("a")}));
  CHECK(cache->find(key("a"), Lsn{9}) == nullptr);
}

TEST_CASE("result_cache: what may not be kept is answered all the same", "[engine]") {
  const auto cache = ResultCache::create(1 << 20);
  CHECK(get(*cache, key("tags"), Lsn{1},
            fill_of("t", Lsn{1}, std::vector<CacheTag>(kCacheTagsMax + 1))) == "t");
  CHECK(get(*cache, key("size"), Lsn{1}, fill_of("s", Lsn{1}, {}, 1 << 20)) == "s");
  CHECK(get(*cache, key("null"), Lsn{1}, {nullptr, 0, Lsn{1}, {}}).empty());
  CHECK(get(*cache, key("most"), Lsn{1},
            fill_of("m", Lsn{1}, std::vector<CacheTag>(kCacheTagsMax))) == "m");
  CHECK(cache->stats().entries == 1);
  CHECK(cache->find(key("most"), Lsn{1}) != nullptr);
}

TEST_CASE("result_cache: without room it keeps nothing and always fills", "[engine]") {
  const auto cache = ResultCache::create(0);
  CHECK(get(*cache, key("a"), Lsn{1}, fill_of("1", Lsn{1})) == "1");
  CHECK(get(*cache, key("a"), Lsn{1}, fill_of("2", Lsn{1})) == "2");
  CHECK(cache->find(key("a"), Lsn{1}) == nullptr);
  mark(*cache, row("a"), Lsn{2});
}

TEST_CASE("result_cache: an error of a fill is its caller's and is not kept", "[engine]") {
  const auto cache = ResultCache::create(1 << 20);
  const auto failed =
      cache->get(key("a"), Lsn{1}, []() -> Result<CacheFill> { return unavailable("no"); });
  REQUIRE_FALSE(failed.has_value());
  CHECK(failed.error().code() == StatusCode::kUnavailable);
  CHECK(get(*cache, key("a"), Lsn{1}, fill_of("1", Lsn{1})) == "1");
}

TEST_CASE("result_cache: the bound on bytes holds at every moment", "[engine]") {
  constexpr std::size_t kBytesMax = 64 << 10;
  const auto cache = ResultCache::create(kBytesMax);
  SeededRandom random(3);
  std::uint64_t bytes_seen = 0;
  for (int i = 0; i < 5000; ++i) {
    const std::string name = std::to_string(random.below(400));
    const TenantId tenant{1 + random.below(random.below(20) + 1)};
    get(*cache, key(name, tenant), Lsn{1}, fill_of("x", Lsn{1}, {row(name)}, random.below(20000)));
    if (i % 50 == 0) mark(*cache, row(std::to_string(random.below(400))), Lsn{1 + random.below(3)});
    if (i % 977 == 0) cache->clear(tenant);
    const ResultCacheStats stats = cache->stats();
    bytes_seen = std::max(bytes_seen, stats.bytes);
    if (stats.bytes > kBytesMax || (stats.entries == 0) != (stats.bytes == 0))
      FAIL("bytes " << stats.bytes);
  }
  CHECK(bytes_seen > kBytesMax / 2);
  CHECK(cache->stats().evicted > 1000);
  cache->clear();
  CHECK(cache->stats().bytes == 0);
  CHECK(cache->stats().methods.at(0).bytes == 0);
}

TEST_CASE("result_cache: a tenant over its share gives up its own answers first", "[engine]") {
  const auto cache = ResultCache::create(1 << 20);
  const TenantId small{1};
  const TenantId large{2};
  auto kept_of_small = [&] {
    int kept = 0;
    for (int i = 0; i < 100; ++i)
      kept += cache->find(key(std::to_string(i), small), Lsn{1}) != nullptr;
    return kept;
  };
  for (int i = 0; i < 100; ++i)
    get(*cache, key(std::to_string(i), small), Lsn{1}, fill_of("s", Lsn{1}, {}, 2000));
  for (int i = 0; i < 20000; ++i) {
    get(*cache, key(std::to_string(i), large), Lsn{1}, fill_of("l", Lsn{1}, {}, 2000));
    if (i % 100 == 0) CHECK(kept_of_small() == 100);
  }
  CHECK(cache->stats().bytes > (1 << 20) * 9 / 10);
  CHECK(cache->stats().evicted > 19000);

  SECTION("a third tenant takes its room from the large one") {
    for (int i = 0; i < 100; ++i) {
      get(*cache, key(std::to_string(i), TenantId{3}), Lsn{1}, fill_of("t", Lsn{1}, {}, 2000));
    }
    int kept = 0;
    for (int i = 0; i < 100; ++i)
      kept += cache->find(key(std::to_string(i), TenantId{3}), Lsn{1}) != nullptr;
    CHECK(kept == 100);
    CHECK(kept_of_small() == 100);
  }
  SECTION("a tenant that uses nothing any more gives way") {
    for (int i = 0; i < 20000; ++i) {
      get(*cache, key(std::to_string(i), large), Lsn{1}, fill_of("l", Lsn{1}, {}, 2000));
    }
    CHECK(kept_of_small() == 0);
  }
}

TEST_CASE("result_cache: answers in use outlast those used once", "[engine]") {
  const auto cache = ResultCache::create(256 << 10);
  auto hot = [](int i) { return "hot" + std::to_string(i); };
  for (int i = 0; i < 20; ++i) get(*cache, key(hot(i)), Lsn{1}, fill_of("h", Lsn{1}, {}, 2000));
  for (int i = 0; i < 5000; ++i) {
    get(*cache, key(std::to_string(i)), Lsn{1}, fill_of("once", Lsn{1}, {}, 2000));
    if (i % 10 == 0) {
      for (int j = 0; j < 20; ++j) {
        if (cache->find(key(hot(j)), Lsn{1}) == nullptr) FAIL("hot " << j << " went at " << i);
      }
    }
  }
  CHECK(cache->stats().evicted > 4000);
}

TEST_CASE("result_cache: clear drops one tenant's answers, and a fill that began before it",
          "[engine]") {
  const auto cache = ResultCache::create(1 << 20);
  get(*cache, key("a", TenantId{1}), Lsn{1}, fill_of("1", Lsn{1}));
  get(*cache, key("b", TenantId{1}), Lsn{1}, fill_of("1", Lsn{1}));
  get(*cache, key("a", TenantId{2}), Lsn{1}, fill_of("2", Lsn{1}));
  cache->clear(TenantId{1});
  CHECK(cache->find(key("a", TenantId{1}), Lsn{1}) == nullptr);
  CHECK(cache->find(key("b", TenantId{1}), Lsn{1}) == nullptr);
  CHECK(cache->find(key("a", TenantId{2}), Lsn{1}) != nullptr);

  const auto answer = cache->get(key("c", TenantId{1}), Lsn{1}, [&]() -> Result<CacheFill> {
    cache->clear(TenantId{1});
    return fill_of("3", Lsn{1});
  });
  CHECK(text_of(*answer) == "3");
  CHECK(cache->find(key("c", TenantId{1}), Lsn{1}) == nullptr);
  cache->clear();
  CHECK(cache->stats().entries == 0);
}

TEST_CASE("result_cache: statistics are kept by method, and the hottest keys come first",
          "[engine]") {
  const auto cache = ResultCache::create(1 << 20);
  for (int i = 0; i < 10; ++i) {
    const std::string name = std::to_string(i);
    get(*cache, key(name, kTenant, 4), Lsn{1}, fill_of("x", Lsn{1}));
    for (int uses = 0; uses < i; ++uses) cache->find(key(name, kTenant, 4), Lsn{1});
  }
  cache->find(key("none", kTenant, 2), Lsn{1});
  const ResultCacheStats stats = cache->stats();
  REQUIRE(stats.methods.size() == 2);
  CHECK(stats.methods[0].method == 2);
  CHECK(stats.methods[0].misses == 1);
  CHECK(stats.methods[1].method == 4);
  CHECK(stats.methods[1].hits == 45);
  CHECK(stats.methods[1].misses == 10);
  CHECK(stats.methods[1].bytes == stats.bytes);

  const auto hottest = cache->hot_keys(3);
  REQUIRE(hottest.size() == 3);
  CHECK(hottest[0].arguments == "9");
  CHECK(hottest[0].uses == 10);
  CHECK(hottest[0].tenant == kTenant);
  CHECK(hottest[0].method == 4);
  CHECK(hottest[2].arguments == "7");
  CHECK(cache->hot_keys(100).size() == 10);
}

TEST_CASE("result_cache: answers are destroyed outside the cache's locks", "[engine]") {
  const auto cache = ResultCache::create(64 << 10);
  int destroyed = 0;
  auto fill = [&](std::vector<CacheTag> tags) {
    return CacheFill{
        std::shared_ptr<const int>(new int(0),
                                   [&](const int* number) {
                                     delete number;
                                     ++destroyed;
                                     cache->stats();  // would not return under the lock
                                   }),
        8000, Lsn{1}, std::move(tags)};
  };
  for (int i = 0; i < 20; ++i) {
    cache
        ->get(key(std::to_string(i)), Lsn{1},
              [&]() -> Result<CacheFill> { return fill({row("a")}); })
        .status()
        .ignore("only its effect on the cache counts here");
  }
  CHECK(destroyed > 5);
  mark(*cache, row("a"), Lsn{2});
  CHECK(cache->find(key("19"), Lsn{2}) == nullptr);
  cache->clear();
  CHECK(destroyed == 20);
}

TEST_CASE("cache_tag: every part counts", "[engine]") {
  std::vector<CacheTag> tags;
  for (const TenantId tenant : {TenantId{1}, TenantId{2}}) {
    for (const TableId table : {TableId{1}, TableId{256}}) {
      tags.push_back(cache_tag_table(tenant, table));
      for (const char* bytes : {"", "a", "b", "ab"}) {
        tags.push_back(cache_tag_record(tenant, table, bytes));
        tags.push_back(cache_tag_range(tenant, table, 1, bytes));
        tags.push_back(cache_tag_range(tenant, table, 2, bytes));
      }
    }
  }
  std::sort(tags.begin(), tags.end());
  CHECK(std::adjacent_find(tags.begin(), tags.end()) == tags.end());
  CHECK(cache_tag_record(TenantId{1}, TableId{1}, "a") ==
        cache_tag_record(TenantId{1}, TableId{1}, "a"));
}

// ---- single-flight

namespace {

/// Yields until the condition holds; gives up after a time far beyond any slow machine's.
template <class Condition>
bool wait_until(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

/// One leader fills while `waiters` callers join it; then the leader's fill does `before_landing`
/// and returns.
struct FlightRun {
  std::vector<std::string> answers;  ///< the waiters'
  std::string leader_answer;
  int fills = 0;
  bool all_joined = false;
};

FlightRun fly(ResultCache& cache, int waiters, Lsn waiters_view,
              const std::function<Result<CacheFill>()>& leader_fill) {
  FlightRun run;
  std::atomic<int> fills{0};
  std::atomic<bool> leading{false};
  run.answers.resize(static_cast<std::size_t>(waiters));
  std::thread leader([&] {
    const auto answer = cache.get(key("k"), Lsn{5}, [&]() -> Result<CacheFill> {
      ++fills;
      leading = true;
      run.all_joined =
          wait_until([&] { return cache.stats().joined == static_cast<std::uint64_t>(waiters); });
      return leader_fill();
    });
    run.leader_answer = answer ? text_of(*answer) : "error";
  });
  wait_until([&] { return leading.load(); });
  std::vector<std::thread> threads;
  for (std::string& answer : run.answers) {
    threads.emplace_back([&] {
      const auto got = cache.get(key("k"), waiters_view, [&]() -> Result<CacheFill> {
        ++fills;
        return fill_of("own", waiters_view, {row("k")});
      });
      answer = got ? text_of(*got) : "error";
    });
  }
  for (std::thread& thread : threads) thread.join();
  leader.join();
  run.fills = fills;
  return run;
}

}  // namespace

TEST_CASE("result_cache: callers that miss one key at once share one fill", "[engine]") {
  const auto cache = ResultCache::create(1 << 20);
  const auto view = GENERATE(Lsn{5}, Lsn{8});
  const FlightRun run = fly(*cache, 4, view, [] { return fill_of("shared", Lsn{5}, {row("k")}); });
  CHECK(run.all_joined);
  CHECK(run.fills == 1);
  CHECK(run.leader_answer == "shared");
  CHECK(run.answers == std::vector<std::string>(4, "shared"));
}

TEST_CASE("result_cache: a shared answer that is stale for the waiter's view is not taken",
          "[engine]") {
  const auto cache = ResultCache::create(1 << 20);
  const FlightRun run = fly(*cache, 3, Lsn{6}, [&] {
    mark(*cache, row("k"), Lsn{6});
    return fill_of("stale", Lsn{5}, {row("k")});
  });
  CHECK(run.all_joined);
  CHECK(run.leader_answer == "stale");
  CHECK(run.answers == std::vector<std::string>(3, "own"));
}

TEST_CASE("result_cache: a shared answer that is newer than the waiter's view is not taken (K2)",
          "[engine]") {
  const auto cache = ResultCache::create(1 << 20);
  const FlightRun run =
      fly(*cache, 3, Lsn{5}, [&] { return fill_of("newer", Lsn{6}, {row("k")}); });
  CHECK(run.all_joined);
  CHECK(run.answers == std::vector<std::string>(3, "own"));
}

TEST_CASE("result_cache: waiters of a fill that fails, throws or keeps nothing fill for themselves",
          "[engine]") {
  const auto cache = ResultCache::create(1 << 20);
  const FlightRun failed =
      fly(*cache, 3, Lsn{5}, []() -> Result<CacheFill> { return unavailable("no"); });
  CHECK(failed.all_joined);
  CHECK(failed.leader_answer == "error");
  CHECK(failed.answers == std::vector<std::string>(3, "own"));

  const auto other = ResultCache::create(1 << 20);
  const FlightRun nothing = fly(*other, 3, Lsn{5}, [] {
    return CacheFill{nullptr, 0, Lsn{5}, {}};
  });
  CHECK(nothing.all_joined);
  CHECK(nothing.answers == std::vector<std::string>(3, "own"));

  CHECK_THROWS_AS(
      other->get(key("t"), Lsn{5}, []() -> Result<CacheFill> { throw std::bad_alloc(); }),
      std::bad_alloc);
  CHECK(get(*other, key("t"), Lsn{5}, fill_of("next", Lsn{5})) == "next");
}

TEST_CASE("result_cache: a reader at an older view does not wait for a newer fill", "[engine]") {
  const auto cache = ResultCache::create(1 << 20);
  std::string inner;
  const auto outer = cache->get(key("k"), Lsn{9}, [&]() -> Result<CacheFill> {
    std::thread older([&] { inner = get(*cache, key("k"), Lsn{8}, fill_of("old", Lsn{8})); });
    older.join();  // would not end if it waited for us
    return fill_of("new", Lsn{9});
  });
  CHECK(text_of(*outer) == "new");
  CHECK(inner == "old");
  CHECK(text_of(cache->find(key("k"), Lsn{9})) == "new");
}

TEST_CASE("result_cache: fills may ask for other keys, and for their own, without waiting",
          "[engine]") {
  const auto cache = ResultCache::create(1 << 20);
  const auto answer = cache->get(key("a"), Lsn{1}, [&]() -> Result<CacheFill> {
    const std::string b = get(*cache, key("b"), Lsn{1}, fill_of("b", Lsn{1}));
    return fill_of(b + get(*cache, key("a"), Lsn{1}, fill_of("a", Lsn{1})), Lsn{1});
  });
  CHECK(text_of(*answer) == "ba");

  // Two fills that ask for each other's key, at once: neither waits, so both end.
  const auto crossed = ResultCache::create(1 << 20);
  std::atomic<int> inside{0};
  auto ask = [&](const char* mine, const char* others) {
    crossed
        ->get(key(mine), Lsn{1},
              [&]() -> Result<CacheFill> {
                ++inside;
                wait_until([&] { return inside.load() == 2; });
                return fill_of(get(*crossed, key(others), Lsn{1}, fill_of(others, Lsn{1})), Lsn{1});
              })
        .status()
        .ignore("that it returns is what counts");
  };
  std::thread x([&] { ask("x", "y"); });
  std::thread y([&] { ask("y", "x"); });
  x.join();
  y.join();
  CHECK(crossed->stats().joined == 0);
}

// ---- the property: a cached read equals an uncached read at the same view

namespace {

enum class Order { kC2, kPublishBeforeInvalidate };

/// A store of a few rows with all their versions, which commits in C2's order, or, as a negative
/// control, in an order that rule C2 forbids. A row's value is the LSN that wrote it, so that an
/// answer says exactly which state it shows.
class ModelStore {
 public:
  static constexpr std::uint64_t kRows = 24;

  ModelStore(ResultCache& cache, Order order) : cache_(cache), order_(order) {}

  Lsn view() const { return Lsn{published_.load(std::memory_order_acquire)}; }

  /// Commits a change of some rows. `between` runs where the two last steps meet.
  template <class Between>
  void write(const std::vector<std::uint64_t>& rows, Between between) {
    const std::lock_guard writer(writer_);
    const Lsn lsn = next(view());
    {
      const std::lock_guard lock(versions_mutex_);
      for (const std::uint64_t r : rows) versions_[r].push_back(lsn.value);
    }
    std::vector<CacheTag> tags;
    for (const std::uint64_t r : rows) tags.push_back(row(std::to_string(r)));
    if (order_ == Order::kC2) {
      cache_.invalidate(tags.data(), tags.size(), lsn);
      between();
      published_.store(lsn.value, std::memory_order_release);
    } else {
      published_.store(lsn.value, std::memory_order_release);
      between();
      cache_.invalidate(tags.data(), tags.size(), lsn);
    }
  }

  using Answer = std::vector<std::uint64_t>;

  /// What rows first, first + 1, ... first + count - 1 hold at `view`.
  Answer read(std::uint64_t first, std::uint64_t count, Lsn at) {
    Answer answer;
    const std::lock_guard lock(versions_mutex_);
    for (std::uint64_t r = first; r < first + count; ++r) {
      std::uint64_t value = 0;
      for (const std::uint64_t lsn : versions_[r]) value = lsn <= at.value ? lsn : value;
      answer.push_back(value);
    }
    return answer;
  }

  /// Whether a read through the cache shows what an uncached read at the same view shows.
  bool cached_read_is_right(SeededRandom& random, Lsn at) {
    const std::uint64_t count = 1 + random.below(3);
    const std::uint64_t first = random.below(kRows - count + 1);
    const std::string arguments = std::to_string(first) + '+' + std::to_string(count);
    const bool slow = random.below(4) == 0;
    const auto answer = cache_.get(key(arguments), at, [&]() -> Result<CacheFill> {
      auto read_now = std::make_shared<const Answer>(read(first, count, at));
      if (slow) std::this_thread::yield();
      std::vector<CacheTag> tags;
      for (std::uint64_t r = first; r < first + count; ++r) tags.push_back(row(std::to_string(r)));
      return CacheFill{std::move(read_now), 100 + random.below(2000), at, std::move(tags)};
    });
    return answer && *static_cast<const Answer*>(answer->get()) == read(first, count, at);
  }

 private:
  ResultCache& cache_;
  const Order order_;
  std::mutex writer_;
  std::atomic<std::uint64_t> published_{0};
  std::mutex versions_mutex_;
  std::map<std::uint64_t, std::vector<std::uint64_t>> versions_;
};

struct PropertyRun {
  std::uint64_t reads = 0;
  std::uint64_t wrong = 0;
  ResultCacheStats stats;
};

/// Writers and readers at once. Readers read at the newest view, or at one that they pin for a
/// while.
PropertyRun run_property(Order order, std::uint64_t seed, int reads_each) {
  // Small, so that answers are evicted and filled again all the time.
  const auto cache = ResultCache::create(96 << 10);
  ModelStore store(*cache, order);
  std::atomic<std::uint64_t> reads{0};
  std::atomic<std::uint64_t> wrong{0};
  std::atomic<int> readers_left{3};
  std::vector<std::thread> threads;
  for (std::uint64_t w = 0; w < 2; ++w) {
    threads.emplace_back([&, w] {
      SeededRandom random(seed * 100 + w);
      // The last step of a commit is where a reader in between would be served the wrong thing.
      auto read_in_between = [&] {
        for (int i = 0; i < 4; ++i) {
          ++reads;
          if (!store.cached_read_is_right(random, store.view())) ++wrong;
        }
      };
      for (int i = 0; readers_left > 0 || i < 200; ++i) {
        store.write({random.below(ModelStore::kRows), random.below(ModelStore::kRows)},
                    read_in_between);
        if (random.below(50) == 0) cache->clear(kTenant);
        for (std::uint64_t pause = random.below(20); pause > 0; --pause) std::this_thread::yield();
        // The versions are all kept, so that their number bounds the run, too.
        if (i > 4000) break;
      }
    });
  }
  for (std::uint64_t r = 0; r < 3; ++r) {
    threads.emplace_back([&, r] {
      SeededRandom random(seed * 100 + 50 + r);
      Lsn pinned = store.view();
      for (int i = 0; i < reads_each; ++i) {
        if (random.below(30) == 0) pinned = store.view();
        ++reads;
        if (!store.cached_read_is_right(random, random.below(2) == 0 ? pinned : store.view()))
          ++wrong;
      }
      --readers_left;
    });
  }
  for (std::thread& thread : threads) thread.join();
  return {reads, wrong, cache->stats()};
}

}  // namespace

TEST_CASE(
    "result_cache: a cached read is never staler than an uncached one, nor newer than its view",
    "[engine]") {
  const auto seed = GENERATE(1u, 2u, 3u, 4u);
  const PropertyRun run = run_property(Order::kC2, seed, 4000);
  CAPTURE(seed, run.reads, run.stats.hits, run.stats.stale, run.stats.discarded, run.stats.joined,
          run.stats.evicted);
  CHECK(run.wrong == 0);
  // The run was one in which something could have gone wrong.
  CHECK(run.stats.hits > 500);
  CHECK(run.stats.stale > 50);
}

TEST_CASE(
    "result_cache: the property's checker catches a commit that publishes before it invalidates",
    "[engine]") {
  CHECK(run_property(Order::kPublishBeforeInvalidate, 1, 2000).wrong > 0);
}

}  // namespace clinicdb::engine
