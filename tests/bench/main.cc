// clinicdb-bench: ClinicDB beside its limits and beside SQLite. `clinicdb bench` hands over to it,
// so that the product links neither SQLite nor anything else that only measuring needs.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iostream>

#include "bench/options.h"

namespace {

using clinicdb::Status;
using clinicdb::bench::Report;

/// A directory of this run's own, removed at the end.
class Workplace {
 public:
  explicit Workplace(const std::string& parent) {
    std::string name = (parent.empty() ? std::filesystem::temp_directory_path().string() : parent) +
                       "/clinicdb-bench-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) {
      std::perror(name.c_str());
      std::exit(2);
    }
    path_ = name;
  }
  ~Workplace() {
    std::error_code ignored;  // what is left behind is in a temporary directory
    std::filesystem::remove_all(path_, ignored);
  }
  Workplace(const Workplace&) = delete;
  Workplace& operator=(const Workplace&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

struct Common {
  std::string directory;
  bool json = false;
  bool strict = false;
};

void add_common(CLI::App& command, Common& common) {
  command.add_option("--directory", common.directory,
                     "Where to make the stores, on the disk to be measured; default: the system's "
                     "temporary directory. What is made there is removed.");
  command.add_flag("--json", common.json, "Print one line of JSON");
  command.add_flag("--strict", common.strict, "Exit with 3 when a bar is missed");
}

int run(const std::string& name, const Common& common,
        const std::function<Status(const std::string& directory, Report&)>& body) {
  const Workplace workplace(common.directory);
  Report report(name);
  if (const Status status = body(workplace.path(), report); !status.ok()) {
    std::cerr << "clinicdb bench " << name << ": " << status.to_string() << "\n";
    return 1;
  }
  report.print(common.json);
  return common.strict && !report.all_met() ? 3 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace clinicdb::bench;  // NOLINT
  CLI::App app(
      "ClinicDB beside its limits (raw RocksDB, raw fdatasync) and beside SQLite.\n"
      "Contestants take turns in one run; figures are medians over the rounds.",
      "clinicdb bench");
  app.require_subcommand(1);
  Common common;

  WriteOptions write;
  CLI::App* const write_command = app.add_subcommand(
      "write", "Patient updates: one caller beside fdatasync, many callers, both beside SQLite");
  write_command->add_option("--patients", write.patients, "In the store")->capture_default_str();
  write_command->add_option("--rounds", write.rounds, "How often each takes its turn")
      ->capture_default_str();
  write_command->add_option("--calls", write.calls, "One caller's, a round")->capture_default_str();
  write_command->add_option("--callers", write.callers, "Many callers are this many")
      ->capture_default_str();
  write_command->add_option("--seconds", write.seconds, "Of the many callers, a round")
      ->capture_default_str();
  write_command->add_option("--depth", write.pipeline_depth, "Of the commit pipeline")
      ->capture_default_str();
  write_command->add_flag("--everything", write.everything,
                          "Change every indexed field, not phone and address only");
  add_common(*write_command, common);

  ReadOptions read;
  CLI::App* const read_command = app.add_subcommand(
      "read", "One thread's reads beside raw RocksDB on the same rows, and beside SQLite");
  read_command->add_option("--patients", read.patients, "In the store")->capture_default_str();
  read_command->add_option("--professionals", read.professionals, "With a full calendar each")
      ->capture_default_str();
  read_command->add_option("--days", read.days, "Of 20 appointments, a professional")
      ->capture_default_str()
      ->check(CLI::Range(1, 29));
  read_command->add_option("--rounds", read.rounds, "How often each takes its turn")
      ->capture_default_str();
  read_command->add_option("--calls", read.calls, "Of each kind, a round")->capture_default_str();
  read_command->add_flag("--cpu-time", read.cpu_time,
                         "Count processor time instead of time, for a machine that is busy");
  add_common(*read_command, common);

  BookOptions book;
  CLI::App* const book_command = app.add_subcommand(
      "book", "Bookings: one caller beside fdatasync, many callers, both beside SQLite");
  book_command->add_option("--patients", book.patients, "In the store")->capture_default_str();
  book_command->add_option("--professionals", book.professionals, "Who are booked in turn")
      ->capture_default_str();
  book_command->add_option("--rounds", book.rounds, "How often each takes its turn")
      ->capture_default_str();
  book_command->add_option("--calls", book.calls, "One caller's, a round")->capture_default_str();
  book_command->add_option("--callers", book.callers, "Many callers are this many")
      ->capture_default_str();
  book_command->add_option("--seconds", book.seconds, "Of the many callers, a round")
      ->capture_default_str();
  add_common(*book_command, common);

  SlotsOptions slots;
  CLI::App* const slots_command =
      app.add_subcommand("slots", "Free time: a week's, the first of many, and a clinic's day");
  slots_command->add_option("--professionals", slots.professionals, "Who are asked for")
      ->capture_default_str();
  slots_command->add_option("--days", slots.days, "Their calendars are filled for")
      ->capture_default_str()
      ->check(CLI::Range(14, 360));
  slots_command->add_option("--rounds", slots.rounds, "How often each takes its turn")
      ->capture_default_str();
  slots_command->add_option("--calls", slots.calls, "Of each kind, a round")->capture_default_str();
  add_common(*slots_command, common);

  WorkloadOptions workload;
  CLI::App* const workload_command =
      app.add_subcommand("workload", "What clinics do all day, in its proportions, beside SQLite");
  workload_command->add_option("--tenants", workload.tenants, "In the store")
      ->capture_default_str();
  workload_command->add_option("--patients", workload.patients, "A tenant")->capture_default_str();
  workload_command->add_option("--appointments", workload.appointments, "A tenant")
      ->capture_default_str();
  workload_command->add_option("--threads", workload.threads, "Who call")->capture_default_str();
  workload_command->add_option("--rounds", workload.rounds, "How often each takes its turn")
      ->capture_default_str();
  workload_command->add_option("--seconds", workload.seconds, "A round")->capture_default_str();
  workload_command
      ->add_option("--warm-up", workload.warm_up_seconds, "Seconds of each, before the first round")
      ->capture_default_str();
  workload_command->add_option("--seed", workload.seed, "Of the mix")->capture_default_str();
  workload_command->add_flag("!--no-sqlite", workload.sqlite, "Leave SQLite out");
  workload_command->add_flag("--cpu-time", workload.cpu_time,
                             "Tell the processor time of each kind of operation");
  add_common(*workload_command, common);

  ScaleOptions scale;
  CLI::App* const scale_command = app.add_subcommand(
      "scale", "Stores of growing size, killed while they write: time to open, memory, reads");
  scale_command->add_option("--records", scale.records, "In each store, one store a number")
      ->capture_default_str();
  scale_command->add_option("--tenants", scale.tenants, "They are spread over")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  add_common(*scale_command, common);

  RawOptions raw;
  CLI::App* const raw_command =
      app.add_subcommand("raw", "The limits alone: RocksDB's memtable, and fdatasync by size");
  raw_command->add_option("--rounds", raw.rounds, "How often each takes its turn")
      ->capture_default_str();
  raw_command->add_option("--keys", raw.keys, "Put into RocksDB, a round")->capture_default_str();
  raw_command->add_option("--syncs", raw.syncs, "Of each size, a round")->capture_default_str();
  add_common(*raw_command, common);

  CLI11_PARSE(app, argc, argv);
  if (*write_command) {
    return run("write", common, [&](const std::string& directory, Report& report) {
      write.directory = directory;
      return bench_write(write, report);
    });
  }
  if (*read_command) {
    return run("read", common, [&](const std::string& directory, Report& report) {
      read.directory = directory;
      return bench_read(read, report);
    });
  }
  if (*book_command) {
    return run("book", common, [&](const std::string& directory, Report& report) {
      book.directory = directory;
      return bench_book(book, report);
    });
  }
  if (*slots_command) {
    return run("slots", common, [&](const std::string& directory, Report& report) {
      slots.directory = directory;
      return bench_slots(slots, report);
    });
  }
  if (*workload_command) {
    return run("workload", common, [&](const std::string& directory, Report& report) {
      workload.directory = directory;
      return bench_workload(workload, report);
    });
  }
  if (*scale_command) {
    return run("scale", common, [&](const std::string& directory, Report& report) {
      scale.directory = directory;
      return bench_scale(scale, report);
    });
  }
  return run("raw", common, [&](const std::string& directory, Report& report) {
    raw.directory = directory;
    return bench_raw(raw, report);
  });
}
