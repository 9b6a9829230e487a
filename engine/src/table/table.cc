#include "clinicdb/engine/table.h"

#include <algorithm>
#include <tuple>

#include "clinicdb/base/check.h"
#include "clinicdb/engine/fold.h"
#include "clinicdb/engine/key.h"
#include "store/limits.h"

namespace clinicdb::engine {

void IndexEntries::add(std::string_view key, std::string_view covered) {
  CLINICDB_CHECK(kind_ != IndexKind::kClaim);
  switch (kind_) {
    case IndexKind::kTokens:
      for (const std::string& word : fold_words(key)) {
        entries_.push_back({Key().text(word).str(), std::string(covered), Time{}});
      }
      break;
    case IndexKind::kSuffix:
      if (key.empty()) break;
      entries_.push_back(
          {Key().text(std::string(key.rbegin(), key.rend())).str(), std::string(covered), Time{}});
      break;
    default:
      entries_.push_back({std::string(key), std::string(covered), Time{}});
  }
}

void IndexEntries::add_claim(std::string_view resource, Time start, Time end,
                             std::string_view covered) {
  CLINICDB_CHECK(kind_ == IndexKind::kClaim);
  if (start >= end) bad_interval_ = true;
  entries_.push_back({Key().raw(resource).time(start).str(), std::string(covered), end});
}

Status IndexEntries::finish() {
  if (bad_interval_) return invalid_argument("an interval must end after it starts");
  for (const Entry& entry : entries_) {
    if (entry.key.size() > kEntryKeyBytesMax) {
      return invalid_argument("an index entry has " + std::to_string(entry.key.size()) +
                              " bytes; at most " + std::to_string(kEntryKeyBytesMax) +
                              " are possible");
    }
    if (entry.covered.size() > kCoveredBytesMax) {
      return invalid_argument("an index entry carries " + std::to_string(entry.covered.size()) +
                              " bytes along; at most " + std::to_string(kCoveredBytesMax) +
                              " are possible");
    }
  }
  // Of entries with one key the one added first stays, so that what an entry carries does not
  // depend on the sort. Claims are the exception: two different intervals from one start would hide
  // one of them.
  std::stable_sort(entries_.begin(), entries_.end(),
                   [](const Entry& a, const Entry& b) { return a.key < b.key; });
  if (kind_ == IndexKind::kClaim) {
    const auto two_ends = std::adjacent_find(
        entries_.begin(), entries_.end(),
        [](const Entry& a, const Entry& b) { return a.key == b.key && a.end != b.end; });
    if (two_ends != entries_.end()) {
      return invalid_argument(
          "two claims on one resource start at one time and end at different ones");
    }
  }
  entries_.erase(std::unique(entries_.begin(), entries_.end(),
                             [](const Entry& a, const Entry& b) { return a.key == b.key; }),
                 entries_.end());
  if (entries_.size() > kEntriesPerIndexMax) {
    return invalid_argument("a record has " + std::to_string(entries_.size()) +
                            " entries in one index; at most " +
                            std::to_string(kEntriesPerIndexMax) + " are possible");
  }
  return {};
}

const IndexDef* TableDef::index(IndexNumber number) const {
  const auto found = std::find_if(indexes.begin(), indexes.end(),
                                  [&](const IndexDef& index) { return index.number == number; });
  return found == indexes.end() ? nullptr : &*found;
}

namespace {

Status extract_entries(const TableDef& table, const IndexDef& index, const void* record,
                       IndexEntries& list) {
  index.extract(record, list);
  Status status = list.finish();
  if (!status.ok()) return std::move(status).with_context(table.name).with_field(index.name);
  return status;
}

}  // namespace

Result<std::vector<IndexEntries>> index_entries(const TableDef& table, const void* record) {
  std::vector<IndexEntries> entries;
  entries.reserve(table.indexes.size());
  for (const IndexDef& index : table.indexes) {
    RETURN_IF_ERROR(extract_entries(table, index, record, entries.emplace_back(index.kind)));
  }
  return entries;
}

namespace {

/// All but the entries.
Result<PreparedRecord> prepare_row(const TableDef& table, const void* record) {
  PreparedRecord prepared;
  prepared.table = &table;
  prepared.key = table.key(record);
  if (prepared.key.empty()) return invalid_argument(table.name + ": the record has an empty key");
  if (prepared.key.size() > kRecordKeyBytesMax) {
    return invalid_argument(table.name + ": the record's key has " +
                            std::to_string(prepared.key.size()) + " bytes; at most " +
                            std::to_string(kRecordKeyBytesMax) + " are possible");
  }
  table.encode(record, prepared.body);
  if (prepared.body.size() > kRecordBodyBytesMax) {
    return invalid_argument(table.name + ": the record has " +
                            std::to_string(prepared.body.size()) + " bytes; at most " +
                            std::to_string(kRecordBodyBytesMax) + " are possible");
  }
  return prepared;
}

}  // namespace

Result<PreparedRecord> prepare(const TableDef& table, const void* record) {
  ASSIGN_OR_RETURN(PreparedRecord prepared, prepare_row(table, record));
  ASSIGN_OR_RETURN(prepared.entries, index_entries(table, record));
  return prepared;
}

Result<PreparedRecord> prepare(const TableDef& table, const void* record, const void* replaced,
                               std::uint64_t version) {
  ASSIGN_OR_RETURN(PreparedRecord prepared, prepare_row(table, record));
  prepared.replaced_version = version;
  prepared.entries.reserve(table.indexes.size());
  prepared.replaced_entries.reserve(table.indexes.size());
  prepared.passed_over.reserve(table.indexes.size());
  for (const IndexDef& index : table.indexes) {
    const bool same = index.same && index.same(record, replaced);
    prepared.passed_over.push_back(same);
    IndexEntries& after = prepared.entries.emplace_back(index.kind);
    IndexEntries& before = prepared.replaced_entries.emplace_back(index.kind);
    if (same) continue;
    RETURN_IF_ERROR(extract_entries(table, index, record, after));
    RETURN_IF_ERROR(extract_entries(table, index, replaced, before));
  }
  return prepared;
}

}  // namespace clinicdb::engine
