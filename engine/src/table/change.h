// TransactionOver: a Transaction that writes into an overlay. The shard's writer gives it the
// group's overlay and the group's LSN and time; transact() a private overlay, stamped when the
// group takes it over.
//
// Everything that follows from a record's change is made here, and only here: version, history,
// index entries, claims, tombstone, event and cache tags.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "clinicdb/engine/result_cache.h"
#include "clinicdb/engine/transaction.h"
#include "table/hot_claims.h"
#include "table/read.h"
#include "txn/envelope.h"
#include "txn/overlay.h"
#include "txn/recent_changes.h"

namespace clinicdb::engine {

/// The key of an index entry. `prefix` is the index's, generation included.
std::string entry_key(IndexKind kind, const std::string& prefix, const IndexEntries::Entry& entry,
                      std::string_view record_key);

/// kAlreadyExists when a unique entry is another record's, kFailedPrecondition when a claim
/// overlaps another record's; field() names the index.
Status check_new_entry(const State& state, const IndexDef& def, const std::string& prefix,
                       const IndexEntries::Entry& entry, std::string_view record_key);

class TransactionOver final : public ReaderOver<Transaction> {
 public:
  struct Setting {
    TenantId tenant;
    Uuid user;
    Time now;     ///< of the group; transact: when it began
    Lsn visible;  ///< last LSN whose effects are seen
    Lsn stamp;    ///< the group's LSN; 0: stamped later
    /// What was committed lately, to tell whether a row that a caller read is still the row. Not
    /// owned; nullptr: not known.
    const RecentChanges* recent = nullptr;
    /// The writer's, with all that `out` holds so far but this transaction's own; or nullptr.
    HotClaims* claims = nullptr;
  };
  /// `out` is on top of `state` and outlives this object.
  TransactionOver(const Setting& setting, std::shared_ptr<const Catalog> catalog, State state,
                  Overlay& out);

  Time now() const override { return setting_.now; }
  const Uuid& user() const override { return setting_.user; }
  Result<PutResult> put(const PreparedRecord& record, const PutOptions& options) override;
  Status remove(const TableDef& table, std::string_view key,
                std::optional<std::uint64_t> expected_version) override;
  Status emit(std::uint16_t type, std::string_view payload) override;
  using Transaction::put;

  // For the writer.
  const std::vector<CacheTag>& tags() const { return tags_; }
  bool has_events() const { return !events_.empty() || !changes_.empty(); }
  /// Puts the transaction's events into `group`, from `ordinal` on; returns the next ordinal.
  std::uint32_t put_events(Overlay& group, Lsn lsn, Time time, std::uint32_t ordinal) const;

 private:
  struct PendingEvent {
    std::uint16_t type;
    std::string payload;
  };
  struct Change {
    TableId table;
    ChangeKind kind;
    std::uint64_t version;
    std::string key;
  };
  /// The record as it is.
  struct Current {
    Current() = default;
    Current(Current&&) = default;
    Current& operator=(Current&&) = default;
    std::string owned;  ///< the row, where it had to be read; its bytes do not move: never short
    std::string_view value;  ///< as stored
    Envelope envelope;       ///< its view is into `value`
    const RecordMeta& meta() const { return envelope.meta; }
  };
  struct EntryChange {
    const IndexDef* def = nullptr;
    std::shared_ptr<const std::string> prefix;    ///< of the index, generation included
    const IndexEntries::Entry* add = nullptr;     ///< put this, or
    const IndexEntries::Entry* remove = nullptr;  ///< remove this
    bool held = false;  ///< the record has all of what `add` takes: nobody else can have it
  };

  /// `seen`: what the caller read there, where it did.
  Result<std::optional<Current>> read_current(const TableDef& table, std::string_view row_key,
                                              const PreparedRecord* seen) const;
  Status compare_entries(const Catalog::TableEntry& table, const std::vector<IndexEntries>& before,
                         const std::vector<IndexEntries>& after,
                         std::vector<EntryChange>& changes) const;
  /// check_new_entry, from memory where that is possible.
  Status check_entry(const EntryChange& change, std::string_view record_key) const;
  Status check_limits(std::size_t more_keys, std::size_t more_bytes) const;
  /// REQUIRES: everything was checked.
  void write(const TableDef& table, std::string_view record_key,
             const std::optional<Current>& current, const RecordMeta& meta, std::string_view body,
             const std::vector<EntryChange>& changes);

  Setting setting_;
  Overlay& out_;
  std::size_t first_change_;
  std::size_t first_bytes_;
  std::vector<CacheTag> tags_;
  std::vector<PendingEvent> events_;
  std::vector<Change> changes_;
};

}  // namespace clinicdb::engine
