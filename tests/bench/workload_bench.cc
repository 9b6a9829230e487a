#include <array>
#include <atomic>
#include <mutex>

#include "bench/clinic_fixture.h"
#include "bench/measure.h"
#include "bench/options.h"
#include "bench/population.h"
#include "bench/workload.h"
#include "bench/workload_sqlite.h"
#include "clinicdb/clinic/schema/calendar.pb.h"
#include "clinicdb/clinic/tables.h"
#include "clinicdb/engine/fold.h"

namespace clinicdb::bench {

namespace {

constexpr std::size_t kProfessionals = 10;
/// As much as SQLite may map of its file.
constexpr std::size_t kBlockCacheBytes = std::size_t{1} << 30;

/// The mix by the clinic's own services.
class WorkloadClinic : public Contestant {
 public:
  WorkloadClinic(clinic::Clinic& clinic, const std::vector<WorkloadTenant>& tenants,
                 std::size_t days)
      : clinic_(clinic), tenants_(tenants), days_(days) {}

  Status run(const WorkloadCall& call) override {
    switch (call.operation) {
      case Operation::kGet:
        return get(call);
      case Operation::kDay:
        return day(call);
      case Operation::kSearch:
        return search(call);
      case Operation::kSlots:
        return slots(call);
      case Operation::kTimeline:
        return timeline(call);
      case Operation::kStatus:
        return change_status(call);
      case Operation::kBook:
        return book(call);
      case Operation::kScan:
        return scan(call);
      default: {
        clinic::PutRecordRequest request;
        *request.mutable_record() =
            make_record(tenants_[call.tenant], call, static_cast<std::int64_t>(call.b >> 12));
        return clinic_.records().put(context(call), std::move(request)).status();
      }
    }
  }

 private:
  const clinic::CallContext& context(const WorkloadCall& call) const {
    return tenants_[call.tenant].practice.context;
  }

  Status get(const WorkloadCall& call) {
    const WorkloadTenant& tenant = tenants_[call.tenant];
    if (call.a % 3 == 0) {
      const std::string& id = tenant.appointments[call.b % tenant.appointments.size()].id();
      return clinic_.scheduling().get(context(call), Uuid::from_bytes(id)).status();
    }
    const std::string& id = tenant.patients[call.b % tenant.patients.size()].id();
    return clinic_.patients().get(context(call), Uuid::from_bytes(id)).status();
  }

  Status day(const WorkloadCall& call) {
    const DayChoice choice = choose_day(tenants_[call.tenant], call, days_);
    clinic::ListDayRequest request;
    request.set_kind(choice.kind);
    request.set_id(choice.id);
    *request.mutable_day() = date_of_us(choice.start_us);
    request.set_zone("UTC");
    return clinic_.scheduling().list_day(context(call), request).status();
  }

