// How cost grows with the data: a store of many tenants is filled by a child process, which is
// killed while it writes; then it is opened again, and read.
//
// Each store has processes of its own, begun by one that never opened a store: RocksDB's threads do
// not live on in a forked process, and nothing of a smaller store is left in the memory measured.
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>

#include "bench/clinic_fixture.h"
#include "bench/measure.h"
#include "bench/options.h"
#include "bench/population.h"
#include "clinicdb/base/function_ref.h"
#include "clinicdb/clinic/tables.h"

namespace clinicdb::bench {

namespace {

/// A patient comes with this many clinical records.
constexpr std::size_t kRecordsAPatient = 9;
/// Patients that one command puts.
constexpr std::size_t kPatientsACommand = 20;
constexpr std::size_t kLoaders = 8;
constexpr std::size_t kReads = 5000;

Uuid made_id(Random& random) {
  Uuid id;
  for (std::uint8_t& byte : id.bytes) byte = static_cast<std::uint8_t>(random.next());
  return id;
}

/// Size and keys of an ordinary observation.
clinic::ClinicalRecord make_record(Random& random, const std::string& patient) {
  clinic::ClinicalRecord record;
  record.set_type(clinic::RESOURCE_TYPE_OBSERVATION);
  record.set_id(std::string(made_id(random).view()));
  record.set_patient_id(patient);
  record.set_status("final");
  record.mutable_code()->set_system("http://loinc.org");
  record.mutable_code()->set_code(std::to_string(8000 + random.below(300)) + "-4");
  record.mutable_code()->set_display("Body Height");
  record.set_time_us(1'600'000'000'000'000 +
                     static_cast<std::int64_t>(random.below(150'000'000)) * 1'000'000);
  record.set_fhir(std::string(400 + random.below(400), 'x'));
  return record;
}

Result<std::unique_ptr<clinic::Clinic>> open_clinic(const std::string& directory) {
  return clinic::Clinic::open(directory, clinic::ClinicOptions());
}

/// Patients `first` to `first + kPatientsACommand` of a tenant, with their records, in one commit.
Status put_patients(clinic::Clinic& clinic, TenantId tenant, Random& random, std::size_t first) {
  std::vector<engine::PreparedRecord> prepared;
  for (std::size_t i = 0; i < kPatientsACommand; ++i) {
    clinic::Patient patient = make_patient(random, first + i);
    patient.clear_cpf();  // made-up numbers meet each other, and are not what is measured
    patient.clear_cns();
    patient.set_id(std::string(made_id(random).view()));
    ASSIGN_OR_RETURN(engine::PreparedRecord row, clinic::patients_table().prepare(patient));
    prepared.push_back(std::move(row));
    for (std::size_t r = 0; r < kRecordsAPatient; ++r) {
      ASSIGN_OR_RETURN(engine::PreparedRecord record,
                       clinic::records_table().prepare(make_record(random, patient.id())));
      prepared.push_back(std::move(record));
    }
  }
  return clinic.store()
      .execute(tenant, {},
               [&](engine::Transaction& tx) -> Result<std::string> {
                 for (const engine::PreparedRecord& record : prepared)
                   RETURN_IF_ERROR(tx.put(record, {}).status());
                 return std::string();
               })
      .status();
}

/// Fills the store, says so on `loaded`, and goes on writing until it is killed.
Status load(const ScaleOptions& options, std::size_t records, int loaded) {
  ASSIGN_OR_RETURN(const std::unique_ptr<clinic::Clinic> clinic, open_clinic(options.directory));
  std::vector<TenantId> tenants;
  for (std::size_t i = 0; i < options.tenants; ++i) {
    ASSIGN_OR_RETURN(const engine::TenantInfo tenant,
                     clinic->store().create_tenant("clinic-" + std::to_string(i)));
    tenants.push_back(tenant.id);
  }
  const std::size_t commands = records / (kPatientsACommand * (1 + kRecordsAPatient));
  std::atomic<std::size_t> next{0};
  const auto put_next = [&](Random& random, std::size_t command) {
    return put_patients(*clinic, tenants[command % tenants.size()], random,
                        command * kPatientsACommand);
  };
  const TimedRun run = run_on_threads(kLoaders, [&](std::size_t loader) -> Status {
    SeededRandom random(loader + 1);
    for (std::size_t i = next++; i < commands; i = next++) RETURN_IF_ERROR(put_next(random, i));
    return {};
  });
  RETURN_IF_ERROR(run.status);
  const double told[2] = {run.seconds, static_cast<double>(peak_resident_bytes())};
  if (::write(loaded, told, sizeof told) != sizeof told)
    return internal_error("the parent process is gone");
  return run_on_threads(kLoaders,
                        [&](std::size_t loader) -> Status {
                          SeededRandom random(1000 + loader);
                          for (std::size_t i = next++;; i = next++)
                            RETURN_IF_ERROR(put_next(random, i));
                        })
      .status;
}

/// A process and what it tells.
struct Child {
  pid_t pid = -1;
  int told = -1;

