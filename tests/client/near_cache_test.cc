#include "near_cache.h"

#include <catch2/catch.hpp>
#include <string>

#include "clinicdb/clinic/schema/patient.pb.h"

namespace clinicdb::client {

namespace {

constexpr std::int64_t kMs = 1'000'000;
constexpr std::int64_t kStaleness = 100 * kMs;

std::shared_ptr<Source> source_at(std::int64_t heard_ns, std::shared_ptr<Marks> marks = nullptr) {
  auto source = std::make_shared<Source>();
  source->marks = marks ? std::move(marks) : std::make_shared<Marks>();
  source->heard_all_until_ns = heard_ns;
  return source;
}

Answer patient() { return std::make_shared<const clinic::GetPatientResponse>(); }

wire::Push::Invalidation news(std::uint64_t lsn, std::initializer_list<std::uint64_t> tags) {
  wire::Push::Invalidation invalidation;
  invalidation.set_lsn(lsn);
  for (const std::uint64_t tag : tags) invalidation.add_tags(tag);
  return invalidation;
}

}  // namespace

TEST_CASE("near_cache: an answer is kept by method and request, and shared", "[client]") {
  NearCache cache(1 << 20, kStaleness);
  const auto source = source_at(kMs);
  const Answer answer = patient();
  cache.keep(98, "ana", answer, 100, source, 5, {1});
  CHECK(cache.find(98, "ana", kMs).value() == answer);
  CHECK_FALSE(cache.find(98, "bia", kMs).has_value());
  CHECK_FALSE(cache.find(99, "ana", kMs).has_value());
  cache.keep(98, "nobody", nullptr, 0, source, 5, {2});
  CHECK(cache.find(98, "nobody", kMs).value() == nullptr);
  CHECK(cache.stats().hits == 2);
  CHECK(cache.stats().misses == 2);
}

TEST_CASE("near_cache: K3: it is used only within the bound since the last heartbeat's sending",
          "[client]") {
  NearCache cache(1 << 20, kStaleness);
  const auto source = source_at(0);
  cache.keep(98, "ana", patient(), 100, source, 5, {1});
  CHECK_FALSE(cache.find(98, "ana", kMs).has_value());  // no heartbeat yet
  source->heard_all_until_ns = 10 * kMs;
  CHECK(cache.find(98, "ana", 110 * kMs).has_value());
  CHECK_FALSE(cache.find(98, "ana", 111 * kMs).has_value());
  source->heard_all_until_ns = 60 * kMs;
  CHECK(cache.find(98, "ana", 111 * kMs).has_value());
}

TEST_CASE("near_cache: K3: news of a tag ends what was read before", "[client]") {
  NearCache cache(1 << 20, kStaleness);
  const auto marks = std::make_shared<Marks>();
  const auto source = source_at(kMs, marks);
  cache.keep(98, "ana", patient(), 100, source, 5, {1, 2});
  marks->take(news(6, {3}));
  CHECK(cache.find(98, "ana", kMs).has_value());
  marks->take(news(5, {2}));  // what it was read with
  CHECK(cache.find(98, "ana", kMs).has_value());
  marks->take(news(6, {2}));
  CHECK_FALSE(cache.find(98, "ana", kMs).has_value());
  CHECK(cache.stats().stale == 1);
  CHECK(cache.stats().entries == 0);
}

TEST_CASE("near_cache: K3: a fill that news have overtaken is discarded, whichever way they came",
          "[client]") {
  NearCache cache(1 << 20, kStaleness);
  const auto marks = std::make_shared<Marks>();
  const auto first = source_at(kMs, marks);
  const auto second = source_at(kMs, marks);
  marks->take(news(7, {1}));
  cache.keep(98, "ana", patient(), 100, second, 6, {1});
  CHECK_FALSE(cache.find(98, "ana", kMs).has_value());
  cache.keep(98, "ana", patient(), 100, first, 7, {1});
  CHECK(cache.find(98, "ana", kMs).has_value());
}

TEST_CASE("near_cache: the server may say that all that came on a connection is stale",
          "[client]") {
  NearCache cache(1 << 20, kStaleness);
  const auto source = source_at(kMs);
  const auto other = source_at(kMs);
  cache.keep(98, "ana", patient(), 100, source, 5, {1});
  cache.keep(98, "bia", patient(), 100, other, 5, {1});
  wire::Push::Invalidation all;
  all.set_all(true);
  source->take(all);
  CHECK_FALSE(cache.find(98, "ana", kMs).has_value());
  CHECK(cache.find(98, "bia", kMs).has_value());
  cache.keep(98, "ana", patient(), 100, source, 5, {1});
  CHECK(cache.find(98, "ana", kMs).has_value());
}

TEST_CASE("near_cache: what came on a connection ends with it", "[client]") {
  NearCache cache(1 << 20, kStaleness);
  const auto source = source_at(kMs);
  cache.keep(98, "ana", patient(), 100, source, 5, {1});
  source->ended = true;
  CHECK_FALSE(cache.find(98, "ana", kMs).has_value());
  cache.keep(98, "ana", patient(), 100, source, 5, {1});
  CHECK(cache.stats().entries == 0);
}

TEST_CASE("near_cache: it stays within its bytes, and what is used stays longest", "[client]") {
  constexpr std::size_t kBytes = 1 << 20;
  NearCache cache(kBytes, kStaleness);
  const auto source = source_at(kMs);
  cache.keep(98, "used", patient(), 1000, source, 5, {1});
  for (int i = 0; i < 10'000; ++i) {
    cache.keep(98, std::to_string(i), patient(), 1000, source, 5, {1});
    CHECK(cache.find(98, "used", kMs).has_value());
  }
  const NearCacheStats stats = cache.stats();
  CHECK(stats.bytes <= kBytes);
  CHECK(stats.entries < 900);
  CHECK(stats.evicted > 9000);
  cache.keep(98, "huge", patient(), kBytes, source, 5, {1});
  CHECK_FALSE(cache.find(98, "huge", kMs).has_value());
}

}  // namespace clinicdb::client
