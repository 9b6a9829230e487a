// TableDef and Table<R>: a record type, declared in one place with its key, its secondary indexes
// and its personal data. Writing, index upkeep, history, events, cache tags and integrity checks
// follow from it.
//
//   const Table<Patient> kPatients = Table<Patient>(TableId{0x0110}, "patient", &encode, &decode,
//   &key)
//       .unique(1, "cpf", [](const Patient& p, IndexEntries& out) { if (!p.cpf.empty())
//       out.add(p.cpf); }) .tokens(2, "name", [](const Patient& p, IndexEntries& out) {
//       out.add(p.name); }) .personal({"name", "cpf"});
//
// Definitions are immutable once a store was opened with them, and then thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "clinicdb/base/clock.h"
#include "clinicdb/base/ids.h"
#include "clinicdb/base/result.h"

namespace clinicdb::engine {

/// Permanent number of a table. 0x0001-0x00ff are the engine's, 0x0100-0x0fff ClinicDB's clinic
/// module's, 0x1000 and above the embedding application's.
struct TableId {
  std::uint16_t value = 0;
  constexpr auto operator<=>(const TableId&) const = default;
};

/// Permanent number of an index in its table, 1 to 200. Never used again for another index.
using IndexNumber = std::uint8_t;

enum class IndexKind : std::uint8_t {
  kUnique = 1,   ///< at most one record an entry; looked up with one point read
  kOrdered = 2,  ///< ranges over one or several columns, records with equal entries side by side
  kTokens = 3,   ///< free text: folded (case, accents) and split into words, found by the beginning
                 ///< of a word
  kSuffix = 4,   ///< found by the end, such as the last digits of a phone number
  kClaim =
      5,  ///< intervals on a resource, no two of which overlap: checked and taken in the commit
};

/// Receives the entries that one record has in one index.
class IndexEntries {
 public:
  struct Entry {
    std::string key;      ///< as it will stand in the index, without the record's key
    std::string covered;  ///< carried along, so that a scan need not read the record
    Time end;             ///< claims: where the interval ends; it starts at the key's last 8 bytes
  };

  explicit IndexEntries(IndexKind kind) : kind_(kind) {}

  /// kUnique, kOrdered: `key` as built by Key. kTokens: any text, one entry a distinct word of it.
  /// kSuffix: the text whose ends are to be found. REQUIRES: kind is not kClaim.
  void add(std::string_view key, std::string_view covered = {});
  /// kClaim: [start, end) on `resource`, whose keys all have one size. An interval that is empty or
  /// turned around makes the write fail with kInvalidArgument. REQUIRES: kind is kClaim.
  void add_claim(std::string_view resource, Time start, Time end, std::string_view covered = {});

  /// Sorted by key, without repetitions, once `finish` ran.
  const std::vector<Entry>& entries() const { return entries_; }
  /// kInvalidArgument when an entry was not acceptable.
  Status finish();

 private:
  IndexKind kind_;
  bool bad_interval_ = false;
  std::vector<Entry> entries_;
};

struct IndexDef {
  IndexNumber number = 0;
  std::string name;
  IndexKind kind = IndexKind::kOrdered;
  /// Raise it when `extract` changes what it yields: the index is then built anew, online.
  std::uint32_t version = 1;
  /// How many leading bytes of an entry's key make a cache tag of their own (a range bucket). 0:
  /// one tag for the whole index. An answer that read only entries of one bucket stays cached while
  /// others change.
  std::size_t tag_bytes = 0;
  /// Pure: the same record always yields the same entries.
  std::function<void(const void* record, IndexEntries& out)> extract;
  /// Pure, and quick beside `extract`: true only when both records yield the same entries. An
  /// update then passes the index over. May be empty: never known.
  std::function<bool(const void* record, const void* replaced)> same;
};

/// The definition without its C++ record type; what the engine works with.
struct TableDef {
  TableId id;
  std::string name;
  /// Keep every previous version of every record.
  bool history = true;
  /// Names of the fields that are personal data; for erasure and for masking logs.
  std::vector<std::string> personal_fields;
  std::vector<IndexDef> indexes;

  std::function<void(const void* record, std::string& body)> encode;
  /// kDataLoss when the bytes are not a record.
  std::function<Result<std::shared_ptr<const void>>(std::string_view body)> decode;
  std::function<std::string(const void* record)> key;

