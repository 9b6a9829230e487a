// Settings: what an operator may set about a store, each with its default, unit and range; read
// from a TOML file. Without a file every setting has its default.
//
//   [store]
//   block_cache = "1 GiB"
//   background_jobs = 4
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "clinicdb/base/result.h"
#include "clinicdb/engine/store.h"

namespace clinicdb::server {

enum class Unit { kBytes, kCount };

struct Setting {
  std::string_view name;  ///< "store.block_cache"
  Unit unit;
  std::uint64_t minimum;
  std::uint64_t maximum;
  std::string_view meaning;
  std::uint64_t (*get)(const engine::StoreOptions& options);
  void (*set)(engine::StoreOptions& options, std::uint64_t value);
};

const std::vector<Setting>& all_settings();

/// "256 MiB" where that is exact, else the plain number.
std::string setting_text(const Setting& setting, std::uint64_t value);

/// The options that the file says; the defaults for an empty path. kNotFound without the file,
/// kInvalidArgument, with file and setting, for what is no TOML, unknown or out of range.
Result<engine::StoreOptions> read_settings(const std::string& path);

}  // namespace clinicdb::server
