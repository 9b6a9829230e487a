#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "bench/clinic_fixture.h"
#include "bench/measure.h"
#include "bench/options.h"
#include "bench/population.h"
#include "bench/sqlite_peer.h"
#include "bench/sync_limit.h"

namespace clinicdb::bench {

namespace {

/// One writer thread that takes all queued calls into one transaction: what an application could
/// build around SQLite.
class SqliteQueue {
 public:
  explicit SqliteQueue(SqlitePeer& peer) : peer_(peer), writer_([this] { write(); }) {}
  ~SqliteQueue() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    filled_.notify_one();
    writer_.join();
  }

  /// Returns when the transaction with this update is committed.
  Status update(const clinic::Patient& before, const clinic::Patient& after) {
    Call call{before, after, {}, false};
    std::unique_lock lock(mutex_);
    queue_.push_back(&call);
    filled_.notify_one();
    committed_.wait(lock, [&] { return call.done; });
    return std::move(call.status);
  }

 private:
  struct Call {
    const clinic::Patient& before;
    const clinic::Patient& after;
    Status status;
    bool done;
  };

  Status write_all(const std::deque<Call*>& calls) {
    RETURN_IF_ERROR(peer_.begin());
    for (Call* call : calls) RETURN_IF_ERROR(peer_.update_patient(call->before, call->after));
    return peer_.commit();
  }

  void write() {
    std::unique_lock lock(mutex_);
    while (true) {
      filled_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      const std::deque<Call*> calls = std::exchange(queue_, {});
      lock.unlock();
      const Status status = write_all(calls);
      lock.lock();
      for (Call* call : calls) {
        call->status = status;
        call->done = true;
      }
      committed_.notify_all();
    }
  }

  SqlitePeer& peer_;
  std::mutex mutex_;
  std::condition_variable filled_;
  std::condition_variable committed_;
  std::deque<Call*> queue_;  // guarded by mutex_
  bool stopping_ = false;    // guarded by mutex_
  std::thread writer_;
};

class WriteBench {
 public:
  WriteBench(const WriteOptions& options, Report& report) : options_(options), report_(report) {}

  Status run() {
    RETURN_IF_ERROR(set_up());
    for (std::size_t round = 0; round < options_.rounds; ++round) RETURN_IF_ERROR(one_caller());
    report_one_caller();
    for (std::size_t round = 0; round < options_.rounds; ++round) RETURN_IF_ERROR(many_callers());
    report_many_callers();
    return {};
  }

 private:
  using Kind = ChangeKind;

  Status set_up() {
    engine::StoreOptions store;
    store.pipeline_depth = options_.pipeline_depth;
    ASSIGN_OR_RETURN(clinic_, ClinicFixture::open(options_.directory + "/clinicdb", store));
    RETURN_IF_ERROR(clinic_->add_patients(options_.patients, 1));
    ASSIGN_OR_RETURN(sqlite_,
                     SqlitePeer::open(options_.directory + "/sqlite", 1, store.block_cache_bytes));
    RETURN_IF_ERROR(sqlite_->begin());
    for (const clinic::Patient& patient : clinic_->patients())
      RETURN_IF_ERROR(sqlite_->insert_patient(patient));
    RETURN_IF_ERROR(sqlite_->commit());
    RETURN_IF_ERROR(sqlite_->checkpoint());
    ASSIGN_OR_RETURN(limit_, SyncLimit::open(options_.directory));
    sqlite_patients_ = clinic_->patients();
    kind_ = options_.everything ? Kind::kEverything : Kind::kContact;
    report_.setting("patients", options_.patients);
    report_.setting("change", options_.everything ? "everything" : "contact");
    report_.setting("rounds", options_.rounds);
    report_.setting("calls_a_round", options_.calls);
    report_.setting("callers", options_.callers);
    return {};
  }

  Status update(const clinic::Patient& patient) {
    clinic::UpdatePatientRequest request;
    *request.mutable_patient() = patient;
    return clinic_->clinic().patients().update(clinic_->context(), std::move(request)).status();
  }

