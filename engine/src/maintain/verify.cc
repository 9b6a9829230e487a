// Store::verify. Two things are compared, on one snapshot, beside running calls:
//
//   tables   Each record yields the index entries it should have. Their hashes are summed an index,
//   in the order
//            of the records; the entries that stand in the index are summed in theirs. Equal sums
//            and counts mean equal sets (64-bit hashes of key and value, added: order does not
//            matter). Only an index whose sums differ is walked again, entry by entry, to say
//            which. A record of version n has n - 1 versions in its history.
//   log      The log's chain is read from its oldest entry; the last value that it gives each key
//   must be what
//            RocksDB has. Keys are taken in slices by hash, so that memory stays bounded.
#include <xxhash.h>

#include <unordered_map>

#include "clinicdb/engine/key.h"
#include "store/layout.h"
#include "store/store_impl.h"
#include "table/change.h"
#include "txn/envelope.h"
#include "txn/operations.h"

namespace clinicdb::engine {

namespace {

constexpr std::size_t kLogKeysASlice = 2'000'000;
constexpr std::uint64_t kProgressEvery = 4096;

std::uint64_t entry_hash(std::string_view key, std::string_view value) {
  return XXH3_64bits_withSeed(value.data(), value.size(), XXH3_64bits(key.data(), key.size()));
}

/// An order-independent sum over a set of keys with values.
struct SetSum {
  std::uint64_t count = 0;
  std::uint64_t sum = 0;
  void add(std::string_view key, std::string_view value) {
    ++count;
    sum += entry_hash(key, value);
  }
  bool operator==(const SetSum&) const = default;
};

class Verifier {
 public:
  Verifier(StoreImpl& store, const VerifyOptions& options)
      : store_(store),
        options_(options),
        seen_(store.pipeline().published()),
        state_(store.state_of(*seen_)) {
    total_ = store.kv().property("rocksdb.estimate-num-keys");
    // The log is walked several times over and must not be trimmed under it. A shard that failed
    // trims no more, so the pin needs no turn then.
    const auto pin = [this] {
      store_.log().set_slot(slot_, Lsn{1});
      return Status();
    };
    if (!store_.pipeline().with_log(pin).ok()) pin().ignore("it cannot fail");
  }
  ~Verifier() { store_.log().drop_slot(slot_); }
  Verifier(const Verifier&) = delete;
  Verifier& operator=(const Verifier&) = delete;

  Result<VerifyReport> run() {
    for (const TenantInfo& tenant : *seen_->tenants) {
      ++report_.tenants;
      for (const Catalog::TableEntry& table : seen_->catalog->tables()) {
        RETURN_IF_ERROR(check_table(tenant, table));
      }
      RETURN_IF_ERROR(check_events(tenant));
    }
    if (seen_->position.lsn.value > 0) RETURN_IF_ERROR(check_log());
    return report_;
  }

 private:
  void problem(const std::string& text) {
    ++report_.problem_count;
    if (report_.problems.size() < options_.problems_max) report_.problems.push_back(text);
  }
  void advance() {
    if (++done_ % kProgressEvery == 0 && options_.progress)
      options_.progress(done_, std::max(done_, total_));
  }
  static std::string place(const TenantInfo& tenant, const TableDef& table, std::string_view key) {
    return "tenant " + tenant.slug + ", table " + table.name + ", record " + to_hex(key);
  }

  Result<std::vector<IndexEntries>> entries_of(const TableDef& table,
                                               std::string_view value) const {
    ASSIGN_OR_RETURN(const RawRecord raw, decode_record(value));
    std::vector<IndexEntries> entries;
    if (raw.meta.deleted) {
      for (const IndexDef& def : table.indexes) entries.emplace_back(def.kind);
      return entries;
    }
    ASSIGN_OR_RETURN(const std::shared_ptr<const void> record, table.decode(raw.body));
    return index_entries(table, record.get());
  }

  Status check_table(const TenantInfo& tenant, const Catalog::TableEntry& table) {
    const TableDef& def = *table.def;
    std::vector<std::string> prefixes;
    for (std::size_t i = 0; i < def.indexes.size(); ++i) {
      prefixes.push_back(layout::index_prefix(tenant.id, def.id, def.indexes[i].number,
                                              table.states[i].generation));
    }
    std::vector<SetSum> expected(def.indexes.size());
    std::uint64_t history_expected = 0;
    const std::string rows = layout::prefix(tenant.id, def.id, layout::kRows);
    RETURN_IF_ERROR(state_.scan(
        rows, prefix_end(rows), false, [&](std::string_view key, std::string_view value) {
          const std::string_view record_key = key.substr(rows.size());
          ++report_.records;
          advance();
          Result<Envelope> envelope = decode_envelope(value);
          Result<std::vector<IndexEntries>> entries = entries_of(def, value);
          if (!envelope || !entries) {
            problem(place(tenant, def, record_key) + ": " + entries.error().to_string());
            return true;
          }
          if (envelope->meta.version == 0) problem(place(tenant, def, record_key) + ": version 0");
          history_expected += envelope->meta.version - 1;
          for (std::size_t i = 0; i < entries->size(); ++i) {
            for (const IndexEntries::Entry& entry : (*entries)[i].entries()) {
              const IndexKind kind = def.indexes[i].kind;
              expected[i].add(entry_key(kind, prefixes[i], entry, record_key),
                              encode_entry_value(kind, record_key, entry.end, entry.covered));
            }
          }
          return true;
        }));
    for (std::size_t i = 0; i < def.indexes.size(); ++i) {
      if (table.states[i].phase != IndexPhase::kReady) continue;
      SetSum found;
      RETURN_IF_ERROR(sum_range(prefixes[i], found));
      report_.index_entries += found.count;
      if (found != expected[i])
        RETURN_IF_ERROR(explain(tenant, def, i, prefixes[i], expected[i], found));
      if (def.indexes[i].kind == IndexKind::kClaim)
        RETURN_IF_ERROR(check_claims(tenant, def, i, prefixes[i]));
    }
    return check_history(tenant, def, history_expected);
  }

