// clinicdb_fault_sweep: one small workload, run again and again with its Nth file operation
// failing, for N = 1, 2, … until a run meets no failure; for each kind of operation, once and for
// good, over the engine's files and RocksDB's alike. After each run the store is opened without
// faults, in one sweep after a mere restart, in another after a power cut, and must have everything
// that was acknowledged and nothing half done. Every error on the way must name the failed path.
//
// A failure of every kind for good, from the Nth operation on, then a power cut, is a power cut at
// each operation of the workload in turn.
//
//   clinicdb_fault_sweep                the whole sweep; the last line counts the failures
//   clinicdb_fault_sweep --break sync   the control: the log's sync does nothing, which it must
//   find
//
// Exit: 0 nothing found, 1 something found, 2 wrong arguments.
#include <rocksdb/env.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "checker.h"
#include "small_store.h"
#include "store/store_internal.h"
#include "support/simulated_file_system.h"
#include "support/simulated_rocksdb.h"
#include "workload.h"

namespace clinicdb::crash {
namespace {

using engine::Committed;
using engine::Store;
using engine::StoreOptions;
using test::fault_kind;
using test::FaultOperation;
using test::SimulatedFileSystem;

constexpr const char* kDirectory = "/data/store";
constexpr std::uint64_t kSeed = 1;
constexpr std::uint64_t kLimit = 20'000;  // A sweep that does not end by then never will.
constexpr std::uint64_t kProblemsMax = 20;

enum class Aftermath { kRestart, kPowerCut };

struct Totals {
  std::uint64_t runs = 0;
  std::uint64_t injected = 0;
  std::uint64_t errors = 0;
  std::uint64_t problems = 0;
};

/// One disk, one store, one run.
class Run {
 public:
  explicit Run(bool break_sync)
      : ledger_(std::make_unique<Ledger>()), env_(test::simulated_rocksdb_env(disk_)) {
    const Status made = disk_.create_directories("/data");
    if (!made.ok() || !disk_.sync_directory("/").ok()) problem("no simulated directory");
    if (break_sync) disk_.lie_about_sync("/log");
  }

  SimulatedFileSystem& disk() { return disk_; }
  const Ledger& ledger() const { return *ledger_; }
  std::uint64_t errors() const { return errors_; }

  void workload() {
    SeededRandom random(kSeed);
    if (!open()) return;
    if (note(store_->create_tenant("shared"), "create_tenant")) ledger_->shared_exists = true;
    find_tenants();
    calls(10, random);
    maintain();
    note(store_->flush(), "flush");
    calls(6, random);
    maintain();
    note(store_->close(), "close");
    store_.reset();
    if (!open()) return;
    find_tenants();
    calls(6, random);
    note(store_->verify({}), "verify");
    note(store_->close(), "close");
    store_.reset();
  }

  /// The process ends, with the power or without; then everything acknowledged must be there.
  void aftermath(bool power_cut, Random& random) {
    if (power_cut) disk_.power_off();
    store_.reset();
    disk_.faults().disarm();
    if (power_cut) disk_.crash(random);
    healthy_ = true;
    if (!open()) return;
    check_store(*store_, *ledger_, {.full = true, .seed = kSeed});
    note(store_->close(), "close");
    store_.reset();
  }

  void problem(const std::string& text) { add_problem(*ledger_, text); }

 private:
  bool open() {
    SeededRandom random(kSeed);
    StoreOptions options = small_store(random);
    options.file_system = &disk_;
    Result<std::unique_ptr<Store>> store = engine::open_store(
        kDirectory, schema(), options, {.rocksdb_env = env_.get(), .manual_maintenance = true});
    if (!note(store, "open")) return false;
    store_ = std::move(store).value();
    return true;
  }

  void maintain() { note(engine::maintain_store(*store_), "maintenance"); }

  void find_tenants() {
    const auto shared = store_->find_tenant("shared");
    if (shared) tenants_.shared = shared->id;
    // It is missing, and rightly so, when its creation failed.
    if (shared.status().code() != StatusCode::kNotFound || ledger_->shared_exists)
      note(shared, "find_tenant");
  }

  /// Each worker calls in turn; one whose call failed keeps it in flight and calls no more.
  void calls(int count, Random& random) {
    for (int call = 0; call < count; ++call) {
      const auto number = static_cast<std::uint32_t>(call) % kWorkers;
      WorkerLedger& worker = ledger_->workers[number];
      if (worker.phase.load() == Phase::kPending || tenants_.shared.value == 0) continue;
      worker.intent = choose(worker, random);
      worker.phase.store(Phase::kPending);
      const Result<Committed> done = perform(*store_, tenants_, number, worker.intent);
      if (done) {
        apply(worker, worker.intent);
        worker.phase.store(Phase::kIdle);
      } else if (is_refusal(done.error())) {
        worker.phase.store(Phase::kIdle);
      } else {
        note(done.error(), "a call");
      }
    }
  }

  bool note(const Status& status, const char* what) {
    if (status.ok()) return true;
    ++errors_;
    const std::string failed = disk_.faults().first_failure();
    const std::string text = std::string(what) + ": " + status.to_string();
    if (healthy_ || (failed.empty() && !disk_is_full(status))) {
      problem("an error on a healthy disk: " + text);
    } else if (!failed.empty() && !names_failure(status)) {
      problem("after " + failed + " failed, an error names no failed file: " + text);
    }
    return false;
  }
  template <class T>
  bool note(const Result<T>& result, const char* what) {
    return note(result.status(), what);
  }