  static clinic::Date date_of_us(std::int64_t us) {
    // January to December of 2026; the first of the year is a known day.
    constexpr std::int64_t kYearUs = std::int64_t{1'767'225'600} * 1'000'000;
    constexpr std::array<int, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    std::int64_t day = (us - kYearUs) / kDayUs;
    clinic::Date date;
    date.set_year(2026 + static_cast<int>(day / 365));
    day %= 365;
    int month = 0;
    while (day >= kDays[static_cast<std::size_t>(month)])
      day -= kDays[static_cast<std::size_t>(month++)];
    date.set_month(month + 1);
    date.set_day(static_cast<int>(day) + 1);
    return date;
  }

  Status search(const WorkloadCall& call) {
    const WorkloadTenant& tenant = tenants_[call.tenant];
    const std::vector<std::string> words = engine::fold_words(
        clinic::display_name(tenant.patients[call.a % tenant.patients.size()].names()));
    clinic::SearchPatientsRequest request;
    request.set_text(words.front().substr(0, 4) + " " + words.back());
    return clinic_.patients().search(context(call), request).status();
  }

  Status slots(const WorkloadCall& call) {
    const Practice& practice = tenants_[call.tenant].practice;
    clinic::FindSlotsRequest request;
    request.set_clinic_id(practice.site);
    request.add_professional_ids(practice.professionals[call.a % practice.professionals.size()]);
    request.set_duration_minutes(30);
    request.set_step_minutes(30);
    request.set_from_us(kFirstUs - 8 * 60 * kMinuteUs +
                        static_cast<std::int64_t>(call.b % days_) * kDayUs);
    request.set_until_us(request.from_us() + 7 * kDayUs);
    return clinic_.availability().find_slots(context(call), request).status();
  }

  Status timeline(const WorkloadCall& call) {
    const WorkloadTenant& tenant = tenants_[call.tenant];
    clinic::PatientTimelineRequest request;
    request.set_patient_id(tenant.patients[call.a % tenant.patients.size()].id());
    return clinic_.patients().timeline(context(call), request).status();
  }

  Status change_status(const WorkloadCall& call) {
    const WorkloadTenant& tenant = tenants_[call.tenant];
    clinic::ChangeAppointmentStatusRequest request;
    request.set_id(tenant.appointments[call.a % tenant.appointments.size()].id());
    request.set_status(clinic::APPOINTMENT_STATUS_CONFIRMED);
    const auto done = clinic_.scheduling().change_status(context(call), request);
    if (done) return {};
    if (done.error().code() != StatusCode::kFailedPrecondition) return done.error();
    // It is confirmed already: taken back, so that each call is one write.
    request.set_status(clinic::APPOINTMENT_STATUS_BOOKED);
    return tolerate(clinic_.scheduling().change_status(context(call), request).status());
  }

  Status book(const WorkloadCall& call) {
    const WorkloadTenant& tenant = tenants_[call.tenant];
    return tolerate(
        clinic_.scheduling()
            .book(context(call),
                  make_booking(tenant.practice, call.a % tenant.practice.professionals.size(),
                               kFirstUs, (call.b >> 8) % (days_ * 2 * kSlotsADay),
                               tenant.patients[call.b % tenant.patients.size()].id()))
            .status());
  }

  Status scan(const WorkloadCall& call) {
    const Practice& practice = tenants_[call.tenant].practice;
    clinic::CountAppointmentsRequest request;
    request.set_clinic_id(practice.site);
    *request.mutable_from() =
        date_of_us(kFirstUs + static_cast<std::int64_t>(call.b % days_) * kDayUs);
    request.set_days(30);
    return clinic_.calendar().count(context(call), request).status();
  }

  static Status tolerate(Status status) {
    const bool usual =
        status.code() == StatusCode::kFailedPrecondition || status.code() == StatusCode::kAborted;
    return usual ? Status() : status;
  }

  clinic::Clinic& clinic_;
  const std::vector<WorkloadTenant>& tenants_;
  std::size_t days_;
};

using ByOperation = std::array<Latencies, kOperations>;
/// Processor time of the callers' threads. Who leads a group of writes does others' work too: right
/// is the mean of many.
struct CpuByOperation {
  std::array<std::int64_t, kOperations> ns{};
  std::array<std::int64_t, kOperations> calls{};
};

class WorkloadBench {
 public:
  WorkloadBench(const WorkloadOptions& options, Report& report)
      : options_(options), report_(report) {}

  Status run() {
    RETURN_IF_ERROR(set_up());
    RETURN_IF_ERROR(warm_up());
    for (std::size_t round = 0; round < options_.rounds; ++round) {
      WorkloadClinic ours(clinic_->clinic(), tenants_, days_);
      std::vector<Contestant*> all(options_.threads, &ours);
      RETURN_IF_ERROR(measure(all, round, options_.seconds, ours_, rate_ours_,
                              options_.cpu_time ? &cpu_ : nullptr));
      if (!options_.sqlite) continue;
      all.clear();
      for (const auto& connection : connections_) all.push_back(connection.get());
      RETURN_IF_ERROR(measure(all, round, options_.seconds, sqlite_, rate_sqlite_, nullptr));
    }
    write_report();
    return {};
  }

