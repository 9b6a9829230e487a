#include "admin/status_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace clinicdb::server {

namespace {

using Json = nlohmann::ordered_json;

std::string method_label(clinic::MethodId id) {
  const clinic::MethodInfo* method = clinic::find_method(id);
  if (method == nullptr) return "unknown";
  return std::string(method->service) + "." + std::string(method->name);
}

Json method_json(const MethodCalls& calls) {
  Json codes = Json::object();
  for (std::size_t code = 0; code < calls.codes.size(); ++code) {
    if (calls.codes[code] != 0)
      codes[std::string(status_code_name(static_cast<StatusCode>(code)))] = calls.codes[code];
  }
  return {{"method", method_label(calls.method)},
          {"calls", calls.calls()},
          {"codes", codes},
          {"p50_us", calls.quantile_us(0.5)},
          {"p95_us", calls.quantile_us(0.95)},
          {"p99_us", calls.quantile_us(0.99)},
          {"bytes_in", calls.bytes_in},
          {"bytes_out", calls.bytes_out}};
}

Json store_json(const engine::StoreStats& store) {
  return {{"state", engine::store_state_name(store.state)},
          {"reason", store.state_reason},
          {"epoch", store.last_committed.epoch.value},
          {"lsn", store.last_committed.lsn.value},
          {"flushed_lsn", store.last_flushed.lsn.value},
          {"commands", store.commands},
          {"groups", store.groups},
          {"commands_a_group", store.groups == 0 ? 0.0
                                                 : static_cast<double>(store.commands) /
                                                       static_cast<double>(store.groups)},
          {"log_bytes_appended", store.log_bytes_appended},
          {"log_bytes_retained", store.log_bytes_retained},
          {"log_bytes_unflushed", store.unflushed_log_bytes},
          {"rocksdb_keys", store.rocksdb_keys_estimate},
          {"rocksdb_file_bytes", store.rocksdb_sst_bytes},
          {"rocksdb_memory_bytes", store.rocksdb_memory_bytes}};
}

Json commit_json(const engine::StoreDetail& detail) {
  Json stages = Json::array();
  for (std::size_t i = 0; i < engine::kCommitStages; ++i) {
    const engine::CommitStageTimes& times = detail.stages[i];
    stages.push_back({{"stage", engine::commit_stage_name(static_cast<engine::CommitStage>(i))},
                      {"groups", times.count()},
                      {"sum_us", times.sum_ns / 1000},
                      {"p50_us", times.quantile_us(0.5)},
                      {"p95_us", times.quantile_us(0.95)},
                      {"p99_us", times.quantile_us(0.99)}});
  }
  Json sizes = Json::array();
  for (std::size_t i = 0; i < detail.group_sizes.size(); ++i) {
    if (detail.group_sizes[i] == 0) continue;
    const bool rest = i == engine::kGroupBounds.size();
    sizes.push_back({{"commands_up_to", rest ? Json() : Json(engine::kGroupBounds[i])},
                     {"groups", detail.group_sizes[i]}});
  }
  return {{"stages", stages}, {"group_sizes", sizes}};
}

Json rocksdb_json(const engine::StoreDetail& detail) {
  return {{"memtable_bytes", detail.memtable_bytes},
          {"memtables_unflushed", detail.memtables_unflushed},
          {"block_cache_bytes", detail.block_cache_bytes},
          {"flushes_running", detail.flushes_running},
          {"compactions_running", detail.compactions_running},
          {"compaction_pending_bytes", detail.compaction_pending_bytes},
          {"writes_stopped", detail.writes_stopped != 0},
          {"background_errors", detail.background_errors}};
}

Json limits_json(const ServerStats& server) {
  const AdmissionLimits& calls = server.admission_limits;
  const AddressLimits& addresses = server.address_limits;
  return {{"calls_in_flight", calls.calls_in_flight_max},
          {"bytes_in_flight", calls.bytes_in_flight_max},
          {"tenant_share_percent", calls.tenant_share_percent},
          {"tenant_processor_percent", calls.tenant_processor_percent},
          {"tenant_calls_per_second", calls.tenant_calls_per_second},
          {"user_calls_per_second", calls.user_calls_per_second},
          {"connections", addresses.connections_max},
          {"connections_per_address", addresses.connections_per_address_max},
          {"before_login", addresses.before_login_max},
          {"before_login_per_address", addresses.before_login_per_address_max},
          {"failed_logins_per_minute", addresses.failures_per_minute}};
}

Json cache_json(const engine::ResultCacheStats& cache) {
  Json methods = Json::array();
  for (const engine::MethodCacheStats& each : cache.methods) {
    methods.push_back({{"method", method_label(static_cast<clinic::MethodId>(each.method))},
                       {"hits", each.hits},
                       {"misses", each.misses},
                       {"stale", each.stale},
                       {"bytes", each.bytes}});
  }
  return {{"hits", cache.hits},   {"misses", cache.misses},       {"joined", cache.joined},
          {"stale", cache.stale}, {"evicted", cache.evicted},     {"entries", cache.entries},
          {"bytes", cache.bytes}, {"bytes_max", cache.bytes_max}, {"methods", methods}};
}

Json slow_json(const std::vector<SlowCall>& slow) {
  Json list = Json::array();
  for (const SlowCall& call : slow) {
    list.push_back({{"time_us", call.when.us},
                    {"method", method_label(call.method)},
                    {"code", status_code_name(call.code)},
                    {"latency_us", call.latency_us},
                    {"tenant", call.tenant.value},
                    {"trace", call.trace},
                    {"request_id", call.request_id ? call.request_id->to_string() : ""}});
  }
  return list;
}

Json tenants_json(std::vector<TenantUsage> tenants) {
  constexpr std::size_t kShown = 100;
  std::sort(tenants.begin(), tenants.end(),
            [](const TenantUsage& a, const TenantUsage& b) { return a.calls > b.calls; });
  if (tenants.size() > kShown) tenants.resize(kShown);
  Json list = Json::array();
  for (const TenantUsage& each : tenants) {
    list.push_back({{"tenant", each.tenant.value},
                    {"calls", each.calls},
                    {"refused", each.refused},
                    {"in_flight", each.calls_in_flight},
                    {"bytes_in_flight", each.bytes_in_flight},
                    {"bytes_in", each.bytes_in},
                    {"bytes_out", each.bytes_out},
                    {"worked_us", each.worked_ns / 1000},
                    {"turns_held", each.turns_held},
                    {"held_us", each.held_ns / 1000}});
  }
  return list;
}

}  // namespace

