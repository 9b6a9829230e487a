// Turns between tenants, without a socket or a thread: time goes by as the test says.
#include "limits/fair_turns.h"

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <map>
#include <set>
#include <vector>

#include "clinicdb/base/random.h"

namespace clinicdb::server {
namespace {

constexpr std::int64_t kMs = 1'000'000;
constexpr std::int64_t kStart = 1'000'000 * kMs;

/// FairTurns knows connections by where they are, and asks nothing of them.
class Places {
 public:
  Connection& operator[](std::size_t number) {
    return reinterpret_cast<Connection&>(places_.at(number));
  }
  std::size_t number(const Connection* connection) const {
    return static_cast<std::size_t>(reinterpret_cast<const char*>(connection) - places_.data());
  }

 private:
  std::array<char, 256> places_{};
};

struct Thread {
  explicit Thread(ActiveTenants& shared) : turns(shared) {}
  FairTurns::Account& account(std::uint64_t tenant) {
    std::shared_ptr<Load>& load = loads[tenant];
    if (load == nullptr) load = std::make_shared<Load>(0, 0);
    return turns.account(TenantId{tenant}, load);
  }
  /// A call of the tenant's that takes so long.
  void call(std::uint64_t tenant, std::int64_t now_ns, std::int64_t took_ns) {
    turns.begin(now_ns);
    turns.active(account(tenant), now_ns);
    turns.worked(account(tenant), now_ns + took_ns);
  }

