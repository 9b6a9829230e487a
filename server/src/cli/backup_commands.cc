// verify, backup, restore: whether what is kept is whole, and copies of it.
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/commands.h"
#include "cli/progress.h"
#include "cli/settings.h"
#include "cli/time_text.h"
#include "clinicdb/clinic/tables.h"
#include "clinicdb/engine/backup.h"

namespace clinicdb::server {

namespace {

using clinic::CallContext;

/// Calls `work` with backup options whose progress shows as `label`.
template <class Work>
auto with_progress(Session& session, const char* label, const Work& work) {
  Progress progress(session.terminal(), label, "bytes");
  engine::BackupOptions options;
  options.progress = [&](std::uint64_t done, std::uint64_t total) { progress.update(done, total); };
  return work(options);
}

Json position_json(const LogPosition& position) {
  return {{"epoch", position.epoch.value}, {"lsn", position.lsn.value}};
}

Json report_json(const engine::BackupReport& report) {
  return {{"store_id", report.store_id.to_string()},
          {"position", position_json(report.position)},
          {"time", format_utc(report.time)},
          {"files", report.files},
          {"bytes", report.bytes}};
}

Json report_json(const engine::TenantBackupReport& report) {
  return {{"tenant", report.tenant.slug},
          {"tenant_uuid", report.tenant.uuid.to_string()},
          {"store_id", report.store_id.to_string()},
          {"position", position_json(report.position)},
          {"time", format_utc(report.time)},
          {"entries", report.entries},
          {"bytes", report.bytes}};
}

std::string summary(const engine::BackupReport& report) {
  return with_commas(report.files) + " files, " + format_bytes(report.bytes) + ", as of commit " +
         with_commas(report.position.lsn.value) + " (" + format_utc(report.time) + ")";
}

std::string summary(const engine::TenantBackupReport& report) {
  return with_commas(report.entries) + " entries, " + format_bytes(report.bytes) +
         ", as of commit " + with_commas(report.position.lsn.value) + " (" +
         format_utc(report.time) + ")";
}

// --- backup

Result<ExitCode> backup(Session& session, const std::string& output) {
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kChange));
  if (session.options().tenant.empty()) {
    ASSIGN_OR_RETURN(const engine::BackupReport made,
                     with_progress(session, "backup", [&](const engine::BackupOptions& options) {
                       return target->backup(output, options);
                     }));
    if (session.json()) {
      session.show(report_json(made));
    } else {
      session.say("Backed up and read back: " + summary(made) + ".");
    }
    return ExitCode::kDone;
  }
  ASSIGN_OR_RETURN(const CallContext context, session.tenant_context());
  ASSIGN_OR_RETURN(const engine::TenantBackupReport made,
                   with_progress(session, "backup", [&](const engine::BackupOptions& options) {
                     return target->backup_tenant(context, output, options);
                   }));
  if (session.json()) {
    session.show(report_json(made));
  } else {
    session.say("Backed up tenant " + made.tenant.slug + " and read it back: " + summary(made) +
                ".");
  }
  return ExitCode::kDone;
}

// --- verify

void show_report(Session& session, const engine::VerifyReport& report) {
  if (session.json()) {
    session.show(Json{{"clean", report.problem_count == 0},
                      {"tenants", report.tenants},
                      {"records", report.records},
                      {"index_entries", report.index_entries},
                      {"history_versions", report.history_versions},
                      {"log_entries", report.log_entries},
                      {"log_keys_compared", report.log_keys_compared},
                      {"problem_count", report.problem_count},
                      {"problems", report.problems}});
    return;
  }
  TextTable table({{""}, {"", Align::kRight}});
  table.add({"tenants", with_commas(report.tenants)});
  table.add({"records", with_commas(report.records)});
  table.add({"index entries", with_commas(report.index_entries)});
  table.add({"earlier versions", with_commas(report.history_versions)});
  table.add({"log entries", with_commas(report.log_entries)});
  table.add({"log keys compared", with_commas(report.log_keys_compared)});
  session.show(table);
  for (const std::string& problem : report.problems) session.say("problem: " + printable(problem));
  if (report.problem_count > report.problems.size()) {
    session.say("and " + with_commas(report.problem_count - report.problems.size()) + " more");
  }
  session.say(report.problem_count == 0 ? "Verified: no problem found."
                                        : with_commas(report.problem_count) + " problems found.");
}

Result<ExitCode> verify_store(Session& session, std::uint64_t problems_max) {
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kChange));
  engine::VerifyOptions options;
  options.problems_max = static_cast<std::size_t>(problems_max);
  Result<engine::VerifyReport> report = [&] {
    Progress progress(session.terminal(), "verify", "keys");
    options.progress = [&](std::uint64_t done, std::uint64_t total) {
      progress.update(done, total);
    };
    return target->verify(options);
  }();
  RETURN_IF_ERROR(report.status());
  show_report(session, *report);
  return report->problem_count == 0 ? ExitCode::kDone : ExitCode::kFindings;
}

