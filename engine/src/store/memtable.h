// The memtable that RocksDB keeps its newest keys in, by its extension point for that: a KeyTree in
// the place of RocksDB's skip list.
#pragma once

#include <memory>

namespace rocksdb {
class MemTableRepFactory;
}

namespace clinicdb::engine {

/// REQUIRES of the options that it is put into: the bytewise comparator, no concurrent memtable
/// writes, no prefix extractor.
std::shared_ptr<rocksdb::MemTableRepFactory> make_memtable_factory();

}  // namespace clinicdb::engine
