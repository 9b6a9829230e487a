// Catalog: the tables a store was opened with, and the state of each of their indexes. Indexes of a
// table that the schema does not name stay as they are and are not touched.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "clinicdb/base/result.h"
#include "clinicdb/engine/table.h"

namespace clinicdb::engine {

enum class IndexPhase : std::uint8_t {
  kBuilding = 1,  ///< written by every change, filled step by step, not yet read
  kReady = 2,
  kFailed = 3,  ///< the records contradict it, such as two with one unique entry; not read
};

/// One index's state, as kept in the system range.
struct IndexState {
  std::uint32_t version = 1;    ///< of the definition that its entries were made by
  std::uint8_t generation = 0;  ///< the key byte its entries stand under
  std::uint8_t old_generation = 0;
  bool old_entries = false;  ///< entries of old_generation are still to be erased
  IndexPhase phase = IndexPhase::kReady;
  std::string reason;  ///< kFailed: why
};
std::string encode_index_state(const IndexState& state);
Result<IndexState> decode_index_state(std::string_view value);

/// Immutable; a changed state makes a new catalog. Thread-safe.
class Catalog {
 public:
  struct TableEntry {
    const TableDef* def = nullptr;
    std::vector<IndexState> states;  ///< one for each of def->indexes
  };

  /// kInvalidArgument for a schema that contradicts itself.
  static Result<std::shared_ptr<const Catalog>> make(const Schema& schema);

  /// nullptr when the store was not opened with it.
  const TableEntry* find(TableId table) const;
  const std::vector<TableEntry>& tables() const { return tables_; }
  std::shared_ptr<const Catalog> with_state(TableId table, std::size_t index,
                                            IndexState state) const;

 private:
  std::vector<TableEntry> tables_;  // by id
};

}  // namespace clinicdb::engine
