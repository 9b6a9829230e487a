// serve: opens the store and serves it until a signal says to stop.
#include "serve_command.h"

#include <signal.h>

#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include "admin/admin_http.h"
#include "auth/api_keys.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/settings.h"
#include "clinicdb/base/random.h"
#include "clinicdb/clinic/clinic.h"
#include "config/machine_memory.h"
#include "config/server_options.h"
#include "net/server.h"

namespace clinicdb::server {

namespace {

/// What the command line changes of the settings.
struct ServeFlags {
  std::string listen;
  std::string admin;
  bool open_on_loopback = false;
};

/// "127.0.0.1:7400" or "[::1]:7400".
Status parse_endpoint(const std::string& text, std::string_view option, std::string& address,
                      std::uint64_t& port) {
  const std::size_t colon = text.rfind(':');
  const Status wrong =
      invalid_argument(std::string(option) + ": \"" + text + "\" is no ADDRESS:PORT");
  if (colon == std::string::npos || colon == 0) return wrong;
  address = text.substr(0, colon);
  if (address.front() == '[' && address.back() == ']')
    address = address.substr(1, address.size() - 2);
  const std::string digits = text.substr(colon + 1);
  if (digits.empty() || digits.size() > 5 ||
      digits.find_first_not_of("0123456789") != std::string::npos)
    return wrong;
  port = std::stoull(digits);
  return port <= 65535 ? Status() : wrong;
}

Result<Configuration> configuration_of(const std::string& path, const ServeFlags& flags) {
  Configuration defaults;
  size_caches(machine_memory_bytes(), defaults.store);
  ASSIGN_OR_RETURN(Configuration configuration, read_settings(path, defaults));
  ServeSettings& serve = configuration.serve;
  if (!flags.listen.empty())
    RETURN_IF_ERROR(parse_endpoint(flags.listen, "--listen", serve.address, serve.port));
  if (!flags.admin.empty())
    RETURN_IF_ERROR(parse_endpoint(flags.admin, "--admin", serve.admin_address, serve.admin_port));
  serve.open_on_loopback |= flags.open_on_loopback;
  return configuration;
}

/// The signals that a server is told by. Blocked before any thread is made, so that every thread
/// inherits it and only `wait` sees them.
class Signals {
 public:
  Signals() {
    sigemptyset(&set_);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set_, signal);
    pthread_sigmask(SIG_BLOCK, &set_, &before_);
  }
  ~Signals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  int wait() const {
    int signal = 0;
    sigwait(&set_, &signal);
    return signal;
  }

