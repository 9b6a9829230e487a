// load noshow, outpatient.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/commands.h"

namespace clinicdb::server {

namespace {

struct LoadOptions {
  std::string file;
  bool problems = false;
};

Json counts_json(const std::map<std::string, std::uint64_t>& counts) {
  Json json = Json::object();
  for (const auto& [name, count] : counts) json[name] = count;
  return json;
}

using Load = Result<clinic::BookingsReport> (Target::*)(const std::string& path,
                                                        const clinic::BookingsOptions& options);

Result<ExitCode> run_load(Session& session, const LoadOptions& options, Load load) {
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kMake));
  clinic::BookingsOptions bookings;
  if (options.problems) {
    bookings.on_problem = [&](const clinic::BookingProblem& problem) {
      session.note("line " + std::to_string(problem.line) + ": " + problem.kind +
                   (problem.refused ? " (refused)" : " (repaired)"));
    };
  }
  ASSIGN_OR_RETURN(const clinic::BookingsReport report, (target->*load)(options.file, bookings));
  const ExitCode code = report.refused == 0 ? ExitCode::kDone : ExitCode::kFindings;
  if (session.json()) {
    Json months = Json::object();
    for (const auto& [tenant, counts] : report.months) months[tenant] = counts_json(counts);
    session.show(Json{{"rows", report.rows},
                      {"loaded", report.loaded},
                      {"unchanged", report.unchanged},
                      {"refused", report.refused},
                      {"patients", report.patients},
                      {"free", report.free},
                      {"repaired", counts_json(report.repaired)},
                      {"refusals", counts_json(report.refusals)},
                      {"months", std::move(months)},
                      {"seconds", report.seconds}});
    return code;
  }
  TextTable dirt({{"WHAT WAS FOUND"}, {"ROWS", Align::kRight}, {"WHAT WAS DONE"}});
  for (const auto& [kind, count] : report.refusals) dirt.add({kind, with_commas(count), "refused"});
  for (const auto& [kind, count] : report.repaired)
    dirt.add({kind, with_commas(count), "repaired"});
  if (!dirt.empty()) session.show(dirt);
  char rate[64];
  std::snprintf(rate, sizeof rate, " in %.1f s.", report.seconds);
  session.say(with_commas(report.rows) + " rows: " + with_commas(report.loaded) + " loaded, " +
              with_commas(report.unchanged) + " unchanged, " + with_commas(report.refused) +
              " refused; " + with_commas(report.patients) + " patients, " +
              with_commas(report.months.size()) + " tenants" + rate);
  return code;
}

}  // namespace

void add_load_commands(Commands& commands) {
  commands.group("load", "Real exports that are not FHIR: noshow, outpatient");
  auto options = std::make_shared<LoadOptions>();
  Command command = commands.add(
      "load noshow",
      "Load the no-show bookings of Vitória (CSV, plain or gzip): each place becomes a tenant",
      Needs::kStore, {"clinicdb load noshow --data demo appointments.csv.gz"},
      [options](Session& session) { return run_load(session, *options, &Target::load_noshow); });
  command.text("FILE", options->file, "The file").required();
  command.flag("--problems", options->problems, "Name each row that was repaired or refused");

  auto outpatient = std::make_shared<LoadOptions>();
  Command slots = commands.add(
      "load outpatient", "Load the outpatient set: patients, and slots that are taken or free",
      Needs::kStore, {"clinicdb load outpatient --data demo outpatient-slots"},
      [outpatient](Session& session) {
        return run_load(session, *outpatient, &Target::load_outpatient);
      });
  slots.text("DIR", outpatient->file, "The folder with patients.csv and slots.csv").required();
  slots.flag("--problems", outpatient->problems, "Name each row that was repaired or refused");
}

}  // namespace clinicdb::server
