#include "clinicdb/engine/store.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "store/store_internal.h"
#include "support/temporary_directory.h"
#include "visit_table.h"

namespace clinicdb::engine {

using namespace testing;  // NOLINT: the test's own record type

namespace {

struct Fixture {
  Fixture() { reopen(); }
  void reopen(StoreOptions changed = {}) {
    store.reset();
    changed.log_segment_bytes = std::size_t{1} << 20;
    auto opened = Store::open(directory.path(), schema, changed);
    INFO(opened.status().to_string());
    REQUIRE(opened.has_value());
    store = std::move(opened).value();
  }
  TenantId tenant(std::string_view slug = "sorriso") {
    auto found = store->find_tenant(slug);
    if (!found) found = store->create_tenant(slug);
    REQUIRE(found.has_value());
    return found->id;
  }
  Status put(TenantId tenant, const Visit& visit, const PutOptions& options = {}) {
    return store
        ->execute(tenant, {},
                  [&](Transaction& tx) -> Result<std::string> {
                    RETURN_IF_ERROR(tx.put(visits, visit, options).status());
                    return std::string();
                  })
        .status();
  }
  std::optional<Stored<Visit>> get(TenantId tenant, std::uint64_t number) {
    auto view = store->view(tenant);
    REQUIRE(view.has_value());
    auto found = (*view)->get(visits, visit_id(number).view());
    REQUIRE(found.has_value());
    return *found;
  }
  void verify_clean() {
    auto report = store->verify({});
    REQUIRE(report.has_value());
    for (const std::string& problem : report->problems) UNSCOPED_INFO(problem);
    CHECK(report->problem_count == 0);
  }

