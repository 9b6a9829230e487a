#include <atomic>
#include <mutex>

#include "bench/calendar_population.h"
#include "bench/clinic_fixture.h"
#include "bench/measure.h"
#include "bench/options.h"
#include "bench/sqlite_peer.h"
#include "bench/sync_limit.h"

namespace clinicdb::bench {

namespace {

class BookBench {
 public:
  BookBench(const BookOptions& options, Report& report) : options_(options), report_(report) {}

  Status run() {
    RETURN_IF_ERROR(set_up());
    for (std::size_t round = 0; round < options_.rounds; ++round) RETURN_IF_ERROR(one_caller());
    for (std::size_t round = 0; round < options_.rounds; ++round) RETURN_IF_ERROR(many_callers());
    write_report();
    return {};
  }

 private:
  Status set_up() {
    engine::StoreOptions store;
    ASSIGN_OR_RETURN(clinic_, ClinicFixture::open(options_.directory + "/clinicdb", store));
    RETURN_IF_ERROR(clinic_->add_patients(options_.patients, 1));
    ASSIGN_OR_RETURN(practice_, make_practice_in(clinic_->clinic(), options_.professionals));
    ASSIGN_OR_RETURN(sqlite_,
                     SqlitePeer::open(options_.directory + "/sqlite", 1, store.block_cache_bytes));
    ASSIGN_OR_RETURN(limit_, SyncLimit::open(options_.directory));
    report_.setting("patients", options_.patients);
    report_.setting("professionals", options_.professionals);
    report_.setting("callers", options_.callers);
    report_.setting("rounds", options_.rounds);
    return {};
  }

  /// The fixture's own tenant, so that its patients are those who are booked.
  Result<Practice> make_practice_in(clinic::Clinic& clinic, std::size_t professionals) {
    ASSIGN_OR_RETURN(Practice practice, fill_practice(clinic, clinic_->context(), professionals));
    for (const clinic::Patient& patient : clinic_->patients())
      practice.patients.push_back(patient.id());
    return practice;
  }

  /// The n-th booking of all: professionals in turn, each patient once in a long while.
  clinic::BookAppointmentRequest booking(std::uint64_t n) const {
    const std::size_t professional = n % options_.professionals;
    return make_booking(*practice_, professional, kFirstUs, n / options_.professionals,
                        practice_->patients[n % practice_->patients.size()]);
  }

  Status book(std::uint64_t n) {
    return clinic_->clinic().scheduling().book(practice_->context, booking(n)).status();
  }

  Status book_in_sqlite(std::uint64_t n) {
    clinic::Appointment appointment = booking(n).appointment();
    std::string id(16, '\0');
    for (std::size_t i = 0; i < 8; ++i) id[i] = static_cast<char>(n >> (8 * i));
    id[15] = 1;
    appointment.set_id(id);
    RETURN_IF_ERROR(sqlite_->begin());
    ASSIGN_OR_RETURN(const bool free, sqlite_->is_free(appointment));
    if (!free) return internal_error("a booking of the benchmark met another");
    RETURN_IF_ERROR(sqlite_->insert_appointment(appointment));
    return sqlite_->commit();
  }

  Status one_caller() {
    Latencies ours;
    Latencies limit;
    Latencies sqlite;
    const std::uint64_t before = clinic_->clinic().store().stats().log_bytes_appended;
    for (std::size_t i = 0; i < options_.calls; ++i) {
      const std::int64_t start = now_ns();
      RETURN_IF_ERROR(book(next_++));
      ours.add(now_ns() - start);
    }
    const std::uint64_t bytes = clinic_->clinic().store().stats().log_bytes_appended - before;
    entry_bytes_ = static_cast<std::size_t>(bytes) / options_.calls;
    for (std::size_t i = 0; i < options_.calls; ++i) {
      const std::int64_t start = now_ns();
      RETURN_IF_ERROR(limit_->write(entry_bytes_));
      limit.add(now_ns() - start);
    }
    for (std::size_t i = 0; i < options_.calls; ++i) {
      const std::int64_t start = now_ns();
      RETURN_IF_ERROR(book_in_sqlite(next_in_sqlite_++));
      sqlite.add(now_ns() - start);
    }
    p50_ours_.push_back(ours.percentile_us(0.5));
    p50_limit_.push_back(limit.percentile_us(0.5));
    p50_sqlite_.push_back(sqlite.percentile_us(0.5));
    return {};
  }

