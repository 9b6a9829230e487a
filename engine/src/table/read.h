// Reading records, index entries, histories and events from a State: what Reader's methods mean.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "clinicdb/engine/transaction.h"
#include "table/catalog.h"
#include "txn/state.h"

namespace clinicdb::engine {

/// None is owned.
struct ReadContext {
  const State& state;
  const Catalog& catalog;
  TenantId tenant;
};

struct IndexPlace {
  const IndexDef* def = nullptr;
  const IndexState* state = nullptr;
};
/// kInvalidArgument when the store was not opened with that table or the table has no such index.
Result<IndexPlace> find_index(const Catalog& catalog, const TableDef& table, IndexNumber index);

Result<std::optional<RawRecord>> read_record(const ReadContext& context, const TableDef& table,
                                             std::string_view key);
Result<bool> show_row(
    const ReadContext& context, const TableDef& table, std::string_view key,
    FunctionRef<Status(const RecordMeta& meta, std::string_view body, std::string_view row)> visit);
Result<std::optional<std::string>> read_unique(const ReadContext& context, const TableDef& table,
                                               IndexNumber index, std::string_view entry);
Result<ScanEnd> read_index(const ReadContext& context, const TableDef& table, IndexNumber index,
                           const KeyRange& range, const ScanOptions& options,
                           FunctionRef<bool(const IndexEntry&)> visit);
Result<ScanEnd> read_claims(const ReadContext& context, const TableDef& table, IndexNumber index,
                            std::string_view resource, Time from, Time to,
                            const ScanOptions& options, FunctionRef<bool(const IndexEntry&)> visit);
Result<ScanEnd> read_records(const ReadContext& context, const TableDef& table,
                             const KeyRange& range, const ScanOptions& options,
                             FunctionRef<bool(std::string_view key, RawRecord&& record)> visit);
Status read_history(const ReadContext& context, const TableDef& table, std::string_view key,
                    FunctionRef<bool(const RawRecord&)> visit);
Result<ScanEnd> read_events(const ReadContext& context, Lsn after, const ScanOptions& options,
                            FunctionRef<bool(const Event&)> visit);

/// The value of an index entry, and back. `rest` is what stands behind the index's prefix in the
/// key.
std::string encode_entry_value(IndexKind kind, std::string_view record_key, Time end,
                               std::string_view covered);
Result<IndexEntry> decode_entry(IndexKind kind, std::string_view rest, std::string_view value);

/// Of the time at which a claim begins, with which its entry's key ends.
constexpr std::size_t kClaimStartBytes = 8;
/// The resource that an entry's key claims. REQUIRES: it is a claim's.
std::string_view claimed_resource(std::string_view entry_key);
/// When the claim begins; nothing for a key that is too short to be a claim's.
std::optional<Time> claim_start(std::string_view entry_key);

/// The value of an event key, and back.
std::string encode_event(std::uint16_t type, Time time, const Uuid& user, std::string_view payload,
                         const std::vector<RecordChange>& changes);
Result<Event> decode_event(std::string_view rest, std::string_view value);

/// Implements Reader's methods for `Base` (Reader or Transaction) over a State.
template <class Base>
class ReaderOver : public Base {
 public:
  ReaderOver(TenantId tenant, Lsn lsn, std::shared_ptr<const Catalog> catalog, State state)
      : state_(std::move(state)), catalog_(std::move(catalog)), tenant_(tenant), lsn_(lsn) {}

  TenantId tenant() const override { return tenant_; }
  Lsn lsn() const override { return lsn_; }
  Result<bool> read_row(
      const TableDef& table, std::string_view key,
      FunctionRef<Status(const RecordMeta& meta, std::string_view body, std::string_view row)>
          visit) override {
    return show_row(context(), table, key, visit);
  }
  Result<std::optional<RawRecord>> get_any(const TableDef& table, std::string_view key) override {
    return read_record(context(), table, key);
  }
  Result<std::optional<std::string>> find(const TableDef& table, IndexNumber index,
                                          std::string_view entry) override {
    return read_unique(context(), table, index, entry);
  }
  Result<ScanEnd> scan(const TableDef& table, IndexNumber index, const KeyRange& range,
                       const ScanOptions& options,
                       FunctionRef<bool(const IndexEntry&)> visit) override {
    return read_index(context(), table, index, range, options, visit);
  }
  Result<ScanEnd> scan_claims(const TableDef& table, IndexNumber index, std::string_view resource,
                              Time from, Time to, const ScanOptions& options,
                              FunctionRef<bool(const IndexEntry&)> visit) override {
    return read_claims(context(), table, index, resource, from, to, options, visit);
  }
  Result<ScanEnd> scan_records(
      const TableDef& table, const KeyRange& range, const ScanOptions& options,
      FunctionRef<bool(std::string_view key, RawRecord&& record)> visit) override {
    return read_records(context(), table, range, options, visit);
  }
  Status history(const TableDef& table, std::string_view key,
                 FunctionRef<bool(const RawRecord&)> visit) override {
    return read_history(context(), table, key, visit);
  }
  Result<ScanEnd> events(Lsn after, const ScanOptions& options,
                         FunctionRef<bool(const Event&)> visit) override {
    return read_events(context(), after, options, visit);
  }

 protected:
  ReadContext context() const { return {state_, *catalog_, tenant_}; }
  const State& state() const { return state_; }
  const Catalog& catalog() const { return *catalog_; }

 private:
  State state_;
  std::shared_ptr<const Catalog> catalog_;
  TenantId tenant_;
  Lsn lsn_;
};

}  // namespace clinicdb::engine
