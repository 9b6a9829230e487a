// Random commands against the store and against a plain, slow, obviously right model of it: a
// std::map of the current records, with every rule checked by looking at all of them.
#include <catch2/catch.hpp>
#include <map>

#include "clinicdb/base/random.h"
#include "clinicdb/engine/fold.h"
#include "clinicdb/engine/store.h"
#include "support/temporary_directory.h"
#include "visit_table.h"

namespace clinicdb::engine {

using namespace testing;  // NOLINT: the test's own record type

namespace {

struct Kept {
  Visit visit;
  std::uint64_t version = 0;
  bool deleted = true;
};
using Model = std::map<Uuid, Kept>;

struct Change {
  bool remove = false;
  Visit visit;
  std::optional<std::uint64_t> expected;
};

/// What the store must answer, and the model after it.
StatusCode model_apply(Model& model, const Change& change) {
  const Kept current = model.contains(change.visit.id) ? model[change.visit.id] : Kept{};
  const std::uint64_t version = current.deleted ? 0 : current.version;
  if (change.remove && current.deleted) return StatusCode::kNotFound;
  if (change.expected && *change.expected != version) {
    return *change.expected == 0 ? StatusCode::kAlreadyExists : StatusCode::kAborted;
  }
  if (change.remove) {
    model[change.visit.id] = {current.visit, current.version + 1, true};
    return StatusCode::kOk;
  }
  for (const auto& [id, other] : model) {
    if (other.deleted || id == change.visit.id) continue;
    if (!change.visit.code.empty() && other.visit.code == change.visit.code)
      return StatusCode::kAlreadyExists;
  }
  for (const auto& [id, other] : model) {
    if (other.deleted || id == change.visit.id || change.visit.room.empty()) continue;
    if (other.visit.room == change.visit.room && other.visit.start < change.visit.end &&
        change.visit.start < other.visit.end) {
      return StatusCode::kFailedPrecondition;
    }
  }
  model[change.visit.id] = {change.visit, current.version + 1, false};
  return StatusCode::kOk;
}

Visit random_visit(Random& random) {
  static const char* const kNames[] = {"Ana", "João Ávila", "ana maria", "Zé", "Ávila"};
  Visit visit;
  visit.id = visit_id(1 + random.below(24));
  if (random.below(2) == 0) visit.code = std::to_string(random.below(12));
  visit.name = kNames[random.below(5)];
  visit.phone = std::to_string(1000 + random.below(30));
  if (random.below(2) == 0) visit.room = std::to_string(random.below(2));
  visit.start = static_cast<std::int64_t>(random.below(40));
  visit.end = visit.start + 1 + static_cast<std::int64_t>(random.below(8));
  visit.rank = static_cast<std::int64_t>(random.below(6)) - 3;
  return visit;
}

Change random_change(Random& random, const Model& model) {
  Change change;
  change.visit = random_visit(random);
  change.remove = random.below(5) == 0;
  const auto found = model.find(change.visit.id);
  const std::uint64_t version =
      found == model.end() || found->second.deleted ? 0 : found->second.version;
  if (random.below(2) == 0) change.expected = random.below(4) == 0 ? random.below(4) : version;
  return change;
}

Status apply_change(Transaction& tx, const Table<Visit>& visits, const Change& change) {
  if (change.remove) return tx.remove(visits, change.visit.id.view(), change.expected);
  PutOptions options;
  options.expected_version = change.expected;
  return tx.put(visits, change.visit, options).status();
}

void compare(Store& store, TenantId tenant, const Table<Visit>& visits, const Model& model,
             Random& random) {
  auto view = store.view(tenant);
  REQUIRE(view.has_value());
  Reader& reader = **view;
  std::size_t alive = 0;
  std::map<std::string, int> words;
  for (const auto& [id, kept] : model) {
    auto found = reader.get(visits, id.view());
    REQUIRE(found.has_value());
    REQUIRE(found->has_value() == !kept.deleted);
    auto any = reader.get_any(visits, id.view());
    REQUIRE((*any)->meta.version == kept.version);
    if (kept.deleted) continue;
    ++alive;
    REQUIRE((*found)->record == kept.visit);
    if (!kept.visit.code.empty()) {
      REQUIRE(**reader.find(visits, kByCode, Key().text(kept.visit.code)) == id.view());
    }
    for (const std::string& word : fold_words(kept.visit.name)) ++words[word];
  }
  std::size_t scanned = 0;
  std::int64_t last = INT64_MIN;
  REQUIRE(reader
              .scan(visits, kByRank, KeyRange::all(), {},
                    [&](const IndexEntry& entry) {
                      std::string_view key = entry.key;
                      Time rank;
                      if (!Key::take_time(key, rank) || rank.us < last) return false;
                      last = rank.us;
                      return ++scanned > 0;
                    })
              .has_value());
  REQUIRE(scanned == alive);
  for (const auto& [word, count] : words) {
    int found = 0;
    REQUIRE(reader
                .scan(visits, kByName, KeyRange::prefix(Key().text(word)), {},
                      [&](const IndexEntry&) { return ++found > 0; })
                .has_value());
    REQUIRE(found == count);
  }
  const auto from = static_cast<std::int64_t>(random.below(40));
  const std::int64_t to = from + 1 + static_cast<std::int64_t>(random.below(10));
  int claims = 0;
  REQUIRE(reader
              .scan_claims(visits, kByRoom, Key().text("1"), Time{from}, Time{to}, {},
                           [&](const IndexEntry&) { return ++claims > 0; })
              .has_value());
  int expected = 0;
  for (const auto& [id, kept] : model) {
    expected +=
        !kept.deleted && kept.visit.room == "1" && kept.visit.start < to && from < kept.visit.end
            ? 1
            : 0;
  }
  REQUIRE(claims == expected);
}

}  // namespace

TEST_CASE("store: random commands do what a plain model does", "[engine]") {
  const int seed = GENERATE(1, 2, 3);
  CAPTURE(seed);
  SeededRandom random(static_cast<std::uint64_t>(seed));
  test::TemporaryDirectory directory;
  const Table<Visit> visits = make_visits();
  StoreOptions options;
  options.log_segment_bytes = std::size_t{256} << 10;
  options.write_buffer_bytes = std::size_t{64} << 10;
  options.pipeline_depth = 1 + seed % 2;
  auto opened = Store::open(directory.path(), Schema{{&visits.def()}}, options);
  REQUIRE(opened.has_value());
  std::unique_ptr<Store> store = std::move(opened).value();
  const TenantId tenants[] = {store->create_tenant("a")->id, store->create_tenant("b")->id};
  Model models[2];

  for (int step = 0; step < 600; ++step) {
    const std::size_t which = random.below(2);
    Model trial = models[which];
    std::vector<Change> changes;
    StatusCode expected = StatusCode::kOk;
    // One command of several changes: all of them or none.
    for (std::uint64_t i = 0; i <= random.below(4) && expected == StatusCode::kOk; ++i) {
      changes.push_back(random_change(random, trial));
      expected = model_apply(trial, changes.back());
    }
    const auto body = [&](Transaction& tx) -> Result<std::string> {
      for (const Change& change : changes) RETURN_IF_ERROR(apply_change(tx, visits, change));
      return std::string();
    };
    const auto done = random.below(2) == 0 ? store->execute(tenants[which], {}, body)
                                           : store->transact(tenants[which], {}, body);
    CAPTURE(step, done.status().to_string());
    REQUIRE(done.status().code() == expected);
    if (expected == StatusCode::kOk) models[which] = std::move(trial);
    if (step % 50 == 0) compare(*store, tenants[which], visits, models[which], random);
    if (step % 200 == 199) {
      store.reset();
      auto again = Store::open(directory.path(), Schema{{&visits.def()}}, options);
      REQUIRE(again.has_value());
      store = std::move(again).value();
      for (std::size_t i = 0; i < 2; ++i) compare(*store, tenants[i], visits, models[i], random);
    }
  }
  const auto report = store->verify({});
  REQUIRE(report.has_value());
  for (const std::string& problem : report->problems) UNSCOPED_INFO(problem);
  CHECK(report->problem_count == 0);
  CHECK(report->records > 10);
}

}  // namespace clinicdb::engine
