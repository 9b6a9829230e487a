// What a hit costs, and what a miss costs beside its fill.
//
//   build/release/tests/engine/engine_bench --benchmark_filter=cache --benchmark_repetitions=5
#include "clinicdb/engine/result_cache.h"

#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "clinicdb/base/random.h"

namespace clinicdb::engine {

namespace {

constexpr TableId kTable{0x1001};

/// Arguments as a get by id has them: a UUID's 16 bytes.
std::vector<std::string> make_arguments(std::size_t count) {
  SeededRandom random(1);
  std::vector<std::string> arguments(count);
  for (std::string& bytes : arguments) {
    for (int i = 0; i < 16; ++i) bytes.push_back(static_cast<char>(random.next()));
  }
  return arguments;
}

CacheKey key(std::uint64_t i, const std::vector<std::string>& arguments) {
  return {TenantId{1 + i % 50}, 3, 1, arguments[i]};
}

Result<CacheFill> fill(const CacheKey& key) {
  return CacheFill{std::make_shared<const std::string>(400, 'x'),
                   500,
                   Lsn{1},
                   {cache_tag_record(key.tenant, kTable, key.arguments)}};
}

std::unique_ptr<ResultCache> shared_cache;

/// `state.range(0)` answers, all kept; reads go over them at random.
void cache_hit(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  const std::vector<std::string> arguments = make_arguments(count);
  if (state.thread_index() == 0) {
    shared_cache = ResultCache::create(std::size_t{256} << 20);
    for (std::uint64_t i = 0; i < count; ++i) {
      const CacheKey k = key(i, arguments);
      shared_cache->get(k, Lsn{1}, [&] { return fill(k); }).status().ignore("cannot fail");
    }
  }
  // The order is drawn beforehand: the generator is no part of a hit.
  SeededRandom random(static_cast<std::uint64_t>(state.thread_index()) + 2);
  std::vector<std::uint32_t> order(1 << 16);
  for (std::uint32_t& i : order) i = static_cast<std::uint32_t>(random.below(count));
  std::size_t at = 0;
  std::size_t found = 0;
  for (auto _ : state) {
    const std::uint64_t i = order[at++ & (order.size() - 1)];
    found += shared_cache->find(key(i, arguments), Lsn{2}) != nullptr;
  }
  if (found != static_cast<std::size_t>(state.iterations()))
    state.SkipWithError("a hit was expected");
  state.SetItemsProcessed(state.iterations());
  if (state.thread_index() == 0) shared_cache.reset();
}
BENCHMARK(cache_hit)->Arg(1000)->Arg(100'000);
BENCHMARK(cache_hit)->Arg(1000)->Threads(2)->UseRealTime();

/// A miss with its fill, in a full cache: something goes for everything that comes.
void cache_miss(benchmark::State& state) {
  const std::vector<std::string> arguments = make_arguments(1 << 16);
  const auto cache = ResultCache::create(std::size_t{8} << 20);
  std::uint64_t i = 0;
  for (auto _ : state) {
    const CacheKey k = key(i++ & (arguments.size() - 1), arguments);
    benchmark::DoNotOptimize(cache->get(k, Lsn{1}, [&] { return fill(k); }));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(cache_miss);

/// What a commit pays for each tag it marks, making the tag included.
void cache_tag_and_mark(benchmark::State& state) {
  const std::vector<std::string> arguments = make_arguments(1 << 12);
  const auto cache = ResultCache::create(std::size_t{64} << 20);
  std::uint64_t i = 0;
  for (auto _ : state) {
    ++i;
    const CacheTag tag =
        cache_tag_record(TenantId{1}, kTable, arguments[i & (arguments.size() - 1)]);
    cache->invalidate(&tag, 1, Lsn{i});
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(cache_tag_and_mark);

}  // namespace

}  // namespace clinicdb::engine
