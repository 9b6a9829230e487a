#include "table/read.h"

#include "clinicdb/base/bytes.h"
#include "clinicdb/engine/key.h"
#include "store/layout.h"
#include "txn/envelope.h"

namespace clinicdb::engine {

namespace {

constexpr char kCursorVersion = 1;
constexpr std::uint8_t kEventVersion = 1;

Status not_ready(const TableDef& table, const IndexPlace& place) {
  const std::string name = "index \"" + place.def->name + "\" of table \"" + table.name + "\"";
  if (place.state->phase == IndexPhase::kFailed) {
    return failed_precondition(name + " could not be built: " + place.state->reason);
  }
  return failed_precondition(name + " is being built; try again when it is ready");
}

Result<IndexPlace> ready_index(const Catalog& catalog, const TableDef& table, IndexNumber index) {
  ASSIGN_OR_RETURN(const IndexPlace place, find_index(catalog, table, index));
  if (place.state->phase != IndexPhase::kReady) return not_ready(table, place);
  return place;
}

/// The part of a key space that a scan covers, cursor included.
struct Bounds {
  std::string lower;
  std::string upper;
};

Result<Bounds> scan_bounds(const std::string& prefix, const KeyRange& range,
                           const ScanOptions& options) {
  Bounds bounds{prefix + range.from, range.to.empty() ? prefix_end(prefix) : prefix + range.to};
  if (options.after.empty()) return bounds;
  if (options.after[0] != kCursorVersion)
    return invalid_argument("the page cursor is not one of this program's");
  std::string position = prefix + options.after.substr(1);
  if (position < bounds.lower || (!bounds.upper.empty() && position >= bounds.upper)) {
    return invalid_argument("the page cursor belongs to another query");
  }
  if (options.reverse) {
    bounds.upper = std::move(position);
  } else {
    bounds.lower = std::move(position);
    bounds.lower.push_back('\0');
  }
  return bounds;
}

/// Runs a bounded scan over `prefix`; `visit` gets what stands behind the prefix, and says whether
/// to go on or why not. Entries that it does not count (tombstones) do not count for the limit
/// either.
enum class Step : std::uint8_t { kCounted, kSkipped, kStop };
Result<ScanEnd> scan_space(
    const State& state, const std::string& prefix, const KeyRange& range,
    const ScanOptions& options,
    FunctionRef<Result<Step>(std::string_view rest, std::string_view value)> visit) {
  ASSIGN_OR_RETURN(const Bounds bounds, scan_bounds(prefix, range, options));
  ScanEnd end;
  if (options.limit == 0) return end;
  Status failure;
  RETURN_IF_ERROR(state.scan(bounds.lower, bounds.upper, options.reverse,
                             [&](std::string_view key, std::string_view value) {
                               const std::string_view rest = key.substr(prefix.size());
                               Result<Step> step = visit(rest, value);
                               if (!step) {
                                 failure = std::move(step).error();
                                 return false;
                               }
                               if (*step == Step::kSkipped) return true;
                               ++end.visited;
                               if (*step == Step::kCounted && end.visited < options.limit)
                                 return true;
                               end.cursor.assign(1, kCursorVersion).append(rest);
                               return false;
                             }));
  if (!failure.ok()) return failure;
  return end;
}

/// nullptr, or what is wrong with the entry. A status a row would cost more than the row.
const char* take_entry(IndexKind kind, std::string_view rest, std::string_view value,
                       IndexEntry& entry) {
  std::uint64_t record_key_bytes = 0;
  if (!take_varint(value, record_key_bytes)) return "index entry is damaged";
  std::string_view& holder = kind == IndexKind::kUnique ? value : rest;
  if (record_key_bytes > holder.size()) return "index entry is shorter than its record's key";
  if (kind == IndexKind::kUnique) {
    entry.record_key = value.substr(0, record_key_bytes);
    value.remove_prefix(record_key_bytes);
    entry.key = rest;
  } else {
    entry.record_key = rest.substr(rest.size() - record_key_bytes);
    entry.key = rest.substr(0, rest.size() - record_key_bytes);
  }
  if (kind == IndexKind::kClaim) {
    if (value.size() < 8 || entry.key.size() < kClaimStartBytes) return "claim is cut short";
    entry.end.us = static_cast<std::int64_t>(load_le64(value.data()));
    value.remove_prefix(8);
  }
  entry.covered = value;
  return nullptr;
}

bool take_bytes(std::string_view& in, std::string_view& bytes) {
  std::string_view rest = in;
  std::uint64_t size = 0;
  if (!take_varint(rest, size) || size > rest.size()) return false;
  bytes = rest.substr(0, size);
  in = rest.substr(size);
  return true;
}

}  // namespace

KeyRange KeyRange::prefix(std::string_view prefix) {
  return {std::string(prefix), prefix_end(prefix)};
}

Result<std::optional<RawRecord>> Reader::get(const TableDef& table, std::string_view key) {
  Result<std::optional<RawRecord>> record = get_any(table, key);
  if (record && *record && (*record)->meta.deleted) return std::optional<RawRecord>();
  return record;
}

Result<IndexPlace> find_index(const Catalog& catalog, const TableDef& table, IndexNumber index) {
  const Catalog::TableEntry* entry = catalog.find(table.id);
  if (entry == nullptr)
    return invalid_argument("the store was not opened with table \"" + table.name + "\"");
  for (std::size_t i = 0; i < entry->def->indexes.size(); ++i) {
    if (entry->def->indexes[i].number == index)
      return IndexPlace{&entry->def->indexes[i], &entry->states[i]};
  }
  return invalid_argument("table \"" + table.name + "\" has no index " + std::to_string(index));
}

Result<std::optional<RawRecord>> read_record(const ReadContext& context, const TableDef& table,
                                             std::string_view key) {
  std::optional<RawRecord> record;
  RETURN_IF_ERROR(context.state.get(
      layout::row_key(context.tenant, table.id, key), [&](std::string_view value) -> Status {
        Result<RawRecord> decoded = decode_record(value);
        if (!decoded)
          return std::move(decoded).error().with_context("table \"" + table.name + "\"");
        record = std::move(decoded).value();
        return Status();
      }));
  return record;
}

Result<bool> Reader::read(
    const TableDef& table, std::string_view key,
    FunctionRef<Status(const RecordMeta& meta, std::string_view body)> visit) {
  return read_row(table, key, [&](const RecordMeta& meta, std::string_view body, std::string_view) {
    return visit(meta, body);
  });
}

Result<bool> show_row(
    const ReadContext& context, const TableDef& table, std::string_view key,
    FunctionRef<Status(const RecordMeta& meta, std::string_view body, std::string_view row)>
        visit) {
  bool shown = false;
  RETURN_IF_ERROR(context.state.get(
      layout::row_key(context.tenant, table.id, key), [&](std::string_view value) -> Status {
        Result<Envelope> envelope = decode_envelope(value);
        if (!envelope)
          return std::move(envelope).error().with_context("table \"" + table.name + "\"");
        if (envelope->meta.deleted) return Status();
        shown = true;
        if (!envelope->compressed) return visit(envelope->meta, envelope->stored_body, value);
        Result<std::string> body = envelope_body(*envelope);
        if (!body) return std::move(body).error().with_context("table \"" + table.name + "\"");
        return visit(envelope->meta, *body, value);
      }));
  return shown;
}

Result<std::optional<std::string>> read_unique(const ReadContext& context, const TableDef& table,
                                               IndexNumber index, std::string_view entry) {
  ASSIGN_OR_RETURN(const IndexPlace place, ready_index(context.catalog, table, index));
  if (place.def->kind != IndexKind::kUnique)
    return invalid_argument("index \"" + place.def->name + "\" is not unique");
  std::string key = layout::index_prefix(context.tenant, table.id, index, place.state->generation);
  key.append(entry);
  std::optional<std::string> record_key;
  RETURN_IF_ERROR(context.state.get(key, [&](std::string_view value) -> Status {
    Result<IndexEntry> decoded = decode_entry(IndexKind::kUnique, entry, value);
    if (!decoded) return std::move(decoded).error();
    record_key.emplace(decoded->record_key);
    return Status();
  }));
  return record_key;
}

Result<ScanEnd> read_index(const ReadContext& context, const TableDef& table, IndexNumber index,
                           const KeyRange& range, const ScanOptions& options,
                           FunctionRef<bool(const IndexEntry&)> visit) {
  ASSIGN_OR_RETURN(const IndexPlace place, ready_index(context.catalog, table, index));
  const std::string prefix =
      layout::index_prefix(context.tenant, table.id, index, place.state->generation);
  return scan_space(context.state, prefix, range, options,
                    [&](std::string_view rest, std::string_view value) -> Result<Step> {
                      IndexEntry entry;
                      if (const char* damage = take_entry(place.def->kind, rest, value, entry))
                        return data_loss(damage);
                      return visit(entry) ? Step::kCounted : Step::kStop;
                    });
}

Result<ScanEnd> read_claims(const ReadContext& context, const TableDef& table, IndexNumber index,
                            std::string_view resource, Time from, Time to,
                            const ScanOptions& options,
                            FunctionRef<bool(const IndexEntry&)> visit) {
  ASSIGN_OR_RETURN(const IndexPlace place, ready_index(context.catalog, table, index));
  if (place.def->kind != IndexKind::kClaim)
    return invalid_argument("index \"" + place.def->name + "\" holds no claims");
  const std::string prefix =
      layout::index_prefix(context.tenant, table.id, index, place.state->generation);
  KeyRange range{Key().raw(resource).time(from).str(), Key().raw(resource).time(to).str()};
  // Claims of one resource never overlap, so at most the last one that starts before `from` reaches
  // into it.
  std::string earlier;
  RETURN_IF_ERROR(scan_space(context.state, prefix, {std::string(resource), range.from},
                             {true, 1, {}},
                             [&](std::string_view rest, std::string_view value) -> Result<Step> {
                               ASSIGN_OR_RETURN(const IndexEntry entry,
                                                decode_entry(IndexKind::kClaim, rest, value));
                               if (entry.end > from) earlier = rest;
                               return Step::kStop;
                             })
                      .status());
  if (!earlier.empty()) range.from = earlier;
  return scan_space(context.state, prefix, range, options,
                    [&](std::string_view rest, std::string_view value) -> Result<Step> {
                      ASSIGN_OR_RETURN(const IndexEntry entry,
                                       decode_entry(IndexKind::kClaim, rest, value));
                      return visit(entry) ? Step::kCounted : Step::kStop;
                    });
}

Result<ScanEnd> read_records(const ReadContext& context, const TableDef& table,
                             const KeyRange& range, const ScanOptions& options,
                             FunctionRef<bool(std::string_view key, RawRecord&& record)> visit) {
  return scan_space(context.state, layout::prefix(context.tenant, table.id, layout::kRows), range,
                    options, [&](std::string_view rest, std::string_view value) -> Result<Step> {
                      ASSIGN_OR_RETURN(const Envelope envelope, decode_envelope(value));
                      if (envelope.meta.deleted) return Step::kSkipped;
                      ASSIGN_OR_RETURN(std::string body, envelope_body(envelope));
                      return visit(rest, RawRecord{envelope.meta, std::move(body)}) ? Step::kCounted
                                                                                    : Step::kStop;
                    });
}

Status read_history(const ReadContext& context, const TableDef& table, std::string_view key,
                    FunctionRef<bool(const RawRecord&)> visit) {
  ASSIGN_OR_RETURN(const std::optional<RawRecord> current, read_record(context, table, key));
  if (!current || !visit(*current)) return Status();
  const std::string prefix = layout::history_prefix(context.tenant, table.id, key);
  return scan_space(context.state, prefix, KeyRange::all(), {},
                    [&](std::string_view rest, std::string_view value) -> Result<Step> {
                      // A longer record key that begins with this one lies in the same range.
                      if (rest.size() != 8) return Step::kSkipped;
                      ASSIGN_OR_RETURN(const RawRecord record, decode_record(value));
                      return visit(record) ? Step::kCounted : Step::kStop;
                    })
      .status();
}

Result<ScanEnd> read_events(const ReadContext& context, Lsn after, const ScanOptions& options,
                            FunctionRef<bool(const Event&)> visit) {
  const KeyRange range{Key().u64(after.value + 1).str(), {}};
  return scan_space(context.state, layout::prefix(context.tenant, layout::kEvents, layout::kRows),
                    range, options,
                    [&](std::string_view rest, std::string_view value) -> Result<Step> {
                      ASSIGN_OR_RETURN(const Event event, decode_event(rest, value));
                      return visit(event) ? Step::kCounted : Step::kStop;
                    });
}

std::string encode_entry_value(IndexKind kind, std::string_view record_key, Time end,
                               std::string_view covered) {
  std::string value;
  value.reserve(record_key.size() + covered.size() + 12);
  append_varint(value, record_key.size());
  // Elsewhere the record's key ends the entry's own key; a unique entry has to carry it.
  if (kind == IndexKind::kUnique) value.append(record_key);
  if (kind == IndexKind::kClaim) append_le64(value, static_cast<std::uint64_t>(end.us));
  value.append(covered);
  return value;
}

std::string_view claimed_resource(std::string_view entry_key) {
  return entry_key.substr(0, entry_key.size() - kClaimStartBytes);
}

std::optional<Time> claim_start(std::string_view entry_key) {
  if (entry_key.size() < kClaimStartBytes) return std::nullopt;
  std::string_view bytes = entry_key.substr(entry_key.size() - kClaimStartBytes);
  Time start;
  return Key::take_time(bytes, start) ? std::optional<Time>(start) : std::nullopt;
}

Result<IndexEntry> decode_entry(IndexKind kind, std::string_view rest, std::string_view value) {
  IndexEntry entry;
  if (const char* damage = take_entry(kind, rest, value, entry)) return data_loss(damage);
  return entry;
}

std::string encode_event(std::uint16_t type, Time time, const Uuid& user, std::string_view payload,
                         const std::vector<RecordChange>& changes) {
  std::string value;
  value.reserve(40 + payload.size() + changes.size() * 24);
  value.push_back(static_cast<char>(kEventVersion));
  append_be16(value, type);
  append_le64(value, static_cast<std::uint64_t>(time.us));
  value.append(user.view());
  append_varint(value, payload.size());
  value.append(payload);
  append_varint(value, changes.size());
  for (const RecordChange& change : changes) {
    append_be16(value, change.table.value);
    value.push_back(static_cast<char>(change.kind));
    append_varint(value, change.version);
    append_varint(value, change.key.size());
    value.append(change.key);
  }
  return value;
}

Result<Event> decode_event(std::string_view rest, std::string_view value) {
  const Status damaged = data_loss("event is damaged");
  if (rest.size() != 12 || value.size() < 27) return damaged;
  if (static_cast<std::uint8_t>(value[0]) != kEventVersion)
    return unimplemented("event is of a later program");
  Event event;
  event.lsn.value = load_be64(rest.data());
  event.ordinal = load_be32(rest.data() + 8);
  event.type = load_be16(value.data() + 1);
  event.time.us = static_cast<std::int64_t>(load_le64(value.data() + 3));
  event.user = Uuid::from_bytes(value.substr(11, 16));
  std::string_view in = value.substr(27);
  std::uint64_t count = 0;
  if (!take_bytes(in, event.payload) || !take_varint(in, count) || count > in.size())
    return damaged;
  event.changes.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    RecordChange change;
    if (in.size() < 3) return damaged;
    change.table.value = load_be16(in.data());
    change.kind = static_cast<ChangeKind>(in[2]);
    in.remove_prefix(3);
    if (!take_varint(in, change.version) || !take_bytes(in, change.key)) return damaged;
    event.changes.push_back(change);
  }
  if (!in.empty()) return damaged;
  return event;
}

}  // namespace clinicdb::engine
