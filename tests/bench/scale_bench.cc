// How cost grows with the data: a store of many tenants is filled by a child process, which is
// killed while it writes; then it is opened again, and read.
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

class ScaleBench {
 public:
  ScaleBench(const ScaleOptions& options, Report& report) : options_(options), report_(report) {}

  Status run() {
    report_.setting("tenants", options_.tenants);
    for (const std::size_t records : options_.records) {
      ScaleOptions one = options_;
      one.directory += "/" + std::to_string(records);
      RETURN_IF_ERROR(run_one(one, records));
    }
    return {};
  }

 private:
  Status run_one(const ScaleOptions& options, std::size_t records) {
    report_.heading(std::to_string(records) + " records over " + std::to_string(options.tenants) +
                    " tenants");
    RETURN_IF_ERROR(load_and_kill(options, records));
    report_.figure("on disk", static_cast<double>(disk_bytes(options.directory)) / (1 << 20),
                   "MiB");
    const std::int64_t start = now_ns();
    ASSIGN_OR_RETURN(const std::unique_ptr<clinic::Clinic> clinic, open_clinic(options.directory));
    const double seconds = static_cast<double>(now_ns() - start) / 1e9;
    report_.at_most("open after the kill", seconds, 5, "s");
    report_.figure("entries replayed",
                   static_cast<double>(clinic->store().stats().replayed_entries), "");
    report_.figure("resident after opening", static_cast<double>(resident_bytes()) / (1 << 20),
                   "MiB");
    RETURN_IF_ERROR(read(*clinic));
    report_.figure("resident after reading", static_cast<double>(resident_bytes()) / (1 << 20),
                   "MiB");
    return clinic->store().close();
  }

  Status load_and_kill(const ScaleOptions& options, std::size_t records) {
    int pipe_ends[2];
    if (::pipe(pipe_ends) != 0) return internal_error("no pipe can be made");
    const pid_t child = ::fork();
    if (child < 0) return internal_error("no process can be made");
    if (child == 0) {
      ::close(pipe_ends[0]);
      const Status status = load(options, records, pipe_ends[1]);
      std::fprintf(stderr, "scale: %s\n", status.to_string().c_str());
      ::_exit(1);
    }
    ::close(pipe_ends[1]);
    double told[2] = {};
    const bool loaded = ::read(pipe_ends[0], told, sizeof told) == sizeof told;
    ::close(pipe_ends[0]);
    // It is in the middle of writing on when it is killed.
    if (loaded) ::poll(nullptr, 0, 300);
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    if (!loaded) return internal_error("the process that loads has failed");
    report_.figure("loaded", static_cast<double>(records) / told[0], "records/s");
    report_.figure("resident while loading, at most", told[1] / (1 << 20), "MiB");
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
    report_.figure("patient by id p50", gets.percentile_us(0.5), "us");
    report_.figure("patient by id p99", gets.percentile_us(0.99), "us");
    report_.figure("timeline p50", timelines.percentile_us(0.5), "us");
    report_.figure("timeline p99", timelines.percentile_us(0.99), "us");
    return {};
  }

  const ScaleOptions& options_;
  Report& report_;
};

}  // namespace

Status bench_scale(const ScaleOptions& options, Report& report) {
  return ScaleBench(options, report).run();
}

}  // namespace clinicdb::bench