  /// One chunk of each: the log entry's size is taken from our own chunk of the same round.
  Status one_caller() {
    std::vector<clinic::Patient>& patients = clinic_->patients();
    Latencies ours;
    Latencies limit;
    Latencies sqlite;
    const std::uint64_t bytes_before = clinic_->clinic().store().stats().log_bytes_appended;
    for (std::size_t i = 0; i < options_.calls; ++i) {
      clinic::Patient& patient = patients[random_.below(patients.size())];
      change_patient(patient, kind_, random_);
      const std::int64_t start = now_ns();
      RETURN_IF_ERROR(update(patient));
      ours.add(now_ns() - start);
    }
    const std::uint64_t bytes = clinic_->clinic().store().stats().log_bytes_appended - bytes_before;
    entry_bytes_ = static_cast<std::size_t>(bytes) / options_.calls;
    for (std::size_t i = 0; i < options_.calls; ++i) {
      const std::int64_t start = now_ns();
      RETURN_IF_ERROR(limit_->write(entry_bytes_));
      limit.add(now_ns() - start);
    }
    for (std::size_t i = 0; i < options_.calls; ++i) {
      clinic::Patient& before = sqlite_patients_[random_.below(sqlite_patients_.size())];
      clinic::Patient after = before;
      change_patient(after, kind_, random_);
      const std::int64_t start = now_ns();
      RETURN_IF_ERROR(sqlite_transaction(before, after));
      sqlite.add(now_ns() - start);
      before = std::move(after);
    }
    round_ours_.push_back(ours.percentile_us(0.5));
    round_limit_.push_back(limit.percentile_us(0.5));
    round_sqlite_.push_back(sqlite.percentile_us(0.5));
    all_ours_.add(ours);
    all_limit_.add(limit);
    all_sqlite_.add(sqlite);
    return {};
  }

  Status sqlite_transaction(const clinic::Patient& before, const clinic::Patient& after) {
    RETURN_IF_ERROR(sqlite_->begin());
    RETURN_IF_ERROR(sqlite_->update_patient(before, after));
    return sqlite_->commit();
  }

  struct ManyCalls {
    double a_second = 0;
    double cpu_us = 0;  ///< a call, of the whole process
  };

  /// Has all callers change and save patients, by `call`, for the round's time. Each caller has
  /// patients of its own, so that what a contestant does about conflicts does not count.
  Result<ManyCalls> many_calls(std::vector<clinic::Patient>& patients,
                               const std::function<Status(clinic::Patient&, SeededRandom&)>& call) {
    std::atomic<std::uint64_t> done{0};
    const auto budget_ns = static_cast<std::int64_t>(options_.seconds * 1e9);
    const std::uint64_t seed = random_.next();
    const TimedRun run = run_on_threads(options_.callers, [&](std::size_t caller) -> Status {
      SeededRandom random(seed + caller);
      const std::int64_t end = now_ns() + budget_ns;
      std::uint64_t mine = 0;
      const std::size_t share = patients.size() / options_.callers;
      for (; now_ns() < end; ++mine) {
        RETURN_IF_ERROR(call(patients[caller + options_.callers * random.below(share)], random));
      }
      done += mine;
      return {};
    });
    if (!run.status.ok()) return run.status;
    return ManyCalls{static_cast<double>(done) / run.seconds,
                     run.cpu_seconds * 1e6 / static_cast<double>(done)};
  }

  Status many_callers() {
    ASSIGN_OR_RETURN(
        const ManyCalls ours,
        many_calls(clinic_->patients(), [&](clinic::Patient& patient, SeededRandom& r) {
          change_patient(patient, kind_, r);
          return update(patient);
        }));
    // SQLite's indexes are kept by hand, from what stood there before.
    const auto sqlite_call = [&](clinic::Patient& patient, SeededRandom& r, const auto& save) {
      clinic::Patient after = patient;
      change_patient(after, kind_, r);
      RETURN_IF_ERROR(save(patient, after));
      patient = std::move(after);
      return Status();
    };
    std::mutex mutex;
    ASSIGN_OR_RETURN(const ManyCalls single,
                     many_calls(sqlite_patients_, [&](clinic::Patient& patient, SeededRandom& r) {
                       return sqlite_call(
                           patient, r,
                           [&](const clinic::Patient& before, const clinic::Patient& after) {
                             const std::lock_guard lock(mutex);
                             return sqlite_transaction(before, after);
                           });
                     }));
    SqliteQueue queue(*sqlite_);
    ASSIGN_OR_RETURN(const ManyCalls queued,
                     many_calls(sqlite_patients_, [&](clinic::Patient& patient, SeededRandom& r) {
                       return sqlite_call(
                           patient, r,
                           [&](const clinic::Patient& before, const clinic::Patient& after) {
                             return queue.update(before, after);
                           });
                     }));
    rate_ours_.push_back(ours.a_second);
    cpu_ours_.push_back(ours.cpu_us);
    rate_single_.push_back(single.a_second);
    cpu_single_.push_back(single.cpu_us);
    rate_queued_.push_back(queued.a_second);
    cpu_queued_.push_back(queued.cpu_us);
    return {};
  }

