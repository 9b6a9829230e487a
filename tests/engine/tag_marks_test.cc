#include "cache/tag_marks.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <vector>

#include "clinicdb/base/random.h"

namespace clinicdb::engine {

namespace {

CacheTag random_tag(SeededRandom& random, std::uint64_t tags) {
  const std::uint64_t row = random.below(tags);
  return cache_tag_record(TenantId{1}, TableId{1},
                          {reinterpret_cast<const char*>(&row), sizeof row});
}

}  // namespace

TEST_CASE("tag_marks: a touched tag is never missed, however many share a slot (K2)", "[engine]") {
  // A model of kept answers, one tag each, beside the truth about each tag.
  struct Kept {
    CacheTag tag;
    Lsn lsn;
  };
  const auto slots = GENERATE(as<std::size_t>(), 1, 4, 64);
  SeededRandom random(slots);
  TagMarks marks(slots);
  std::map<CacheTag, Lsn> truth;
  std::vector<Kept> kept;
  Lsn published;
  int stale = 0;
  int fresh = 0;
  for (int i = 0; i < 20000; ++i) {
    const CacheTag tag = random_tag(random, 200);
    if (random.below(3) == 0) {
      published = next(published);
      marks.touch(tag, published);
      truth[tag] = published;
    } else {
      // A fill was read a while ago; the commits since then may have touched its tag.
      const Lsn read{published.value -
                     random.below(std::min<std::uint64_t>(published.value, 3) + 1)};
      marks.watch(tag);
      if (!marks.untouched_since(tag, read)) continue;
      if (truth[tag] > read) FAIL("a late fill was taken");
      kept.push_back({tag, read});
    }
    for (std::size_t j = 0; j < kept.size();) {
      const bool valid = marks.unmarked_since(marks.slot(kept[j].tag), kept[j].lsn);
      if (valid && truth[kept[j].tag] > kept[j].lsn) FAIL("a touched tag was missed");
      ++(valid ? fresh : stale);
      if (valid && kept.size() < 100) {
        ++j;
      } else {
        kept[j] = kept.back();
        kept.pop_back();
      }
    }
  }
  CHECK(stale > 100);
  CHECK(fresh > 100);
}

TEST_CASE("tag_marks: what nobody watches does not drop what is kept", "[engine]") {
  // An import beside a thousand kept answers: a million tags are touched.
  SeededRandom random(1);
  TagMarks marks(std::size_t{1} << 16);
  std::vector<CacheTag> kept;
  for (int i = 0; i < 1000; ++i) {
    kept.push_back({random.next()});
    marks.watch(kept.back());
    REQUIRE(marks.untouched_since(kept.back(), Lsn{1}));
  }
  for (std::uint64_t i = 0; i < 1'000'000; ++i) marks.touch({random.next()}, Lsn{2 + i});
  int dropped = 0;
  for (const CacheTag tag : kept) dropped += !marks.unmarked_since(marks.slot(tag), Lsn{1});
  CHECK(dropped < 50);
}

}  // namespace clinicdb::engine
