#include "cli/settings.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <fstream>

namespace clinicdb::server {

namespace {

using engine::StoreOptions;
using Serve = ServeSettings;

constexpr std::uint64_t kKibibyte = 1024;
constexpr std::uint64_t kMebibyte = kKibibyte * kKibibyte;
constexpr std::uint64_t kGibibyte = kMebibyte * kKibibyte;
constexpr std::uint64_t kTebibyte = kGibibyte * kKibibyte;
constexpr std::uint64_t kTextBytesMax = 4096;
constexpr std::uint64_t kManyCalls = 100'000'000;

template <auto kMember>
Setting setting(std::string_view name, Unit unit, std::uint64_t minimum, std::uint64_t maximum,
                std::string_view meaning) {
  return Setting{name,
                 unit,
                 minimum,
                 maximum,
                 meaning,
                 [](const Configuration& configuration) {
                   return static_cast<std::uint64_t>(configuration.store.*kMember);
                 },
                 [](Configuration& configuration, std::uint64_t value) {
                   auto& member = configuration.store.*kMember;
                   member = static_cast<std::decay_t<decltype(member)>>(value);
                 }};
}

template <auto kMember>
Setting serving(std::string_view name, Unit unit, std::uint64_t minimum, std::uint64_t maximum,
                std::string_view meaning) {
  return Setting{name,
                 unit,
                 minimum,
                 maximum,
                 meaning,
                 [](const Configuration& configuration) {
                   return static_cast<std::uint64_t>(configuration.serve.*kMember);
                 },
                 [](Configuration& configuration, std::uint64_t value) {
                   auto& member = configuration.serve.*kMember;
                   member = static_cast<std::decay_t<decltype(member)>>(value);
                 }};
}

template <auto kMember>
Setting serving_text(std::string_view name, std::string_view meaning) {
  return Setting{name,
                 Unit::kText,
                 0,
                 kTextBytesMax,
                 meaning,
                 [](const Configuration&) { return std::uint64_t{0}; },
                 [](Configuration&, std::uint64_t) {},
                 [](const Configuration& configuration) -> const std::string& {
                   return configuration.serve.*kMember;
                 },
                 [](Configuration& configuration, std::string text) {
                   configuration.serve.*kMember = std::move(text);
                 }};
}

struct Suffix {
  std::string_view text;
  std::uint64_t factor;
};
constexpr Suffix kSuffixes[] = {
    {"TiB", kTebibyte}, {"GiB", kGibibyte}, {"MiB", kMebibyte}, {"KiB", kKibibyte}};

Result<std::uint64_t> parse_value(const Setting& setting, std::string_view text) {
  if (setting.unit == Unit::kSwitch) {
    if (text == "true") return std::uint64_t{1};
    if (text == "false") return std::uint64_t{0};
    return invalid_argument("\"" + std::string(text) + "\" is neither true nor false");
  }
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  std::string_view rest(end, static_cast<std::size_t>(text.data() + text.size() - end));
  rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  bool understood = error == std::errc();
  if (understood && !rest.empty()) {
    const auto* suffix = std::find_if(std::begin(kSuffixes), std::end(kSuffixes),
                                      [&](const Suffix& each) { return each.text == rest; });
    understood = setting.unit == Unit::kBytes && suffix != std::end(kSuffixes) &&
                 number <= UINT64_MAX / suffix->factor;
    if (understood) number *= suffix->factor;
  }
  if (!understood) {
    return invalid_argument("\"" + std::string(text) + "\" is no " +
                            (setting.unit == Unit::kBytes ? "size such as \"64 MiB\"" : "number"));
  }
  if (number < setting.minimum || number > setting.maximum) {
    return invalid_argument("must be " + setting_text(setting, setting.minimum) + " to " +
                            setting_text(setting, setting.maximum));
  }
  return number;
}

Status apply(const CLI::ConfigItem& item, Configuration& options) {
  const std::string name = item.fullname();
  const auto& settings = all_settings();
  const auto found = std::find_if(settings.begin(), settings.end(),
                                  [&](const Setting& setting) { return setting.name == name; });
  if (found == settings.end()) {
    return invalid_argument(name + ": there is no such setting; `clinicdb config show` lists them")
        .with_field(name);
  }
  if (item.inputs.size() != 1) {
    return invalid_argument(name + ": takes one value").with_field(name);
  }
  if (found->unit == Unit::kText) {
    if (item.inputs.front().size() > kTextBytesMax)
      return invalid_argument(name + ": is longer than 4096 bytes").with_field(name);
    found->set_text(options, item.inputs.front());
    return Status();
  }
  const Result<std::uint64_t> value = parse_value(*found, item.inputs.front());
  if (!value) return Status(value.error()).with_context(name).with_field(name);
  found->set(options, *value);
  return Status();
}

}  // namespace

const std::vector<Setting>& all_settings() {
  static const std::vector<Setting> settings{
      setting<&StoreOptions::block_cache_bytes>(
          "store.block_cache", Unit::kBytes, kMebibyte, kTebibyte,
          "memory for blocks, indexes and filters of the files; unset, a server takes an eighth"),
      setting<&StoreOptions::write_buffer_bytes>(
          "store.write_buffer", Unit::kBytes, 64 * kKibibyte, kGibibyte,
          "memory that gathers writes before a file is made; up to three exist"),
      setting<&StoreOptions::result_cache_bytes>(
          "store.result_cache", Unit::kBytes, 0, kTebibyte,
          "memory for whole answers; 0: none are kept; unset, a server takes a 24th"),
      setting<&StoreOptions::log_segment_bytes>("store.log_segment", Unit::kBytes, 64 * kKibibyte,
                                                4 * kGibibyte, "one file of the commit log"),
      setting<&StoreOptions::replay_bytes_max>(
          "store.replay_max", Unit::kBytes, kMebibyte, kTebibyte,
          "commit log that a start after a crash may have to replay"),
      setting<&StoreOptions::log_retained_bytes>("store.log_retained", Unit::kBytes, 0, kTebibyte,
                                                 "commit log kept beyond that, for readers"),
      setting<&StoreOptions::disk_reserve_bytes>(
          "store.disk_reserve", Unit::kBytes, 0, kTebibyte,
          "kept free, so that a store on a full disk closes well"),
      setting<&StoreOptions::pipeline_depth>("store.pipeline_depth", Unit::kCount, 1, 2,
                                             "groups of commits under way at once"),
      setting<&StoreOptions::background_jobs>("store.background_jobs", Unit::kCount, 1, 7,
                                              "threads that write and merge files"),

      serving_text<&Serve::address>("server.address", "IP address to listen on"),
      serving<&Serve::port>("server.port", Unit::kCount, 0, 65535,
                            "port of the protocol; 0: any that is free"),
      serving<&Serve::io_threads>("server.io_threads", Unit::kCount, 0, 1024,
                                  "threads that serve connections; 0: one a core"),
      serving<&Serve::pool_threads>("server.pool_threads", Unit::kCount, 1, 1024,
                                    "threads for what has to wait for the disk"),
      serving<&Serve::drain_seconds>("server.drain_seconds", Unit::kCount, 0, 3600,
                                     "how long a stop waits for calls in flight"),
      serving_text<&Serve::tls_certificate>("server.tls_certificate",
                                            "certificate in PEM; empty: no TLS"),
      serving_text<&Serve::tls_key>("server.tls_key", "its private key in PEM"),
      serving_text<&Serve::node_ca>("server.node_ca",
                                    "who signs certificates of nodes, in PEM; empty: nobody"),
      serving<&Serve::slow_ms>("server.slow_ms", Unit::kCount, 0, 3'600'000,
                               "calls that take longer are logged"),

      serving_text<&Serve::token_keys>(
          "auth.token_keys", "directory of keys for tokens: ID.pem (Ed25519), ID.secret (HS256)"),
      serving_text<&Serve::token_audience>("auth.token_audience",
                                           "what a token's aud must name; empty: not asked"),
      serving_text<&Serve::token_issuer>("auth.token_issuer",
                                         "what a token's iss must be; empty: not asked"),
      serving<&Serve::token_one_session>("auth.token_one_session", Unit::kSwitch, 0, 1,
                                         "a token is for one session, by its jti"),
      serving_text<&Serve::api_keys>("auth.api_keys", "file of API keys, see `clinicdb key`"),
      serving<&Serve::open_on_loopback>(
          "auth.open_on_loopback", Unit::kSwitch, 0, 1,
          "who connects from this machine without a credential is an operator: for trying out"),

      serving<&Serve::calls_in_flight>("limits.calls_in_flight", Unit::kCount, 1, kManyCalls,
                                       "of all connections"),
      serving<&Serve::bytes_in_flight>("limits.bytes_in_flight", Unit::kBytes, kMebibyte, kTebibyte,
                                       "of the requests of calls in flight"),
      serving<&Serve::tenant_share_percent>("limits.tenant_share_percent", Unit::kCount, 1, 100,
                                            "of both, that one tenant may have"),
      serving<&Serve::tenant_processor_percent>(
          "limits.tenant_processor_percent", Unit::kCount, 0, 100,
          "of an I/O thread's time, that a tenant that floods may have beside others; 0: no turns"),
      serving<&Serve::tenant_calls_per_second>("limits.tenant_calls_per_second", Unit::kCount, 0,
                                               kManyCalls, "of one tenant; 0: without limit"),
      serving<&Serve::user_calls_per_second>("limits.user_calls_per_second", Unit::kCount, 0,
                                             kManyCalls, "of one user or key; 0: without limit"),
      serving<&Serve::connections>("limits.connections", Unit::kCount, 1, 10'000'000, "in all"),
      serving<&Serve::connections_per_address>("limits.connections_per_address", Unit::kCount, 1,
                                               10'000'000, "of one IP address"),
      serving<&Serve::before_login>("limits.before_login", Unit::kCount, 1, 10'000'000,
                                    "connections that have not said who they are"),
      serving<&Serve::before_login_per_address>("limits.before_login_per_address", Unit::kCount, 1,
                                                10'000'000, "the same of one IP address"),
      serving<&Serve::failed_logins_per_minute>("limits.failed_logins_per_minute", Unit::kCount, 0,
                                                kManyCalls, "of one IP address; 0: without limit"),

      serving_text<&Serve::admin_address>("admin.address",
                                          "IP address of the HTTP page for operators"),
      serving<&Serve::admin_port>("admin.port", Unit::kCount, 0, 65535,
                                  "its port; 0: any free one"),
      serving<&Serve::admin_enabled>("admin.enabled", Unit::kSwitch, 0, 1, "whether there is one"),

      serving_text<&Serve::log_file>("log.file", "where to log; empty: standard error"),
      serving_text<&Serve::log_level>("log.level", "debug, info, warning or error"),
  };
  return settings;
}

std::string setting_text(const Setting& setting, const Configuration& configuration) {
  if (setting.unit == Unit::kText) return setting.get_text(configuration);
  return setting_text(setting, setting.get(configuration));
}

std::string setting_text(const Setting& setting, std::uint64_t value) {
  if (setting.unit == Unit::kSwitch) return value != 0 ? "true" : "false";
  if (setting.unit == Unit::kBytes && value != 0) {
    for (const Suffix& suffix : kSuffixes) {
      if (value % suffix.factor == 0) {
        return std::to_string(value / suffix.factor) + " " + std::string(suffix.text);
      }
    }
  }
  return std::to_string(value);
}

Result<Configuration> read_settings(const std::string& path, const Configuration& defaults) {
  Configuration options = defaults;
  if (path.empty()) return options;
  std::ifstream file(path);
  if (!file) return not_found(path + ": there is no such settings file, or it cannot be read");
  try {
    for (const CLI::ConfigItem& item : CLI::ConfigTOML().from_config(file)) {
      // CLI11 marks where a section begins and ends by items of these names.
      if (item.name == "++" || item.name == "--") continue;
      if (Status status = apply(item, options); !status.ok()) {
        return std::move(status).with_context(path);
      }
    }
  } catch (const CLI::Error& error) {
    return invalid_argument(path + ": " + error.what());
  }
  return options;
}

}  // namespace clinicdb::server
