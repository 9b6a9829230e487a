#include "txn/state.h"

#include <catch2/catch.hpp>

#include "clinicdb/base/random.h"
#include "memory_kv.h"

namespace clinicdb::engine {

using testing::MemoryKvView;

namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

Pairs scan_all(const State& state, std::string_view lower, std::string_view upper, bool reverse,
               std::size_t limit) {
  Pairs pairs;
  const Status status =
      state.scan(lower, upper, reverse, [&](std::string_view key, std::string_view value) {
        pairs.emplace_back(key, value);
        return pairs.size() < limit;
      });
  REQUIRE(status.ok());
  return pairs;
}

Pairs model_scan(const MemoryKvView::Map& model, const std::string& lower, const std::string& upper,
                 bool reverse, std::size_t limit) {
  Pairs pairs;
  for (const auto& [key, value] : model) {
    if (key >= lower && (upper.empty() || key < upper)) pairs.emplace_back(key, value);
  }
  if (reverse) std::reverse(pairs.begin(), pairs.end());
  if (pairs.size() > limit) pairs.resize(limit);
  return pairs;
}

std::string random_key(Random& random) {
  // Few letters and lengths, so that layers meet on keys and on bounds.
  std::string key(1 + random.below(3), 'a');
  for (char& c : key) c = static_cast<char>('a' + random.below(4));
  return key;
}

void change_at_random(Overlay& overlay, MemoryKvView::Map& model, Random& random) {
  const std::string key = random_key(random);
  if (random.below(3) == 0) {
    overlay.remove(key);
    model.erase(key);
  } else {
    const std::string value = std::to_string(random.below(1000));
    overlay.put(key, value, false);
    model[key] = value;
  }
}

}  // namespace

TEST_CASE("state: C7: overlays over a store read as one map, within the bounds", "[engine]") {
  // Random layers of changes over a random base; every scan, in either direction, with and without
  // limits, must be what one map with the same changes gives.
  SeededRandom random(GENERATE(range(1, 40)));
  MemoryKvView::Map base;
  for (int i = 0; i < 20; ++i) base[random_key(random)] = "base";
  MemoryKvView::Map model = base;
  const MemoryKvView view(base);
  Overlay layers[State::kOverlaysMax];
  State state(view);
  const auto count = random.below(State::kOverlaysMax + 1);
  for (std::size_t i = 0; i < count; ++i) {
    for (int j = 0; j < 12; ++j) change_at_random(layers[i], model, random);
    state.push(&layers[i]);
  }
  for (int i = 0; i < 60; ++i) {
    const std::string lower = random.below(4) == 0 ? "" : random_key(random);
    const std::string upper = random.below(4) == 0 ? "" : random_key(random);
    const std::size_t limit = random.below(3) == 0 ? 1 + random.below(4) : SIZE_MAX;
    const bool reverse = random.below(2) == 0;
    if (!upper.empty() && upper <= lower) {
      CHECK(scan_all(state, lower, upper, reverse, limit).empty());
      continue;
    }
    CHECK(scan_all(state, lower, upper, reverse, limit) ==
          model_scan(model, lower, upper, reverse, limit));
    const std::string key = random_key(random);
    std::string found = "none";
    REQUIRE(state
                .get(key,
                     [&](std::string_view value) {
                       found = value;
                       return Status();
                     })
                .ok());
    CHECK(found == (model.contains(key) ? model[key] : "none"));
  }
}

TEST_CASE("state: C7: neighbours planted on both sides never come back", "[engine]") {
  // What RocksDB's own indexed batch got wrong: another tenant's uncommitted key came back from a
  // bounded iterator.
  MemoryKvView::Map base{{"t1|b", "mine"}, {"t0|z", "before"}, {"t2|a", "behind"}};
  const MemoryKvView view(base);
  Overlay overlay;
  overlay.put("t0|zz", "uncommitted before", false);
  overlay.put("t2|0", "uncommitted behind", false);
  overlay.put("t1|c", "mine too", false);
  State state(view);
  state.push(&overlay);
  for (const bool reverse : {false, true}) {
    const Pairs pairs = scan_all(state, "t1|", "t1}", reverse, SIZE_MAX);
    REQUIRE(pairs.size() == 2);
    CHECK(pairs[reverse ? 1 : 0] == std::pair<std::string, std::string>("t1|b", "mine"));
    CHECK(pairs[reverse ? 0 : 1] == std::pair<std::string, std::string>("t1|c", "mine too"));
  }
}

TEST_CASE("overlay: rolling back to a savepoint leaves what was there before", "[engine]") {
  SeededRandom random(GENERATE(range(1, 20)));
  Overlay overlay;
  MemoryKvView::Map ignored;
  for (int i = 0; i < 10; ++i) change_at_random(overlay, ignored, random);
  std::map<std::string, std::pair<std::string, bool>> before;
  const auto content = [&] {
    std::map<std::string, std::pair<std::string, bool>> all;
    for (const auto& [key, value] : overlay.entries()) {
      all[std::string(key)] = {std::string(value.bytes), value.deleted};
    }
    return all;
  };
  before = content();
  const std::size_t savepoint = overlay.savepoint();
  for (int i = 0; i < 10; ++i) change_at_random(overlay, ignored, random);
  overlay.rollback(savepoint);
  CHECK(content() == before);
  CHECK(overlay.savepoint() == savepoint);
}

TEST_CASE("read set: a key or a range is touched by a change in it, a page only as far as it went",
          "[engine]") {
  MemoryKvView::Map base{{"a", "1"}, {"b", "2"}, {"c", "3"}, {"d", "4"}};
  const MemoryKvView view(base);
  const auto touched = [](const ReadSet& reads, std::string_view key) {
    Overlay changes;
    changes.put(key, "x", false);
    return reads.touched_by(changes);
  };
  for (const bool reverse : {false, true}) {
    ReadSet reads;
    const State state(view, &reads);
    CHECK(scan_all(state, "a", "e", reverse, 2).size() == 2);
    CHECK(touched(reads, "b") == !reverse);
    CHECK(touched(reads, "aa") == !reverse);
    CHECK(touched(reads, "c") == reverse);
    CHECK(touched(reads, "dz") == reverse);
    CHECK_FALSE(touched(reads, "bb"));
    CHECK_FALSE(touched(reads, "e"));
    REQUIRE(state.get("zz", [](std::string_view) { return Status(); }).ok());
    CHECK(touched(reads, "zz"));
  }
  ReadSet whole;
  CHECK(scan_all(State(view, &whole), "a", "", false, SIZE_MAX).size() == 4);
  CHECK(touched(whole, "zzz"));
}

}  // namespace clinicdb::engine
