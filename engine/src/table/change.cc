#include "table/change.h"

#include <algorithm>
#include <utility>

#include "clinicdb/base/bytes.h"
#include "clinicdb/base/check.h"
#include "clinicdb/engine/fine_tag.h"
#include "clinicdb/engine/key.h"
#include "store/layout.h"
#include "store/limits.h"
#include "txn/envelope.h"

namespace clinicdb::engine {

namespace {

Status version_conflict(const TableDef& table, std::uint64_t expected, std::uint64_t current) {
  return aborted("table \"" + table.name + "\": version " + std::to_string(expected) +
                 " was expected, the record has " + std::to_string(current))
      .with_field("version")
      .with_current_version(current);
}

/// What expected_version asks for against what is there; version 0 means there is none.
Status check_version(const TableDef& table, std::optional<std::uint64_t> expected,
                     std::uint64_t current) {
  if (!expected || *expected == current) return Status();
  if (*expected == 0) {
    return already_exists("table \"" + table.name + "\" has a record of that key")
        .with_current_version(current);
  }
  return version_conflict(table, *expected, current);
}

/// True when the stored record has this body.
Result<bool> same_body(const Envelope& envelope, std::string_view body) {
  if (!envelope.compressed) return envelope.stored_body == body;
  ASSIGN_OR_RETURN(const std::string stored, envelope_body(envelope));
  return stored == body;
}

/// The index entries of a stored record.
Result<std::vector<IndexEntries>> entries_of(const TableDef& table, std::string_view body) {
  ASSIGN_OR_RETURN(const std::shared_ptr<const void> record, table.decode(body));
  return index_entries(table, record.get());
}
Result<std::vector<IndexEntries>> entries_of(const TableDef& table, const Envelope& envelope) {
  if (!envelope.compressed) return entries_of(table, envelope.stored_body);
  ASSIGN_OR_RETURN(const std::string body, envelope_body(envelope));
  return entries_of(table, body);
}

/// Two claims of one record on one resource that overlap would hide each other from later checks.
Status check_own_claims(const IndexDef& def, const IndexEntries& entries) {
  const auto& list = entries.entries();
  for (std::size_t i = 1; i < list.size(); ++i) {
    const std::string_view before = list[i - 1].key;
    const std::string_view after = list[i].key;
    if (before.size() != after.size() || claimed_resource(before) != claimed_resource(after))
      continue;
    const std::optional<Time> start = claim_start(after);
    if (start && list[i - 1].end > *start) {
      return invalid_argument("the record claims one resource twice at a time")
          .with_field(def.name);
    }
  }
  return Status();
}

Status claim_is_taken(const IndexDef& def) {
  return failed_precondition("another record claims the resource at that time")
      .with_field(def.name);
}

// Claims on a resource never overlap, so among those that start before this one ends, the one that
// starts last also ends last: if it does not reach into this one, none does. One seek.
Status check_claim(const State& state, const IndexDef& def, const std::string& prefix,
                   const IndexEntries::Entry& entry, std::string_view record_key) {
  const std::optional<Time> start = claim_start(entry.key);
  CLINICDB_CHECK(start.has_value());
  const std::string lower = std::string(prefix).append(claimed_resource(entry.key));
  const std::string upper = lower + Key().time(entry.end).str();
  Status outcome;
  RETURN_IF_ERROR(
      state.scan(lower, upper, true, [&](std::string_view found_key, std::string_view value) {
        Result<IndexEntry> found =
            decode_entry(IndexKind::kClaim, found_key.substr(prefix.size()), value);
        if (!found) {
          outcome = std::move(found).error();
          return false;
        }
        if (found->record_key == record_key) return true;  // its own, which this change replaces
        if (found->end > *start) outcome = claim_is_taken(def);
        return false;
      }));
  return outcome;
}

}  // namespace

std::string entry_key(IndexKind kind, const std::string& prefix, const IndexEntries::Entry& entry,
                      std::string_view record_key) {
  std::string key;
  key.reserve(prefix.size() + entry.key.size() + record_key.size());
  key.append(prefix).append(entry.key);
  if (kind != IndexKind::kUnique) key.append(record_key);
  return key;
}

Status check_new_entry(const State& state, const IndexDef& def, const std::string& prefix,
                       const IndexEntries::Entry& entry, std::string_view record_key) {
  if (def.kind == IndexKind::kClaim) return check_claim(state, def, prefix, entry, record_key);
  if (def.kind != IndexKind::kUnique) return Status();
  return state.get(prefix + entry.key, [&](std::string_view value) -> Status {
    Result<IndexEntry> found = decode_entry(IndexKind::kUnique, entry.key, value);
    if (!found) return std::move(found).error();
    if (found->record_key == record_key) return Status();
    return already_exists("another record has that value").with_field(def.name);
  });
}

TransactionOver::TransactionOver(const Setting& setting, std::shared_ptr<const Catalog> catalog,
                                 State state, Overlay& out)
    : ReaderOver(setting.tenant, setting.visible, std::move(catalog), std::move(state)),
      setting_(setting),
      out_(out),
      first_change_(out.savepoint()),
      first_bytes_(out.bytes()) {}

Result<std::optional<TransactionOver::Current>> TransactionOver::read_current(
    const TableDef& table, std::string_view row_key, const PreparedRecord* seen) const {
  std::optional<Current> current;
  const auto take = [&]() -> Status {
    Result<Envelope> envelope = decode_envelope(current->value);
    if (!envelope) return std::move(envelope).error().with_context("table \"" + table.name + "\"");
    current->envelope = *envelope;
    return Status();
  };
  if (seen != nullptr && !seen->replaced_row.empty() && setting_.recent != nullptr &&
      out_.find(row_key) == nullptr && !setting_.recent->touched(row_key, seen->replaced_seen)) {
    current.emplace().value = seen->replaced_row;
    RETURN_IF_ERROR(take());
    return current;
  }
  RETURN_IF_ERROR(state().get(row_key, [&](std::string_view value) -> Status {
    current.emplace().owned = value;
    current->value = current->owned;
    return take();
  }));
  return current;
}

Status TransactionOver::compare_entries(const Catalog::TableEntry& table,
                                        const std::vector<IndexEntries>& before,
                                        const std::vector<IndexEntries>& after,
                                        std::vector<EntryChange>& changes) const {
  static const std::vector<IndexEntries::Entry> kNone;
  for (std::size_t i = 0; i < table.def->indexes.size(); ++i) {
    const IndexDef& def = table.def->indexes[i];
    const auto& old_list = before.empty() ? kNone : before[i].entries();
    const auto& new_list = after.empty() ? kNone : after[i].entries();
    if (old_list.empty() && new_list.empty()) continue;
    if (def.kind == IndexKind::kClaim && !after.empty())
      RETURN_IF_ERROR(check_own_claims(def, after[i]));
    // Made for the first change only.
    std::shared_ptr<const std::string> prefix;
    // While an index is being built, what a record has need not be in it yet.
    const bool built = table.states[i].phase == IndexPhase::kReady;
    const auto change = [&](const IndexEntries::Entry* add, const IndexEntries::Entry* remove,
                            bool held = false) {
      if (!prefix) {
        prefix = std::make_shared<const std::string>(
            layout::index_prefix(tenant(), table.def->id, def.number, table.states[i].generation));
      }
      changes.push_back({&def, prefix, add, remove, held});
    };
    auto o = old_list.begin();
    auto n = new_list.begin();
    while (o != old_list.end() || n != new_list.end()) {
      if (n == new_list.end() || (o != old_list.end() && o->key < n->key)) {
        change(nullptr, &*o++);
      } else if (o == old_list.end() || n->key < o->key) {
        change(&*n++, nullptr);
      } else {
        if (o->covered != n->covered || o->end != n->end)
          change(&*n, nullptr, built && n->end <= o->end);
        ++o;
        ++n;
      }
    }
  }
  return Status();
}

Status TransactionOver::check_entry(const EntryChange& change, std::string_view record_key) const {
  if (change.def->kind == IndexKind::kClaim && setting_.claims != nullptr) {
    switch (setting_.claims->check(state(), out_, first_change_, *change.prefix, *change.add,
                                   record_key)) {
      case HotClaims::Answer::kFree:
        return Status();
      case HotClaims::Answer::kTaken:
        return claim_is_taken(*change.def);
      case HotClaims::Answer::kUnknown:
        break;
    }
  }
  return check_new_entry(state(), *change.def, *change.prefix, *change.add, record_key);
}

Status TransactionOver::check_limits(std::size_t more_keys, std::size_t more_bytes) const {
  const std::size_t keys = out_.savepoint() - first_change_ + more_keys;
  const std::size_t bytes = out_.bytes() - first_bytes_ + more_bytes;
  if (keys > kCommandKeysMax || bytes > kCommandBytesMax) {
    return resource_exhausted("a transaction changes at most " + std::to_string(kCommandKeysMax) +
                              " keys and " + std::to_string(kCommandBytesMax >> 20) +
                              " MiB; split it");
  }
  return Status();
}

void TransactionOver::write(const TableDef& table, std::string_view record_key,
                            const std::optional<Current>& current, const RecordMeta& meta,
                            std::string_view body, const std::vector<EntryChange>& changes) {
  const bool later = setting_.stamp.value == 0;
  out_.put(layout::row_key(tenant(), table.id, record_key), encode_envelope(meta, body), later);
  if (current && table.history) {
    // A version of this same transaction has no LSN yet either.
    out_.put(layout::history_key(tenant(), table.id, record_key, current->meta().version),
             current->value, later && current->meta().updated_lsn.value == 0);
  }
  tags_.push_back(cache_tag_record(tenant(), table.id, record_key));
  tags_.push_back(cache_tag_table(tenant(), table.id));
  const IndexDef* marked = nullptr;  // changes of one index stand together
  for (const EntryChange& change : changes) {
    const IndexEntries::Entry& entry = change.add != nullptr ? *change.add : *change.remove;
    const std::string key = entry_key(change.def->kind, *change.prefix, entry, record_key);
    if (change.add != nullptr) {
      out_.put(key, encode_entry_value(change.def->kind, record_key, entry.end, entry.covered),
               false);
    } else {
      out_.remove(key);
    }
    if (std::exchange(marked, change.def) != change.def)
      tags_.push_back(cache_tag_range(tenant(), table.id, change.def->number, {}));
    if (change.def->tag_bytes > 0 && entry.key.size() >= change.def->tag_bytes) {
      tags_.push_back(
          cache_tag_range(tenant(), table.id, change.def->number,
                          std::string_view(entry.key).substr(0, change.def->tag_bytes)));
      if (entry.key.size() > change.def->tag_bytes) {
        tags_.push_back(cache_tag_sixteenth(tenant(), table.id, change.def->number, entry.key,
                                            change.def->tag_bytes));
      }
    }
  }
}

Result<PutResult> TransactionOver::put(const PreparedRecord& record, const PutOptions& options) {
  CLINICDB_CHECK(record.table != nullptr);
  const TableDef& table = *record.table;
  const Catalog::TableEntry* place = catalog().find(table.id);
  if (place == nullptr)
    return invalid_argument("the store was not opened with table \"" + table.name + "\"");
  // Another definition of the same table would maintain other indexes than the store has.
  if (place->def != &table)
    return invalid_argument("table \"" + table.name +
                            "\" is not the definition that the store was opened with");
  CLINICDB_CHECK(record.entries.size() == table.indexes.size());

  ASSIGN_OR_RETURN(const std::optional<Current> current,
                   read_current(table, layout::row_key(tenant(), table.id, record.key), &record));
  const bool exists = current && !current->meta().deleted;
  if (options.never_before && current) {
    return already_exists("table \"" + table.name + "\" has had a record of that key")
        .with_current_version(current->meta().version);
  }
  RETURN_IF_ERROR(
      check_version(table, options.expected_version, exists ? current->meta().version : 0));
  if (exists && options.skip_unchanged) {
    ASSIGN_OR_RETURN(const bool same, same_body(current->envelope, record.body));
    if (same) return PutResult{PutEffect::kUnchanged, current->meta().version};
  }

  // Prepared against another version than there is, it is compared anew, whole.
  const bool known = exists && record.replaced_version == current->meta().version;
  std::vector<IndexEntries> read_before;
  std::vector<IndexEntries> whole_after;
  if (exists && !known) {
    ASSIGN_OR_RETURN(read_before, entries_of(table, current->envelope));
  }
  const bool partial = !known && !record.passed_over.empty();
  if (partial) {
    ASSIGN_OR_RETURN(whole_after, entries_of(table, record.body));
  }
  std::vector<EntryChange> changes;
  RETURN_IF_ERROR(compare_entries(*place, known ? record.replaced_entries : read_before,
                                  partial ? whole_after : record.entries, changes));
  for (const EntryChange& change : changes) {
    if (change.add == nullptr || change.held) continue;
    RETURN_IF_ERROR(check_entry(change, record.key));
  }
  RETURN_IF_ERROR(check_limits(changes.size() + 2, record.body.size() + 2 * kEnvelopeBytes));

  RecordMeta meta;
  if (current) meta = current->meta();
  meta.version += 1;
  meta.deleted = false;
  if (!exists) {
    meta.created_lsn = setting_.stamp;
    meta.created = setting_.now;
    meta.created_by = setting_.user;
  }
  meta.updated_lsn = setting_.stamp;
  meta.updated = setting_.now;
  meta.updated_by = setting_.user;
  write(table, record.key, current, meta, record.body, changes);
  changes_.push_back(
      {table.id, exists ? ChangeKind::kUpdated : ChangeKind::kInserted, meta.version, record.key});
  return PutResult{exists ? PutEffect::kUpdated : PutEffect::kInserted, meta.version};
}

Status TransactionOver::remove(const TableDef& named, std::string_view key,
                               std::optional<std::uint64_t> expected_version) {
  const Catalog::TableEntry* place = catalog().find(named.id);
  if (place == nullptr)
    return invalid_argument("the store was not opened with table \"" + named.name + "\"");
  const TableDef& table = *place->def;
  ASSIGN_OR_RETURN(const std::optional<Current> current,
                   read_current(table, layout::row_key(tenant(), table.id, key), nullptr));
  if (!current || current->meta().deleted)
    return not_found("table \"" + table.name + "\" has no record of that key");
  RETURN_IF_ERROR(check_version(table, expected_version, current->meta().version));
  ASSIGN_OR_RETURN(const std::vector<IndexEntries> before, entries_of(table, current->envelope));
  std::vector<EntryChange> changes;
  RETURN_IF_ERROR(compare_entries(*place, before, {}, changes));
  RETURN_IF_ERROR(check_limits(changes.size() + 2, 2 * kEnvelopeBytes));

  RecordMeta meta = current->meta();
  meta.version += 1;
  meta.deleted = true;
  meta.updated_lsn = setting_.stamp;
  meta.updated = setting_.now;
  meta.updated_by = setting_.user;
  write(table, key, current, meta, {}, changes);
  changes_.push_back({table.id, ChangeKind::kDeleted, meta.version, std::string(key)});
  return Status();
}

Status TransactionOver::emit(std::uint16_t type, std::string_view payload) {
  if (payload.size() > kEventPayloadBytesMax) {
    return invalid_argument("an event's payload has at most " +
                            std::to_string(kEventPayloadBytesMax) + " bytes");
  }
  RETURN_IF_ERROR(check_limits(1, payload.size()));
  events_.push_back({type, std::string(payload)});
  return Status();
}

std::uint32_t TransactionOver::put_events(Overlay& group, Lsn lsn, Time time,
                                          std::uint32_t ordinal) const {
  std::vector<RecordChange> changes;
  changes.reserve(changes_.size());
  for (const Change& change : changes_)
    changes.push_back({change.table, change.kind, change.version, change.key});
  const auto put_one = [&](std::uint16_t type, std::string_view payload) {
    group.put(layout::event_key(tenant(), lsn, ordinal++),
              encode_event(type, time, setting_.user, payload, changes), false);
    changes.clear();
  };
  if (events_.empty() && !changes.empty()) put_one(0, {});
  for (const PendingEvent& event : events_) put_one(event.type, event.payload);
  return ordinal;
}

}  // namespace clinicdb::engine