  /// nullptr when there is none of that number.
  const IndexDef* index(IndexNumber number) const;
};

/// What the engine keeps about each record beside its body.
struct RecordMeta {
  std::uint64_t version = 0;  ///< 1 for a new record, one more with each change
  bool deleted = false;       ///< a tombstone: the body is empty
  Lsn created_lsn;
  Time created;
  Uuid created_by;
  Lsn updated_lsn;
  Time updated;
  Uuid updated_by;
};

/// A record as stored.
struct RawRecord {
  RecordMeta meta;
  std::string body;
};

/// A record as its type.
template <class R>
struct Stored {
  R record;
  RecordMeta meta;
};

/// A record as its type, read to be replaced: see Reader::get_to_replace.
template <class R>
struct Replaced {
  R record;
  RecordMeta meta;
  std::string row;  ///< all of it as stored
  Lsn seen;         ///< the reader's
};

/// The set of tables that a store is opened with. Two tables with one id are an error at open.
struct Schema {
  std::vector<const TableDef*> tables;  ///< not owned; outlive the store
};

/// The entries that a record has in each of the table's indexes, in that order. kInvalidArgument
/// when an index refuses one; field() names it.
Result<std::vector<IndexEntries>> index_entries(const TableDef& table, const void* record);

/// A record, checked and encoded with its index entries, ready to be put: made on the caller's
/// thread so that the shard's writer does not pay for it (rule C6).
struct PreparedRecord {
  const TableDef* table = nullptr;
  std::string key;
  std::string body;
  std::vector<IndexEntries> entries;  ///< one for each of table->indexes, in that order
  /// The version that this is meant to replace, with the entries it had, where the caller knows it:
  /// then the writer need not decode it. 0: not known. Another version is decoded all the same.
  std::uint64_t replaced_version = 0;
  std::vector<IndexEntries> replaced_entries;
  /// Indexes whose IndexDef::same says that they do not change: of these, neither list has entries.
  std::vector<bool> passed_over;
  /// The row as it was read, and when: where nobody touched it since, the writer need not read it
  /// again. Empty: not known.
  std::string replaced_row;
  Lsn replaced_seen;
};

/// kInvalidArgument when the key is empty or too long, the body too large, or an index refuses an
/// entry.
Result<PreparedRecord> prepare(const TableDef& table, const void* record);
/// The same, knowing what is replaced. REQUIRES: `replaced` is what a reader gave for the record's
/// key, at `version`; a delete leaves nothing to replace.
Result<PreparedRecord> prepare(const TableDef& table, const void* record, const void* replaced,
                               std::uint64_t version);

template <class R>
class Table {
 public:
  using Encode = void (*)(const R&, std::string& body);
  using Decode = Result<R> (*)(std::string_view body);
  using KeyOf = std::string (*)(const R&);
  using Extract = void (*)(const R&, IndexEntries& out);
  using Same = bool (*)(const R& record, const R& replaced);

  Table(TableId id, std::string name, Encode encode, Decode decode_body, KeyOf key)
      : decode_(decode_body) {
    def_.id = id;
    def_.name = std::move(name);
    def_.encode = [encode](const void* r, std::string& body) {
      encode(*static_cast<const R*>(r), body);
    };
    def_.decode = [decode_body](std::string_view body) -> Result<std::shared_ptr<const void>> {
      Result<R> record = decode_body(body);
      if (!record) return std::move(record).error();
      return std::shared_ptr<const void>(std::make_shared<const R>(std::move(record).value()));
    };
    def_.key = [key](const void* r) { return key(*static_cast<const R*>(r)); };
  }

  Table&& unique(IndexNumber n, std::string name, Extract e) && {
    return std::move(*this).add(n, std::move(name), IndexKind::kUnique, 0, e);
  }
  Table&& ordered(IndexNumber n, std::string name, Extract e, std::size_t tag_bytes = 0) && {
    return std::move(*this).add(n, std::move(name), IndexKind::kOrdered, tag_bytes, e);
  }
  Table&& tokens(IndexNumber n, std::string name, Extract e) && {
    return std::move(*this).add(n, std::move(name), IndexKind::kTokens, 0, e);
  }
  Table&& suffix(IndexNumber n, std::string name, Extract e) && {
    return std::move(*this).add(n, std::move(name), IndexKind::kSuffix, 0, e);
  }
  Table&& claims(IndexNumber n, std::string name, Extract e, std::size_t tag_bytes = 0) && {
    return std::move(*this).add(n, std::move(name), IndexKind::kClaim, tag_bytes, e);
  }
  /// Raises the version of the index declared last.
  Table&& version(std::uint32_t version) && {
    def_.indexes.back().version = version;
    return std::move(*this);
  }
  /// When an update may pass over the index declared last: see IndexDef::same.
  Table&& same_when(Same same) && {
    def_.indexes.back().same = [same](const void* record, const void* replaced) {
      return same(*static_cast<const R*>(record), *static_cast<const R*>(replaced));
    };
    return std::move(*this);
  }
  Table&& personal(std::vector<std::string> fields) && {
    def_.personal_fields = std::move(fields);
    return std::move(*this);
  }
  Table&& without_history() && {
    def_.history = false;
    return std::move(*this);
  }

  const TableDef& def() const { return def_; }
  operator const TableDef&() const { return def_; }  // NOLINT
  Result<R> decode(std::string_view body) const { return decode_(body); }
  Result<PreparedRecord> prepare(const R& record) const { return engine::prepare(def_, &record); }
  Result<PreparedRecord> prepare(const R& record, const Stored<R>& replaced) const {
    return engine::prepare(def_, &record, &replaced.record, replaced.meta.version);
  }
  /// Takes the row from `replaced`.
  Result<PreparedRecord> prepare(const R& record, Replaced<R>&& replaced) const {
    Result<PreparedRecord> prepared =
        engine::prepare(def_, &record, &replaced.record, replaced.meta.version);
    if (!prepared) return prepared;
    prepared->replaced_row = std::move(replaced.row);
    prepared->replaced_seen = replaced.seen;
    return prepared;
  }

 private:
  Table&& add(IndexNumber number, std::string name, IndexKind kind, std::size_t tag_bytes,
              Extract extract) && {
    def_.indexes.push_back(
        {number,
         std::move(name),
         kind,
         1,
         tag_bytes,
         [extract](const void* r, IndexEntries& out) { extract(*static_cast<const R*>(r), out); },
         {}});
    return std::move(*this);
  }

  TableDef def_;
  Decode decode_;
};

}  // namespace clinicdb::engine
