#include "commit/work.h"

#include <algorithm>

#include "clinicdb/base/bytes.h"
#include "store/layout.h"
#include "store/limits.h"
#include "txn/envelope.h"

namespace clinicdb::engine {

namespace {

constexpr std::uint8_t kRequestVersion = 1;
constexpr std::size_t kRequestHeaderBytes = 25;

Status check_request(const CallContext& context, Time now) {
  const std::int64_t id_us =
      static_cast<std::int64_t>(context.request_id->v7_milliseconds()) * 1000;
  if (id_us == 0 || context.session.is_nil()) {
    return invalid_argument("a request id is a UUID of version 7, with a session")
        .with_field("request_id");
  }
  if (id_us < now.us - kRequestWindowUs) {
    return failed_precondition("the request id is older than the window in which answers are kept")
        .with_field("request_id");
  }
  if (id_us > now.us + kRequestAheadUs) {
    return failed_precondition("the request id lies in the future; check the client's clock")
        .with_field("request_id");
  }
  return Status();
}

/// Events, answer and tags of a transaction that ran; the same for commands and prepared
/// transactions.
void finish(GroupContext& context, const CallContext& call, const TransactionOver& transaction,
            std::size_t savepoint, const std::string& answer) {
  Group& group = context.group;
  group.event_ordinal =
      transaction.put_events(group.overlay, group.lsn, group.time, group.event_ordinal);
  if (call.request_id) {
    group.overlay.put(layout::request_key(transaction.tenant(), call.session, *call.request_id),
                      encode_request({call.request_hash, {group.epoch, group.lsn}, answer}), false);
  }
  group.tags.insert(group.tags.end(), transaction.tags().begin(), transaction.tags().end());
  if (group.overlay.savepoint() != savepoint) group.tenants.push_back(transaction.tenant());
}

}  // namespace

std::string encode_request(const RequestRecord& record) {
  std::string value;
  value.reserve(kRequestHeaderBytes + record.answer.size());
  value.push_back(static_cast<char>(kRequestVersion));
  append_le64(value, record.request_hash);
  append_le64(value, record.position.epoch.value);
  append_le64(value, record.position.lsn.value);
  value.append(record.answer);
  return value;
}

Result<RequestRecord> decode_request(std::string_view value) {
  if (value.size() < kRequestHeaderBytes ||
      static_cast<std::uint8_t>(value[0]) != kRequestVersion) {
    return data_loss("a kept request answer is damaged or of a later program");
  }
  RequestRecord record;
  record.request_hash = load_le64(value.data() + 1);
  record.position.epoch.value = load_le64(value.data() + 9);
  record.position.lsn.value = load_le64(value.data() + 17);
  record.answer = value.substr(kRequestHeaderBytes);
  return record;
}

Result<std::optional<RequestRecord>> find_request(const State& state, TenantId tenant,
                                                  const CallContext& context, Time now) {
  std::optional<RequestRecord> record;
  if (!context.request_id) return record;
  RETURN_IF_ERROR(check_request(context, now));
  RETURN_IF_ERROR(state.get(layout::request_key(tenant, context.session, *context.request_id),
                            [&](std::string_view value) -> Status {
                              Result<RequestRecord> decoded = decode_request(value);
                              if (!decoded) return std::move(decoded).error();
                              record = std::move(decoded).value();
                              return Status();
                            }));
  if (record && record->request_hash != context.request_hash) {
    return invalid_argument("the request id was used for another request").with_field("request_id");
  }
  return record;
}

Status check_tenant(const Published& published, TenantId tenant) {
  const auto found =
      std::lower_bound(published.tenants->begin(), published.tenants->end(), tenant,
                       [](const TenantInfo& info, TenantId id) { return info.id < id; });
  if (found != published.tenants->end() && found->id == tenant) return Status();
  return not_found("there is no tenant " + std::to_string(tenant.value));
}

Result<std::string> CommandWork::run(GroupContext& context) {
  // Checked here and not where it was queued: the tenant may have been erased in between.
  RETURN_IF_ERROR(check_tenant(context.published, tenant_));
  Group& group = context.group;
  const State state = context.state();
  ASSIGN_OR_RETURN(std::optional<RequestRecord> earlier,
                   find_request(state, tenant_, context_, group.time));
  if (earlier) {
    repeated = true;
    repeated_position = earlier->position;
    return std::move(earlier->answer);
  }
  const std::size_t savepoint = group.overlay.savepoint();
  TransactionOver transaction({tenant_, context_.user, group.time, Lsn{group.lsn.value - 1},
                               group.lsn, &context.recent, &context.claims},
                              context.published.catalog, state, group.overlay);
  ASSIGN_OR_RETURN(std::string answer, command_(transaction));
  finish(context, context_, transaction, savepoint, answer);
  return answer;
}

Result<std::string> TransactionWork::run(GroupContext& context) {
  const TenantId tenant = transaction_.tenant();
  RETURN_IF_ERROR(check_tenant(context.published, tenant));
  Group& group = context.group;
  ASSIGN_OR_RETURN(std::optional<RequestRecord> earlier,
                   find_request(context.state(), tenant, context_, group.time));
  if (earlier) {
    repeated = true;
    repeated_position = earlier->position;
    return std::move(earlier->answer);
  }
  if (pipeline_.conflicts(context, began_, reads_)) {
    return aborted("what the transaction read has changed since");
  }
  const std::size_t savepoint = group.overlay.savepoint();
  for (const auto& [key, value] : changes_.entries()) {
    if (value.deleted) {
      group.overlay.remove(key);
      continue;
    }
    group.overlay.put(key, value.bytes, value.envelope);
    if (value.envelope)
      stamp_envelope(Overlay::mutable_bytes(*group.overlay.find(key)), group.lsn, group.time);
  }
  finish(context, context_, transaction_, savepoint, answer_);
  return answer_;
}

}  // namespace clinicdb::engine
