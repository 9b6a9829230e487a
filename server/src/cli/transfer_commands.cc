// import, export, generate: FHIR R4 in, out, and made up.
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/progress.h"
#include "clinicdb/clinic/fhir/generator.h"

namespace clinicdb::server {

namespace {

using clinic::CallContext;
using clinic::fhir::ExportFormat;
using clinic::fhir::ExportOptions;
using clinic::fhir::ExportReport;
using clinic::fhir::ImportCounts;
using clinic::fhir::ImportOptions;
using clinic::fhir::ImportProblem;
using clinic::fhir::ImportProgress;
using clinic::fhir::ImportReport;

constexpr std::uint64_t kNumberMax = 1'000'000'000'000;

double rounded(double number, double unit) { return std::round(number / unit) * unit; }

/// By type, most first.
template <class Count>
void show_types(Session& session, const std::map<std::string, Count>& by_type,
                std::vector<TextTable::Column> columns,
                const std::function<std::vector<std::string>(const Count&)>& cells) {
  TextTable table(std::move(columns));
  for (const auto& [type, count] : by_type) {
    std::vector<std::string> row = cells(count);
    row.insert(row.begin(), type);
    table.add(std::move(row));
  }
  if (!table.empty()) session.show(table);
}

// --- import

struct ImportCommand {
  std::vector<std::string> paths;
  std::uint64_t threads = 0;
  bool unpack_searchsets = false;
};

/// "file:line: path: reason", without what is not known.
std::string problem_line(const ImportProblem& problem) {
  std::string line = problem.file;
  if (problem.line != 0) line += ":" + std::to_string(problem.line);
  if (!problem.path.empty()) line += ": " + problem.path;
  return printable(line + ": " + problem.reason);
}

void show_import(Session& session, const ImportReport& report) {
  if (session.json()) {
    Json by_type = Json::object();
    for (const auto& [type, counts] : report.by_type) {
      by_type[type] = {{"imported", counts.imported},
                       {"unchanged", counts.unchanged},
                       {"failed", counts.failed}};
    }
    session.show(Json{{"files", report.files},
                      {"resources", report.resources},
                      {"imported", report.imported},
                      {"unchanged", report.unchanged},
                      {"failed", report.failed},
                      {"seconds", rounded(report.seconds, 1e-6)},
                      {"resources_per_second", rounded(report.resources_per_second, 0.1)},
                      {"deleted", report.deleted},
                      {"ignored", report.ignored},
                      {"problems", report.problems},
                      {"by_type", std::move(by_type)}});
    return;
  }
  show_types<ImportCounts>(session, report.by_type,
                           {{"TYPE"},
                            {"IMPORTED", Align::kRight},
                            {"UNCHANGED", Align::kRight},
                            {"FAILED", Align::kRight}},
                           [](const ImportCounts& counts) {
                             return std::vector<std::string>{with_commas(counts.imported),
                                                             with_commas(counts.unchanged),
                                                             with_commas(counts.failed)};
                           });
  session.say(with_commas(report.resources) + " resources of " + with_commas(report.files) +
              " files in " + format_seconds(report.seconds) + " (" +
              with_commas(static_cast<std::uint64_t>(report.resources_per_second)) + "/s): " +
              with_commas(report.imported) + " imported, " + with_commas(report.unchanged) +
              " unchanged, " + with_commas(report.failed) + " failed.");
}

Result<ExitCode> import_paths(Session& session, const ImportCommand& command) {
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kChange));
  ASSIGN_OR_RETURN(const CallContext context, session.tenant_context());
  install_interrupt_handlers();
  const Result<ImportReport> report = [&] {
    Progress progress(session.terminal(), "import", "resources");
    ImportOptions options;
    options.threads = static_cast<std::size_t>(command.threads);
    options.unpack_searchsets = command.unpack_searchsets;
    options.stop = &interrupt_requested();
    options.on_problem = [&](const ImportProblem& problem) {
      progress.clear();
      session.note(problem_line(problem));
    };
    options.on_progress = [&](const ImportProgress& now) {
      progress.update(now.bytes_done, now.bytes, now.resources);
    };
    return target->import_fhir(context, command.paths, options);
  }();
  RETURN_IF_ERROR(report.status());
  show_import(session, *report);
  return report->problems == 0 && report->failed == 0 ? ExitCode::kDone : ExitCode::kFindings;
}

// --- export

struct ExportCommand {
  std::string directory;
  std::string format = "ndjson";
  std::uint64_t bundle_resources = 1000;
  bool gzip = false;
};

Result<ExitCode> export_to(Session& session, const ExportCommand& command) {
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kRead));
  ASSIGN_OR_RETURN(const CallContext context, session.tenant_context());
  install_interrupt_handlers();
  const Result<ExportReport> report = [&] {
    Progress progress(session.terminal(), "export", "resources");
    ExportOptions options;
    options.format = command.format == "bundle" ? ExportFormat::kBundle : ExportFormat::kNdjson;
    options.gzip = command.gzip;
    options.bundle_resources = command.bundle_resources;
    options.stop = &interrupt_requested();
    options.on_progress = [&](std::uint64_t resources) { progress.update(resources, 0); };
    return target->export_fhir(context, command.directory, options);
  }();
  RETURN_IF_ERROR(report.status());
  const double rate =
      report->seconds > 0 ? static_cast<double>(report->resources) / report->seconds : 0;
  if (session.json()) {
    session.show(Json{{"files", report->files},
                      {"resources", report->resources},
                      {"bytes", report->bytes},
                      {"seconds", rounded(report->seconds, 1e-6)},
                      {"resources_per_second", rounded(rate, 0.1)},
                      {"by_type", report->by_type}});
    return ExitCode::kDone;
  }
  show_types<std::uint64_t>(
      session, report->by_type, {{"TYPE"}, {"RESOURCES", Align::kRight}},
      [](const std::uint64_t& count) { return std::vector<std::string>{with_commas(count)}; });
  session.say(with_commas(report->resources) + " resources, " + format_bytes(report->bytes) +
              ", into " + with_commas(report->files) + " files in " +
              format_seconds(report->seconds) + " (" +
              with_commas(static_cast<std::uint64_t>(rate)) + "/s).");
  return ExitCode::kDone;
}