  /// True when it told all of that.
  bool tells(void* what, std::size_t bytes) const {
    return ::read(told, what, bytes) == static_cast<ssize_t>(bytes);
  }
  void end() const {
    ::close(told);
    ::waitpid(pid, nullptr, 0);
  }
};

/// Runs `fn` in a process of its own, with where to tell; what is wrong goes to standard error.
Result<Child> begin_child(FunctionRef<Status(int tell)> fn) {
  int pipe_ends[2];
  if (::pipe(pipe_ends) != 0) return internal_error("no pipe can be made");
  const pid_t pid = ::fork();
  if (pid < 0) return internal_error("no process can be made");
  if (pid == 0) {
    ::close(pipe_ends[0]);
    const Status status = fn(pipe_ends[1]);
    if (!status.ok()) std::fprintf(stderr, "scale: %s\n", status.to_string().c_str());
    ::_exit(status.ok() ? 0 : 1);
  }
  ::close(pipe_ends[1]);
  return Child{pid, pipe_ends[0]};
}

struct Figures {
  double loaded_a_second = 0;
  double resident_loading = 0;
  double disk = 0;
  double open_seconds = 0;
  double replayed = 0;
  double resident_opened = 0;
  double resident_read = 0;
  double get_p50_us = 0;
  double get_p99_us = 0;
  double timeline_p50_us = 0;
  double timeline_p99_us = 0;
};

class Measuring {
 public:
  Measuring(const ScaleOptions& options, std::size_t records)
      : options_(options), records_(records) {}

  Result<Figures> run() {
    RETURN_IF_ERROR(load_and_kill());
    figures_.disk = static_cast<double>(disk_bytes(options_.directory));
    const std::int64_t start = now_ns();
    ASSIGN_OR_RETURN(const std::unique_ptr<clinic::Clinic> clinic, open_clinic(options_.directory));
    figures_.open_seconds = static_cast<double>(now_ns() - start) / 1e9;
    figures_.replayed = static_cast<double>(clinic->store().stats().replayed_entries);
    figures_.resident_opened = static_cast<double>(resident_bytes());
    RETURN_IF_ERROR(read(*clinic));
    figures_.resident_read = static_cast<double>(resident_bytes());
    RETURN_IF_ERROR(clinic->store().close());
    return figures_;
  }

 private:
  Status load_and_kill() {
    ASSIGN_OR_RETURN(const Child child,
                     begin_child([&](int tell) { return load(options_, records_, tell); }));
    double told[2] = {};
    const bool loaded = child.tells(told, sizeof told);
    // It is in the middle of writing on when it is killed.
    if (loaded) ::poll(nullptr, 0, 300);
    ::kill(child.pid, SIGKILL);
    child.end();
    if (!loaded) return internal_error("the process that loads has failed");
    figures_.loaded_a_second = static_cast<double>(records_) / told[0];
    figures_.resident_loading = told[1];
    return {};
  }

