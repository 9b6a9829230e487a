// config show, config check; version.
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/commands.h"
#include "cli/settings.h"

namespace clinicdb::server {

namespace {

std::string_view unit_name(Unit unit) {
  switch (unit) {
    case Unit::kBytes:
      return "bytes";
    case Unit::kCount:
      return "count";
    case Unit::kSwitch:
      return "switch";
    case Unit::kText:
      return "text";
  }
  return "";
}

Json value_json(const Setting& setting, const Configuration& configuration) {
  if (setting.unit == Unit::kText) return setting.get_text(configuration);
  if (setting.unit == Unit::kSwitch) return setting.get(configuration) != 0;
  return setting.get(configuration);
}

Result<ExitCode> show_settings(Session& session) {
  ASSIGN_OR_RETURN(const Configuration options, read_settings(session.options().config));
  const Configuration defaults;
  Json settings = Json::array();
  TextTable table({{"SETTING"}, {"VALUE"}, {"DEFAULT"}, {"FROM"}, {"TO"}, {"MEANING"}});
  for (const Setting& setting : all_settings()) {
    const bool number = setting.unit == Unit::kBytes || setting.unit == Unit::kCount;
    settings.push_back({{"name", setting.name},
                        {"value", value_json(setting, options)},
                        {"default", value_json(setting, defaults)},
                        {"unit", unit_name(setting.unit)},
                        {"meaning", setting.meaning}});
    if (number) {
      settings.back()["minimum"] = setting.minimum;
      settings.back()["maximum"] = setting.maximum;
    }
    table.add({std::string(setting.name), setting_text(setting, options),
               setting_text(setting, defaults),
               number ? setting_text(setting, setting.minimum) : std::string(),
               number ? setting_text(setting, setting.maximum) : std::string(),
               std::string(setting.meaning)});
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