  static std::vector<double> ratios(const std::vector<double>& over,
                                    const std::vector<double>& under) {
    std::vector<double> all;
    for (std::size_t i = 0; i < over.size(); ++i) all.push_back(over[i] / under[i]);
    return all;
  }

  void report_one_caller() {
    report_.heading("one caller: latency of an update");
    const auto three = [&](const std::string& name, const Latencies& latencies) {
      report_.figure(name + " p50", latencies.percentile_us(0.5), "us");
      report_.figure(name + " p95", latencies.percentile_us(0.95), "us");
      report_.figure(name + " p99", latencies.percentile_us(0.99), "us");
    };
    three("ClinicDB", all_ours_);
    three("fdatasync", all_limit_);
    three("SQLite", all_sqlite_);
    report_.figure("log entry", static_cast<double>(entry_bytes_), "bytes");
    report_.at_most("ClinicDB p50 / fdatasync p50", median(ratios(round_ours_, round_limit_)), 1.6,
                    "x");
    report_.figure("SQLite p50 / ClinicDB p50", median(ratios(round_sqlite_, round_ours_)), "x");
    report_.rounds("one caller: ClinicDB p50 us", round_ours_);
    report_.rounds("one caller: fdatasync p50 us", round_limit_);
    report_.rounds("one caller: SQLite p50 us", round_sqlite_);
  }

  void report_many_callers() {
    report_.heading(std::to_string(options_.callers) + " callers: updates a second");
    report_.at_least("ClinicDB", median(rate_ours_), 30'000, "/s");
    report_.figure("SQLite, a transaction a call", median(rate_single_), "/s");
    report_.figure("SQLite, calls batched by a queue", median(rate_queued_), "/s");
    report_.at_least("ClinicDB / SQLite", median(ratios(rate_ours_, rate_single_)), 6, "x");
    report_.figure("ClinicDB / SQLite batched", median(ratios(rate_ours_, rate_queued_)), "x");
    report_.figure("CPU a call, ClinicDB", median(cpu_ours_), "us");
    report_.figure("CPU a call, SQLite", median(cpu_single_), "us");
    report_.figure("CPU a call, SQLite batched", median(cpu_queued_), "us");
    const engine::StoreStats stats = clinic_->clinic().store().stats();
    report_.figure("commands a commit group",
                   static_cast<double>(stats.commands) / static_cast<double>(stats.groups), "");
    report_.rounds("many callers: ClinicDB /s", rate_ours_);
    report_.rounds("many callers: SQLite /s", rate_single_);
    report_.rounds("many callers: SQLite batched /s", rate_queued_);
  }

  const WriteOptions& options_;
  Report& report_;
  SeededRandom random_{2};
  Kind kind_ = Kind::kContact;
  std::unique_ptr<ClinicFixture> clinic_;
  std::unique_ptr<SqlitePeer> sqlite_;
  std::unique_ptr<SyncLimit> limit_;
  std::vector<clinic::Patient> sqlite_patients_;
  std::size_t entry_bytes_ = 0;
  Latencies all_ours_;
  Latencies all_limit_;
  Latencies all_sqlite_;
  std::vector<double> round_ours_;
  std::vector<double> round_limit_;
  std::vector<double> round_sqlite_;
  std::vector<double> rate_ours_;
  std::vector<double> cpu_ours_;
  std::vector<double> rate_single_;
  std::vector<double> cpu_single_;
  std::vector<double> rate_queued_;
  std::vector<double> cpu_queued_;
};

}  // namespace

Status bench_write(const WriteOptions& options, Report& report) {
  return WriteBench(options, report).run();
}

}  // namespace clinicdb::bench
