// A store so small that a short life sees segments filled, trimmed and RocksDB flushed.
#pragma once

#include "clinicdb/base/random.h"
#include "clinicdb/engine/store.h"

namespace clinicdb::crash {

/// What is left to chance: the memtable's size and the pipeline's depth.
engine::StoreOptions small_store(Random& random);

}  // namespace clinicdb::crash
