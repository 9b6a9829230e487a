#include "table/catalog.h"

#include <algorithm>

#include "clinicdb/base/bytes.h"
#include "store/limits.h"

namespace clinicdb::engine {

std::string encode_index_state(const IndexState& state) {
  std::string value;
  value.push_back(1);
  value.push_back(static_cast<char>(state.phase));
  value.push_back(static_cast<char>(state.generation));
  value.push_back(static_cast<char>(state.old_generation));
  value.push_back(state.old_entries ? 1 : 0);
  append_le32(value, state.version);
  value.append(state.reason);
  return value;
}

Result<IndexState> decode_index_state(std::string_view value) {
  if (value.size() < 9 || value[0] != 1)
    return data_loss("index state is damaged or of a later program");
  IndexState state;
  const auto phase = static_cast<std::uint8_t>(value[1]);
  if (phase < 1 || phase > 3)
    return data_loss("index state has unknown phase " + std::to_string(phase));
  state.phase = static_cast<IndexPhase>(phase);
  state.generation = static_cast<std::uint8_t>(value[2]);
  state.old_generation = static_cast<std::uint8_t>(value[3]);
  state.old_entries = value[4] != 0;
  state.version = load_le32(value.data() + 5);
  state.reason = value.substr(9);
  return state;
}

namespace {

Status check_table(const TableDef& def) {
  const std::string name = "table \"" + def.name + "\": ";
  if (def.name.empty()) return invalid_argument("a table has no name");
  if (def.id.value < 0x0100) return invalid_argument(name + "ids below 0x0100 are the engine's");
  if (!def.encode || !def.decode || !def.key)
    return invalid_argument(name + "encode, decode and key are needed");
  if (def.indexes.size() > kIndexesPerTableMax) return invalid_argument(name + "too many indexes");
  for (std::size_t i = 0; i < def.indexes.size(); ++i) {
    const IndexDef& index = def.indexes[i];
    if (index.number < 1 || index.number > 200 || !index.extract || index.name.empty()) {
      return invalid_argument(name +
                              "an index needs a number from 1 to 200, a name and an extractor");
    }
    for (std::size_t j = 0; j < i; ++j) {
      if (def.indexes[j].number == index.number) {
        return invalid_argument(name + "index number " + std::to_string(index.number) +
                                " is used twice");
      }
    }
  }
  return Status();
}

}  // namespace

Result<std::shared_ptr<const Catalog>> Catalog::make(const Schema& schema) {
  auto catalog = std::make_shared<Catalog>();
  for (const TableDef* def : schema.tables) {
    RETURN_IF_ERROR(check_table(*def));
    TableEntry entry;
    entry.def = def;
    entry.states.resize(def->indexes.size());
    catalog->tables_.push_back(std::move(entry));
  }
  std::sort(catalog->tables_.begin(), catalog->tables_.end(),
            [](const TableEntry& a, const TableEntry& b) { return a.def->id < b.def->id; });
  for (std::size_t i = 1; i < catalog->tables_.size(); ++i) {
    if (catalog->tables_[i].def->id == catalog->tables_[i - 1].def->id) {
      return invalid_argument("tables \"" + catalog->tables_[i - 1].def->name + "\" and \"" +
                              catalog->tables_[i].def->name + "\" have the same id");
    }
  }
  return std::shared_ptr<const Catalog>(std::move(catalog));
}

const Catalog::TableEntry* Catalog::find(TableId table) const {
  const auto position =
      std::lower_bound(tables_.begin(), tables_.end(), table,
                       [](const TableEntry& entry, TableId id) { return entry.def->id < id; });
  return position != tables_.end() && position->def->id == table ? &*position : nullptr;
}

std::shared_ptr<const Catalog> Catalog::with_state(TableId table, std::size_t index,
                                                   IndexState state) const {
  auto changed = std::make_shared<Catalog>(*this);
  for (TableEntry& entry : changed->tables_) {
    if (entry.def->id == table) entry.states[index] = std::move(state);
  }
  return changed;
}

}  // namespace clinicdb::engine