  /// RocksDB probes CURRENT for direct I/O and reports any error of the first probe as its absence.
  bool names_failure(const Status& status) const {
    return disk_.faults().named_in(status.message()) ||
           status.message().find("Direct I/O") != std::string_view::npos;
  }
  static bool disk_is_full(const Status& status) {
    return status.code() == StatusCode::kResourceExhausted;
  }

  SimulatedFileSystem disk_;
  std::unique_ptr<Ledger> ledger_;
  std::unique_ptr<rocksdb::Env> env_;
  std::unique_ptr<Store> store_;
  Tenants tenants_;
  bool healthy_ = false;
  std::uint64_t errors_ = 0;
};

class Sweep {
 public:
  explicit Sweep(bool break_sync) : break_sync_(break_sync) {}

  const Totals& totals() const { return totals_; }

  /// N = 1, 2, … until a run meets no failure.
  void sweep(const std::string& name, test::Fault fault, Aftermath aftermath) {
    const Totals before = totals_;
    for (fault.nth = 1; fault.nth < kLimit; ++fault.nth) {
      SeededRandom random(fault.nth);
      Run run(break_sync_);
      run.disk().faults().arm(fault);
      run.workload();
      const std::uint64_t injected = run.disk().faults().injected();
      const std::string failed = run.disk().faults().first_failure();
      run.aftermath(aftermath == Aftermath::kPowerCut, random);
      add(run, name + ", the " + std::to_string(fault.nth) + "th (" + failed + ")", injected);
      if (injected == 0 || totals_.problems - before.problems > kProblemsMax) break;
    }
    print(name + (aftermath == Aftermath::kPowerCut ? ", then a power cut" : ", then a restart"),
          before);
  }

  /// The disk is full after so many bytes; later there is room again.
  void sweep_capacity(std::uint64_t step) {
    const Totals before = totals_;
    for (std::uint64_t capacity = step;; capacity += step) {
      SeededRandom random(capacity);
      Run run(break_sync_);
      run.disk().set_capacity(capacity);
      run.workload();
      const bool met = run.errors() != 0;
      run.disk().set_capacity(~std::uint64_t{0});
      run.aftermath(capacity / step % 2 == 0, random);
      add(run, "a disk of " + std::to_string(capacity) + " bytes", met ? 1 : 0);
      if (!met || totals_.problems - before.problems > kProblemsMax) break;
    }
    print("full disk", before);
  }

 private:
  void add(const Run& run, const std::string& what, std::uint64_t injected) {
    ++totals_.runs;
    totals_.injected += injected;
    totals_.errors += run.errors();
    totals_.problems += run.ledger().problem_count;
    if (run.ledger().problem_count != 0)
      std::printf("FOUND with %s:\n%s", what.c_str(), run.ledger().problems);
  }

  void print(const std::string& name, const Totals& before) const {
    std::printf("%-48s %6zu runs, %8zu failures injected\n", name.c_str(),
                static_cast<std::size_t>(totals_.runs - before.runs),
                static_cast<std::size_t>(totals_.injected - before.injected));
    std::fflush(stdout);
  }

  const bool break_sync_;
  Totals totals_;
};

void sweep_both(Sweep& sweep, const std::string& name, test::Fault fault) {
  for (const bool for_good : {false, true}) {
    fault.for_good = for_good;
    for (const Aftermath aftermath : {Aftermath::kRestart, Aftermath::kPowerCut}) {
      sweep.sweep(name + (for_good ? ", for good" : ", once"), fault, aftermath);
    }
  }
}

void sweep_all(Sweep& sweep) {
  for (std::size_t i = 0; i < test::kFaultOperationCount; ++i) {
    const auto operation = static_cast<FaultOperation>(i);
    test::Fault fault;
    fault.kinds = fault_kind(operation);
    fault.written_fraction = 0.5;
    sweep_both(sweep, std::string(test::fault_operation_name(operation)), fault);
  }
  sweep_both(sweep, "write, no space",
             {.kinds = fault_kind(FaultOperation::kWrite),
              .errno_value = ENOSPC,
              .written_fraction = 0.5});
  // The error comes after all of the bytes are there: "failed" does not mean "not done".
  sweep_both(sweep, "write, but written",
             {.kinds = fault_kind(FaultOperation::kWrite), .written_fraction = 1});
  sweep.sweep_capacity(16 << 10);
}

int run(bool break_sync) {
  const auto start = std::chrono::steady_clock::now();
  Sweep sweep(break_sync);
  sweep.sweep("every operation", {.for_good = true, .written_fraction = 0.5}, Aftermath::kPowerCut);
  if (!break_sync) sweep_all(sweep);
  const Totals& totals = sweep.totals();
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::printf("%zu runs, %zu failures injected, %zu errors returned, %zu problems found, %.1f s\n",
              static_cast<std::size_t>(totals.runs), static_cast<std::size_t>(totals.injected),
              static_cast<std::size_t>(totals.errors), static_cast<std::size_t>(totals.problems),
              seconds);
  return totals.problems == 0 ? 0 : 1;
}

}  // namespace
}  // namespace clinicdb::crash

int main(int count, char** arguments) {
  const bool break_sync = count == 3 && std::strcmp(arguments[1], "--break") == 0 &&
                          std::strcmp(arguments[2], "sync") == 0;
  if (count != 1 && !break_sync) {
    std::fputs("Usage: clinicdb_fault_sweep [--break sync]\n", stderr);
    return 2;
  }
  return clinicdb::crash::run(break_sync);
}