 private:
  sigset_t set_{};
  sigset_t before_{};
};

Status reload(Server& server, Log& log, const std::string& path, const ServeFlags& flags) {
  ASSIGN_OR_RETURN(const Configuration configuration, configuration_of(path, flags));
  ASSIGN_OR_RETURN(const LogLevel level, parse_log_level(configuration.serve.log_level));
  ASSIGN_OR_RETURN(const ServerChanges changes, server_changes(configuration.serve));
  RETURN_IF_ERROR(server.change(changes));
  log.set_least(level);
  return Status();
}

void serve_until_told(Server& server, Log& log, const Signals& signals, const std::string& config,
                      const ServeFlags& flags) {
  while (signals.wait() == SIGHUP) {
    const Status status = reload(server, log, config, flags);
    if (status.ok()) {
      log.write(LogLevel::kInfo, "settings were read again", {{"file", config}});
    } else {
      log.write(LogLevel::kError, "settings were not taken over", {{"reason", status.to_string()}});
    }
  }
}

Result<ExitCode> serve(Session& session, const ServeFlags& flags) {
  const CommonOptions& common = session.options();
  ASSIGN_OR_RETURN(Configuration configuration, configuration_of(common.config, flags));
  const ServeSettings& settings = configuration.serve;
  ASSIGN_OR_RETURN(const LogLevel level, parse_log_level(settings.log_level));
  ASSIGN_OR_RETURN(ServerOptions options, server_options(settings));
  options.session.server_name = "clinicdb " CLINICDB_VERSION;
  const Signals signals;
  ASSIGN_OR_RETURN(const std::unique_ptr<Log> log,
                   Log::open(settings.log_file, level, system_clock()));

  clinic::ClinicOptions clinic_options;
  clinic_options.store = configuration.store;
  clinic_options.store.create_if_missing = false;
  ASSIGN_OR_RETURN(const std::unique_ptr<clinic::Clinic> clinic,
                   clinic::Clinic::open(common.data, std::move(clinic_options)));
  const bool tls = !options.tls.certificate.empty();
  ASSIGN_OR_RETURN(const std::unique_ptr<Server> server,
                   Server::start(*clinic, std::move(options), *log, system_clock()));
  std::unique_ptr<AdminHttp> admin;
  if (settings.admin_enabled) {
    AdminOptions admin_options{settings.admin_address,
                               static_cast<std::uint16_t>(settings.admin_port)};
    ASSIGN_OR_RETURN(admin, AdminHttp::start(*server, *clinic, admin_options, system_clock()));
  }
  const std::string address = settings.address + ":" + std::to_string(server->port());
  const std::string page =
      admin ? settings.admin_address + ":" + std::to_string(admin->port()) : std::string();
  log->write(LogLevel::kInfo, "serving",
             {{"address", address}, {"tls", tls ? "1.3" : "none"}, {"admin", page}});
  if (session.json()) {
    session.show(Json{{"address", settings.address}, {"port", server->port()}, {"admin", page}});
  } else {
    session.say("Serving " + printable(common.data) + " on " + address +
                (page.empty() ? std::string() : "; for operators: http://" + page + "/"));
  }
  RETURN_IF_ERROR(session.flush());

  serve_until_told(*server, *log, signals, common.config, flags);
  log->write(LogLevel::kInfo, "stopping", {});
  server->stop();
  admin.reset();
  RETURN_IF_ERROR(clinic->close());
  log->write(LogLevel::kInfo, "stopped", {});
  return ExitCode::kDone;
}

struct KeyFlags {
  std::string id;
  std::vector<std::string> tenants;
  std::vector<std::string> roles;
  std::uint64_t days = 0;
  std::string file;
};

Result<ExitCode> create_key(Session& session, const KeyFlags& flags) {
  constexpr std::int64_t kDayUs = std::int64_t{24} * 3600 * 1'000'000;
  ApiKey key;
  key.id = flags.id;
  key.tenants = flags.tenants;
  key.roles = flags.roles;
  if (flags.days != 0)
    key.until_us = system_clock().now().us + static_cast<std::int64_t>(flags.days) * kDayUs;
  ASSIGN_OR_RETURN(const NewApiKey made, make_api_key(std::move(key), system_random()));
  if (!flags.file.empty()) {
    std::ofstream file(flags.file, std::ios::app);
    file << made.line << '\n' << std::flush;
    if (!file) return unavailable(flags.file + ": cannot be written");
  }
  if (session.json()) {
    session.show(Json{{"id", flags.id}, {"key", made.text}, {"line", made.line}});
  } else {
    session.say(made.text);
    if (flags.file.empty()) {
      session.note("For the file that auth.api_keys names:\n" + made.line);
    } else {
      session.note("It is shown this once. The server takes it after SIGHUP or a restart.");
    }
  }
  return ExitCode::kDone;
}

}  // namespace

void add_serve_commands(Commands& commands) {
  auto flags = std::make_shared<ServeFlags>();
  Command serve_command =
      commands.add("serve", "Serve the store over the network until SIGTERM", Needs::kStore,
                   {"clinicdb serve --data demo --open-on-loopback",
                    "clinicdb serve --data demo --config clinicdb.toml --listen 0.0.0.0:7400"},
                   [flags](Session& session) { return serve(session, *flags); });
  serve_command.text("--listen", flags->listen, "Where, instead of server.address and server.port")
      .type("ADDRESS:PORT");
  serve_command
      .text("--admin", flags->admin, "The operators' page, instead of admin.address and admin.port")
      .type("ADDRESS:PORT");
  serve_command.flag("--open-on-loopback", flags->open_on_loopback,
                     "Who connects from this machine without a credential is an operator");

  commands.group("key", "API keys of programs that connect to a server");
  auto key = std::make_shared<KeyFlags>();
  Command key_command = commands.add(
      "key create", "Make an API key; it is shown this once, and kept hashed", Needs::kNothing,
      {"clinicdb key create desk --for sorriso --role reception --file keys.jsonl"},
      [key](Session& session) { return create_key(session, *key); });
  key_command.text("ID", key->id, "Its public name: a-z, 0-9 and -").required();
  key_command.texts("--for", key->tenants, "A tenant's slug, again for more; \"*\" for all")
      .type("SLUG")
      .required();
  key_command
      .texts("--role", key->roles,
             "owner, administrator, professional, reception, billing, auditor, operator")
      .type("ROLE")
      .required();
  key_command.number("--days", key->days, 0, 36'500, "How long it is valid; 0: without end");
  key_command.text("--file", key->file, "File to add it to").type("FILE");
}

}  // namespace clinicdb::server
