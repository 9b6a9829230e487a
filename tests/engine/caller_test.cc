#include "clinicdb/engine/caller.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "clinicdb/base/random.h"
#include "clinicdb/engine/store.h"
#include "clinicdb/engine/writer_work.h"
#include "support/temporary_directory.h"
#include "visit_table.h"

namespace clinicdb::engine {

using namespace testing;  // NOLINT: the test's own record type

namespace {

struct CallerFixture {
  CallerFixture() {
    open();
    tenant = store->create_tenant("sorriso")->id;
  }
  void open() {
    store.reset();
    auto opened = Store::open(directory.path(), schema, {});
    REQUIRE(opened.has_value());
    store = std::move(opened).value();
  }
  /// Long enough that what a store reads when it opens is not by chance in the same block.
  static std::string name(std::uint64_t number) {
    std::string text;
    SeededRandom random(number);
    while (text.size() < 200) text += static_cast<char>('a' + random.below(26));
    return text;
  }
  Status put(std::uint64_t number) {
    const Visit visit{visit_id(number), {}, name(number), "+5527999990000", "", 0, 0, 7};
    return store
        ->execute(tenant, {},
                  [&](Transaction& tx) -> Result<std::string> {
                    RETURN_IF_ERROR(tx.put(visits, visit).status());
                    return std::string();
                  })
        .status();
  }
  Result<std::size_t> count() {
    ASSIGN_OR_RETURN(const auto view, store->view(tenant));
    std::size_t records = 0;
    RETURN_IF_ERROR(view->scan_records(visits.def(), KeyRange::all(), {},
                                       [&](std::string_view, RawRecord&&) {
                                         ++records;
                                         return true;
                                       })
                        .status());
    return records;
  }
  Result<bool> has(std::uint64_t number) {
    ASSIGN_OR_RETURN(const auto view, store->view(tenant));
    ASSIGN_OR_RETURN(const auto found, view->get(visits, visit_id(number).view()));
    return found.has_value();
  }

  test::TemporaryDirectory directory;
  Table<Visit> visits = make_visits();
  Schema schema{{&visits.def()}};
  std::unique_ptr<Store> store;
  TenantId tenant;
};

/// Counts, and blocks as a host's stack switch would keep the caller from going on.
class CountedWait final : public CommitWait {
 public:
  void wait() override {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return woken_; });
    woken_ = false;
    ++waits;
  }
  void wake() override {
    const std::lock_guard lock(mutex_);
    woken_ = true;
    changed_.notify_one();
  }
  int waits = 0;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool woken_ = false;
};

}  // namespace

TEST_CASE_METHOD(CallerFixture,
                 "caller: commits of callers that do not block are led by lent threads",
                 "[engine]") {
  constexpr int kCallers = 6;
  constexpr int kPuts = 40;
  std::vector<std::thread> leaders;
  for (int i = 0; i < 2; ++i) leaders.emplace_back([&] { store->lead_commits(); });
  // One that waits by a CommitWait proves that a leader is there; until then callers lead.
  CountedWait first;
  Caller caller{.wait = &first};
  for (std::uint64_t n = 1000; first.waits == 0; ++n) {
    const CallerScope scope(&caller);
    REQUIRE(put(n).ok());
  }
  const std::size_t before = *count();

  std::atomic<int> failures{0};
  std::atomic<int> waits{0};
  std::atomic<int> worked{0};
  std::vector<std::thread> callers;
  for (int c = 0; c < kCallers; ++c) {
    callers.emplace_back([&, c] {
      CountedWait wait;
      Caller own{.wait = &wait};
      // Every third is an ordinary caller, who leads when it is its turn.
      const CallerScope scope(c % 3 == 2 ? nullptr : &own);
      for (int i = 0; i < kPuts; ++i) {
        if (!put(static_cast<std::uint64_t>(c * kPuts + i)).ok()) ++failures;
      }
      waits += wait.waits;
      // The writer's work is told to who left it to the writer, once.
      if (take_writer_work_ns() > 0) ++worked;
      if (take_writer_work_ns() > 0) ++failures;
    });
  }
  for (std::thread& thread : callers) thread.join();
  CHECK(failures == 0);
  CHECK(waits == kCallers * kPuts * 2 / 3);
  CHECK(worked == kCallers * 2 / 3);
  CHECK(*count() == before + kCallers * kPuts);

  store->stop_leading();
  for (std::thread& thread : leaders) thread.join();
  // With nobody to lead for it, a caller does its own work again.
  const CallerScope scope(&caller);
  const int waited = first.waits;
  CHECK(put(9999).ok());
  CHECK(first.waits == waited);
}

TEST_CASE_METHOD(CallerFixture, "caller: a read that would need the disk fails, and says why (C8)",
                 "[engine]") {
  for (std::uint64_t n = 0; n < 500; ++n) REQUIRE(put(n).ok());
  REQUIRE(store->flush().ok());
  open();  // nothing of the files is in memory now

  Caller caller{.memory_only = true};
  {
    const CallerScope scope(&caller);
    CHECK(has(250).error().code() == StatusCode::kUnavailable);
    CHECK(caller.missed);
    caller.missed = false;
    CHECK_FALSE(count().has_value());
    CHECK(caller.missed);
  }
  CHECK(*has(250));
  CHECK(*count() == 500);
  caller.missed = false;
  const CallerScope scope(&caller);
  CHECK(*has(250));
  CHECK(*count() == 500);
  CHECK_FALSE(caller.missed);
  CHECK(current_caller() == &caller);
}

}  // namespace clinicdb::engine
