// config show, config check; version.
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/commands.h"
#include "cli/settings.h"

namespace clinicdb::server {

namespace {

Result<ExitCode> show_settings(Session& session) {
  ASSIGN_OR_RETURN(const engine::StoreOptions options, read_settings(session.options().config));
  const engine::StoreOptions defaults;
  Json settings = Json::array();
  TextTable table({{"SETTING"}, {"VALUE"}, {"DEFAULT"}, {"FROM"}, {"TO"}, {"MEANING"}});
  for (const Setting& setting : all_settings()) {
    const std::uint64_t value = setting.get(options);
    settings.push_back({{"name", setting.name},
                        {"value", value},
                        {"default", setting.get(defaults)},
                        {"minimum", setting.minimum},
                        {"maximum", setting.maximum},
                        {"unit", setting.unit == Unit::kBytes ? "bytes" : "count"},
                        {"meaning", setting.meaning}});
    table.add({std::string(setting.name), setting_text(setting, value),
               setting_text(setting, setting.get(defaults)), setting_text(setting, setting.minimum),
               setting_text(setting, setting.maximum), std::string(setting.meaning)});
  }
  if (session.json()) {
    session.show(Json{{"file", session.options().config}, {"settings", std::move(settings)}});
  } else {
    session.show(table);
  }
  return ExitCode::kDone;
}

Result<ExitCode> check_settings(Session& session, const std::string& path) {
  RETURN_IF_ERROR(read_settings(path).status());
  if (session.json()) {
    session.show(Json{{"file", path}, {"valid", true}});
  } else {
    session.say(printable(path) + ": valid");
  }
  return ExitCode::kDone;
}

Result<ExitCode> version(Session& session) {
  if (session.json()) {
    session.show(Json{{"version", CLINICDB_VERSION}});
  } else {
    session.say("clinicdb " CLINICDB_VERSION);
  }
  return ExitCode::kDone;
}

}  // namespace

void add_config_commands(Commands& commands) {
  commands.group("config", "Settings: show them, check a file of them");
  commands.add("config show", "Show every setting with its value, default, range and meaning",
               Needs::kConfig,
               {"clinicdb config show", "clinicdb config show --config clinicdb.toml"},
               show_settings);
  auto path = std::make_shared<std::string>();
  commands
      .add("config check", "Say whether a settings file is valid", Needs::kNothing,
           {"clinicdb config check clinicdb.toml"},
           [path](Session& session) { return check_settings(session, *path); })
      .text("FILE", *path, "Settings file (TOML)")
      .required();
  commands.add("version", "Show the program's version", Needs::kNothing, {"clinicdb version"},
               version);
}

}  // namespace clinicdb::server
