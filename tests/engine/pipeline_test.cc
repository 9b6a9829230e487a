// The pipeline's stages over a RocksDB that can be held up: what is answered, what is seen, and
// what waits while committed groups are not applied.
#include "commit/pipeline.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "clinicdb/engine/result_cache.h"
#include "commit/work.h"
#include "log_fixture.h"
#include "memory_kv.h"
#include "store/layout.h"
#include "store/limits.h"
#include "txn/operations.h"

namespace clinicdb::engine {
namespace {

/// In the place of RocksDB: applies only while it is let, and fails when it is told to.
class SlowKv final : public KvStore {
 public:
  const KvView& latest() const override { return latest_; }
  std::shared_ptr<const KvView> snapshot() override {
    const std::lock_guard lock(mutex_);
    return std::make_shared<Snapshot>(map_);
  }
  Status apply(std::string_view operations, std::uint32_t, const AppliedMark& mark) override {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return open_; });
    if (fails_) return unavailable("told to fail");
    auto moved = std::make_shared<Map>(*map_);
    const auto one = [&](const Operation& operation) {
      if (operation.kind == OperationKind::kPut)
        (*moved)[std::string(operation.key)] = operation.value;
      if (operation.kind == OperationKind::kDelete) moved->erase(std::string(operation.key));
      if (operation.kind == OperationKind::kErase)
        moved->erase(moved->lower_bound(operation.key), moved->lower_bound(operation.value));
      return Status();
    };
    const Result<std::uint32_t> count = for_each_operation(operations, one);
    if (!count) return count.status();
    map_ = std::move(moved);
    mark_ = mark;
    return Status();
  }
  Result<AppliedMark> applied() const override {
    const std::lock_guard lock(mutex_);
    return mark_;
  }
  Result<AppliedMark> flushed() const override { return applied(); }
  Status flush(bool) override { return Status(); }
  Status compact(std::string_view, std::string_view) override { return Status(); }
  Status checkpoint(const std::string&) override { return Status(); }
  Status health() const override { return Status(); }
  std::uint64_t property(std::string_view) const override { return 0; }
  void close() override {}

  void let(bool open, bool fails = false) {
    const std::lock_guard lock(mutex_);
    open_ = open;
    fails_ = fails;
    changed_.notify_all();
  }

 private:
  using Map = testing::MemoryKvView::Map;
  class Snapshot final : public KvView {
   public:
    explicit Snapshot(std::shared_ptr<const Map> map) : map_(std::move(map)), view_(*map_) {}
    Status get(std::string_view key,
               FunctionRef<Status(std::string_view value)> found) const override {
      return view_.get(key, found);
    }
    std::unique_ptr<KvIterator> iterate(std::string_view lower, std::string_view upper,
                                        bool reverse) const override {
      return view_.iterate(lower, upper, reverse);
    }

   private:
    std::shared_ptr<const Map> map_;
    testing::MemoryKvView view_;
  };
  /// The map changes by being replaced, under the lock: a read takes the one that is there.
  class Latest final : public KvView {
   public:
    explicit Latest(SlowKv& kv) : kv_(kv) {}
    Status get(std::string_view key,
               FunctionRef<Status(std::string_view value)> found) const override {
      return kv_.snapshot()->get(key, found);
    }
    std::unique_ptr<KvIterator> iterate(std::string_view, std::string_view, bool) const override {
      return nullptr;  // the commands below do not scan
    }

   private:
    SlowKv& kv_;
  };

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::shared_ptr<Map> map_ = std::make_shared<Map>();
  AppliedMark mark_;
  bool open_ = true;
  bool fails_ = false;
  Latest latest_{*this};
};

class PipelineFixture {
 public:
  PipelineFixture() {
    log_ = test::open_log(test::make_log_directory(disk_));
    cache_ = ResultCache::create(0);
    Published first;
    first.view = kv_.snapshot();
    first.catalog = *Catalog::make(Schema{});
    first.tenants = std::make_shared<TenantMap>();
    pipeline_ = std::make_unique<Pipeline>(
        Pipeline::Parts{&kv_, log_.get(), nullptr, cache_.get(), &system_clock()}, 2,
        std::move(first));
    pipeline_->start_applier();
  }
  ~PipelineFixture() {
    kv_.let(true);
    pipeline_->stop(failed_precondition("the test ends"));
  }
  PipelineFixture(const PipelineFixture&) = delete;
  PipelineFixture& operator=(const PipelineFixture&) = delete;

  Status put(const std::string& key, const std::string& value) {
    return run([&](GroupContext& context) -> Result<std::string> {
      context.group.overlay.put(key, value, false);
      return std::string();
    });
  }
  Status run(FunctionRef<Result<std::string>(GroupContext&)> fn) {
    SystemWork work(fn, false);
    return pipeline_->submit(work).status();
  }
  std::string read(const std::string& key) {
    std::string value = "(none)";
    const std::shared_ptr<const Published> seen = pipeline_->published();
    CHECK(seen->state()
              .get(key,
                   [&](std::string_view found) {
                     value = found;
                     return Status();
                   })
              .ok());
    return value;
  }
  SlowKv& kv() { return kv_; }
  Pipeline& pipeline() { return *pipeline_; }

