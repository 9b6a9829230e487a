// The KvStore over RocksDB 7.8.3: one column family, no WAL of its own (the commit log is ours),
// snapshots as views. What this version must not be used for stands in docs/ARCHITECTURE.md,
// "RocksDB".
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "clinicdb/base/result.h"
#include "store/kv.h"

namespace rocksdb {
class DB;
class Env;
class Status;
}  // namespace rocksdb

namespace clinicdb::engine {

struct RocksOptions {
  std::string directory;
  bool create_if_missing = true;
  bool read_only = false;
  std::size_t block_cache_bytes = 0;
  std::size_t write_buffer_bytes = 0;
  int background_jobs = 2;
  /// nullptr: the default one. Not owned.
  rocksdb::Env* env = nullptr;
};

Result<std::unique_ptr<KvStore>> open_rocks(const RocksOptions& options);

/// The database behind a store that open_rocks made: for benchmarks, which measure the engine
/// beside raw RocksDB on the same rows. Lives until the store is closed.
rocksdb::DB& rocks_db(KvStore& store);

/// The one place where RocksDB's outcomes become ours.
Status status_from_rocks(const rocksdb::Status& status, std::string_view operation);

}  // namespace clinicdb::engine