  test::TemporaryDirectory directory;
  Table<Visit> visits = make_visits();
  Schema schema{{&visits.def()}};
  std::unique_ptr<Store> store;
};

Visit visit(std::uint64_t number, std::string code = {}) {
  return Visit{visit_id(number), std::move(code), "Maria da Silva", "+5527999990000", "", 0, 0, 7};
}

}  // namespace

TEST_CASE_METHOD(Fixture, "store: what is put is there, before and after reopening", "[engine]") {
  const TenantId t = tenant();
  REQUIRE(put(t, visit(1, "a")).ok());
  auto found = get(t, 1);
  REQUIRE(found.has_value());
  CHECK(found->record == visit(1, "a"));
  CHECK(found->meta.version == 1);
  CHECK(found->meta.created_lsn == found->meta.updated_lsn);
  CHECK(found->meta.created_lsn.value > 0);
  reopen();
  found = get(t, 1);
  REQUIRE(found.has_value());
  CHECK(found->record == visit(1, "a"));
  CHECK_FALSE(get(t, 2).has_value());
  verify_clean();
}

TEST_CASE_METHOD(Fixture, "store: versions are optimistic, and a conflict carries the current one",
                 "[engine]") {
  const TenantId t = tenant();
  REQUIRE(put(t, visit(1), {.expected_version = 0}).ok());
  CHECK(put(t, visit(1), {.expected_version = 0}).code() == StatusCode::kAlreadyExists);
  REQUIRE(put(t, visit(1), {.expected_version = 1}).ok());
  const Status conflict = put(t, visit(1), {.expected_version = 1});
  CHECK(conflict.code() == StatusCode::kAborted);
  CHECK(conflict.current_version() == 2);
  CHECK(put(t, visit(2), {.expected_version = 1}).code() == StatusCode::kAborted);
  verify_clean();
}

TEST_CASE_METHOD(Fixture, "store: what a put replaces may be known; another version is looked at",
                 "[engine]") {
  const TenantId t = tenant();
  REQUIRE(put(t, visit(1, "a")).ok());
  const Stored<Visit> first = *get(t, 1);
  const auto put_over = [&](const Visit& changed, const Stored<Visit>& replaced) {
    auto prepared = visits.prepare(changed, replaced);
    REQUIRE(prepared.has_value());
    CHECK(prepared->replaced_version == replaced.meta.version);
    return store
        ->execute(t, {},
                  [&](Transaction& tx) -> Result<std::string> {
                    RETURN_IF_ERROR(tx.put(*prepared, {}).status());
                    return std::string();
                  })
        .status();
  };
  REQUIRE(put_over(visit(1, "b"), first).ok());
  verify_clean();
  // `first` is no longer what is there: entry "b" must go all the same.
  REQUIRE(put_over(visit(1, "c"), first).ok());
  verify_clean();
  auto view = store->view(t);
  CHECK_FALSE((*view)->find(visits, kByCode, Key().text("b"))->has_value());
  CHECK((*view)->find(visits, kByCode, Key().text("c"))->has_value());
}

TEST_CASE_METHOD(
    Fixture, "store: a unique entry belongs to one record of a tenant, and to one of each tenant",
    "[engine]") {
  const TenantId t = tenant();
  const TenantId other = tenant("outra");
  REQUIRE(put(t, visit(1, "x")).ok());
  const Status taken = put(t, visit(2, "x"));
  CHECK(taken.code() == StatusCode::kAlreadyExists);
  CHECK(taken.field() == "code");
  CHECK(put(other, visit(2, "x")).ok());
  REQUIRE(put(t, visit(1, "y")).ok());
  CHECK(put(t, visit(2, "x")).ok());
  auto view = store->view(t);
  CHECK(**(*view)->find(visits, kByCode, Key().text("x")) == visit_id(2).view());
  CHECK(**(*view)->find(visits, kByCode, Key().text("y")) == visit_id(1).view());
  CHECK_FALSE((*view)->find(visits, kByCode, Key().text("z"))->has_value());
  verify_clean();
}

TEST_CASE_METHOD(Fixture,
                 "store: a row that was read to be replaced stands for what is there, until "
                 "somebody touches it",
                 "[engine]") {
  const TenantId t = tenant();
  REQUIRE(put(t, visit(1, "a")).ok());
  const auto read = [&] {
    auto view = store->view(t);
    REQUIRE(view.has_value());
    auto found = (*view)->get_to_replace(visits, visit_id(1).view());
    REQUIRE((found.has_value() && found->has_value()));
    return std::move(**found);
  };
  const auto put_over = [&](const Visit& changed, Replaced<Visit> replaced) {
    auto prepared = visits.prepare(changed, std::move(replaced));
    REQUIRE(prepared.has_value());
    CHECK_FALSE(prepared->replaced_row.empty());
    return store
        ->execute(t, {},
                  [&](Transaction& tx) -> Result<std::string> {
                    RETURN_IF_ERROR(tx.put(*prepared, {}).status());
                    return std::string();
                  })
        .status();
  };
  const auto found_by = [&](std::string_view word) {
    auto view = store->view(t);
    REQUIRE(view.has_value());
    auto end = (*view)->scan(visits.def(), kByName, KeyRange::prefix(Key().text_prefix(word).str()),
                             {}, [](const IndexEntry&) { return true; });
    REQUIRE(end.has_value());
    return end->visited;
  };

  // Nobody between: the name's index is passed over, the code's changes.
  REQUIRE(put_over(visit(1, "b"), read()).ok());
  CHECK(get(t, 1)->meta.version == 2);
  CHECK(found_by("maria") == 1);

  // Somebody between, with another name: prepared against a name that is gone, the put brings its
  // own back, whole.
  Replaced<Visit> early = read();
  Visit renamed = visit(1, "b");
  renamed.name = "Ana Souza";
  REQUIRE(put(t, renamed).ok());
  CHECK(found_by("maria") == 0);
  REQUIRE(put_over(visit(1, "c"), std::move(early)).ok());
  CHECK(get(t, 1)->meta.version == 4);
  CHECK(found_by("maria") == 1);
  CHECK(found_by("ana") == 0);

  // Removed between: it is a new record, with all its entries.
  Replaced<Visit> living = read();
  REQUIRE(store
              ->execute(t, {},
                        [&](Transaction& tx) -> Result<std::string> {
                          RETURN_IF_ERROR(tx.remove(visits.def(), visit_id(1).view(), {}));
                          return std::string();
                        })
              .has_value());
  REQUIRE(put_over(visit(1, "d"), std::move(living)).ok());
  CHECK(found_by("maria") == 1);

  // Read long ago: more groups than are remembered have gone by.
  Replaced<Visit> old = read();
  REQUIRE(put(t, renamed).ok());
  for (std::uint64_t i = 0; i < 40; ++i) REQUIRE(put(t, visit(100 + i)).ok());
  REQUIRE(put_over(visit(1, "e"), std::move(old)).ok());
  CHECK(found_by("ana") == 0);
  verify_clean();
}

TEST_CASE_METHOD(Fixture, "store: claims on one resource never overlap, and touch at their ends",
                 "[engine]") {
  const TenantId t = tenant();
  auto at = [&](std::uint64_t number, std::int64_t start, std::int64_t end,
                const char* room = "1") {
    Visit v = visit(number);
    v.room = room;
    v.start = start;
    v.end = end;
    return put(t, v);
  };
  REQUIRE(at(1, 100, 200).ok());
  for (const auto& [start, end] :
       {std::pair{100, 200}, {50, 101}, {199, 300}, {120, 130}, {0, 1000}}) {
    const Status refused = at(2, start, end);
    CHECK(refused.code() == StatusCode::kFailedPrecondition);
    CHECK(refused.field() == "room");
  }
  CHECK(at(2, 200, 300).ok());
  CHECK(at(3, 0, 100).ok());
  CHECK(at(4, 120, 130, "2").ok());
  CHECK(at(1, 150, 200).ok());
  CHECK(at(5, 100, 150).ok());
  CHECK(at(6, 300, 300).code() == StatusCode::kInvalidArgument);
  CHECK(at(6, 300, 299).code() == StatusCode::kInvalidArgument);

  auto view = store->view(t);
  std::vector<std::int64_t> ends;
  auto end = (*view)->scan_claims(visits, kByRoom, Key().text("1"), Time{160}, Time{250}, {},
                                  [&](const IndexEntry& claim) {
                                    ends.push_back(claim.end.us);
                                    CHECK(claim.covered == "Maria da Silva");
                                    return true;
                                  });
  REQUIRE(end.has_value());
  CHECK(ends == std::vector<std::int64_t>{200, 300});
  verify_clean();
}

TEST_CASE_METHOD(Fixture,
                 "store: a claim meets what lies close before it, and far, and what it grows into",
                 "[engine]") {
  const TenantId t = tenant();
  constexpr std::int64_t kMinuteUs = 60'000'000;
  auto at = [&](std::uint64_t number, std::int64_t start_minute, std::int64_t end_minute,
                const char* name = "Ana") {
    Visit v = visit(number);
    v.room = "1";
    v.name = name;
    v.start = start_minute * kMinuteUs;
    v.end = end_minute * kMinuteUs;
    return put(t, v);
  };
  REQUIRE(at(1, 0, 600).ok());
  REQUIRE(at(2, 600, 630).ok());
  REQUIRE(at(3, 630, 640).ok());
  CHECK(at(4, 620, 660).code() == StatusCode::kFailedPrecondition);
  CHECK(at(4, 590, 595).code() == StatusCode::kFailedPrecondition);  // in one that began long ago
  CHECK(at(4, 639, 640).code() == StatusCode::kFailedPrecondition);
  REQUIRE(at(4, 700, 760).ok());

  CHECK(at(3, 630, 700, "Zoé").ok());  // its own, longer, up to the next
  CHECK(at(3, 630, 701, "Zoé").code() == StatusCode::kFailedPrecondition);
  CHECK(at(3, 630, 635, "Ana").ok());
  CHECK(at(5, 635, 700).ok());
  CHECK(at(3, 630, 640, "Ana").code() == StatusCode::kFailedPrecondition);
  CHECK(at(6, INT64_MIN / kMinuteUs, INT64_MIN / kMinuteUs + 1).ok());
  CHECK(at(7, INT64_MIN / kMinuteUs, INT64_MIN / kMinuteUs + 2).code() ==
        StatusCode::kFailedPrecondition);
  verify_clean();
}

TEST_CASE_METHOD(Fixture, "store: a failing command leaves nothing of itself", "[engine]") {
  const TenantId t = tenant();
  REQUIRE(put(t, visit(1, "x")).ok());
  const auto failed = store->execute(t, {}, [&](Transaction& tx) -> Result<std::string> {
    RETURN_IF_ERROR(tx.put(visits, visit(2, "y")).status());
    RETURN_IF_ERROR(tx.emit(1, "half"));
    RETURN_IF_ERROR(tx.put(visits, visit(3, "x")).status());
    return std::string();
  });
  CHECK(failed.error().code() == StatusCode::kAlreadyExists);
  CHECK_FALSE(get(t, 2).has_value());
  auto view = store->view(t);
  int events = 0;
  REQUIRE((*view)->events(Lsn{}, {}, [&](const Event&) { return ++events > 0; }).has_value());
  CHECK(events == 1);
  verify_clean();
}

TEST_CASE_METHOD(Fixture, "store: every version is kept, tombstones too", "[engine]") {
  const TenantId t = tenant();
  REQUIRE(put(t, visit(1, "a")).ok());
  REQUIRE(put(t, visit(1, "b")).ok());
  REQUIRE(store
              ->execute(t, {},
                        [&](Transaction& tx) -> Result<std::string> {
                          CHECK(tx.remove(visits, visit_id(9).view(), {}).code() ==
                                StatusCode::kNotFound);
                          RETURN_IF_ERROR(tx.remove(visits, visit_id(1).view(), 2));
                          return std::string();
                        })
              .has_value());
  CHECK_FALSE(get(t, 1).has_value());
  REQUIRE(put(t, visit(2, "b")).ok());  // its unique entry is free again
  REQUIRE(put(t, visit(1, "c"), {.expected_version = 0}).ok());
  std::vector<std::string> codes;
  auto view = store->view(t);
  REQUIRE((*view)
              ->history(visits, visit_id(1).view(),
                        [&](const RawRecord& record) {
                          codes.push_back(record.meta.deleted ? "deleted"
                                                              : decode_visit(record.body)->code);
                          CHECK(record.meta.version == 5 - codes.size());
                          return true;
                        })
              .ok());
  CHECK(codes == std::vector<std::string>{"c", "deleted", "b", "a"});
  verify_clean();
}

TEST_CASE_METHOD(Fixture, "store: words and endings find their records", "[engine]") {
  const TenantId t = tenant();
  Visit v = visit(1);
  v.name = "João D'Ávila";
  REQUIRE(put(t, v).ok());
  REQUIRE(put(t, visit(2)).ok());
  auto view = store->view(t);
  auto count = [&](IndexNumber index, const KeyRange& range) {
    std::string found;
    REQUIRE((*view)
                ->scan(visits, index, range, {},
                       [&](const IndexEntry& entry) {
                         found.push_back(static_cast<char>('0' + entry.record_key.back()));
                         return true;
                       })
                .has_value());
    return found;
  };
  CHECK(count(kByName, KeyRange::prefix(Key().text_prefix("joa"))) == "1");
  CHECK(count(kByName, KeyRange::prefix(Key().text_prefix("silva"))) == "2");
  CHECK(count(kByPhone, KeyRange::prefix(Key().text_prefix("0000999"))) == "12");
}

TEST_CASE_METHOD(Fixture, "store: pages join up, in either direction", "[engine]") {
  const TenantId t = tenant();
  for (std::uint64_t i = 0; i < 25; ++i) {
    Visit v = visit(i);
    v.rank = static_cast<std::int64_t>(i / 2);
    REQUIRE(put(t, v).ok());
  }
  for (const bool reverse : {false, true}) {
    ScanOptions options;
    options.reverse = reverse;
    options.limit = 4;
    std::vector<std::uint64_t> seen;
    while (true) {
      reopen();
      auto view = store->view(t);
      auto end =
          (*view)->scan(visits, kByRank, KeyRange::all(), options, [&](const IndexEntry& entry) {
            seen.push_back(static_cast<std::uint8_t>(entry.record_key.back()));
            return true;
          });
      REQUIRE(end.has_value());
      if (end->cursor.empty()) break;
      options.after = end->cursor;
    }
    REQUIRE(seen.size() == 25);
    for (std::size_t i = 0; i < 25; ++i) CHECK(seen[i] == (reverse ? 24 - i : i));
  }
  auto view = store->view(t);
  ScanOptions bad;
  bad.after = "nonsense";
  CHECK((*view)
            ->scan(visits, kByRank, KeyRange::all(), bad, [](const IndexEntry&) { return true; })
            .error()
            .code() == StatusCode::kInvalidArgument);
}

TEST_CASE_METHOD(Fixture, "store: R1: a request id is executed once, across reopening",
                 "[engine]") {
  const TenantId t = tenant();
  CallContext call;
  call.session = visit_id(77);
  call.request_id = Uuid::v7(system_clock(), system_random());
  call.request_hash = 5;
  int runs = 0;
  auto command = [&](Transaction& tx) -> Result<std::string> {
    ++runs;
    RETURN_IF_ERROR(tx.put(visits, visit(1)).status());
    return std::string("answer");
  };
  const auto first = store->execute(t, call, command);
  REQUIRE(first.has_value());
  CHECK_FALSE(first->repeated);
  reopen();
  for (int i = 0; i < 2; ++i) {
    const auto again =
        i == 0 ? store->execute(t, call, command) : store->transact(t, call, command);
    REQUIRE(again.has_value());
    CHECK(again->repeated);
    CHECK(again->answer == "answer");
    CHECK(again->position == first->position);
  }
  CHECK(runs == 1);
  call.request_hash = 6;
  CHECK(store->execute(t, call, command).error().code() == StatusCode::kInvalidArgument);
  call.request_id =
      Uuid::v7(FakeClock(Time{system_clock().now().us - std::int64_t{25} * 3600 * 1'000'000}),
               system_random());
  CHECK(store->execute(t, call, command).error().code() == StatusCode::kFailedPrecondition);
  CHECK(runs == 1);
}

TEST_CASE_METHOD(Fixture, "store: C5: a transaction commits only if what it read still holds",
                 "[engine]") {
  const TenantId t = tenant();
  REQUIRE(put(t, visit(1)).ok());
  int runs = 0;
  const auto done = store->transact(t, {}, [&](Transaction& tx) -> Result<std::string> {
    auto read = tx.get(visits, visit_id(1).view());
    if (!read) return read.error();
    std::size_t ranked = 0;
    RETURN_IF_ERROR(tx.scan(visits, kByRank, KeyRange::all(), {}, [&](const IndexEntry&) {
                        return ++ranked > 0;
                      }).status());
    if (++runs == 1) REQUIRE(put(t, visit(2)).ok());       // falls into the range it scanned
    if (runs == 2) REQUIRE(put(t, visit(1, "new")).ok());  // the record it read
    Visit changed = (**read).record;
    changed.name = "seen " + std::to_string(ranked);
    RETURN_IF_ERROR(tx.put(visits, changed).status());
    CHECK(tx.get(visits, visit_id(1).view())->value().record.name == changed.name);
    return std::string();
  });
  REQUIRE(done.has_value());
  CHECK(runs == 3);
  const auto found = get(t, 1);
  CHECK(found->record.name == "seen 2");
  CHECK(found->record.code == "new");
  CHECK(found->meta.updated_lsn == done->position.lsn);
  CHECK(store
            ->transact(
                t, {},
                [&](Transaction& tx) -> Result<std::string> {
                  auto read = tx.get(visits, visit_id(1).view());
                  REQUIRE(put(t, visit(1, std::to_string(++runs))).ok());
                  RETURN_IF_ERROR(tx.put(visits, visit(3)).status());
                  return std::string();
                },
                3)
            .error()
            .code() == StatusCode::kAborted);
  CHECK_FALSE(get(t, 3).has_value());
  verify_clean();
}

TEST_CASE_METHOD(Fixture,
                 "store: many callers at once lose nothing and number what they did without gaps",
                 "[engine]") {
  const int depth = GENERATE(1, 2);
  StoreOptions changed;
  changed.pipeline_depth = depth;
  reopen(changed);
  const TenantId t = tenant();
  constexpr int kThreads = 8;
  constexpr int kEach = 60;
  std::atomic<int> failures = 0;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < kEach; ++i) {
        const auto number = static_cast<std::uint64_t>(1000 + thread * kEach + i);
        Visit v = visit(number, std::to_string(number));
        if (!put(t, v).ok()) ++failures;
        // Everybody adds to one counter.
        const auto added = store->execute(t, {}, [&](Transaction& tx) -> Result<std::string> {
          auto counter = tx.get(visits, visit_id(1).view());
          if (!counter) return counter.error();
          Visit next = *counter ? (**counter).record : visit(1);
          ++next.rank;
          RETURN_IF_ERROR(tx.put(visits, next).status());
          return std::string();
        });
        if (!added) ++failures;
        auto view = store->view(t);
        if (!view || !(*view)->get(visits, visit_id(number).view())->has_value()) ++failures;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(failures == 0);
  CHECK(get(t, 1)->record.rank == 7 + kThreads * kEach);
  CHECK(get(t, 1)->meta.version == kThreads * kEach);
  verify_clean();
  reopen();
  CHECK(get(t, 1)->meta.version == kThreads * kEach);
  verify_clean();
}

TEST_CASE_METHOD(Fixture,
                 "store: tenants have slugs of their own and numbers that are never used again",
                 "[engine]") {
  const TenantId t = tenant();
  CHECK(store->create_tenant("sorriso").error().code() == StatusCode::kAlreadyExists);
  for (const char* slug : {"", "-a", "a-", "A", "a b", "ação"}) {
    CHECK(store->create_tenant(slug).error().code() == StatusCode::kInvalidArgument);
  }
  const TenantId other = tenant("outra");
  REQUIRE(put(t, visit(1)).ok());
  REQUIRE(put(other, visit(1)).ok());
  REQUIRE(store->delete_tenant(t).ok());
  CHECK(put(t, visit(2)).code() == StatusCode::kNotFound);
  CHECK(store->view(t).error().code() == StatusCode::kNotFound);
  CHECK(get(other, 1).has_value());
  CHECK(store->delete_tenant(t).code() == StatusCode::kNotFound);
  const TenantId again = tenant();
  CHECK(again != t);
  CHECK_FALSE(get(again, 1).has_value());
  verify_clean();
  reopen();
  CHECK(store->list_tenants()->size() == 2);
  CHECK_FALSE(get(again, 1).has_value());
  CHECK(get(other, 1).has_value());
  verify_clean();
}

TEST_CASE_METHOD(Fixture, "store: a directory is held by one store at a time", "[engine]") {
  const auto second = Store::open(directory.path(), schema, {});
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().code() == StatusCode::kFailedPrecondition);
  CHECK_THAT(std::string(second.error().message()),
             Catch::Contains("in use by pid " + std::to_string(getpid())));
}

