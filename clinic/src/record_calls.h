// The calls that services of plain records have in common: put, get, find, list by id and by name.
// Stateless: thread-safe as the core is.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "clinicdb/clinic/identity.h"
#include "clinicdb/engine/fold.h"
#include "clinicdb/engine/key.h"
#include "core.h"

namespace clinicdb::clinic {

/// What a put of one record type is made of.
struct PutKind {
  MethodId method;
  std::string_view noun;
  EventType event;
};

template <class Response, class R, class Request>
Result<Response> put_record(const Core& core, const CallContext& context, const PutKind& kind,
                            const engine::Table<R>& table, const Request& request, R& record,
                            Status (*in_order)(R& edited, const R* current)) {
  RETURN_IF_ERROR(core.authorise(kind.method, context, record.id()));
  SaveOptions options{kind.noun,  Existing::kEither,
                      {},         request_hash(context, kind.method, request),
                      kind.event, kind.event};
  if (request.has_expected_version()) options.expected_version = request.expected_version();
  if (record.id().empty()) record.set_id(std::string(core.new_id().view()));
  const std::string id = record.id();
  return core.save<Response>(
      context, table, std::move(record), id, options,
      [&](R& edited, const R* current) { return in_order(edited, current); },
      [](engine::Transaction&) { return Status(); }, [](const R&, EventPayload&) {});
}

template <class Response, class R>
Result<Filled<Response>> fill_record(engine::Reader& reader, const engine::Table<R>& table,
                                     std::string_view key, R* (Response::*part)(), bool kept) {
  ASSIGN_OR_RETURN(std::shared_ptr<const Response> answer,
                   read_answer<Response>(reader, table, key, part, kept));
  return Filled<Response>{std::move(answer),
                          {engine::cache_tag_record(reader.tenant(), table.def().id, key)}};
}

template <class Response, class R>
Result<std::shared_ptr<const Response>> get_record(const Core& core, const CallContext& context,
                                                   MethodId method, const engine::Table<R>& table,
                                                   const std::string& id, R* (Response::*part)()) {
  RETURN_IF_ERROR(core.authorise(method, context, id));
  RETURN_IF_ERROR(id_from_bytes(id, "id").status());
  return core.cached<Response>(method, context, id, [&](engine::Reader& reader) {
    return fill_record(reader, table, id, part, context.use_cache);
  });
}

template <class Response, class R>
Result<std::shared_ptr<const Response>> find_record(const Core& core, const CallContext& context,
                                                    const engine::Table<R>& table,
                                                    engine::IndexNumber index,
                                                    const std::string& entry,
                                                    R* (Response::*part)()) {
  return core.uncached<Response>(context, [&](engine::Reader& reader) -> Result<Filled<Response>> {
    ASSIGN_OR_RETURN(const std::optional<std::string> key, reader.find(table.def(), index, entry));
    if (!key) return Filled<Response>{};
    return fill_record(reader, table, *key, part, false);
  });
}

/// Deletes a record; its history stays. `guard` runs in the commit, before that.
template <class Response, class R>
Result<Response> remove_record(const Core& core, const CallContext& context, const PutKind& kind,
                               const engine::Table<R>& table,
                               const google::protobuf::Message& request, const std::string& id,
                               FunctionRef<Status(engine::Transaction&)> guard) {
  RETURN_IF_ERROR(core.authorise(kind.method, context, id));
  RETURN_IF_ERROR(id_from_bytes(id, "id").status());
  return core.execute<Response>(
      context, request_hash(context, kind.method, request),
      [&](engine::Transaction& tx, Response& response) -> Status {
        RETURN_IF_ERROR(guard(tx));
        if (Status removed = tx.remove(table.def(), id, {}); !removed.ok()) {
          if (removed.code() != StatusCode::kNotFound) return removed;
          return not_found("no such " + std::string(kind.noun)).with_field("id");
        }
        response.mutable_result()->set_id(id);
        EventPayload payload;
        payload.set_id(id);
        return tx.emit(static_cast<std::uint16_t>(kind.event), payload.SerializeAsString());
      });
}

template <class Response, class R>
Result<Response> remove_record(const Core& core, const CallContext& context, const PutKind& kind,
                               const engine::Table<R>& table,
                               const google::protobuf::Message& request, const std::string& id) {
  return remove_record<Response>(core, context, kind, table, request, id,
                                 [](engine::Transaction&) { return Status(); });
}

/// A page of records in order of id.
template <class Response, class R, class Request>
Result<Response> list_records(engine::Reader& reader, const engine::Table<R>& table,
                              const Request& request, R* (Response::*add)()) {
  Response response;
  Status failure;
  const engine::ScanOptions options{false, page_limit(request.limit()), request.cursor()};
  ASSIGN_OR_RETURN(engine::ScanEnd end,
                   reader.scan_records(table.def(), engine::KeyRange::all(), options,
                                       [&](std::string_view, engine::RawRecord&& raw) {
                                         failure = parse_body(raw.body, *(response.*add)());
                                         return failure.ok();
                                       }));
  if (!failure.ok()) return failure;
  response.set_cursor(std::move(end.cursor));
  return response;
}

/// A page of records with a word that begins as asked, in order of that word.
template <class Response, class R, class Request>
Result<Response> list_named(engine::Reader& reader, const engine::Table<R>& table,
                            engine::IndexNumber index, const Request& request,
                            R* (Response::*add)()) {
  if (request.name().empty()) return list_records(reader, table, request, add);
  const std::vector<std::string> words = engine::fold_query(request.name());
  if (words.size() != 1)
    return invalid_argument("name: one word, or the beginning of one, is needed")
        .with_field("name");
  std::vector<std::string> keys;
  const engine::ScanOptions options{false, page_limit(request.limit()), request.cursor()};
  ASSIGN_OR_RETURN(
      engine::ScanEnd end,
      reader.scan(table.def(), index,
                  engine::KeyRange::prefix(engine::Key().text_prefix(words.front())), options,
                  [&](const engine::IndexEntry& entry) {
                    if (std::find(keys.begin(), keys.end(), entry.record_key) == keys.end()) {
                      keys.emplace_back(entry.record_key);
                    }
                    return true;
                  }));
  Response response;
  for (const std::string& key : keys) {
    ASSIGN_OR_RETURN(const std::optional<engine::RawRecord> raw, reader.get(table.def(), key));
    if (raw) RETURN_IF_ERROR(parse_body(raw->body, *(response.*add)()));
  }
  response.set_cursor(std::move(end.cursor));
  return response;
}

}  // namespace clinicdb::clinic
