#include "config/machine_memory.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string_view>

namespace clinicdb::server {

namespace {

/// "/system.slice/clinicdb.service"; empty where the process is in none, or at the top.
std::string own_group(const std::string& own) {
  constexpr std::string_view kVersion2 = "0::";
  std::ifstream file(own);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(kVersion2)) return line.substr(kVersion2.size());
  }
  return {};
}

}  // namespace

std::uint64_t machine_memory_bytes(const std::string& groups, const std::string& own) {
  const auto pages = static_cast<std::uint64_t>(std::max(::sysconf(_SC_PHYS_PAGES), 0L));
  const auto page_bytes = static_cast<std::uint64_t>(std::max(::sysconf(_SC_PAGESIZE), 0L));
  std::uint64_t least = pages * page_bytes;
  // From its own group up to the top, which in a container is its own. "max", or no such file:
  // without a bound.
  for (std::string group = own_group(own);; group.resize(group.rfind('/'))) {
    std::uint64_t bound = 0;
    std::ifstream file(groups + group + "/memory.max");
    if (file >> bound && bound > 0) least = std::min(least, bound);
    if (group.empty() || group.front() != '/') return least;
  }
}

void size_caches(std::uint64_t memory_bytes, engine::StoreOptions& options) {
  constexpr std::uint64_t kGibibyte = std::uint64_t{1} << 30;
  options.block_cache_bytes =
      std::max<std::uint64_t>(options.block_cache_bytes, std::min(memory_bytes / 8, 8 * kGibibyte));
  options.result_cache_bytes = std::max<std::uint64_t>(options.result_cache_bytes,
                                                       std::min(memory_bytes / 24, 2 * kGibibyte));
}

}  // namespace clinicdb::server