  FairTurns turns;
  std::map<std::uint64_t, std::shared_ptr<Load>> loads;
  Places places;
};

TEST_CASE("last two: whether another tenant worked, and when, as a list of all says", "[server]") {
  SeededRandom random(3);
  LastTwo parts[2];
  LastTwo whole;
  std::map<std::uint64_t, std::int64_t> all;
  for (std::int64_t now = 0; now < 5000; ++now) {
    const std::uint64_t tenant = random.below(5);
    // Time of another thread's may lie behind.
    const std::int64_t at = now - static_cast<std::int64_t>(random.below(3));
    if (random.below(10) == 0) {
      whole.saw(parts[random.below(2)]);
    } else {
      LastTwo& part = parts[random.below(2)];
      part.saw(TenantId{tenant}, at);
      whole.saw(part);
      all[tenant] = std::max(all.emplace(tenant, at).first->second, at);
    }
    for (std::uint64_t asked = 0; asked < 6; ++asked) {
      std::int64_t latest = LastTwo::kNever;
      for (const auto& [other, seen] : all) {
        if (other != asked) latest = std::max(latest, seen);
      }
      REQUIRE(whole.other_than(TenantId{asked}) == latest);
    }
  }
}

TEST_CASE("fair turns: alone a tenant has the whole thread (T1)", "[server]") {
  ActiveTenants shared(10);
  Thread thread(shared);
  FairTurns::Account& flood = thread.account(1);
  std::int64_t now = kStart;
  std::int64_t worked = 0;
  int looks = 0;
  while (now < kStart + 100 * kMs) {
    FairTurns::Turn turn = thread.turns.ask(flood, now);
    if (!turn.now) {
      // Only to look at the sockets, and then it goes on.
      ++looks;
      thread.turns.wait(flood, thread.places[0], now, true);
      REQUIRE(thread.turns.next_ns(now) == now);
      thread.turns.looked();
      const FairTurns::Next next = thread.turns.next(now);
      REQUIRE(next.connection == &thread.places[0]);
      turn.until_ns = next.until_ns;
    }
    REQUIRE(turn.until_ns == FairTurns::kNoEnd);
    thread.turns.active(flood, now);
    now += 200'000;
    worked += 200'000;
    thread.turns.worked(flood, now);
  }
  CHECK(worked >= 100 * kMs);
  CHECK(looks >= 80);
  CHECK(looks <= 100);
  CHECK(thread.loads[1]->turns_held == 0);
  CHECK(thread.loads[1]->worked_ns >= 99 * kMs);
}

TEST_CASE("fair turns: who else worked lately is known from every thread", "[server]") {
  ActiveTenants shared(50);
  Thread one(shared);
  Thread two(shared);
  const bool same_thread = GENERATE(true, false);
  Thread& others = same_thread ? one : two;
  others.call(2, kStart, 10'000);
  others.turns.ask(others.account(2), kStart + 2 * kMs);  // exchanges
  const auto is_alone = [&](std::int64_t at_ns) {
    one.turns.looked();
    const FairTurns::Turn turn = one.turns.ask(one.account(1), at_ns);
    REQUIRE(turn.now);
    return turn.until_ns == FairTurns::kNoEnd;
  };
  CHECK_FALSE(is_alone(kStart + 4 * kMs));
  CHECK_FALSE(is_alone(kStart + FairTurns::kOthersNs - 1));
  CHECK(is_alone(kStart + FairTurns::kOthersNs));
  // Its own calls do not make it less alone.
  one.call(1, kStart + FairTurns::kOthersNs, 1000);
  CHECK(is_alone(kStart + FairTurns::kOthersNs + 2 * kMs));
}

TEST_CASE("fair turns: tenants are taken in turn, whatever waits of each (T2)", "[server]") {
  ActiveTenants shared(100);
  Thread thread(shared);
  const std::uint64_t waiting[] = {1, 1, 1, 1, 2, 2, 3};
  for (std::uint64_t tenant : {1, 2, 3}) thread.call(tenant, kStart, 100);
  for (std::size_t i = 0; i < std::size(waiting); ++i)
    thread.turns.wait(thread.account(waiting[i]), thread.places[i], kStart, i % 2 == 0);
  // Who comes later does not overtake, and one that is gone is skipped.
  CHECK_FALSE(thread.turns.ask(thread.account(3), kStart).now);
  thread.turns.forget(thread.account(1), thread.places[1]);
  std::vector<std::size_t> order;
  while (true) {
    const FairTurns::Next next = thread.turns.next(kStart + 1000);
    if (next.connection == nullptr) break;
    CHECK(next.until_ns == kStart + 1000 + FairTurns::kTurnNs);
    order.push_back(thread.places.number(next.connection));
  }
  CHECK(order == std::vector<std::size_t>{0, 4, 6, 2, 5, 3});
  CHECK(thread.turns.next_ns(kStart) == std::nullopt);
}

/// A tenant that always has work beside one that makes a short call now and then.
std::int64_t flood_for(Thread& thread, std::int64_t from_ns, std::int64_t until_ns,
                       bool neighbour_calls) {
  FairTurns::Account& flood = thread.account(1);
  std::int64_t now = from_ns;
  std::int64_t worked = 0;
  std::int64_t last_call = 0;
  thread.turns.wait(flood, thread.places[0], now, true);
  while (now < until_ns) {
    if (neighbour_calls && now - last_call > 5 * kMs) {
      thread.call(2, now, 20'000);
      now += 20'000;
      last_call = now;
    }
    thread.turns.looked();
    const FairTurns::Next next = thread.turns.next(now);
    if (next.connection == nullptr) {
      const auto at = thread.turns.next_ns(now);
      REQUIRE(at.has_value());  // T5
      REQUIRE(*at > now);
      now = std::min(*at, now + 5 * kMs);
      continue;
    }
    thread.turns.active(flood, now);
    const std::int64_t took = std::min<std::int64_t>(next.until_ns - now, 60'000);
    now += took;
    worked += took;
    thread.turns.worked(flood, now);
    thread.turns.wait(flood, thread.places[0], now, true);
  }
  thread.turns.forget(flood, thread.places[0]);
  return worked;
}

TEST_CASE("fair turns: beside others a tenant has its share, alone all of it (T1, T3)",
          "[server]") {
  const std::uint64_t percent = GENERATE(1, 5, 25, 50, 75, 100);
  CAPTURE(percent);
  ActiveTenants shared(percent);
  Thread thread(shared);
  constexpr std::int64_t kSpan = 2000 * kMs;
  const std::int64_t share = kSpan * static_cast<std::int64_t>(percent) / 100;
  thread.call(2, kStart - kMs, 1000);
  const std::int64_t beside = flood_for(thread, kStart, kStart + kSpan, true);
  CHECK(beside <= share + FairTurns::kBurstNs + FairTurns::kTurnNs);
  CHECK(beside >= share * 8 / 10);
  CHECK((thread.loads[1]->turns_held > 0) == (percent < 100));
  CHECK((thread.loads[1]->held_ns > 0) == (percent < 100));
  CHECK(thread.loads[2]->turns_held == 0);
  // From kOthersNs after the last call of the other on.
  const std::int64_t later = kStart + kSpan + FairTurns::kOthersNs;
  CHECK(flood_for(thread, later, later + kSpan, false) >= kSpan * 99 / 100);
  // And what was worked alone is not held against it.
  thread.call(2, later + kSpan, 1000);
  thread.turns.looked();
  CHECK(thread.turns.ask(thread.account(1), later + kSpan).now);
}

TEST_CASE("fair turns: who calls much but leaves nothing waiting does not flood (T3)", "[server]") {
  ActiveTenants shared(5);
  Thread thread(shared);
  FairTurns::Account& busy = thread.account(1);
  thread.call(2, kStart, 1000);
  // Some half of the time, in short calls, one at a time.
  int held = 0;
  std::int64_t now = kStart;
  for (; now < kStart + 1000 * kMs; now += 40'000) {
    thread.turns.active(thread.account(2), now);
    thread.turns.looked();
    const FairTurns::Turn turn = thread.turns.ask(busy, now);
    held += turn.now ? 0 : 1;
    thread.turns.worked(busy, now + 20'000);
  }
  CHECK(held == 0);
  // With one that needs more than its turn it does, at once.
  thread.turns.begin(now);
  thread.turns.worked(busy, now + 5 * kMs);
  thread.turns.wait(busy, thread.places[0], now + 5 * kMs, true);
  CHECK(thread.turns.next(now + 10 * kMs).connection == nullptr);
  thread.turns.forget(busy, thread.places[0]);
  // And so does one with many connections that have something, each little.
  now += FairTurns::kOthersNs + 20 * kMs;
  thread.call(2, now, 1000);
  thread.call(1, now, 5 * kMs);
  for (std::size_t i = 0; i <= FairTurns::kWaitingMax; ++i)
    thread.turns.wait(busy, thread.places[i], now + 5 * kMs, false);
  CHECK(thread.turns.next(now + 10 * kMs).connection == nullptr);
}

TEST_CASE("fair turns: a new share counts at once, and 0 means that nobody waits", "[server]") {
  ActiveTenants shared(1);
  Thread thread(shared);
  thread.call(2, kStart, 1000);
  thread.call(1, kStart, 5 * kMs);
  thread.turns.wait(thread.account(1), thread.places[0], kStart + 5 * kMs, true);
  CHECK(thread.turns.next(kStart + 6 * kMs).connection == nullptr);
  shared.set_percent(0);
  const FairTurns::Turn turn = thread.turns.ask(thread.account(1), kStart + 8 * kMs);
  CHECK(turn.now);
  CHECK(turn.until_ns == FairTurns::kNoEnd);
}

TEST_CASE("fair turns: what others worked for a tenant is its debt, within bounds", "[server]") {
  ActiveTenants shared(50);
  Thread thread(shared);
  FairTurns::Account& flood = thread.account(1);
  thread.call(2, kStart, 1000);
  thread.turns.begin(kStart);
  thread.turns.charge(flood, 5000 * kMs);
  thread.turns.wait(flood, thread.places[0], kStart, true);
  CHECK(thread.turns.next(kStart + kMs).connection == nullptr);
  // The front desk does not wait for long because the office makes a report.
  const std::int64_t at = kStart + FairTurns::kHeldNsMax + 1;
  CHECK(thread.turns.next_ns(kStart + kMs).value_or(at + kMs) <= at);
  CHECK(thread.turns.next(at).connection == &thread.places[0]);
  CHECK(thread.loads[1]->turns_held == 1);
}

TEST_CASE("fair turns: beside others a tenant has few commits under way (T4)", "[server]") {
  ActiveTenants shared(100);
  Thread thread(shared);
  FairTurns::Account& flood = thread.account(1);
  thread.call(2, kStart, 1000);
  for (std::size_t i = 0; i < FairTurns::kWritesMax; ++i) {
    REQUIRE(thread.turns.may_write(flood));
    thread.turns.write_began(flood);
  }
  CHECK_FALSE(thread.turns.may_write(flood));
  CHECK_FALSE(thread.turns.ask(flood, kStart).now);
  CHECK(thread.turns.ask(thread.account(2), kStart).now);
  thread.turns.wait(flood, thread.places[0], kStart, true);
  CHECK(thread.turns.next(kStart).connection == nullptr);
  CHECK(thread.turns.write_ended(flood, 1000));
  CHECK(thread.turns.next_ns(kStart) == kStart);
  CHECK(thread.turns.next(kStart).connection == &thread.places[0]);
  // Alone it may have any number.
  thread.turns.write_began(flood);
  CHECK(thread.turns.ask(flood, kStart + FairTurns::kOthersNs).now);
}

/// Any tenants with any connections that come, work and go: what holds for all of them.
class Crowd {
 public:
  /// `percent` 100: nobody is held.
  Crowd(std::uint64_t seed, std::uint64_t percent)
      : random_(seed), held_(percent < 100), shared_(percent) {}

  void run() {
    for (int step = 0; step < 20'000; ++step) {
      now_ += static_cast<std::int64_t>(random_.below(random_.below(50) == 0 ? 5 * kMs : 20'000));
      come();
      if (random_.below(20) == 0) leave();
      take();
    }
    // T5: with nobody new everybody gets a turn.
    for (int step = 0; step < 100'000 && !waiting_.empty(); ++step) {
      take();
      const auto at = thread_.turns.next_ns(now_);
      REQUIRE(at.has_value() == !waiting_.empty());
      if (at) now_ = std::max(now_, *at);
    }
    CHECK(waiting_.empty());
  }

 private:
  static constexpr std::size_t kConnections = 60;
  static constexpr std::uint64_t kMost = 6;
  /// Some tenants have one connection, one has most.
  static std::uint64_t tenant_of(std::size_t connection) {
    return std::min<std::uint64_t>(connection, kMost);
  }
  void come() {
    const std::size_t each = random_.below(kConnections);
    if (waiting_.count(each) != 0) return;
    const FairTurns::Turn turn = thread_.turns.ask(thread_.account(tenant_of(each)), now_);
    if (turn.now) {
      REQUIRE(turn.until_ns > now_);
      return work(each);
    }
    wait(each);
  }
  void wait(std::size_t each) {
    thread_.turns.wait(thread_.account(tenant_of(each)), thread_.places[each], now_,
                       random_.below(2) == 0);
    if (count_of(tenant_of(each)) == 0) passed_[tenant_of(each)].clear();
    waiting_.insert(each);
  }
  std::size_t count_of(std::uint64_t tenant) const {
    return static_cast<std::size_t>(
        std::count_if(waiting_.begin(), waiting_.end(),
                      [&](std::size_t each) { return tenant_of(each) == tenant; }));
  }
  void leave() {
    if (waiting_.empty()) return;
    const std::size_t each = *waiting_.begin();
    thread_.turns.forget(thread_.account(tenant_of(each)), thread_.places[each]);
    waiting_.erase(each);
  }
  void take() {
    thread_.turns.looked();
    const FairTurns::Next next = thread_.turns.next(now_);
    if (next.connection == nullptr) {
      const auto at = thread_.turns.next_ns(now_);
      REQUIRE(at.has_value() == !waiting_.empty());
      if (at) REQUIRE(*at > now_);
      if (at) REQUIRE(*at <= now_ + FairTurns::kAgainNs);
      return;
    }
    const std::size_t each = thread_.places.number(next.connection);
    REQUIRE(waiting_.erase(each) == 1);
    // T2: while a tenant waits that is not held, no other one has two turns.
    const std::uint64_t tenant = tenant_of(each);
    passed_[tenant].clear();
    for (std::uint64_t other = 0; other <= kMost; ++other) {
      if (other == tenant || count_of(other) == 0) continue;
      REQUIRE((++passed_[other][tenant] <= 1 || held_));
    }
    work(each);
    if (random_.below(2) == 0) wait(each);
  }
  void work(std::size_t each) {
    FairTurns::Account& account = thread_.account(tenant_of(each));
    thread_.turns.active(account, now_);
    now_ += static_cast<std::int64_t>(1 + random_.below(FairTurns::kTurnNs));
    thread_.turns.worked(account, now_);
  }

  SeededRandom random_;
  const bool held_;
  ActiveTenants shared_;
  Thread thread_{shared_};
  std::int64_t now_ = kStart;
  std::set<std::size_t> waiting_;
  std::map<std::uint64_t, std::map<std::uint64_t, int>> passed_;  // of who waits: others' turns
};

TEST_CASE("fair turns: whoever comes and goes, nobody is lost, taken twice, or kept (T5)",
          "[server]") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    Crowd(seed, seed % 2 == 0 ? 100 : 1 + seed * 4).run();
  }
}

}  // namespace
}  // namespace clinicdb::server