// --- generate

struct GenerateCommand {
  std::string directory;
  std::uint64_t resources = 0;
  std::uint64_t patients = 100;
  std::uint64_t years = 10;
  std::uint64_t clinics = 3;
  std::uint64_t booking_days = 0;
  std::uint64_t seed = 1;
};

Result<ExitCode> generate(Session& session, const GenerateCommand& command) {
  install_interrupt_handlers();
  const auto report = [&] {
    Progress progress(session.terminal(), "generate", "resources");
    clinic::fhir::GeneratorOptions options;
    options.seed = command.seed;
    options.resources = command.resources;
    options.patients = command.patients;
    options.years = static_cast<int>(command.years);
    options.clinics = static_cast<int>(command.clinics);
    options.booking_days = command.booking_days;
    options.stop = &interrupt_requested();
    options.progress = [&](std::uint64_t done, std::uint64_t total) {
      progress.update(done, total);
    };
    return clinic::fhir::generate_fhir(command.directory, options);
  }();
  RETURN_IF_ERROR(report.status());
  if (session.json()) {
    session.show(Json{{"files", report->files},
                      {"resources", report->resources},
                      {"bytes", report->bytes},
                      {"seconds", rounded(report->seconds, 1e-6)},
                      {"seed", command.seed},
                      {"by_type", report->by_type}});
    return ExitCode::kDone;
  }
  show_types<std::uint64_t>(
      session, report->by_type, {{"TYPE"}, {"RESOURCES", Align::kRight}},
      [](const std::uint64_t& count) { return std::vector<std::string>{with_commas(count)}; });
  session.say(with_commas(report->resources) + " resources, " + format_bytes(report->bytes) +
              ", into " + with_commas(report->files) + " files in " +
              format_seconds(report->seconds) + ".");
  return ExitCode::kDone;
}

void add_import(Commands& commands) {
  auto options = std::make_shared<ImportCommand>();
  Command command = commands.add(
      "import", "Import FHIR R4: bundles, resources and NDJSON, plain or gzip", Needs::kTenant,
      {"clinicdb import --data demo --tenant sorriso export/",
       "clinicdb import --data demo --tenant sorriso --json Patient.ndjson.gz bundle.json",
       "zcat Patient.ndjson.gz | clinicdb import --data demo --tenant sorriso -",
       "clinicdb import --connect localhost:7400 --tenant sorriso export/"},
      [options](Session& session) { return import_paths(session, *options); });
  command
      .texts("PATH", options->paths,
             "Files, folders (their .json, .ndjson and .jsonl files, .gz too), or - for standard "
             "input")
      .required();
  command.number("--threads", options->threads, 0, 256, "Threads to use; 0: one a core");
  command.flag("--unpack-searchsets", options->unpack_searchsets,
               "Import the entries of searchset bundles, instead of the bundle");
}

void add_export(Commands& commands) {
  auto options = std::make_shared<ExportCommand>();
  Command command = commands.add(
      "export", "Export a tenant as FHIR R4, as of one moment", Needs::kTenant,
      {"clinicdb export --data demo --tenant sorriso --output out",
       "clinicdb export --data demo --tenant sorriso --output out --format bundle --gzip",
       "clinicdb export --connect localhost:7400 --tenant sorriso --output out"},
      [options](Session& session) { return export_to(session, *options); });
  command.text("--output", options->directory, "Directory to write into; files are replaced")
      .required()
      .type("DIR");
  command
      .text("--format", options->format,
            "ndjson (else): one file a resource type; bundle: batches that any FHIR server takes")
      .choices({"ndjson", "bundle"});
  command.number("--bundle-resources", options->bundle_resources, 1, kNumberMax,
                 "Resources in a bundle");
  command.flag("--gzip", options->gzip, "Pack each file");
}

void add_generate(Commands& commands) {
  auto options = std::make_shared<GenerateCommand>();
  Command command = commands.add(
      "generate", "Make up clinics as FHIR R4 NDJSON: nobody in it exists", Needs::kNothing,
      {"clinicdb generate --output made-up --patients 500",
       "clinicdb generate --output made-up --resources 1000000 --seed 7",
       "clinicdb generate --output made-up --clinics 81 --booking-days 27"},
      [options](Session& session) { return generate(session, *options); });
  command.text("--output", options->directory, "Directory to write into; nothing is replaced")
      .required()
      .type("DIR");
  CommandOption patients =
      command.number("--patients", options->patients, 1, kNumberMax, "How many patients");
  command
      .number("--resources", options->resources, 1, kNumberMax,
              "Go on with patients until there are this many resources")
      .excludes(patients);
  command.number("--years", options->years, 1, 50, "Years of visits, up to the end of 2025");
  command.number("--clinics", options->clinics, 1, 1000, "Organisations");
  command.number("--booking-days", options->booking_days, 0, 1000,
                 "Weekdays of a full calendar, some 54 appointments a clinic and day");
  command.number("--seed", options->seed, 0, UINT64_MAX, "The same seed makes the same data");
}

}  // namespace

void add_transfer_commands(Commands& commands) {
  add_import(commands);
  add_export(commands);
  add_generate(commands);
}

}  // namespace clinicdb::server
