#include "scheduling/time_spans.h"

#include <catch2/catch.hpp>
#include <vector>

#include "clinicdb/base/random.h"

namespace clinicdb::clinic {
namespace {

TEST_CASE("time_spans: what touches or overlaps is joined, what is empty goes") {
  TimeSpans spans{{5, 7}, {1, 3}, {3, 4}, {9, 9}, {6, 10}};
  join_spans(spans);
  CHECK(spans == TimeSpans{{1, 4}, {5, 10}});
}

TEST_CASE("time_spans: subtracting and asking agree with a bit a point, for random sets") {
  SeededRandom random(7);
  constexpr int kPoints = 40;
  for (int round = 0; round < 2000; ++round) {
    const auto make = [&](std::vector<bool>& points) {
      TimeSpans spans;
      for (std::uint64_t i = random.below(6); i > 0; --i) {
        const auto from = static_cast<std::int64_t>(random.below(kPoints));
        const auto to =
            std::min<std::int64_t>(kPoints, from + static_cast<std::int64_t>(random.below(9)));
        spans.push_back({from, to});
        for (std::int64_t at = from; at < to; ++at) points[static_cast<std::size_t>(at)] = true;
      }
      join_spans(spans);
      return spans;
    };
    std::vector<bool> in_a(kPoints);
    std::vector<bool> in_b(kPoints);
    const TimeSpans a = make(in_a);
    const TimeSpans b = make(in_b);
    std::vector<bool> left(kPoints);
    for (const TimeSpan span : subtract_spans(a, b)) {
      REQUIRE(span.start_us < span.end_us);
      for (std::int64_t at = span.start_us; at < span.end_us; ++at)
        left[static_cast<std::size_t>(at)] = true;
    }
    for (std::size_t at = 0; at < kPoints; ++at) REQUIRE(left[at] == (in_a[at] && !in_b[at]));
    const auto from = static_cast<std::int64_t>(random.below(kPoints - 1));
    const auto to =
        from + 1 +
        static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(kPoints - from)));
    bool clear = true;
    for (std::int64_t at = from; at < std::min<std::int64_t>(to, kPoints); ++at)
      clear = clear && !in_b[static_cast<std::size_t>(at)];
    REQUIRE(is_clear(b, {from, to}) == clear);
  }
}

}  // namespace
}  // namespace clinicdb::clinic