  Status sum_range(const std::string& prefix, SetSum& found) {
    return state_.scan(prefix, prefix_end(prefix), false,
                       [&](std::string_view key, std::string_view value) {
                         found.add(key, value);
                         advance();
                         return true;
                       });
  }

  /// Walks both sides of an index whose sums differ, to say which entries do.
  Status explain(const TenantInfo& tenant, const TableDef& def, std::size_t index,
                 const std::string& prefix, const SetSum& expected, const SetSum& found) {
    const IndexDef& index_def = def.indexes[index];
    const std::string name =
        "tenant " + tenant.slug + ", table " + def.name + ", index " + index_def.name;
    problem(name + ": " + std::to_string(found.count) + " entries, " +
            std::to_string(expected.count) + " follow from the records");
    const std::string rows = layout::prefix(tenant.id, def.id, layout::kRows);
    Status failure;
    RETURN_IF_ERROR(state_.scan(
        rows, prefix_end(rows), false, [&](std::string_view key, std::string_view value) {
          const std::string_view record_key = key.substr(rows.size());
          Result<std::vector<IndexEntries>> entries = entries_of(def, value);
          if (!entries) return true;  // reported already
          for (const IndexEntries::Entry& entry : (*entries)[index].entries()) {
            bool there = false;
            failure = state_.get(
                entry_key(index_def.kind, prefix, entry, record_key), [&](std::string_view stored) {
                  there = stored ==
                          encode_entry_value(index_def.kind, record_key, entry.end, entry.covered);
                  return Status();
                });
            if (!failure.ok()) return false;
            if (!there)
              problem(name + ": record " + to_hex(record_key) + " lacks an entry or has another's");
          }
          return true;
        }));
    RETURN_IF_ERROR(failure);
    RETURN_IF_ERROR(state_.scan(
        prefix, prefix_end(prefix), false, [&](std::string_view key, std::string_view value) {
          Result<IndexEntry> entry = decode_entry(index_def.kind, key.substr(prefix.size()), value);
          if (!entry) {
            problem(name + ": entry " + to_hex(key) + ": " + entry.error().to_string());
            return true;
          }
          bool yields = false;
          failure = state_.get(rows + std::string(entry->record_key), [&](std::string_view stored) {
            Result<std::vector<IndexEntries>> entries = entries_of(def, stored);
            if (!entries) return Status();
            for (const IndexEntries::Entry& own : (*entries)[index].entries())
              yields = yields || own.key == entry->key;
            return Status();
          });
          if (!failure.ok()) return false;
          if (!yields) problem(name + ": entry " + to_hex(key) + " belongs to no record");
          return true;
        }));
    return failure;
  }

  Status check_claims(const TenantInfo& tenant, const TableDef& def, std::size_t index,
                      const std::string& prefix) {
    std::string resource;
    Time end;
    return state_.scan(prefix, prefix_end(prefix), false,
                       [&](std::string_view key, std::string_view value) {
                         Result<IndexEntry> claim =
                             decode_entry(IndexKind::kClaim, key.substr(prefix.size()), value);
                         if (!claim) return true;  // reported already
                         const std::optional<Time> start = claim_start(claim->key);
                         if (!start) return true;
                         const std::string_view its_resource = claimed_resource(claim->key);
                         if (its_resource == resource && *start < end) {
                           problem(place(tenant, def, claim->record_key) + ": claim \"" +
                                   def.indexes[index].name + "\" overlaps the one before it");
                         }
                         resource = its_resource;
                         end = claim->end;
                         return true;
                       });
  }

