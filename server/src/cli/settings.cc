#include "cli/settings.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <fstream>

namespace clinicdb::server {

namespace {

using engine::StoreOptions;

constexpr std::uint64_t kKibibyte = 1024;
constexpr std::uint64_t kMebibyte = kKibibyte * kKibibyte;
constexpr std::uint64_t kGibibyte = kMebibyte * kKibibyte;
constexpr std::uint64_t kTebibyte = kGibibyte * kKibibyte;

template <auto kMember>
Setting setting(std::string_view name, Unit unit, std::uint64_t minimum, std::uint64_t maximum,
                std::string_view meaning) {
  return Setting{
      name,
      unit,
      minimum,
      maximum,
      meaning,
      [](const StoreOptions& options) { return static_cast<std::uint64_t>(options.*kMember); },
      [](StoreOptions& options, std::uint64_t value) {
        options.*kMember = static_cast<std::decay_t<decltype(options.*kMember)>>(value);
      }};
}

struct Suffix {
  std::string_view text;
  std::uint64_t factor;
};
constexpr Suffix kSuffixes[] = {
    {"TiB", kTebibyte}, {"GiB", kGibibyte}, {"MiB", kMebibyte}, {"KiB", kKibibyte}};

Result<std::uint64_t> parse_value(const Setting& setting, std::string_view text) {
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

Status apply(const CLI::ConfigItem& item, StoreOptions& options) {
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
          "memory for blocks, indexes and filters of the files"),
      setting<&StoreOptions::write_buffer_bytes>(
          "store.write_buffer", Unit::kBytes, 64 * kKibibyte, kGibibyte,
          "memory that gathers writes before a file is made; up to three exist"),
      setting<&StoreOptions::result_cache_bytes>("store.result_cache", Unit::kBytes, 0, kTebibyte,
                                                 "memory for whole answers; 0: none are kept"),
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
  };
  return settings;
}

std::string setting_text(const Setting& setting, std::uint64_t value) {
  if (setting.unit == Unit::kBytes && value != 0) {
    for (const Suffix& suffix : kSuffixes) {
      if (value % suffix.factor == 0) {
        return std::to_string(value / suffix.factor) + " " + std::string(suffix.text);
      }
    }
  }
  return std::to_string(value);
}

Result<StoreOptions> read_settings(const std::string& path) {
  StoreOptions options;
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
