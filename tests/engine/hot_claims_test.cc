#include "table/hot_claims.h"

#include <catch2/catch.hpp>

#include "clinicdb/base/random.h"
#include "clinicdb/engine/key.h"
#include "memory_kv.h"
#include "store/layout.h"
#include "table/change.h"

namespace clinicdb::engine {

using testing::MemoryKvView;

namespace {

constexpr std::int64_t kWindowUs = std::int64_t{1} << 36;

/// Claims of a small world, kept by HotClaims and, beside it, in the overlay that it is told of.
class World {
 public:
  World() : prefix_(layout::index_prefix(TenantId{7}, TableId{0x1000}, 3, 0)), state_(base_) {
    def_.number = 3;
    def_.name = "room";
    def_.kind = IndexKind::kClaim;
    state_.push(&overlay_);
  }

  struct Interval {
    char resource = 'a';
    std::int64_t start = 0;
    std::int64_t end = 0;
  };

  IndexEntries::Entry entry(const Interval& at) const {
    return {Key().raw(std::string(16, at.resource)).time(Time{at.start}).str(), {}, Time{at.end}};
  }
  /// What HotClaims says, after the look-up has said the same.
  HotClaims::Answer check(const Interval& at, std::string_view record) {
    const IndexEntries::Entry claim = entry(at);
    const HotClaims::Answer answer =
        hot_.check(state_, overlay_, savepoint_, prefix_, claim, record);
    const Status looked_up = check_new_entry(state_, def_, prefix_, claim, record);
    CAPTURE(at.resource, at.start, at.end, record);
    if (answer != HotClaims::Answer::kUnknown)
      REQUIRE((answer == HotClaims::Answer::kFree) == looked_up.ok());
    fits_ = looked_up.ok();
    return answer;
  }
  bool fits() const { return fits_; }
  void put(const Interval& at, std::string_view record) {
    overlay_.put(entry_key(IndexKind::kClaim, prefix_, entry(at), record),
                 encode_entry_value(IndexKind::kClaim, record, Time{at.end}, "c"), false);
  }
  void remove(const Interval& at, std::string_view record) {
    overlay_.remove(entry_key(IndexKind::kClaim, prefix_, entry(at), record));
  }
  void begin() { savepoint_ = overlay_.savepoint(); }
  void accept() { hot_.note(overlay_, savepoint_); }
  void refuse() { overlay_.rollback(savepoint_); }
  HotClaims& hot() { return hot_; }

 private:
  std::string prefix_;
  IndexDef def_;
  MemoryKvView::Map map_;
  MemoryKvView base_{map_};
  Overlay overlay_;
  State state_;
  HotClaims hot_;
  std::size_t savepoint_ = 0;
  bool fits_ = false;
};

}  // namespace

TEST_CASE("hot_claims: it never says other than a look-up would", "[engine]") {
  const int seed = GENERATE(1, 2, 3, 4);
  CAPTURE(seed);
  SeededRandom random(static_cast<std::uint64_t>(seed));
  World world;
  std::map<std::string, World::Interval> model;  // by record
  std::size_t known = 0;
  for (int command = 0; command < 20'000; ++command) {
    world.begin();
    std::map<std::string, World::Interval> changed = model;
    bool refused = random.below(8) == 0;  // the command fails in the end
    for (std::uint64_t changes = 1 + random.below(3); changes > 0; --changes) {
      const std::string record = "record-" + std::to_string(random.below(60));
      const auto old = changed.find(record);
      if (old != changed.end() && random.below(3) == 0) {
        world.remove(old->second, record);
        changed.erase(old);
        continue;
      }
      // Some 40 places in each of five windows, lengths that now and then reach into the next.
      const std::int64_t step = kWindowUs / 40;
      World::Interval at{static_cast<char>('a' + random.below(3)),
                         static_cast<std::int64_t>(random.below(5 * 40)) * step - 2 * kWindowUs, 0};
      at.end = at.start + step * (random.below(10) == 0 ? 45 : 1 + random.below(3)) -
               static_cast<std::int64_t>(random.below(2));
      if (world.check(at, record) != HotClaims::Answer::kUnknown) ++known;
      if (!world.fits()) {
        refused = true;
        break;
      }
      if (old != changed.end()) world.remove(old->second, record);
      world.put(at, record);
      changed[record] = at;
    }
    if (refused) {
      world.refuse();
      continue;
    }
    world.accept();
    model = std::move(changed);
    if (random.below(2000) == 0) world.hot().forget();
  }
  CHECK(known > 5'000);
}

TEST_CASE("hot_claims: what a refused command would have changed is not believed", "[engine]") {
  World world;
  const World::Interval nine{'a', 9, 10};
  const auto ask = [&](const World::Interval& at) {
    world.begin();
    return world.check(at, "other");
  };
  CHECK(ask(nine) == HotClaims::Answer::kUnknown);  // once is not worth a window
  CHECK(ask(nine) == HotClaims::Answer::kFree);

  world.begin();
  world.put(nine, "one");
  CHECK(world.check({'a', 20, 30}, "one") == HotClaims::Answer::kUnknown);
  world.refuse();
  CHECK(ask(nine) == HotClaims::Answer::kFree);

  world.begin();
  world.put(nine, "one");
  world.accept();
  CHECK(ask(nine) == HotClaims::Answer::kTaken);
  CHECK(ask({'a', 10, 11}) == HotClaims::Answer::kFree);
  world.hot().forget();
  CHECK(ask(nine) == HotClaims::Answer::kTaken);  // it was asked for before: read again
}

TEST_CASE("hot_claims: a claim that begins long before its window is met, and its going too",
          "[engine]") {
  World world;
  const World::Interval morning{'a', 5 * kWindowUs + 100, 5 * kWindowUs + 200};
  world.begin();
  world.put({'a', 0, 5 * kWindowUs + 150}, "long");
  world.accept();
  world.begin();
  CHECK(world.check(morning, "new") == HotClaims::Answer::kUnknown);
  CHECK(world.check(morning, "new") == HotClaims::Answer::kTaken);
  world.remove({'a', 0, 5 * kWindowUs + 150}, "long");
  world.put({'a', -10, 5 * kWindowUs + 120}, "longer");
  world.accept();
  world.begin();
  // What stood at the window's edge is gone: what lies before it is not known here.
  CHECK(world.check(morning, "new") == HotClaims::Answer::kUnknown);
  CHECK_FALSE(world.fits());
}

TEST_CASE("hot_claims: at the end of time it does not guess", "[engine]") {
  World world;
  const World::Interval last{'a', INT64_MAX - 100, INT64_MAX - 50};
  world.begin();
  world.put(last, "one");
  world.accept();
  for (int i = 0; i < 3; ++i) {
    world.begin();
    CHECK(world.check(last, "other") == HotClaims::Answer::kUnknown);
    CHECK_FALSE(world.fits());
  }
}

TEST_CASE("hot_claims: it holds no more than it may", "[engine]") {
  World world;
  // More claims in one window than are kept of it.
  for (std::int64_t i = 0; i < 300; ++i) {
    const std::string record = "record-" + std::to_string(i);
    world.begin();
    world.check({'a', i * 10, i * 10 + 10}, record);
    REQUIRE(world.fits());
    world.put({'a', i * 10, i * 10 + 10}, record);
    world.accept();
  }
  world.begin();
  CHECK(world.check({'a', 2995, 2999}, "late") == HotClaims::Answer::kUnknown);
  CHECK_FALSE(world.fits());
}

}  // namespace clinicdb::engine
