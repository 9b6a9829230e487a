// Reader and Transaction: one tenant's records, as of one moment, and a set of changes to them.
//
// A Reader answers from a published view: it never changes while held, and never shows what is not
// committed. A Transaction is a Reader that also sees its own changes; nothing of it exists outside
// until it commits, and then all of it does. Both are bound to one tenant and cannot reach
// another's keys.
//
// Visitors are called on the calling thread and must not call back into the same Reader for
// writing. Confined to one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "clinicdb/base/clock.h"
#include "clinicdb/base/function_ref.h"
#include "clinicdb/base/ids.h"
#include "clinicdb/base/result.h"
#include "clinicdb/engine/table.h"

namespace clinicdb::engine {

/// Keys k with from <= k < to; an empty `to` means no upper bound. Without the record's key at the
/// end.
struct KeyRange {
  std::string from;
  std::string to;
  /// Every key.
  static KeyRange all() { return {}; }
  /// Every key that begins with `prefix`.
  static KeyRange prefix(std::string_view prefix);
};

struct ScanOptions {
  bool reverse = false;
  std::size_t limit = SIZE_MAX;
  /// Cursor from an earlier scan of the same range and direction: go on behind where that one
  /// ended.
  std::string after;
};

/// One index entry. Its views live until the visitor returns.
struct IndexEntry {
  std::string_view key;         ///< as declared, without the record's key
  std::string_view record_key;  ///< of the record that has this entry
  std::string_view covered;
  Time end;  ///< claims only
};

/// Where a scan ended. `cursor` is empty when the range was exhausted; otherwise it goes into
/// ScanOptions::after, in this process or a later one: it names a position, not a snapshot.
struct ScanEnd {
  std::size_t visited = 0;
  std::string cursor;
};

enum class ChangeKind : std::uint8_t { kInserted = 1, kUpdated = 2, kDeleted = 3 };

/// A record that a transaction changed.
struct RecordChange {
  TableId table;
  ChangeKind kind = ChangeKind::kInserted;
  std::uint64_t version = 0;  ///< after the change
  std::string_view key;
};

/// A domain event as read back. A transaction that changed records without emitting one leaves one
/// of type 0; the first event of a transaction lists what it changed. Views live until the visitor
/// returns.
struct Event {
  Lsn lsn;
  std::uint32_t ordinal = 0;
  std::uint16_t type = 0;
  Time time;
  Uuid user;
  std::string_view payload;
  std::vector<RecordChange> changes;
};

class Reader {
 public:
  virtual ~Reader() = default;

  virtual TenantId tenant() const = 0;
  /// The last LSN whose effects are visible.
  virtual Lsn lsn() const = 0;

  /// The record, or nothing when it does not exist or is deleted.
  Result<std::optional<RawRecord>> get(const TableDef& table, std::string_view key);
  /// As `get`, but `visit` is shown the record where it lies, uncopied; the body's view lives until
  /// it returns. False when there was nothing to show. An error of `visit` is returned.
  Result<bool> read(const TableDef& table, std::string_view key,
                    FunctionRef<Status(const RecordMeta& meta, std::string_view body)> visit);
  /// The same, with all of the row as stored.
  virtual Result<bool> read_row(
      const TableDef& table, std::string_view key,
      FunctionRef<Status(const RecordMeta& meta, std::string_view body, std::string_view row)>
          visit) = 0;
  /// As `get`, tombstones included.
  virtual Result<std::optional<RawRecord>> get_any(const TableDef& table, std::string_view key) = 0;

  /// kUnique: the key of the record that has `entry`. REQUIRES: the index is declared kUnique.
  virtual Result<std::optional<std::string>> find(const TableDef& table, IndexNumber index,
                                                  std::string_view entry) = 0;

  /// Visits entries in key order until the range, the limit, or the visitor (returning false) ends
  /// it. kFailedPrecondition while the index is being built.
  virtual Result<ScanEnd> scan(const TableDef& table, IndexNumber index, const KeyRange& range,
                               const ScanOptions& options,
                               FunctionRef<bool(const IndexEntry&)> visit) = 0;

  /// Visits the claims on `resource` that overlap [from, to), by start.
  virtual Result<ScanEnd> scan_claims(const TableDef& table, IndexNumber index,
                                      std::string_view resource, Time from, Time to,
                                      const ScanOptions& options,
                                      FunctionRef<bool(const IndexEntry&)> visit) = 0;