 private:
  Status set_up() {
    engine::StoreOptions store;
    store.result_cache_bytes = std::size_t{256} << 20;
    store.block_cache_bytes = kBlockCacheBytes;
    ASSIGN_OR_RETURN(clinic_, ClinicFixture::open(options_.directory + "/clinicdb", store));
    days_ = options_.appointments / (kProfessionals * kSlotsADay / 2) + 1;
    tenants_.reserve(options_.tenants);
    for (std::size_t t = 0; t < options_.tenants; ++t) {
      ASSIGN_OR_RETURN(
          Practice practice,
          make_practice(clinic_->clinic(), "clinica-" + std::to_string(t), kProfessionals));
      tenants_.push_back({std::move(practice), {}, {}});
    }
    std::atomic<std::size_t> next{0};
    constexpr std::size_t kLoaders = 64;
    RETURN_IF_ERROR(run_on_threads(kLoaders, [&](std::size_t) -> Status {
                      for (std::size_t t = next++; t < tenants_.size(); t = next++)
                        RETURN_IF_ERROR(load(t));
                      return {};
                    }).status);
    RETURN_IF_ERROR(clinic_->settle());
    if (options_.sqlite) {
      const std::string path = options_.directory + "/sqlite";
      for (std::size_t i = 0; i < options_.threads; ++i) {
        ASSIGN_OR_RETURN(auto connection,
                         WorkloadSqlite::open(path, i == 0, tenants_, days_, writing_));
        if (i == 0) RETURN_IF_ERROR(connection->load());
        connections_.push_back(std::move(connection));
      }
    }
    report_.setting("tenants", options_.tenants);
    report_.setting("patients_a_tenant", options_.patients);
    report_.setting("appointments_a_tenant", options_.appointments);
    report_.setting("threads", options_.threads);
    report_.setting("warm_up_seconds", options_.warm_up_seconds);
    report_.setting("seed", options_.seed);
    report_.setting("audit", "none yet");
    report_.setting("billing", "invoices as records");
    return {};
  }

  Status load(std::size_t number) {
    WorkloadTenant& tenant = tenants_[number];
    SeededRandom random(options_.seed * 1'000'003 + number);
    for (std::size_t i = 0; i < options_.patients; ++i) {
      clinic::RegisterPatientRequest request;
      *request.mutable_patient() = make_patient(random, i);
      clinic::Patient patient = request.patient();
      const auto done =
          clinic_->clinic().patients().register_patient(tenant.practice.context, request);
      // Made-up identifiers may meet each other.
      if (!done && done.error().code() == StatusCode::kAlreadyExists) continue;
      if (!done) return done.error();
      patient.set_id(done->result().id());
      tenant.patients.push_back(std::move(patient));
    }
    for (std::size_t i = 0; i < options_.appointments; ++i) {
      const std::size_t professional = i % kProfessionals;
      // Every other half hour: what is free is for those who book.
      const std::size_t slot = i / kProfessionals * 2 + professional % 2;
      clinic::BookAppointmentRequest request =
          make_booking(tenant.practice, professional, kFirstUs, slot,
                       tenant.patients[i % tenant.patients.size()].id());
      clinic::Appointment appointment = request.appointment();
      ASSIGN_OR_RETURN(const auto done, clinic_->clinic().scheduling().book(tenant.practice.context,
                                                                            std::move(request)));
      appointment.set_id(done.result().id());
      appointment.set_status(clinic::APPOINTMENT_STATUS_BOOKED);
      tenant.appointments.push_back(std::move(appointment));
    }
    return {};
  }

  /// Both do the mix for a while, unmeasured: a clinic's day does not begin with empty caches.
  Status warm_up() {
    ByOperation unused;
    std::vector<double> unused_rates;
    WorkloadClinic ours(clinic_->clinic(), tenants_, days_);
    std::vector<Contestant*> all(options_.threads, &ours);
    RETURN_IF_ERROR(
        measure(all, options_.rounds, options_.warm_up_seconds, unused, unused_rates, nullptr));
    if (!options_.sqlite) return {};
    all.clear();
    for (const auto& connection : connections_) all.push_back(connection.get());
    return measure(all, options_.rounds, options_.warm_up_seconds, unused, unused_rates, nullptr);
  }

