// RocksDB over a SimulatedFileSystem: its files forget and fail by the same rules, at the same
// moment and from the same fault plan as the engine's own.
//
//   SimulatedFileSystem disk;
//   std::unique_ptr<rocksdb::Env> env = simulated_rocksdb_env(disk);
//   options.env = env.get();
//
// Debian's RocksDB 7.8.3 exports FaultInjectionTestFS without its headers, and that one keeps its
// own account of what is durable; one disk under both is what makes a crash of the whole store mean
// something.
#pragma once

#include <rocksdb/env.h>

#include <memory>

#include "support/simulated_file_system.h"

namespace clinicdb::test {

/// Files are `disk`'s; threads and clocks are those of rocksdb::Env::Default(). `disk` outlives it.
std::unique_ptr<rocksdb::Env> simulated_rocksdb_env(SimulatedFileSystem& disk);

}  // namespace clinicdb::test
