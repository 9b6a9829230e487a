// init, stats.
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/commands.h"
#include "cli/time_text.h"

namespace clinicdb::server {

namespace {

/// Whether a store may be made in it: it is not there, or holds nothing. So that a slip of the
/// fingers fills nobody's home directory.
Status check_empty(const std::string& directory) {
  std::error_code error;
  const bool there = std::filesystem::exists(directory, error);
  if (!error && !there) return Status();
  if (!error && !std::filesystem::is_directory(directory, error) && !error) {
    return failed_precondition(directory + ": is a file, where a directory is to be made");
  }
  if (!error && std::filesystem::is_empty(directory, error) && !error) return Status();
  if (error) return status_from_errno(error.value(), "look into", directory);
  return failed_precondition(directory +
                             ": holds something that is no store; give a new or empty directory");
}

Result<ExitCode> init(Session& session) {
  const std::string& directory = session.options().data;
  bool made = false;
  Result<Target*> opened = session.open(Access::kChange);
  if (!opened && opened.error().code() == StatusCode::kNotFound) {
    RETURN_IF_ERROR(check_empty(directory));
    opened = session.open(Access::kMake);
    made = true;
  }
  RETURN_IF_ERROR(opened.status());
  if (session.json()) {
    session.show(Json{{"data", directory}, {"made", made}});
  } else if (made) {
    session.say("Made a store in " + printable(directory) +
                ". Next: clinicdb tenant create --data " + printable(directory) + " SLUG");
  } else {
    session.say("There is a store in " + printable(directory) + " already; nothing was changed.");
  }
  return ExitCode::kDone;
}

Json stats_json(const engine::StoreStats& stats) {
  return Json{
      {"state", engine::store_state_name(stats.state)},
      {"state_reason", stats.state_reason},
      {"last_committed",
       {{"epoch", stats.last_committed.epoch.value}, {"lsn", stats.last_committed.lsn.value}}},
      {"last_flushed",
       {{"epoch", stats.last_flushed.epoch.value}, {"lsn", stats.last_flushed.lsn.value}}},
      {"log_bytes_retained", stats.log_bytes_retained},
      {"unflushed_log_bytes", stats.unflushed_log_bytes},
      {"replayed_entries", stats.replayed_entries},
      {"replay_us", stats.replay_us},
      {"open_us", stats.open_us},
      {"rocksdb_keys_estimate", stats.rocksdb_keys_estimate},
      {"rocksdb_sst_bytes", stats.rocksdb_sst_bytes},
      {"rocksdb_memory_bytes", stats.rocksdb_memory_bytes}};
}

std::string position_text(const LogPosition& position) {
  return with_commas(position.lsn.value) + " (epoch " + std::to_string(position.epoch.value) + ")";
}

Result<ExitCode> stats(Session& session) {
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kRead));
  ASSIGN_OR_RETURN(const engine::StoreStats stats, target->stats());
  if (session.json()) {
    session.show(stats_json(stats));
    return ExitCode::kDone;
  }
  TextTable table({{""}, {""}});
  std::string state(engine::store_state_name(stats.state));
  if (!stats.state_reason.empty()) state += ": " + stats.state_reason;
  table.add({"state", state});
  table.add({"last commit", position_text(stats.last_committed)});
  table.add({"last flushed", position_text(stats.last_flushed)});
  table.add({"commit log", format_bytes(stats.log_bytes_retained) + ", of it not flushed " +
                               format_bytes(stats.unflushed_log_bytes)});
  table.add({"keys", "about " + with_commas(stats.rocksdb_keys_estimate)});
  table.add({"files", format_bytes(stats.rocksdb_sst_bytes)});
  table.add({"opened in", format_seconds(static_cast<double>(stats.open_us) / 1e6) + ", with " +
                              with_commas(stats.replayed_entries) + " log entries replayed"});
  session.show(table);
  return ExitCode::kDone;
}

}  // namespace

void add_store_commands(Commands& commands) {
  commands.add("init", "Make a store in a new or empty directory", Needs::kStore,
               {"clinicdb init --data /var/lib/clinicdb"}, init);
  commands.add("stats", "Show a store's state and sizes", Needs::kStore,
               {"clinicdb stats --data demo", "clinicdb stats --data demo --json"}, stats);
}

}  // namespace clinicdb::server
