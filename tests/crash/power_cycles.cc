#include <rocksdb/env.h>

#include <string>

#include "checker.h"
#include "cycles.h"
#include "small_store.h"
#include "store/store_internal.h"
#include "support/simulated_file_system.h"
#include "support/simulated_rocksdb.h"
#include "workload.h"

namespace clinicdb::crash {

using engine::Store;
using engine::StoreOptions;
using test::Fault;
using test::SimulatedFileSystem;

namespace {

constexpr std::uint64_t kOperationsInOpen = 80;
constexpr std::uint64_t kOperationsInWork = 400;
constexpr std::uint64_t kCallsMax = 80;

class PowerCycles final : public Cycles {
 public:
  explicit PowerCycles(bool break_sync)
      : break_sync_(break_sync), ledger_(std::make_unique<Ledger>()) {
    begin_store();
  }

  void run(std::uint64_t seed) override {
    SeededRandom random(seed);
    injected_before_ = disk_->faults().injected();
    const bool early = random.below(4) == 0;
    if (early) cut_power_within(kOperationsInOpen, random);
    std::unique_ptr<Store> store = open(random);
    if (store != nullptr && !power_is_cut()) {
      disk_->faults().disarm();
      const Tenants tenants = check_store(*store, *ledger_, {.seed = seed});
      if (ledger_->problem_count != 0) return;
      cut_power_within(kOperationsInWork, random);
      Workers(*store, *ledger_, tenants, [this] { return power_is_cut(); }).run(seed, kCallsMax);
    } else {
      ++early_deaths_;
    }
    // The process goes with the power: what its end would still write must not reach the disk.
    disk_->power_off();
    store.reset();
    disk_->faults().disarm();
    disk_->crash(random);
  }

  void finish_store(std::uint64_t seed) override {
    SeededRandom random(seed);
    std::unique_ptr<Store> store = open(random);
    if (store == nullptr) return;
    check_store(*store, *ledger_, {.full = true, .seed = seed});
    if (const Status closed = store->close(); !closed.ok())
      add_problem(*ledger_, "close: " + closed.to_string());
    store.reset();
    if (ledger_->problem_count == 0) begin_store();
  }

  const Ledger& ledger() const override { return *ledger_; }
  std::uint64_t early_deaths() const override { return early_deaths_; }

 private:
  void begin_store() {
    env_.reset();
    disk_ = std::make_unique<SimulatedFileSystem>();
    env_ = test::simulated_rocksdb_env(*disk_);
    // The parent directory is its owner's; that the store's own name in it lasts is the store's.
    const Status made = disk_->create_directories("/data");
    if (!made.ok() || !disk_->sync_directory("/").ok())
      add_problem(*ledger_, "no simulated directory");
    if (break_sync_) disk_->lie_about_sync("/log");
    forget_store(*ledger_);
    injected_before_ = 0;
  }

  /// Every operation from a random one on fails; the first may leave part of its bytes.
  void cut_power_within(std::uint64_t operations, Random& random) {
    injected_before_ = disk_->faults().injected();
    Fault fault;
    fault.nth = 1 + random.below(operations);
    fault.for_good = true;
    fault.written_fraction = random.unit();
    disk_->faults().arm(fault);
  }
  bool power_is_cut() const { return disk_->faults().injected() > injected_before_; }

  std::unique_ptr<Store> open(Random& random) {
    StoreOptions options = small_store(random);
    options.file_system = disk_.get();
    const std::uint64_t injected = disk_->faults().injected();
    Result<std::unique_ptr<Store>> store =
        engine::open_store("/data/store", schema(), options, {.rocksdb_env = env_.get()});
    if (!store) {
      if (disk_->faults().injected() == injected) {
        add_problem(*ledger_, "open after a power cut: " + store.error().to_string());
      }
      return nullptr;
    }
    const engine::StoreStats stats = (*store)->stats();
    ledger_->open_us = stats.open_us;
    ledger_->replay_us = stats.replay_us;
    ledger_->replayed_entries = stats.replayed_entries;
    return std::move(store).value();
  }

  const bool break_sync_;
  std::unique_ptr<Ledger> ledger_;
  std::unique_ptr<SimulatedFileSystem> disk_;
  std::unique_ptr<rocksdb::Env> env_;
  std::uint64_t injected_before_ = 0;
  std::uint64_t early_deaths_ = 0;
};

}  // namespace

std::unique_ptr<Cycles> make_power_cycles(bool break_sync) {
  return std::make_unique<PowerCycles>(break_sync);
}

}  // namespace clinicdb::crash
