// Core: what all services stand on: authorisation, cached reads, and saving a record.
//
// Every read goes through `read`, every change through `save` or `execute`; nothing else of the
// services talks to the store. Thread-safe.
#pragma once

#include <google/protobuf/message.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "answer.h"
#include "clinic_limits.h"
#include "clinicdb/base/bytes.h"
#include "clinicdb/base/function_ref.h"
#include "clinicdb/base/random.h"
#include "clinicdb/base/result.h"
#include "clinicdb/clinic/context.h"
#include "clinicdb/clinic/methods.h"
#include "clinicdb/clinic/schema/common.pb.h"
#include "clinicdb/clinic/schema/event.pb.h"
#include "clinicdb/engine/store.h"

namespace clinicdb::clinic {

/// Canonical bytes of a call's arguments, as the cache's key. Short ones, which the hot calls have,
/// stay on the stack.
class ArgumentBytes {
 public:
  ArgumentBytes& raw(std::string_view bytes);
  ArgumentBytes& u64(std::uint64_t value) {
    std::array<char, 8> bytes{};
    store_le64(bytes.data(), value);
    return raw({bytes.data(), bytes.size()});
  }
  /// Size first, so that two texts side by side cannot be mistaken for others.
  ArgumentBytes& text(std::string_view bytes) { return u64(bytes.size()).raw(bytes); }
  std::string_view view() const {
    return long_.empty() ? std::string_view(short_.data(), size_) : long_;
  }

 private:
  std::array<char, 192> short_;  // the first size_ bytes are written
  std::size_t size_ = 0;
  std::string long_;  // all of it, once it is longer
};

/// An answer with what it depends on, made by one read.
template <class Answer>
struct Filled {
  std::shared_ptr<const Answer> answer;  ///< nullptr: the record does not exist; not kept
  std::vector<engine::CacheTag> tags;
};

/// What `save` does about a record that is there, or is not.
enum class Existing : std::uint8_t { kMustExist, kMustNotExist, kEither };

struct SaveOptions {
  std::string_view noun;  ///< "patient": the first part of field paths
  Existing existing = Existing::kEither;
  std::optional<std::uint64_t> expected_version;
  std::uint64_t request_hash = 0;
  EventType inserted = EVENT_UNSPECIFIED;
  EventType updated = EVENT_UNSPECIFIED;
};

// Not deduced from, so that lambdas can be passed.
template <class R>
using AdjustSignature = Status(std::type_identity_t<R>& record,
                               const std::type_identity_t<R>* current);
template <class R>
using DescribeSignature = void(const std::type_identity_t<R>& record, EventPayload& payload);

class Core {
 public:
  /// `store` and `clock` outlive the core; `random` too, and may be nullptr: the system's.
  Core(engine::Store& store, const Clock& clock, Random* random, AuditHook audit)
      : store_(store), clock_(clock), random_(random), audit_(std::move(audit)) {}

  engine::Store& store() const { return store_; }
  const Clock& clock() const { return clock_; }
  Uuid new_id() const;

  Status authorise(MethodId method, const CallContext& context,
                   std::string_view subject = {}) const {
    return clinic::authorise(method, context, subject, audit_);
  }

  /// The kept answer of the method for these arguments, or that of `fill(engine::Reader&)`, which
  /// returns Result<Filled<Answer>>. Only for methods whose declared cache policy is not NONE.
  template <class Answer, class Fill>
  Result<std::shared_ptr<const Answer>> cached(MethodId method, const CallContext& context,
                                               std::string_view arguments, Fill&& fill) const;

  /// Answers from a fresh reader. `fill` as for `cached`.
  template <class Answer, class Fill>
  Result<std::shared_ptr<const Answer>> uncached(const CallContext& context, Fill&& fill) const;

  /// Runs a command. `command` fills the response, which is kept with the commit where the context
  /// has a request id, and given again to who repeats it (R1). Its `result` gets the commit's
  /// position.
  template <class Response>
  Result<Response> execute(const CallContext& context, std::uint64_t request_hash,
                           FunctionRef<Status(engine::Transaction&, Response&)> command) const;

