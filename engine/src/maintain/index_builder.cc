#include "maintain/index_builder.h"

#include <vector>

#include "clinicdb/engine/key.h"
#include "commit/group.h"
#include "store/layout.h"
#include "store/limits.h"
#include "store/store_impl.h"
#include "table/change.h"
#include "txn/envelope.h"

namespace clinicdb::engine {

namespace {

/// The first tenant above `after`; nil when there is none.
TenantId next_tenant(const Published& published, TenantId after) {
  for (const TenantInfo& info : *published.tenants) {
    if (info.id > after) return info.id;
  }
  return TenantId{};
}

/// Puts one record's entries of one index. The error says what contradicts it.
Status index_record(const State& state, const TableDef& table, const IndexDef& def,
                    const std::string& prefix, std::string_view record_key, std::string_view value,
                    Overlay& out) {
  ASSIGN_OR_RETURN(const Envelope envelope, decode_envelope(value));
  if (envelope.meta.deleted) return Status();
  ASSIGN_OR_RETURN(const std::string body, envelope_body(envelope));
  ASSIGN_OR_RETURN(const std::shared_ptr<const void> record, table.decode(body));
  IndexEntries entries(def.kind);
  def.extract(record.get(), entries);
  RETURN_IF_ERROR(entries.finish());
  for (const IndexEntries::Entry& entry : entries.entries()) {
    RETURN_IF_ERROR(check_new_entry(state, def, prefix, entry, record_key));
    out.put(entry_key(def.kind, prefix, entry, record_key),
            encode_entry_value(def.kind, record_key, entry.end, entry.covered), false);
  }
  return Status();
}

}  // namespace

bool IndexBuilder::find_target(const Catalog& catalog, Target& target) {
  for (const Catalog::TableEntry& table : catalog.tables()) {
    for (std::size_t i = 0; i < table.states.size(); ++i) {
      const IndexState& state = table.states[i];
      if (state.phase != IndexPhase::kBuilding && !state.old_entries) continue;
      target = {&table, i};
      return true;
    }
  }
  return false;
}

bool IndexBuilder::pending() const {
  Target target;
  return find_target(*store_.pipeline().published()->catalog, target);
}

Status IndexBuilder::step() {
  const std::lock_guard lock(mutex_);
  const std::shared_ptr<const Published> seen = store_.pipeline().published();
  Target target;
  if (!find_target(*seen->catalog, target)) return Status();
  RETURN_IF_ERROR(store_.check_writable());
  if (target.table->def->id != table_ || target.def().number != index_ ||
      target.state().phase != phase_) {
    table_ = target.table->def->id;
    index_ = target.def().number;
    phase_ = target.state().phase;
    tenant_ = TenantId{};
    cursor_.clear();
  }
  const TenantId tenant = next_tenant(*seen, tenant_);
  if (tenant.value != 0) {
    return phase_ == IndexPhase::kBuilding ? build_step(target, tenant)
                                           : erase_step(target, tenant);
  }
  IndexState state = target.state();
  if (phase_ == IndexPhase::kBuilding) {
    state.phase = IndexPhase::kReady;
  } else {
    state.old_entries = false;
  }
  return finish(target, std::move(state));
}

Status IndexBuilder::build_step(const Target& target, TenantId tenant) {
  const TableDef& table = *target.table->def;
  const IndexDef& def = target.def();
  const std::string rows = layout::prefix(tenant, table.id, layout::kRows);
  const std::string prefix =
      layout::index_prefix(tenant, table.id, def.number, target.state().generation);
  std::string last;
  Status contradiction;
  const auto work = [&](GroupContext& context) -> Result<std::string> {
    const State state = context.state();
    std::vector<std::pair<std::string, std::string>> records;
    RETURN_IF_ERROR(state.scan(rows + cursor_, prefix_end(rows), false,
                               [&](std::string_view key, std::string_view value) {
                                 const std::string_view record_key = key.substr(rows.size());
                                 if (record_key == cursor_ && !cursor_.empty()) return true;
                                 records.emplace_back(record_key, value);
                                 return records.size() < kMaintenanceStepRecords;
                               }));
    for (const auto& [record_key, value] : records) {
      contradiction =
          index_record(state, table, def, prefix, record_key, value, context.group.overlay);
      if (!contradiction.ok()) return contradiction;
    }
    if (records.size() == kMaintenanceStepRecords) last = records.back().first;
    context.group.tenants.push_back(tenant);
    return std::string();
  };
  const Status done = store_.run_system(work, false).status();
  if (!contradiction.ok()) {
    IndexState failed = target.state();
    failed.phase = IndexPhase::kFailed;
    failed.reason = contradiction.to_string();
    return finish(target, std::move(failed));
  }
  RETURN_IF_ERROR(done);
  if (last.empty()) tenant_ = tenant;
  cursor_ = last;
  return Status();
}

Status IndexBuilder::erase_step(const Target& target, TenantId tenant) {
  const std::string prefix = layout::index_prefix(
      tenant, target.table->def->id, target.def().number, target.state().old_generation);
  bool more = false;
  const auto work = [&](GroupContext& context) -> Result<std::string> {
    std::vector<std::string> keys;
    RETURN_IF_ERROR(context.state().scan(prefix, prefix_end(prefix), false,
                                         [&](std::string_view key, std::string_view) {
                                           keys.emplace_back(key);
                                           return keys.size() < kMaintenanceStepRecords;
                                         }));
    for (const std::string& key : keys) context.group.overlay.remove(key);
    if (!keys.empty()) context.group.tenants.push_back(tenant);
    more = keys.size() == kMaintenanceStepRecords;
    return std::string();
  };
  RETURN_IF_ERROR(store_.run_system(work, false).status());
  if (!more) tenant_ = tenant;
  return Status();
}

Status IndexBuilder::finish(const Target& target, IndexState state) {
  const TableId table = target.table->def->id;
  const std::size_t index = target.index;
  const std::string key = layout::row_key(layout::kSystem, layout::kIndexStates,
                                          Key().u16(table.value).u8(target.def().number).str());
  const auto work = [&](GroupContext& context) -> Result<std::string> {
    context.group.overlay.put(key, encode_index_state(state), false);
    context.group.tenants.push_back(layout::kSystem);
    context.group.on_publish.push_back([table, index, state](Published& published) {
      published.catalog = published.catalog->with_state(table, index, state);
    });
    return std::string();
  };
  return store_.run_system(work, false).status();
}

Result<std::size_t> purge_old_requests(StoreImpl& store, TenantId tenant, std::int64_t now_us) {
  const std::string prefix = layout::prefix(tenant, layout::kRequests, layout::kRows);
  std::size_t purged = 0;
  const auto work = [&](GroupContext& context) -> Result<std::string> {
    std::vector<std::string> keys;
    std::size_t seen = 0;
    RETURN_IF_ERROR(context.state().scan(
        prefix, prefix_end(prefix), false, [&](std::string_view key, std::string_view) {
          // session (16) | request id (16): the id carries its time.
          if (key.size() == prefix.size() + 32) {
            const auto ms = Uuid::from_bytes(key.substr(prefix.size() + 16)).v7_milliseconds();
            if (static_cast<std::int64_t>(ms) * 1000 < now_us - kRequestWindowUs)
              keys.emplace_back(key);
          }
          return keys.size() < kMaintenanceStepRecords && ++seen < kMaintenanceStepRecords * 64;
        }));
    for (const std::string& key : keys) context.group.overlay.remove(key);
    if (!keys.empty()) context.group.tenants.push_back(tenant);
    purged = keys.size();
    return std::string();
  };
  RETURN_IF_ERROR(store.run_system(work, false).status());
  return purged;
}

}  // namespace clinicdb::engine
