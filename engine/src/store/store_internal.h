// Seams of the Store that its public header does not name, for tests and for replication.
#pragma once

#include <memory>
#include <string>

#include "clinicdb/engine/store.h"

namespace rocksdb {
class Env;
}

namespace clinicdb::engine {

struct StoreSeams {
  /// RocksDB's world. nullptr: the default one. Not owned.
  rocksdb::Env* rocksdb_env = nullptr;
  /// No threads of the store's own: the test calls maintain_store itself, and who commits a group
  /// applies it.
  bool manual_maintenance = false;
};

Result<std::unique_ptr<Store>> open_store(const std::string& directory, const Schema& schema,
                                          const StoreOptions& options, const StoreSeams& seams);

/// One round of what the maintenance thread does: next segment, flush rule, trim, index steps, old
/// requests.
Status maintain_store(Store& store);

}  // namespace clinicdb::engine