  Status check_history(const TenantInfo& tenant, const TableDef& def, std::uint64_t expected) {
    if (!def.history) return Status();
    std::uint64_t found = 0;
    const std::string prefix = layout::prefix(tenant.id, def.id, layout::kHistory);
    RETURN_IF_ERROR(state_.scan(
        prefix, prefix_end(prefix), false, [&](std::string_view key, std::string_view value) {
          ++found;
          advance();
          const std::string_view rest = key.substr(prefix.size());
          Result<RawRecord> record = decode_record(value);
          if (!record || rest.size() < 8) {
            problem("tenant " + tenant.slug + ", table " + def.name + ", history " + to_hex(rest) +
                    " is damaged");
          } else if (~load_be64(rest.data() + rest.size() - 8) != record->meta.version) {
            problem("tenant " + tenant.slug + ", table " + def.name + ", history " + to_hex(rest) +
                    " has another version");
          }
          return true;
        }));
    report_.history_versions += found;
    if (found != expected) {
      problem("tenant " + tenant.slug + ", table " + def.name + ": " + std::to_string(found) +
              " versions in the history, " + std::to_string(expected) + " follow from the records");
    }
    return Status();
  }

  Status check_events(const TenantInfo& tenant) {
    const std::string prefix = layout::prefix(tenant.id, layout::kEvents, layout::kRows);
    return state_.scan(prefix, prefix_end(prefix), false,
                       [&](std::string_view key, std::string_view value) {
                         advance();
                         Result<Event> event = decode_event(key.substr(prefix.size()), value);
                         if (!event)
                           problem("tenant " + tenant.slug + ", event " + to_hex(key) + ": " +
                                   event.error().to_string());
                         return true;
                       });
  }

  /// Calls `visit` for each operation of the retained log up to the snapshot.
  Status walk_log(FunctionRef<Status(Lsn lsn, const Operation&)> visit) {
    const Lsn first = store_.log().stats().first;
    if (first.value == 0) return Status();
    ASSIGN_OR_RETURN(const std::unique_ptr<LogReader> reader, store_.log().reader(first));
    while (true) {
      Result<const LogEntry*> entry = reader->next();
      if (!entry && entry.error().code() == StatusCode::kDataLoss) {
        problem("log: " + entry.error().to_string());
        return Status();
      }
      if (!entry) return std::move(entry).error();
      if (*entry == nullptr || (*entry)->position.lsn > seen_->position.lsn) return Status();
      ++entries_;
      const Lsn lsn = (*entry)->position.lsn;
      Result<std::uint32_t> walked = for_each_operation(
          (*entry)->operations, [&](const Operation& operation) { return visit(lsn, operation); });
      if (!walked)
        problem("log entry " + std::to_string(lsn.value) + ": " + walked.error().to_string());
    }
  }

  Status check_log() {
    std::uint64_t operations = 0;
    RETURN_IF_ERROR(walk_log([&](Lsn, const Operation&) {
      ++operations;
      return Status();
    }));
    report_.log_entries = entries_;
    const std::uint64_t slices = operations / kLogKeysASlice + 1;
    for (std::uint64_t slice = 0; slice < slices; ++slice)
      RETURN_IF_ERROR(check_log_slice(slice, slices));
    return Status();
  }

  Status check_log_slice(std::uint64_t slice, std::uint64_t slices) {
    std::unordered_map<std::uint64_t, Lsn> last_change;
    std::unordered_map<std::uint64_t, Lsn> erased;  // tenant -> by which entry
    const auto hash = [](std::string_view key) { return XXH3_64bits(key.data(), key.size()); };
    RETURN_IF_ERROR(walk_log([&](Lsn lsn, const Operation& operation) {
      if (operation.kind == OperationKind::kErase && operation.key.size() >= 8) {
        erased[load_be64(operation.key.data())] = lsn;
      } else if (const std::uint64_t h = hash(operation.key); h % slices == slice) {
        last_change[h] = lsn;
      }
      return Status();
    }));
    return walk_log([&](Lsn lsn, const Operation& operation) -> Status {
      if (operation.kind == OperationKind::kErase || operation.key.size() < layout::kTenantBytes)
        return Status();
      const std::uint64_t h = hash(operation.key);
      if (h % slices != slice || last_change[h] != lsn) return Status();
      const auto erase = erased.find(load_be64(operation.key.data()));
      const bool absent = operation.kind == OperationKind::kDelete ||
                          (erase != erased.end() && erase->second >= lsn);
      ++report_.log_keys_compared;
      advance();
      bool there = false;
      bool same = false;
      RETURN_IF_ERROR(state_.get(operation.key, [&](std::string_view value) {
        there = true;
        same = value == operation.value;
        return Status();
      }));
      if (there == absent || (there && !same)) {
        problem("key " + to_hex(operation.key) + " differs from log entry " +
                std::to_string(lsn.value));
      }
      return Status();
    });
  }

  StoreImpl& store_;
  const VerifyOptions& options_;
  const std::string slot_ = "verify " + std::to_string(reinterpret_cast<std::uintptr_t>(this));
  std::shared_ptr<const Published> seen_;
  State state_;
  VerifyReport report_;
  std::uint64_t done_ = 0;
  std::uint64_t total_ = 0;
  std::uint64_t entries_ = 0;
};

}  // namespace

Result<VerifyReport> StoreImpl::verify(const VerifyOptions& options) {
  {
    const std::lock_guard lock(state_mutex_);
    if (state_ == StoreState::kClosed) return failed_precondition("the store is closed");
  }
  return Verifier(*this, options).run();
}

}  // namespace clinicdb::engine
