// Overlay: changes that are not in RocksDB yet, as an ordered map; a commit group's, or a
// transaction's own.
//
// The design named RocksDB's WriteBatchWithIndex for this. It ignores iterator bounds and
// re-indexes the whole batch when it rolls back (rules C4, C7), and it cannot stand over the
// simulation's map. Here a savepoint is a position in an undo list, so that rolling a command back
// costs what the command wrote, and iterators know their bounds. Keys come out sorted and once
// each, which makes RocksDB's memtable insert cheaper.
//
// Keys and values live in an arena until the overlay dies. Confined to one thread while written;
// frozen, it may be read from any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory_resource>
#include <optional>
#include <string_view>
#include <vector>

#include "clinicdb/base/function_ref.h"

namespace clinicdb::engine {

class Overlay {
 public:
  struct Value {
    std::string_view bytes;  ///< empty for a delete
    bool deleted = false;
    bool envelope = false;  ///< LSN and time are stamped when its group takes it over
  };
  using Map = std::pmr::map<std::string_view, Value>;

  explicit Overlay(std::size_t arena_bytes = std::size_t{16} << 10)
      : arena_(arena_bytes), map_(&arena_) {}
  Overlay(const Overlay&) = delete;
  Overlay& operator=(const Overlay&) = delete;

  /// Copies key and value.
  void put(std::string_view key, std::string_view value, bool envelope);
  void remove(std::string_view key);
  /// nullptr when the key was not touched.
  const Value* find(std::string_view key) const;
  const Map& entries() const { return map_; }
  bool empty() const { return map_.empty(); }
  /// Bytes of keys and values, those of overwritten values included.
  std::size_t bytes() const { return bytes_; }

  /// A position to roll back to: how many changes were made.
  std::size_t savepoint() const { return undo_.size(); }
  void rollback(std::size_t savepoint);
  /// Shows what was changed since then as it is now; a key that was changed twice, twice.
  void for_each_change(std::size_t savepoint,
                       FunctionRef<void(std::string_view key, const Value& value)> show) const;

  /// The bytes of the value, to be stamped in place. REQUIRES: it was put as an envelope.
  static char* mutable_bytes(const Value& value);

 private:
  struct Undo {
    Map::iterator entry;
    std::optional<Value> before;  ///< empty: the key was not there
  };

  std::string_view copy(std::string_view bytes);
  void set(std::string_view key, const Value& value);

  std::pmr::monotonic_buffer_resource arena_;
  Map map_;
  std::vector<Undo> undo_;
  std::size_t bytes_ = 0;
};

}  // namespace clinicdb::engine