Result<ExitCode> verify_copy(Session& session, const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_regular_file(path, error)) {
    ASSIGN_OR_RETURN(const engine::TenantBackupReport report,
                     with_progress(session, "verify", [&](const engine::BackupOptions& options) {
                       return engine::verify_tenant_backup(path, options);
                     }));
    if (session.json()) {
      session.show(report_json(report));
    } else {
      session.say("The backup of tenant " + report.tenant.slug + " is whole: " + summary(report) +
                  ".");
    }
    return ExitCode::kDone;
  }
  ASSIGN_OR_RETURN(const engine::BackupReport report,
                   with_progress(session, "verify", [&](const engine::BackupOptions& options) {
                     return engine::verify_backup(path, options);
                   }));
  if (session.json()) {
    session.show(report_json(report));
  } else {
    session.say("The backup is whole: " + summary(report) + ".");
  }
  return ExitCode::kDone;
}

Result<ExitCode> verify(Session& session, const std::string& backup_path,
                        std::uint64_t problems_max) {
  return backup_path.empty() ? verify_store(session, problems_max)
                             : verify_copy(session, backup_path);
}

// --- restore

Result<ExitCode> restore_whole(Session& session, const std::string& from) {
  const CommonOptions& common = session.options();
  ASSIGN_OR_RETURN(const Configuration configuration, read_settings(common.config));
  const engine::StoreOptions& store = configuration.store;
  ASSIGN_OR_RETURN(const engine::RestoreReport made,
                   with_progress(session, "restore", [&](const engine::BackupOptions& options) {
                     return engine::restore_store(from, common.data, clinic::clinic_schema(), store,
                                                  options);
                   }));
  if (session.json()) {
    session.show(Json{{"data", common.data},
                      {"store_id", made.store_id.to_string()},
                      {"backup", report_json(made.backup)},
                      {"tenants", made.verify.tenants},
                      {"records", made.verify.records}});
  } else {
    session.say("Restored into " + printable(common.data) + " and verified: " +
                with_commas(made.verify.tenants) + " tenants, " + with_commas(made.verify.records) +
                " records, as of commit " + with_commas(made.backup.position.lsn.value) + " (" +
                format_utc(made.backup.time) + ").");
  }
  return ExitCode::kDone;
}

Result<ExitCode> restore_one(Session& session, const std::string& from) {
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kChange));
  ASSIGN_OR_RETURN(const engine::TenantRestoreReport made,
                   with_progress(session, "restore", [&](const engine::BackupOptions& options) {
                     return target->restore_tenant(from, session.options().tenant, options);
                   }));
  if (session.json()) {
    session.show(Json{{"tenant", made.tenant.slug},
                      {"number", made.tenant.id.value},
                      {"backup", report_json(made.backup)},
                      {"index_entries", made.index_entries}});
  } else {
    session.say("Restored as tenant " + made.tenant.slug + ": " + with_commas(made.backup.entries) +
                " entries, " + with_commas(made.index_entries) + " index entries made anew.");
  }
  return ExitCode::kDone;
}

Result<ExitCode> restore(Session& session, const std::string& from) {
  return session.options().tenant.empty() ? restore_whole(session, from)
                                          : restore_one(session, from);
}

}  // namespace

void add_backup_commands(Commands& commands) {
  auto backup_path = std::make_shared<std::string>();
  auto problems_max = std::make_shared<std::uint64_t>(100);
  Command verify_command = commands.add(
      "verify", "Compare every index with its records, and the commit log with what is stored",
      Needs::kStore, {"clinicdb verify --data demo", "clinicdb verify --backup /backup/2026-11-21"},
      [backup_path, problems_max](Session& session) {
        return verify(session, *backup_path, *problems_max);
      });
  verify_command.number("--problems", *problems_max, 1, 1'000'000,
                        "How many problems to list at most");
  verify_command
      .text("--backup", *backup_path, "Instead of the store, read every byte of this backup")
      .type("PATH");

  auto output = std::make_shared<std::string>();
  commands
      .add("backup", "Back up a store, or one tenant, and read the backup back",
           Needs::kStoreOrTenant,
           {"clinicdb backup --data demo --output /backup/2026-11-21",
            "clinicdb backup --data demo --tenant sorriso --output sorriso.backup"},
           [output](Session& session) { return backup(session, *output); })
      .text("--output", *output,
            "A new or empty directory; with --tenant a file, which is replaced")
      .required()
      .type("PATH");

  auto from = std::make_shared<std::string>();
  commands
      .add("restore",
           "Restore a store's backup into a new store, or with --tenant a tenant's "
           "backup, under that name, into a store that is there",
           Needs::kStoreOrTenant,
           {"clinicdb restore --data restored --from /backup/2026-11-21",
            "clinicdb restore --data demo --tenant sorriso-november --from sorriso.backup"},
           [from](Session& session) { return restore(session, *from); })
      .text("--from", *from, "What backup wrote")
      .required()
      .type("PATH");
}

}  // namespace clinicdb::server