 private:
  clinicdb::test::SimulatedFileSystem disk_;
  SlowKv kv_;
  std::unique_ptr<CommitLog> log_;
  std::unique_ptr<ResultCache> cache_;
  std::unique_ptr<Pipeline> pipeline_;
};

}  // namespace

TEST_CASE("pipeline: what is committed is answered and seen before it is applied", "[engine]") {
  PipelineFixture store;
  store.kv().let(false);
  REQUIRE(store.put("a", "1").ok());
  REQUIRE(store.put("a", "2").ok());
  REQUIRE(store.put("b", "3").ok());
  CHECK(store.read("a") == "2");
  CHECK(store.read("b") == "3");
  CHECK(store.kv().applied()->position.lsn == Lsn{});
  // A later command reads what is not applied, too.
  std::string seen;
  REQUIRE(store
              .run([&](GroupContext& context) -> Result<std::string> {
                RETURN_IF_ERROR(context.state().get("a", [&](std::string_view value) {
                  seen = value;
                  return Status();
                }));
                context.group.overlay.remove("a");
                return std::string();
              })
              .ok());
  CHECK(seen == "2");
  CHECK(store.read("a") == "(none)");

  store.kv().let(true);
  REQUIRE(store.pipeline().wait_applied().ok());
  CHECK(store.pipeline().published()->unapplied.empty());
  CHECK(store.kv().applied()->position.lsn == Lsn{4});
  CHECK(store.read("a") == "(none)");
  CHECK(store.read("b") == "3");
}

TEST_CASE("pipeline: a view that was taken keeps what it shows while groups are applied",
          "[engine]") {
  PipelineFixture store;
  store.kv().let(false);
  REQUIRE(store.put("a", "1").ok());
  const std::shared_ptr<const Published> taken = store.pipeline().published();
  REQUIRE(store.put("a", "2").ok());
  store.kv().let(true);
  REQUIRE(store.pipeline().wait_applied().ok());
  std::string value;
  REQUIRE(taken->state()
              .get("a",
                   [&](std::string_view found) {
                     value = found;
                     return Status();
                   })
              .ok());
  CHECK(value == "1");
  CHECK(store.read("a") == "2");
}

TEST_CASE("pipeline: each group is measured once in each of its stages", "[engine]") {
  PipelineFixture store;
  for (int i = 0; i < 3; ++i) REQUIRE(store.put("k" + std::to_string(i), "v").ok());
  // What writes nothing is no group.
  REQUIRE(store.run([](GroupContext&) -> Result<std::string> { return std::string(); }).ok());
  REQUIRE(store.pipeline().wait_applied().ok());
  StoreDetail detail;
  store.pipeline().meter().read(detail);
  for (std::size_t i = 0; i < kCommitStages; ++i) {
    INFO(commit_stage_name(static_cast<CommitStage>(i)));
    CHECK(detail.stages[i].count() == 3);
  }
  CHECK(detail.group_sizes[0] == 3);
  CHECK(detail.group_commands == 3);
}

TEST_CASE("pipeline: commits wait when too much is not applied", "[engine]") {
  PipelineFixture store;
  store.kv().let(false);
  for (std::size_t i = 0; i < kUnappliedGroupsMax; ++i) REQUIRE(store.put("k", "v").ok());
  std::atomic<bool> answered{false};
  Status outcome;
  std::thread one_more([&] {
    outcome = store.put("k", "last");
    answered = true;
  });
  // It can be answered only behind an apply; until then the view does not move.
  CHECK(store.read("k") == "v");
  CHECK_FALSE(answered);
  store.kv().let(true);
  one_more.join();
  CHECK(outcome.ok());
  CHECK(store.read("k") == "last");
}

TEST_CASE("pipeline: an apply that fails ends writing, and takes back nothing", "[engine]") {
  PipelineFixture store;
  store.kv().let(true, true);
  REQUIRE(store.put("a", "1").ok());
  CHECK_FALSE(store.pipeline().wait_applied().ok());
  const Status refused = store.put("a", "2");
  CHECK(refused.code() == StatusCode::kFailedPrecondition);
  CHECK_FALSE(store.pipeline().health().ok());
  CHECK(store.read("a") == "1");
}

TEST_CASE("pipeline: a range is erased with everything before it, and nothing behind it",
          "[engine]") {
  PipelineFixture store;
  const TenantId tenant{77};
  const std::string inside = layout::tenant_begin(tenant) + "row";
  REQUIRE(store.put(inside, "1").ok());
  REQUIRE(store
              .run([&](GroupContext& context) -> Result<std::string> {
                context.group.kind = EntryKind::kErase;
                context.group.erased = tenant;
                return std::string();
              })
              .ok());
  CHECK(store.read(inside) == "(none)");
  REQUIRE(store.put(inside, "2").ok());
  CHECK(store.read(inside) == "2");
  REQUIRE(store.pipeline().wait_applied().ok());
  CHECK(store.read(inside) == "2");
}

}  // namespace clinicdb::engine
