// What commands that change several records in one commit have in common: reading a record that
// must be there, putting it back, and telling what happened. Pure but for the transaction.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "clinicdb/clinic/identity.h"
#include "core.h"

namespace clinicdb::clinic {

/// A record that must be there; `field` is what names it.
template <class R>
Result<engine::Stored<R>> must_get(engine::Reader& reader, const engine::Table<R>& table,
                                   const std::string& id, std::string_view field) {
  RETURN_IF_ERROR(id_from_bytes(id, field).status());
  ASSIGN_OR_RETURN(std::optional<engine::Stored<R>> stored, reader.get(table, id));
  if (!stored) {
    return not_found(std::string(field) + ": there is no such " + table.def().name)
        .with_field(field);
  }
  return std::move(*stored);
}

/// OK where `id` is empty or a record of the table.
template <class R>
Status check_there(engine::Reader& reader, const engine::Table<R>& table, const std::string& id,
                   std::string_view field) {
  if (id.empty()) return {};
  RETURN_IF_ERROR(id_from_bytes(id, field).status());
  ASSIGN_OR_RETURN(const bool there,
                   reader.read(table.def(), id, [](const engine::RecordMeta&, std::string_view) {
                     return Status();
                   }));
  if (there) return {};
  return not_found(std::string(field) + ": there is no such " + table.def().name).with_field(field);
}

/// Puts what replaces `stored`, and fills the write's result. kAborted where the caller expected
/// another version.
template <class R>
Status put_changed(engine::Transaction& tx, const engine::Table<R>& table, const R& record,
                   const engine::Stored<R>& stored, WriteResult& result) {
  ASSIGN_OR_RETURN(const engine::PreparedRecord prepared, table.prepare(record, stored));
  ASSIGN_OR_RETURN(const engine::PutResult put,
                   tx.put(prepared, {stored.meta.version, false, false}));
  result.set_id(record.id());
  result.set_version(put.version);
  return {};
}

template <class R>
Status put_new(engine::Transaction& tx, const engine::Table<R>& table, const R& record,
               WriteResult& result) {
  ASSIGN_OR_RETURN(const engine::PutResult put,
                   tx.put(table, record, {std::uint64_t{0}, false, false}));
  result.set_id(record.id());
  result.set_version(put.version);
  return {};
}

/// kAborted, with where it is, unless the version is the expected one or none is expected.
inline Status check_version(std::optional<std::uint64_t> expected, const engine::RecordMeta& meta) {
  if (!expected || *expected == meta.version) return {};
  return aborted("the record is at version " + std::to_string(meta.version))
      .with_current_version(meta.version);
}

template <class Request>
std::optional<std::uint64_t> expected_version(const Request& request) {
  if (!request.has_expected_version()) return std::nullopt;
  return request.expected_version();
}

inline Status emit(engine::Transaction& tx, EventType type, const EventPayload& payload) {
  return tx.emit(static_cast<std::uint16_t>(type), payload.SerializeAsString());
}

inline std::string user_bytes(const CallContext& context) {
  return context.user.is_nil() ? std::string() : std::string(context.user.view());
}

/// The records that index entries of a range name, each once, in that order. The cursor goes on
/// behind the last.
template <class R>
Result<std::string> read_named(engine::Reader& reader, const engine::Table<R>& table,
                               engine::IndexNumber index, const engine::KeyRange& range,
                               const engine::ScanOptions& options,
                               google::protobuf::RepeatedPtrField<R>& out) {
  std::vector<std::string> keys;
  ASSIGN_OR_RETURN(engine::ScanEnd end, reader.scan(table.def(), index, range, options,
                                                    [&](const engine::IndexEntry& entry) {
                                                      keys.emplace_back(entry.record_key);
                                                      return true;
                                                    }));
  for (const std::string& key : keys) {
    ASSIGN_OR_RETURN(
        const bool there,
        reader.read(table.def(), key, [&](const engine::RecordMeta&, std::string_view body) {
          return parse_body(body, *out.Add());
        }));
    if (!there) {
      return data_loss("an index entry of table \"" + table.def().name +
                       "\" names a record that is not there");
    }
  }
  return std::move(end.cursor);
}

}  // namespace clinicdb::clinic
