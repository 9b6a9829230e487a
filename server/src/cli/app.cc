#include "cli/app.h"

#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/commands.h"

namespace clinicdb::server {

namespace {

/// The command that the arguments got to, for "see its help".
const CLI::App& deepest(const CLI::App& root) {
  const CLI::App* app = &root;
  while (!app->get_subcommands().empty()) app = app->get_subcommands().front();
  return *app;
}

std::string words(const CLI::App& app) {
  return app.get_parent() == nullptr ? app.get_name()
                                     : words(*app.get_parent()) + " " + app.get_name();
}

ExitCode usage_error(const CLI::App& root, Session& session, const std::string& reason) {
  session.show_error(invalid_argument(reason));
  session.note("See: " + words(deepest(root)) + " --help");
  return ExitCode::kUsage;
}

ExitCode run_command(Session& session, const Run& run) {
  const Result<ExitCode> done = run(session);
  // Closed also after an error: what was done before it is to be flushed. The first error speaks.
  const Status closed = session.close();
  const Status status = !done ? done.error() : closed;
  if (!status.ok()) {
    session.show_error(status);
    return exit_code_of(status);
  }
  return *done;
}

}  // namespace

int run_program(int argument_count, const char* const* arguments, Session& session,
                std::initializer_list<AddCommands> more) {
  CLI::App root("ClinicDB: the datastore that clinic software is built on.", "clinicdb");
  root.set_version_flag("--version", "clinicdb " CLINICDB_VERSION);
  root.require_subcommand(0, 1);
  root.get_formatter()->column_width(34);
  root.footer(
      "Help on each: clinicdb COMMAND --help. Every command takes --json.\n\n"
      "Example:\n"
      "  clinicdb init --data demo && clinicdb tenant create --data demo sorriso\n"
      "  clinicdb import --data demo --tenant sorriso patients.ndjson.gz\n\n" +
      exit_code_table());
  Commands commands(root, session);
  add_store_commands(commands);
  add_backup_commands(commands);
  add_tenant_commands(commands);
  add_patient_commands(commands);
  add_duplicate_commands(commands);
  add_transfer_commands(commands);
  add_people_commands(commands);
  add_billing_commands(commands);
  add_invoice_commands(commands);
  add_record_commands(commands);
  add_care_commands(commands);
  add_attachment_commands(commands);
  add_consent_commands(commands);
  add_load_commands(commands);
  add_appointment_commands(commands);
  add_desk_commands(commands);
  add_report_commands(commands);
  add_schedule_commands(commands);
  add_hours_commands(commands);
  // Of groups that are there by now.
  add_people_view_commands(commands);
  add_record_list_commands(commands);
  add_bench_command(commands);
  add_config_commands(commands);
  add_completion_command(commands);
  for (const AddCommands add : more) add(commands);

  ExitCode code = ExitCode::kDone;
  try {
    root.parse(argument_count, arguments);
    const Run* run = commands.chosen();
    if (run != nullptr) {
      code = run_command(session, *run);
    } else {
      session.note(root.help());
      code = ExitCode::kUsage;
    }
  } catch (const CLI::CallForHelp&) {
    session.say(root.help());
  } catch (const CLI::CallForVersion& version) {
    session.say(version.what());
  } catch (const CLI::Error& error) {
    code = usage_error(root, session, error.what());
  }
  if (const Status flushed = session.flush(); !flushed.ok() && code == ExitCode::kDone) {
    session.show_error(flushed);
    code = exit_code_of(flushed);
  }
  return static_cast<int>(code);
}

}  // namespace clinicdb::server