std::string status_json(const Observed& observed) {
  const ServerStats& server = observed.server;
  Json methods = Json::array();
  for (const MethodCalls& calls : server.methods) methods.push_back(method_json(calls));
  const Json status{{"time_us", observed.now.us},
                    {"up_us", observed.now.us - observed.started.us},
                    {"ready", observed.not_ready.empty()},
                    {"not_ready", observed.not_ready},
                    {"server",
                     {{"io_threads", server.io_threads},
                      {"connections", server.connections},
                      {"before_login", server.addresses.before_login},
                      {"connections_refused", server.addresses.refused},
                      {"logins_failed", server.addresses.login_failures},
                      {"calls_in_flight", server.calls_in_flight},
                      {"bytes_in_flight", server.bytes_in_flight},
                      {"pool_threads", server.pool.threads},
                      {"pool_running", server.pool.running},
                      {"pool_queued", server.pool.queued},
                      {"pool_done", server.pool.done},
                      {"draining", server.draining}}},
                    {"store", store_json(observed.store)},
                    {"commit", commit_json(observed.detail)},
                    {"rocksdb", rocksdb_json(observed.detail)},
                    {"limits", limits_json(server)},
                    {"cache", cache_json(observed.store.cache)},
                    {"methods", methods},
                    {"tenants", tenants_json(observed.tenants)},
                    {"slow", slow_json(server.slow)}};
  return status.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace clinicdb::server
