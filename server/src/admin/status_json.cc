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
                    {"bytes_in", each.bytes_in},
                    {"bytes_out", each.bytes_out}});
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
                    {"cache", cache_json(observed.store.cache)},
                    {"methods", methods},
                    {"tenants", tenants_json(observed.tenants)},
                    {"slow", slow_json(server.slow)}};
  return status.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace clinicdb::server
