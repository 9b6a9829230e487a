#include "config/machine_memory.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>

namespace clinicdb::server {

std::uint64_t machine_memory_bytes(const std::string& groups) {
  const auto pages = static_cast<std::uint64_t>(std::max(::sysconf(_SC_PHYS_PAGES), 0L));
  const auto page_bytes = static_cast<std::uint64_t>(std::max(::sysconf(_SC_PAGESIZE), 0L));
  const std::uint64_t machine = pages * page_bytes;
  // A container sees its own group at the top. "max", or no such file: without a bound.
  std::uint64_t bound = 0;
  std::ifstream file(groups + "/memory.max");
  return file >> bound && bound > 0 ? std::min(machine, bound) : machine;
}

void size_caches(std::uint64_t memory_bytes, engine::StoreOptions& options) {
  constexpr std::uint64_t kGibibyte = std::uint64_t{1} << 30;
  options.block_cache_bytes =
      std::max<std::uint64_t>(options.block_cache_bytes, std::min(memory_bytes / 8, 8 * kGibibyte));
  options.result_cache_bytes = std::max<std::uint64_t>(options.result_cache_bytes,
                                                       std::min(memory_bytes / 24, 2 * kGibibyte));
}

}  // namespace clinicdb::server