  Status measure(const std::vector<Contestant*>& contestants, std::size_t round, double seconds,
                 ByOperation& latencies, std::vector<double>& rates, CpuByOperation* cpu) {
    std::atomic<std::uint64_t> done{0};
    std::mutex mutex;
    const auto budget_ns = static_cast<std::int64_t>(seconds * 1e9);
    const TimedRun run = run_on_threads(options_.threads, [&](std::size_t thread) -> Status {
      SeededRandom random(options_.seed + 7919 * (round * options_.threads + thread));
      ByOperation mine;
      CpuByOperation my_cpu;
      std::uint64_t calls = 0;
      const std::int64_t end = now_ns() + budget_ns;
      for (std::int64_t now = now_ns(); now < end; ++calls) {
        const WorkloadCall call = next_call(random, tenants_.size());
        const auto operation = static_cast<std::size_t>(call.operation);
        const std::int64_t cpu_before = cpu != nullptr ? thread_cpu_ns() : 0;
        RETURN_IF_ERROR(contestants[thread]->run(call));
        if (cpu != nullptr) {
          my_cpu.ns[operation] += thread_cpu_ns() - cpu_before;
          ++my_cpu.calls[operation];
        }
        const std::int64_t after = now_ns();
        mine[operation].add(after - now);
        now = after;
      }
      done += calls;
      const std::lock_guard lock(mutex);
      for (std::size_t i = 0; i < kOperations; ++i) {
        latencies[i].add(mine[i]);
        if (cpu == nullptr) continue;
        cpu->ns[i] += my_cpu.ns[i];
        cpu->calls[i] += my_cpu.calls[i];
      }
      return {};
    });
    if (!run.status.ok()) return run.status;
    rates.push_back(static_cast<double>(done) / run.seconds);
    return {};
  }

  void report_latencies(const std::string& name, const ByOperation& latencies) {
    report_.heading(name + ": us, p50 p95 p99");
    for (const OperationShare& share : kShares) {
      const Latencies& list = latencies[static_cast<std::size_t>(share.operation)];
      const std::string of(share.name);
      report_.figure(name + ", " + of + " p50", list.percentile_us(0.5), "us");
      report_.figure(name + ", " + of + " p95", list.percentile_us(0.95), "us");
      report_.figure(name + ", " + of + " p99", list.percentile_us(0.99), "us");
    }
  }

  void report_cpu() {
    report_.heading("processor time of a call, and its part of the mix");
    std::int64_t all_ns = 0;
    for (const std::int64_t ns : cpu_.ns) all_ns += ns;
    for (const OperationShare& share : kShares) {
      const auto i = static_cast<std::size_t>(share.operation);
      const std::string of(share.name);
      report_.figure(of + ", CPU a call",
                     static_cast<double>(cpu_.ns[i]) / 1e3 / static_cast<double>(cpu_.calls[i]),
                     "us");
      report_.figure(of + ", part",
                     100.0 * static_cast<double>(cpu_.ns[i]) / static_cast<double>(all_ns), "%");
    }
  }

  void write_report() {
    report_.heading("operations a second, " + std::to_string(options_.threads) + " threads");
    report_.at_least("ClinicDB", median(rate_ours_), 60'000, "/s");
    Latencies all;
    for (const Latencies& list : ours_) all.add(list);
    report_.at_most("ClinicDB p99", all.percentile_us(0.99), 5'000, "us");
    if (options_.sqlite) {
      std::vector<double> ratios;
      for (std::size_t i = 0; i < rate_ours_.size(); ++i)
        ratios.push_back(rate_ours_[i] / rate_sqlite_[i]);
      report_.figure("SQLite", median(rate_sqlite_), "/s");
      report_.at_least("ClinicDB / SQLite", median(ratios), 5, "x");
    }
    const engine::StoreStats stats = clinic_->clinic().store().stats();
    report_.figure("answers from the cache",
                   100.0 * static_cast<double>(stats.cache.hits) /
                       static_cast<double>(stats.cache.hits + stats.cache.misses),
                   "%");
    if (options_.cpu_time) report_cpu();
    report_latencies("ClinicDB", ours_);
    if (options_.sqlite) report_latencies("SQLite", sqlite_);
    report_.rounds("ClinicDB /s", rate_ours_);
    report_.rounds("SQLite /s", rate_sqlite_);
  }

  const WorkloadOptions& options_;
  Report& report_;
  std::size_t days_ = 1;
  std::unique_ptr<ClinicFixture> clinic_;
  std::vector<WorkloadTenant> tenants_;
  std::mutex writing_;
  std::vector<std::unique_ptr<WorkloadSqlite>> connections_;
  ByOperation ours_;
  ByOperation sqlite_;
  CpuByOperation cpu_;
  std::vector<double> rate_ours_;
  std::vector<double> rate_sqlite_;
};

}  // namespace

Status bench_workload(const WorkloadOptions& options, Report& report) {
  return WorkloadBench(options, report).run();
}

}  // namespace clinicdb::bench
