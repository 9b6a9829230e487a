#include "cli/command.h"

#include <CLI/CLI.hpp>

namespace clinicdb::server {

CommandOption& CommandOption::required() {
  option_->required();
  return *this;
}

CommandOption& CommandOption::type(const std::string& name) {
  option_->type_name(name);
  return *this;
}

CommandOption& CommandOption::choices(const std::vector<std::string>& values) {
  option_->check(CLI::IsMember(values));
  return *this;
}

CommandOption& CommandOption::excludes(CommandOption other) {
  option_->excludes(other.option_);
  return *this;
}

CommandOption Command::text(const std::string& name, std::string& value, const std::string& help) {
  return CommandOption(app_->add_option(name, value, help));
}

CommandOption Command::texts(const std::string& name, std::vector<std::string>& values,
                             const std::string& help) {
  CLI::Option* option = app_->add_option(name, values, help);
  // An option takes one value each time, so that an argument may follow it.
  if (name.starts_with("-")) option->expected(1)->take_all();
  return CommandOption(option);
}

CommandOption Command::number(const std::string& name, std::uint64_t& value, std::uint64_t minimum,
                              std::uint64_t maximum, const std::string& help) {
  const auto in_range = [minimum, maximum](std::string& text) {
    std::uint64_t number = 0;
    const bool read = CLI::detail::lexical_cast(text, number) && text.front() != '-';
    if (read && number >= minimum && number <= maximum) return std::string();
    return text + " is no number from " + std::to_string(minimum) + " to " +
           std::to_string(maximum);
  };
  return CommandOption(app_->add_option(name, value, help)
                           ->capture_default_str()
                           ->check(CLI::Validator(in_range, ""))
                           ->type_name("N"));
}

CommandOption Command::flag(const std::string& name, bool& value, const std::string& help) {
  return CommandOption(app_->add_flag(name, value, help));
}

void Command::rest(std::vector<std::string>& values) {
  app_->prefix_command();
  app_->final_callback([app = app_, &values] { values = app->remaining(); });
}

void Commands::group(const std::string& name, const std::string& description) {
  CLI::App& group = *root_.add_subcommand(name, description);
  group.require_subcommand(0, 1);
  group.footer("Help on each, with examples: clinicdb " + name + " COMMAND --help");
}

Command Commands::add(const std::string& words, const std::string& description, Needs needs,
                      const std::vector<std::string>& examples, Run run) {
  const std::size_t space = words.find(' ');
  CLI::App& parent =
      space == std::string::npos ? root_ : *root_.get_subcommand(words.substr(0, space));
  CLI::App& app = *parent.add_subcommand(
      space == std::string::npos ? words : words.substr(space + 1), description);
  Command command(&app);
  CommonOptions& options = session_.options();
  if (needs == Needs::kTenant || needs == Needs::kStoreOrTenant) {
    CommandOption tenant =
        command.text("--tenant", options.tenant, "The tenant's short name").type("SLUG");
    if (needs == Needs::kTenant) tenant.required();
  }
  if (needs != Needs::kNothing && needs != Needs::kConfig) {
    const bool connects = needs == Needs::kData || needs == Needs::kTenant;
    // What works on a store's files has no --connect, and says so.
    const CommandOption data =
        command
            .text("--data", options.data,
                  std::string("The store's directory; else what CLINICDB_DATA says, else "
                              "./clinicdb-data") +
                      (connects ? "" : ". Works on its files, so it is called where they are"))
            .type("DIR");
    if (connects) {
      command
          .text("--connect", options.server.endpoint,
                "A server, instead; CLINICDB_API_KEY or CLINICDB_TOKEN says who calls")
          .type("HOST:PORT")
          .excludes(data);
      command.flag("--tls", options.server.tls, "With --connect: over TLS");
      command
          .text("--tls-ca", options.server.authority_file,
                "With --connect: over TLS, trusting these certificates (PEM)")
          .type("FILE");
    }
  }
  if (needs != Needs::kNothing) {
    command
        .text("--config", options.config,
              "Settings file (TOML); else what CLINICDB_CONFIG says, else none")
        .type("FILE");
  }
  command.flag("--json", options.json, "Output for programs: one line of JSON");
  std::string footer = examples.size() == 1 ? "Example:" : "Examples:";
  for (const std::string& example : examples) footer += "\n  " + example;
  app.footer(footer);
  runs_[&app] = std::move(run);
  return command;
}

const Run* Commands::chosen() const {
  const CLI::App* app = &root_;
  while (!app->get_subcommands().empty()) app = app->get_subcommands().front();
  const auto found = runs_.find(app);
  return found == runs_.end() ? nullptr : &found->second;
}

}  // namespace clinicdb::server