  /// A patient of any tenant by id, as its clinic's software asks.
  Status read(clinic::Clinic& clinic) {
    ASSIGN_OR_RETURN(const std::vector<engine::TenantInfo> tenants, clinic.store().list_tenants());
    struct Found {
      TenantId tenant;
      Uuid id;
    };
    std::vector<Found> found;
    SeededRandom random(7);
    for (const engine::TenantInfo& tenant : tenants) {
      ASSIGN_OR_RETURN(const std::unique_ptr<engine::Reader> reader,
                       clinic.store().view(tenant.id));
      engine::ScanOptions few;
      few.limit = 20;
      RETURN_IF_ERROR(reader
                          ->scan_records(clinic::patients_table().def(), engine::KeyRange::all(),
                                         few,
                                         [&](std::string_view key, engine::RawRecord&&) {
                                           found.push_back({tenant.id, Uuid::from_bytes(key)});
                                           return true;
                                         })
                          .status());
    }
    if (found.empty()) return internal_error("no patient is there");
    Latencies gets;
    Latencies timelines;
    for (std::size_t i = 0; i < kReads; ++i) {
      const Found& one = found[random.below(found.size())];
      clinic::CallContext context = clinic::CallContext::system(one.tenant);
      context.use_cache = false;
      std::int64_t start = now_ns();
      const auto patient = clinic.patients().get(context, one.id);
      gets.add(now_ns() - start);
      if (!patient || !*patient) return internal_error("a patient is gone");
      clinic::PatientTimelineRequest request;
      request.set_patient_id(std::string(one.id.view()));
      start = now_ns();
      const auto timeline = clinic.patients().timeline(context, request);
      timelines.add(now_ns() - start);
      RETURN_IF_ERROR(timeline.status());
    }
    figures_.get_p50_us = gets.percentile_us(0.5);
    figures_.get_p99_us = gets.percentile_us(0.99);
    figures_.timeline_p50_us = timelines.percentile_us(0.5);
    figures_.timeline_p99_us = timelines.percentile_us(0.99);
    return {};
  }

  const ScaleOptions& options_;
  std::size_t records_;
  Figures figures_;
};

Result<Figures> measure_in_child(const ScaleOptions& options, std::size_t records) {
  ASSIGN_OR_RETURN(const Child child, begin_child([&](int tell) -> Status {
                     ASSIGN_OR_RETURN(const Figures measured, Measuring(options, records).run());
                     if (::write(tell, &measured, sizeof measured) == sizeof measured) return {};
                     return internal_error("the parent process is gone");
                   }));
  Figures figures;
  const bool measured = child.tells(&figures, sizeof figures);
  child.end();
  if (!measured) return internal_error("the process that measures has failed");
  return figures;
}

void report_figures(const Figures& figures, Report& report) {
  constexpr double kMebibyte = 1 << 20;
  report.figure("loaded", figures.loaded_a_second, "records/s");
  report.figure("resident while loading, at most", figures.resident_loading / kMebibyte, "MiB");
  report.figure("on disk", figures.disk / kMebibyte, "MiB");
  report.at_most("open after the kill", figures.open_seconds, 5, "s");
  report.figure("entries replayed", figures.replayed, "");
  report.figure("resident after opening", figures.resident_opened / kMebibyte, "MiB");
  report.figure("resident after reading", figures.resident_read / kMebibyte, "MiB");
  report.figure("patient by id p50", figures.get_p50_us, "us");
  report.figure("patient by id p99", figures.get_p99_us, "us");
  report.figure("timeline p50", figures.timeline_p50_us, "us");
  report.figure("timeline p99", figures.timeline_p99_us, "us");
}

}  // namespace

Status bench_scale(const ScaleOptions& options, Report& report) {
  report.setting("tenants", options.tenants);
  for (const std::size_t records : options.records) {
    ScaleOptions one = options;
    one.directory += "/" + std::to_string(records);
    report.heading(std::to_string(records) + " records over " + std::to_string(one.tenants) +
                   " tenants");
    ASSIGN_OR_RETURN(const Figures figures, measure_in_child(one, records));
    report_figures(figures, report);
  }
  return {};
}

}  // namespace clinicdb::bench