  /// Visits records in key order; tombstones are skipped.
  virtual Result<ScanEnd> scan_records(
      const TableDef& table, const KeyRange& range, const ScanOptions& options,
      FunctionRef<bool(std::string_view key, RawRecord&& record)> visit) = 0;

  /// Visits every version of a record, newest first, the current one included.
  virtual Status history(const TableDef& table, std::string_view key,
                         FunctionRef<bool(const RawRecord&)> visit) = 0;

  /// Visits this tenant's events with an LSN above `after`, oldest first.
  virtual Result<ScanEnd> events(Lsn after, const ScanOptions& options,
                                 FunctionRef<bool(const Event&)> visit) = 0;

  /// The typed record, or nothing when it does not exist or is deleted.
  template <class R>
  Result<std::optional<Stored<R>>> get(const Table<R>& table, std::string_view key) {
    std::optional<Stored<R>> stored;
    Result<bool> found =
        read(table.def(), key, [&](const RecordMeta& meta, std::string_view body) -> Status {
          Result<R> record = table.decode(body);
          if (!record) return std::move(record).error();
          stored = Stored<R>{std::move(record).value(), meta};
          return Status();
        });
    if (!found) return std::move(found).error();
    return stored;
  }

  /// The same for a caller who is about to put another version of it: Table::prepare takes it, and
  /// spares the writer what was read here.
  template <class R>
  Result<std::optional<Replaced<R>>> get_to_replace(const Table<R>& table, std::string_view key) {
    std::optional<Replaced<R>> replaced;
    Result<bool> found = read_row(
        table.def(), key,
        [&](const RecordMeta& meta, std::string_view body, std::string_view row) -> Status {
          Result<R> record = table.decode(body);
          if (!record) return std::move(record).error();
          replaced = Replaced<R>{std::move(record).value(), meta, std::string(row), lsn()};
          return Status();
        });
    if (!found) return std::move(found).error();
    return replaced;
  }
};

enum class PutEffect : std::uint8_t { kInserted, kUpdated, kUnchanged };

struct PutResult {
  PutEffect effect = PutEffect::kInserted;
  std::uint64_t version = 0;  ///< after the put
};

struct PutOptions {
  /// Empty: whatever is there. 0: there must be no record. n: its version must be n.
  std::optional<std::uint64_t> expected_version;
  /// Leave a record with the same body as it is, with its version.
  bool skip_unchanged = false;
  /// There must never have been a record of this key: kAlreadyExists for a deleted one too. Lets an
  /// import put what is new with one look-up, and look at what is not.
  bool never_before = false;
};

class Transaction : public Reader {
 public:
  /// When the transaction runs; what "now" means in its rules. The commit's stored time is never
  /// earlier.
  virtual Time now() const = 0;
  /// Who runs it; nil for the system.
  virtual const Uuid& user() const = 0;

  /// Puts a record and its index entries, keeps the version before it, and invalidates what was
  /// cached of it. Checks everything before the first change (C4), so a failed put leaves the
  /// transaction as it was:
  ///   kAborted, with current_version()  the record does not have the expected version;
  ///   kAlreadyExists                    expected_version was 0 and there is one, or a unique entry
  ///   is
  ///                                     another record's (field() = index name);
  ///   kFailedPrecondition               a claim overlaps another record's (field() = index name);
  ///   kResourceExhausted                the transaction would pass its limits (C6).
  virtual Result<PutResult> put(const PreparedRecord& record, const PutOptions& options) = 0;

  /// Deletes a record: its index entries go, a tombstone and its history stay. kNotFound when there
  /// is none; kAborted as for put.
  virtual Status remove(const TableDef& table, std::string_view key,
                        std::optional<std::uint64_t> expected_version) = 0;

  /// Emits a domain event of this transaction; `type` is the application's number.
  virtual Status emit(std::uint16_t type, std::string_view payload) = 0;

  template <class R>
  Result<PutResult> put(const Table<R>& table, const R& record, const PutOptions& options = {}) {
    Result<PreparedRecord> prepared = table.prepare(record);
    if (!prepared) return std::move(prepared).error();
    return put(*prepared, options);
  }
};

}  // namespace clinicdb::engine