  /// Puts a record: reads what is there, lets `adjust(record, current)` bring the record in order
  /// against it, prepares it on this thread, and commits where nobody was faster. `current` is
  /// nullptr where there is none. `guard` runs in the commit, before the put; `describe` completes
  /// the event's payload. Without an expected version a race is run again.
  template <class Response, class R>
  Result<Response> save(const CallContext& context, const engine::Table<R>& table, R record,
                        const std::string& key, const SaveOptions& options,
                        FunctionRef<AdjustSignature<R>> adjust,
                        FunctionRef<Status(engine::Transaction&)> guard,
                        FunctionRef<DescribeSignature<R>> describe) const;

 private:
  engine::Store& store_;
  const Clock& clock_;
  Random* random_;
  AuditHook audit_;
  mutable std::mutex random_mutex_;  // guards *random_, which may be a seeded one
};

/// A FHIR body and logical id that a record was born with stay when an edit does not bring its own.
template <class R>
void keep_fhir(R& record, const R& current) {
  if (record.fhir().empty()) record.set_fhir(current.fhir());
  if (record.fhir_id().empty()) record.set_fhir_id(current.fhir_id());
}

/// FNV-1a over the method and the request's bytes: the same on every machine, for it is kept with
/// the answer. 0 where the context has no request id.
std::uint64_t request_hash(const CallContext& context, MethodId method,
                           const google::protobuf::Message& request);

void set_meta(const engine::RecordMeta& from, RecordMeta& to);

/// An engine's refusal in the words of the caller: field "cpf" becomes "patient.cpf".
Status name_fields(Status status, std::string_view noun);

/// Parses a stored body into `part`, once, in place. kDataLoss when it cannot be.
Status parse_body(std::string_view body, google::protobuf::Message& part);

/// `limit` of a request: the default for 0, at most `most`.
inline std::uint32_t page_limit(std::uint32_t asked, std::uint32_t most = kPageMax) {
  return asked == 0 ? kPageDefault : std::min(asked, most);
}

/// The answer of a get: Response has the record, reached by `part`, and a RecordMeta `meta`. Empty
/// for no record. `kept` as make_answer has it.
template <class Response, class R>
Result<std::shared_ptr<Response>> read_answer(engine::Reader& reader, const engine::Table<R>& table,
                                              std::string_view key, R* (Response::*part)(),
                                              bool kept) {
  std::shared_ptr<Response> answer;
  RETURN_IF_ERROR(reader
                      .read(table.def(), key,
                            [&](const engine::RecordMeta& meta, std::string_view body) -> Status {
                              answer = make_answer<Response>(kept);
                              set_meta(meta, *answer->mutable_meta());
                              return parse_body(body, *((*answer).*part)());
                            })
                      .status());
  return answer;
}

/// Every version of a record, newest first, into a repeated field of get-responses.
template <class Response, class R>
Status read_history(engine::Reader& reader, const engine::Table<R>& table, std::string_view key,
                    std::uint32_t limit, R* (Response::*part)(),
                    google::protobuf::RepeatedPtrField<Response>& versions) {
  Status failure;
  const int most = static_cast<int>(limit == 0 ? kHistoryDefault : std::min(limit, kPageMax));
  RETURN_IF_ERROR(reader.history(table.def(), key, [&](const engine::RawRecord& raw) {
    Response& version = *versions.Add();
    set_meta(raw.meta, *version.mutable_meta());
    if (!raw.meta.deleted) failure = parse_body(raw.body, *(version.*part)());
    return failure.ok() && versions.size() < most;
  }));
  return failure;
}

template <class Answer, class Fill>
Result<std::shared_ptr<const Answer>> Core::uncached(const CallContext& context,
                                                     Fill&& fill) const {
  ASSIGN_OR_RETURN(const std::unique_ptr<engine::Reader> reader, store_.view(context.tenant));
  Result<Filled<Answer>> filled = fill(*reader);
  if (!filled) return std::move(filled).error();
  return std::move(filled->answer);
}

template <class Answer, class Fill>
Result<std::shared_ptr<const Answer>> Core::cached(MethodId method, const CallContext& context,
                                                   std::string_view arguments, Fill&& fill) const {
  if (!context.use_cache) return uncached<Answer>(context, std::forward<Fill>(fill));
  const engine::CacheKey key{context.tenant, static_cast<std::uint16_t>(method),
                             context.rights.bits(), arguments};
  Result<std::shared_ptr<const void>> kept =
      store_.cache().get(key, store_.published_lsn(), [&]() -> Result<engine::CacheFill> {
        ASSIGN_OR_RETURN(const std::unique_ptr<engine::Reader> reader, store_.view(context.tenant));
        Result<Filled<Answer>> filled = fill(*reader);
        if (!filled) return std::move(filled).error();
        const std::size_t bytes = filled->answer ? answer_bytes(*filled->answer) : 0;
        return engine::CacheFill{std::move(filled->answer), bytes, reader->lsn(),
                                 std::move(filled->tags)};
      });
  if (!kept) return std::move(kept).error();
  return std::static_pointer_cast<const Answer>(std::move(kept).value());
}

template <class Response>
Result<Response> Core::execute(const CallContext& context, std::uint64_t hash,
                               FunctionRef<Status(engine::Transaction&, Response&)> command) const {
  Response response;
  engine::CallContext call;
  call.user = context.user;
  call.session = context.session;
  call.request_id = context.request_id;
  call.request_hash = hash;
  ASSIGN_OR_RETURN(
      const engine::Committed committed,
      store_.execute(context.tenant, call, [&](engine::Transaction& tx) -> Result<std::string> {
        response.Clear();
        RETURN_IF_ERROR(command(tx, response));
        return call.request_id ? response.SerializeAsString() : std::string();
      }));
  if (committed.repeated) RETURN_IF_ERROR(parse_body(committed.answer, response));
  WriteResult& result = *response.mutable_result();
  result.set_repeated(committed.repeated);
  result.mutable_position()->set_epoch(committed.position.epoch.value);
  result.mutable_position()->set_lsn(committed.position.lsn.value);
  return response;
}

template <class Response, class R>
Result<Response> Core::save(const CallContext& context, const engine::Table<R>& table, R record,
                            const std::string& key, const SaveOptions& options,
                            FunctionRef<AdjustSignature<R>> adjust,
                            FunctionRef<Status(engine::Transaction&)> guard,
                            FunctionRef<DescribeSignature<R>> describe) const {
  // A race is run again with the record as it was given. Its bytes cost less to keep than a copy.
  const bool may_repeat = !options.expected_version && options.existing != Existing::kMustNotExist;
  const std::string given = may_repeat ? record.SerializeAsString() : std::string();
  for (int attempt = 1;; ++attempt) {
    std::optional<engine::Replaced<R>> current;
    if (options.existing != Existing::kMustNotExist) {
      ASSIGN_OR_RETURN(const std::unique_ptr<engine::Reader> reader, store_.view(context.tenant));
      ASSIGN_OR_RETURN(current, reader->get_to_replace(table, key));
      if (!current && options.existing == Existing::kMustExist) {
        return not_found("no such " + std::string(options.noun))
            .with_field(std::string(options.noun) + ".id");
      }
    }
    if (attempt > 1) RETURN_IF_ERROR(parse_body(given, record));
    RETURN_IF_ERROR(adjust(record, current ? &current->record : nullptr));
    engine::PutOptions put_options;
    put_options.expected_version =
        options.expected_version.value_or(current ? current->meta.version : 0);
    Result<engine::PreparedRecord> prepared =
        current ? table.prepare(record, std::move(*current)) : table.prepare(record);
    if (!prepared) return name_fields(std::move(prepared).error(), options.noun);
    put_options.skip_unchanged = true;
    Result<Response> done = execute<Response>(
        context, options.request_hash, [&](engine::Transaction& tx, Response& response) -> Status {
          RETURN_IF_ERROR(guard(tx));
          ASSIGN_OR_RETURN(const engine::PutResult put, tx.put(*prepared, put_options));
          response.mutable_result()->set_id(record.id());
          response.mutable_result()->set_version(put.version);
          response.mutable_result()->set_unchanged(put.effect == engine::PutEffect::kUnchanged);
          if (put.effect == engine::PutEffect::kUnchanged) return {};
          EventPayload payload;
          payload.set_id(record.id());
          payload.set_version(put.version);
          describe(record, payload);
          const EventType event =
              put.effect == engine::PutEffect::kInserted ? options.inserted : options.updated;
          return tx.emit(static_cast<std::uint16_t>(event), payload.SerializeAsString());
        });
    if (done) return done;
    // Somebody was faster. A refused unique value has a field; a version that was not expected has
    // none.
    const bool raced =
        done.error().code() == StatusCode::kAborted ||
        (done.error().code() == StatusCode::kAlreadyExists && done.error().field().empty());
    if (!raced || !may_repeat || attempt == kSaveAttemptsMax)
      return name_fields(std::move(done).error(), options.noun);
  }
}

}  // namespace clinicdb::clinic
