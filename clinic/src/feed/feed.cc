#include "clinicdb/clinic/feed.h"

#include <google/protobuf/message.h>

#include <algorithm>
#include <utility>

#include "clinicdb/clinic/tables.h"
#include "core.h"
#include "feed/message_diff.h"
#include "feed/record_types.h"

namespace clinicdb::clinic {

namespace {

using engine::Reader;

/// Events that one call looks at; then the page ends, with a cursor.
constexpr std::size_t kEventVisitsMax = 20'000;
constexpr std::uint32_t kFollowedDefault = 256;

void set_id(const Uuid& id, std::string& bytes) {
  if (!id.is_nil()) bytes.assign(id.view());
}

ChangeKind change_kind(engine::ChangeKind kind) { return static_cast<ChangeKind>(kind); }

void fill_event(const engine::Event& from, DomainEvent& to) {
  to.set_lsn(from.lsn.value);
  to.set_ordinal(from.ordinal);
  to.set_type(static_cast<EventType>(from.type));
  to.set_time_us(from.time.us);
  set_id(from.user, *to.mutable_user_id());
  for (const engine::RecordChange& change : from.changes) {
    DomainEvent::RecordChange& out = *to.add_changes();
    const std::string_view table = feed::table_name(change.table);
    out.set_table(table.empty() ? std::to_string(change.table.value) : std::string(table));
    out.set_kind(change_kind(change.kind));
    out.set_version(change.version);
    out.set_key(change.key.data(), change.key.size());
  }
}

}  // namespace

Result<ReadEventsResponse> Feed::read_events(const CallContext& context,
                                             const ReadEventsRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_FEED_READ_EVENTS, context));
  return page(context, request, page_limit(request.limit()));
}

Result<ReadEventsResponse> Feed::follow(const CallContext& context,
                                        const ReadEventsRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_FEED_FOLLOW, context));
  return page(context, request,
              request.limit() == 0 ? kFollowedDefault : page_limit(request.limit()));
}

Result<ReadEventsResponse> Feed::page(const CallContext& context, const ReadEventsRequest& request,
                                      std::uint32_t limit) const {
  ASSIGN_OR_RETURN(const std::unique_ptr<Reader> reader, core_.store().view(context.tenant));
  ReadEventsResponse response;
  const auto wanted = [&](std::uint16_t type) {
    return request.types().empty() ||
           std::find(request.types().begin(), request.types().end(), type) != request.types().end();
  };
  Status failure;
  std::size_t visits = 0;
  ASSIGN_OR_RETURN(engine::ScanEnd end,
                   reader->events(Lsn{request.after_lsn()}, {false, SIZE_MAX, request.cursor()},
                                  [&](const engine::Event& event) {
                                    if (wanted(event.type)) {
                                      DomainEvent& out = *response.add_events();
                                      fill_event(event, out);
                                      failure = parse_body(event.payload, *out.mutable_payload());
                                    }
                                    return failure.ok() && ++visits < kEventVisitsMax &&
                                           response.events_size() < static_cast<int>(limit);
                                  }));
  if (!failure.ok()) return failure;
  response.set_next_after_lsn(end.cursor.empty() ? reader->lsn().value : request.after_lsn());
  response.set_cursor(std::move(end.cursor));
  return response;
}

Result<ListChangesResponse> Feed::list_changes(const CallContext& context,
                                               const ListChangesRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_FEED_LIST_CHANGES, context, request.id()));
  const feed::RecordType* type = feed::find_record_type(request.table());
  if (type == nullptr) {
    return invalid_argument("table: there is no table \"" + request.table() + "\"")
        .with_field("table");
  }
  std::string key = request.id();
  if (type->table == &records_table().def())
    key = record_key(request.resource_type(), request.id());
  if (type->table == &tenant_profiles_table().def()) key = kTenantProfileKey;
  ASSIGN_OR_RETURN(const std::unique_ptr<Reader> reader, core_.store().view(context.tenant));
  ListChangesResponse response;
  const std::uint32_t limit =
      request.limit() == 0 ? kHistoryDefault : std::min(request.limit(), kPageMax);
  Status failure;
  // A version is told by what it did to the one before it, which comes after it.
  std::unique_ptr<google::protobuf::Message> later;
  const auto tell = [&](const google::protobuf::Message& earlier) {
    VersionChange& version = *response.mutable_versions()->rbegin();
    for (FieldChange& change : feed::differences(earlier, *later))
      *version.add_fields() = std::move(change);
  };
  RETURN_IF_ERROR(reader->history(*type->table, key, [&](const engine::RawRecord& raw) {
    std::unique_ptr<google::protobuf::Message> body = type->make();
    if (!raw.meta.deleted) failure = parse_body(raw.body, *body);
    if (!failure.ok()) return false;
    if (later != nullptr) tell(*body);
    if (response.versions_size() == static_cast<int>(limit)) {
      later.reset();
      return false;
    }
    VersionChange& version = *response.add_versions();
    version.set_version(raw.meta.version);
    version.set_kind(raw.meta.deleted        ? CHANGE_KIND_DELETED
                     : raw.meta.version == 1 ? CHANGE_KIND_INSERTED
                                             : CHANGE_KIND_UPDATED);
    version.set_time_us(raw.meta.updated.us);
    set_id(raw.meta.updated_by, *version.mutable_user_id());
    version.set_lsn(raw.meta.updated_lsn.value);
    later = std::move(body);
    return true;
  }));
  if (!failure.ok()) return failure;
  if (later != nullptr) tell(*type->make());  // the first version
  return response;
}

}  // namespace clinicdb::clinic
