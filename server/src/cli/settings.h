// Settings: what an operator may set about a store and about serving it, each with its default,
// unit and range; read from one TOML file. Without a file every setting has its default.
//
//   [store]
//   block_cache = "1 GiB"
//   [server]
//   address = "0.0.0.0"
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "clinicdb/base/result.h"
#include "clinicdb/engine/store.h"
#include "config/serve_settings.h"

namespace clinicdb::server {

/// Everything that the file may say.
struct Configuration {
  engine::StoreOptions store;
  ServeSettings serve;
};

enum class Unit { kBytes, kCount, kSwitch, kText };

struct Setting {
  std::string_view name;  ///< "store.block_cache"
  Unit unit;
  std::uint64_t minimum;  ///< of a text: 0, and the bytes that it may have
  std::uint64_t maximum;
  std::string_view meaning;
  /// The number, 0 or 1 of a switch; of a text nothing.
  std::uint64_t (*get)(const Configuration& configuration);
  void (*set)(Configuration& configuration, std::uint64_t value);
  /// Of a text.
  const std::string& (*get_text)(const Configuration& configuration) = nullptr;
  void (*set_text)(Configuration& configuration, std::string text) = nullptr;
};

const std::vector<Setting>& all_settings();

/// "256 MiB" where that is exact, else the plain number; "true" or "false" of a switch.
std::string setting_text(const Setting& setting, std::uint64_t value);
/// The same of what a configuration has, a text included.
std::string setting_text(const Setting& setting, const Configuration& configuration);

/// What the file says, and `defaults` of what it does not say, or without a path. kNotFound without
/// the file, kInvalidArgument, with file and setting, for what is no TOML, unknown or out of range.
Result<Configuration> read_settings(const std::string& path, const Configuration& defaults = {});

}  // namespace clinicdb::server
