// How much memory there is for this process, so that a server without settings uses a fair part of
// its machine.
#pragma once

#include <cstdint>
#include <string>

#include "clinicdb/engine/store.h"

namespace clinicdb::server {

/// The machine's memory, or what the process's control group, or one above it, may have of it, in
/// bytes. `groups` is where the system shows control groups (version 2), `own` where it says which
/// one this process is in.
std::uint64_t machine_memory_bytes(const std::string& groups = "/sys/fs/cgroup",
                                   const std::string& own = "/proc/self/cgroup");

/// Gives the caches of a server their parts of `memory_bytes`: an eighth for blocks, a
/// twenty-fourth for answers; never less than what an embedded store has, and never more than 8 and
/// 2 GiB.
void size_caches(std::uint64_t memory_bytes, engine::StoreOptions& options);

}  // namespace clinicdb::server