  Result<double> rate(const std::function<Status()>& call, double* cpu_us) {
    std::atomic<std::uint64_t> done{0};
    const auto budget_ns = static_cast<std::int64_t>(options_.seconds * 1e9);
    const TimedRun run = run_on_threads(options_.callers, [&](std::size_t) -> Status {
      const std::int64_t end = now_ns() + budget_ns;
      for (; now_ns() < end; ++done) RETURN_IF_ERROR(call());
      return {};
    });
    if (!run.status.ok()) return run.status;
    *cpu_us = run.cpu_seconds * 1e6 / static_cast<double>(done);
    return static_cast<double>(done) / run.seconds;
  }

  Status many_callers() {
    double cpu_us = 0;
    ASSIGN_OR_RETURN(const double ours, rate([&] { return book(next_++); }, &cpu_us));
    cpu_ours_.push_back(cpu_us);
    std::mutex mutex;
    const auto one_by_one = [&] {
      const std::lock_guard lock(mutex);
      return book_in_sqlite(next_in_sqlite_++);
    };
    ASSIGN_OR_RETURN(const double sqlite, rate(one_by_one, &cpu_us));
    rate_ours_.push_back(ours);
    rate_sqlite_.push_back(sqlite);
    return {};
  }

  static std::vector<double> ratios(const std::vector<double>& over,
                                    const std::vector<double>& under) {
    std::vector<double> all;
    for (std::size_t i = 0; i < over.size(); ++i) all.push_back(over[i] / under[i]);
    return all;
  }

  void write_report() {
    report_.heading("one caller: latency of a booking, p50");
    report_.figure("ClinicDB", median(p50_ours_), "us");
    report_.figure("fdatasync of as many bytes", median(p50_limit_), "us");
    report_.figure("SQLite", median(p50_sqlite_), "us");
    report_.figure("log entry", static_cast<double>(entry_bytes_), "bytes");
    report_.at_most("ClinicDB / fdatasync", median(ratios(p50_ours_, p50_limit_)), 1.8, "x");
    report_.heading(std::to_string(options_.callers) + " callers: bookings a second, durable");
    report_.at_least("ClinicDB", median(rate_ours_), 20'000, "/s");
    report_.figure("SQLite", median(rate_sqlite_), "/s");
    report_.at_least("ClinicDB / SQLite", median(ratios(rate_ours_, rate_sqlite_)), 5, "x");
    report_.figure("CPU a booking", median(cpu_ours_), "us");
    report_.rounds("ClinicDB /s", rate_ours_);
    report_.rounds("SQLite /s", rate_sqlite_);
  }

  const BookOptions& options_;
  Report& report_;
  std::unique_ptr<ClinicFixture> clinic_;
  std::optional<Practice> practice_;
  std::unique_ptr<SqlitePeer> sqlite_;
  std::unique_ptr<SyncLimit> limit_;
  std::atomic<std::uint64_t> next_{0};
  std::uint64_t next_in_sqlite_ = 0;
  std::size_t entry_bytes_ = 0;
  std::vector<double> p50_ours_;
  std::vector<double> p50_limit_;
  std::vector<double> p50_sqlite_;
  std::vector<double> rate_ours_;
  std::vector<double> rate_sqlite_;
  std::vector<double> cpu_ours_;
};

}  // namespace

Status bench_book(const BookOptions& options, Report& report) {
  return BookBench(options, report).run();
}

}  // namespace clinicdb::bench