TEST_CASE_METHOD(Fixture, "store: read-only shows what is there and refuses to write", "[engine]") {
  const TenantId t = tenant();
  REQUIRE(put(t, visit(1)).ok());
  // Beside the living store: what RocksDB has not flushed comes from the log.
  StoreOptions options;
  options.read_only = true;
  auto second = Store::open(directory.path(), schema, options);
  INFO(second.status().to_string());
  REQUIRE(second.has_value());
  CHECK((*second)->stats().state == StoreState::kReadOnly);
  auto view = (*second)->view(t);
  REQUIRE(view.has_value());
  CHECK((*view)->get(visits, visit_id(1).view())->has_value());
  CHECK((*second)->create_tenant("x").error().code() == StatusCode::kFailedPrecondition);
}

TEST_CASE("store: a directory without a store is not found unless it may be made", "[engine]") {
  test::TemporaryDirectory directory;
  const Table<Visit> visits = make_visits();
  StoreOptions options;
  options.create_if_missing = false;
  const auto opened = Store::open(directory.path() + "/none", Schema{{&visits.def()}}, options);
  CHECK(opened.error().code() == StatusCode::kNotFound);
}

TEST_CASE_METHOD(Fixture, "store: the indexes of a table without records are ready at once",
                 "[engine]") {
  const TenantId t = tenant();
  REQUIRE(put(t, visit(1)).ok());
  const Table<Visit> others = make_visits(1, TableId{0x1001});
  schema.tables.push_back(&others.def());
  store.reset();
  auto opened = open_store(directory.path(), schema, {}, {.manual_maintenance = true});
  REQUIRE(opened.has_value());
  store = std::move(opened).value();
  auto view = store->view(t);
  CHECK((*view)
            ->scan(others, kByRank, KeyRange::all(), {}, [](const IndexEntry&) { return true; })
            .has_value());
  CHECK((*view)
            ->scan(visits, kByRank, KeyRange::all(), {}, [](const IndexEntry&) { return true; })
            ->visited == 1);
  view->reset();
  store.reset();
}

TEST_CASE_METHOD(Fixture, "store: an index of another version is built anew while callers go on",
                 "[engine]") {
  const TenantId t = tenant();
  for (std::uint64_t i = 0; i < 700; ++i) REQUIRE(put(t, visit(i, std::to_string(i))).ok());
  store.reset();
  visits = make_visits(2);
  reopen();
  REQUIRE(put(t, visit(700)).ok());
  REQUIRE(store->build_indexes().ok());
  auto view = store->view(t);
  int entries = 0;
  REQUIRE((*view)
              ->scan(visits, kByRank, KeyRange::all(), {},
                     [&](const IndexEntry& entry) {
                       entries += entry.key == Key().time(Time{-7}).str() ? 1 : 1000;
                       return true;
                     })
              .has_value());
  CHECK(entries == 701);
  verify_clean();
}

}  // namespace clinicdb::engine
