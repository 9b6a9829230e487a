#include "admin/metrics_text.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <utility>
#include <vector>

namespace clinicdb::server {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<std::pair<std::string, std::string>>;

class Families {
 public:
  MetricFamily& family(const std::string& name, MetricType type, const std::string& help) {
    MetricFamily family;
    family.name = "clinicdb_" + name;
    family.type = type;
    family.help = help;
    all_.push_back(std::move(family));
    return all_.back();
  }
  void gauge(const std::string& name, const std::string& help, double value) {
    ClientMetric metric;
    metric.gauge.value = value;
    family(name, MetricType::Gauge, help).metric.push_back(metric);
  }
  void counter(const std::string& name, const std::string& help, std::uint64_t value) {
    add_counter(family(name, MetricType::Counter, help), {}, value);
  }
  static void add_counter(MetricFamily& family, const Labels& labels, std::uint64_t value) {
    ClientMetric metric = labelled(labels);
    metric.counter.value = static_cast<double>(value);
    family.metric.push_back(std::move(metric));
  }
  static ClientMetric labelled(const Labels& labels) {
    ClientMetric metric;
    for (const auto& [name, value] : labels) metric.label.push_back({name, value});
    return metric;
  }
  std::string text() const { return prometheus::TextSerializer().Serialize(all_); }

 private:
  std::vector<MetricFamily> all_;
};

/// A histogram from counts by bucket, of which the last has what is above the bounds.
template <typename Buckets, typename Bounds>
void add_histogram(MetricFamily& family, const Labels& labels, const Buckets& buckets,
                   const Bounds& bounds, double unit, double sum) {
  ClientMetric metric = Families::labelled(labels);
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    count += buckets[i];
    metric.histogram.bucket.push_back({count, bounds[i] * unit});
  }
  metric.histogram.sample_count = count + buckets[bounds.size()];
  metric.histogram.sample_sum = sum;
  family.metric.push_back(std::move(metric));
}

std::string method_name(clinic::MethodId id) {
  const clinic::MethodInfo* method = clinic::find_method(id);
  if (method == nullptr) return "unknown";
  return std::string(method->service) + "." + std::string(method->name);
}

void add_calls(Families& families, const ServerStats& server) {
  MetricFamily& latency = families.family("call_seconds", MetricType::Histogram,
                                          "From a call's arrival to its answer, by method");
  for (const MethodCalls& calls : server.methods) {
    add_histogram(latency, {{"method", method_name(calls.method)}}, calls.latency, kLatencyBoundsUs,
                  1e-6, static_cast<double>(calls.latency_us_sum) / 1e6);
  }
  MetricFamily& codes =
      families.family("calls_total", MetricType::Counter, "Calls by method and outcome");
  for (const MethodCalls& calls : server.methods) {
    for (std::size_t code = 0; code < calls.codes.size(); ++code) {
      if (calls.codes[code] == 0) continue;
      Families::add_counter(
          codes,
          {{"method", method_name(calls.method)},
           {"code", std::string(status_code_name(static_cast<StatusCode>(code)))}},
          calls.codes[code]);
    }
  }
}

void add_server(Families& families, const ServerStats& server) {
  families.gauge("connections", "Open connections", static_cast<double>(server.connections));
  families.gauge("connections_before_login", "Of them, that have not logged in",
                 static_cast<double>(server.addresses.before_login));
  families.counter("connections_refused_total", "Connections that a limit refused",
                   server.addresses.refused);
  families.counter("logins_failed_total", "Logins that failed", server.addresses.login_failures);
  families.gauge("calls_in_flight", "Calls begun and not answered",
                 static_cast<double>(server.calls_in_flight));
  families.gauge("bytes_in_flight", "Bytes of their requests",
                 static_cast<double>(server.bytes_in_flight));
  families.gauge("pool_running", "Calls on the threads that may block",
                 static_cast<double>(server.pool.running));
  families.gauge("pool_queued", "Calls that wait for one", static_cast<double>(server.pool.queued));
  families.counter("pool_refused_total", "Calls that found too many waiting", server.pool.refused);
}

/// What may be: beside what is, for alerts that know how near the one is to the other. 0: no limit.
void add_limits(Families& families, const ServerStats& server) {
  MetricFamily& limits =
      families.family("limit", MetricType::Gauge, "The limits in force, by name; 0: none");
  const auto limit = [&](const std::string& name, double value) {
    ClientMetric metric = Families::labelled({{"name", name}});
    metric.gauge.value = value;
    limits.metric.push_back(std::move(metric));
  };
  const AdmissionLimits& calls = server.admission_limits;
  const AddressLimits& addresses = server.address_limits;
  limit("calls_in_flight", static_cast<double>(calls.calls_in_flight_max));
  limit("bytes_in_flight", static_cast<double>(calls.bytes_in_flight_max));
  limit("tenant_share_percent", static_cast<double>(calls.tenant_share_percent));
  limit("tenant_processor_percent", static_cast<double>(calls.tenant_processor_percent));
  limit("tenant_calls_per_second", static_cast<double>(calls.tenant_calls_per_second));
  limit("user_calls_per_second", static_cast<double>(calls.user_calls_per_second));
  limit("connections", static_cast<double>(addresses.connections_max));
  limit("connections_per_address", static_cast<double>(addresses.connections_per_address_max));
  limit("before_login", static_cast<double>(addresses.before_login_max));
  limit("before_login_per_address", static_cast<double>(addresses.before_login_per_address_max));
  limit("failed_logins_per_minute", static_cast<double>(addresses.failures_per_minute));
  limit("pool_threads", static_cast<double>(server.pool.threads));
}

void add_tenants(Families& families, const std::vector<TenantUsage>& tenants) {
  const auto by_tenant = [&](const std::string& name, const std::string& help,
                             std::uint64_t TenantUsage::*count) {
    MetricFamily& family = families.family(name, MetricType::Counter, help);
    for (const TenantUsage& each : tenants)
      Families::add_counter(family, {{"tenant", std::to_string(each.tenant.value)}}, each.*count);
  };
  by_tenant("tenant_calls_total", "Calls by tenant", &TenantUsage::calls);
  by_tenant("tenant_refused_total", "Calls that a limit refused", &TenantUsage::refused);
  by_tenant("tenant_bytes_in_total", "Bytes of requests", &TenantUsage::bytes_in);
  by_tenant("tenant_bytes_out_total", "Bytes of answers", &TenantUsage::bytes_out);
  by_tenant("tenant_turns_held_total", "Turns that waited for the tenant's share of the processors",
            &TenantUsage::turns_held);
  const auto seconds_by_tenant = [&](const std::string& name, const std::string& help,
                                     std::uint64_t TenantUsage::*ns) {
    MetricFamily& family = families.family(name, MetricType::Counter, help);
    for (const TenantUsage& each : tenants) {
      ClientMetric metric = Families::labelled({{"tenant", std::to_string(each.tenant.value)}});
      metric.counter.value = static_cast<double>(each.*ns) / 1e9;
      family.metric.push_back(std::move(metric));
    }
  };
  seconds_by_tenant("tenant_worked_seconds_total", "What threads worked for the tenant",
                    &TenantUsage::worked_ns);
  seconds_by_tenant("tenant_held_seconds_total", "How long those turns waited, added up",
                    &TenantUsage::held_ns);
  const auto now_by_tenant = [&](const std::string& name, const std::string& help,
                                 std::uint64_t TenantUsage::*count) {
    MetricFamily& family = families.family(name, MetricType::Gauge, help);
    for (const TenantUsage& each : tenants) {
      ClientMetric metric = Families::labelled({{"tenant", std::to_string(each.tenant.value)}});
      metric.gauge.value = static_cast<double>(each.*count);
      family.metric.push_back(std::move(metric));
    }
  };
  now_by_tenant("tenant_calls_in_flight", "Calls begun and not answered",
                &TenantUsage::calls_in_flight);
  now_by_tenant("tenant_bytes_in_flight", "Bytes of their requests", &TenantUsage::bytes_in_flight);
}

void add_store(Families& families, const engine::StoreStats& store) {
  families.gauge("store_serving", "1 while the store takes writes",
                 store.state == engine::StoreState::kServing ? 1 : 0);
  families.gauge("committed_lsn", "Last commit",
                 static_cast<double>(store.last_committed.lsn.value));
  families.gauge("flushed_lsn", "Last commit that RocksDB has in files",
                 static_cast<double>(store.last_flushed.lsn.value));
  families.counter("commands_total", "Commands executed", store.commands);
  families.counter("commit_groups_total", "Groups of them, each one entry and one sync",
                   store.groups);
  families.counter("log_appended_bytes_total", "Commit log written", store.log_bytes_appended);
  families.gauge("log_retained_bytes", "Commit log kept",
                 static_cast<double>(store.log_bytes_retained));
  families.gauge("log_unflushed_bytes", "Commit log that a crash now would replay",
                 static_cast<double>(store.unflushed_log_bytes));
  families.gauge("rocksdb_keys", "Keys, by RocksDB's estimate",
                 static_cast<double>(store.rocksdb_keys_estimate));
  families.gauge("rocksdb_file_bytes", "Files of RocksDB",
                 static_cast<double>(store.rocksdb_sst_bytes));
  families.gauge("rocksdb_memory_bytes", "Memory of RocksDB",
                 static_cast<double>(store.rocksdb_memory_bytes));
}

void add_detail(Families& families, const engine::StoreDetail& detail) {
  MetricFamily& stages =
      families.family("commit_stage_seconds", MetricType::Histogram,
                      "How long the commit groups' stages took, each group once a stage");
  for (std::size_t i = 0; i < engine::kCommitStages; ++i) {
    const engine::CommitStageTimes& times = detail.stages[i];
    const auto name = engine::commit_stage_name(static_cast<engine::CommitStage>(i));
    add_histogram(stages, {{"stage", std::string(name)}}, times.groups, engine::kStageBoundsUs,
                  1e-6, static_cast<double>(times.sum_ns) / 1e9);
  }
  MetricFamily& sizes =
      families.family("commit_group_commands", MetricType::Histogram, "Commands a commit group");
  add_histogram(sizes, {}, detail.group_sizes, engine::kGroupBounds, 1,
                static_cast<double>(detail.group_commands));
  const auto rocksdb = [&](const std::string& name, const std::string& help, std::uint64_t value) {
    families.gauge("rocksdb_" + name, help, static_cast<double>(value));
  };
  rocksdb("memtable_bytes", "Memtables", detail.memtable_bytes);
  rocksdb("memtables_unflushed", "Memtables that are full and not yet in a file",
          detail.memtables_unflushed);
  rocksdb("block_cache_bytes", "Blocks of files kept in memory", detail.block_cache_bytes);
  rocksdb("flushes_running", "Memtables being written to files", detail.flushes_running);
  rocksdb("compactions_running", "Compactions", detail.compactions_running);
  rocksdb("compaction_pending_bytes", "What compactions have still to write, estimated",
          detail.compaction_pending_bytes);
  rocksdb("writes_stopped", "1 while RocksDB takes no writes, and commits wait",
          detail.writes_stopped);
  families.counter("rocksdb_background_errors_total", "Flushes and compactions that failed",
                   detail.background_errors);
}

void add_cache(Families& families, const engine::ResultCacheStats& cache) {
  families.gauge("cache_bytes", "Answers kept", static_cast<double>(cache.bytes));
  families.gauge("cache_bytes_max", "Memory for them", static_cast<double>(cache.bytes_max));
  const double looked = static_cast<double>(cache.hits + cache.misses + cache.stale);
  families.gauge("cache_hit_ratio", "Part of all look-ups since the start that hit",
                 looked == 0 ? 0 : static_cast<double>(cache.hits) / looked);
  families.gauge("cache_entries", "Answers kept", static_cast<double>(cache.entries));
  families.counter("cache_evicted_total", "Answers given up for others", cache.evicted);
  MetricFamily& lookups = families.family("cache_lookups_total", MetricType::Counter,
                                          "Look-ups by method and what they found");
  for (const engine::MethodCacheStats& each : cache.methods) {
    const std::string method = method_name(static_cast<clinic::MethodId>(each.method));
    Families::add_counter(lookups, {{"method", method}, {"found", "hit"}}, each.hits);
    Families::add_counter(lookups, {{"method", method}, {"found", "miss"}}, each.misses);
    Families::add_counter(lookups, {{"method", method}, {"found", "stale"}}, each.stale);
  }
}

}  // namespace

std::string metrics_text(const Observed& observed) {
  Families families;
  families.gauge("up_seconds", "Since the server started",
                 static_cast<double>(observed.now.us - observed.started.us) / 1e6);
  families.gauge("ready", "1 while calls are taken", observed.not_ready.empty() ? 1 : 0);
  add_server(families, observed.server);
  add_limits(families, observed.server);
  add_calls(families, observed.server);
  add_tenants(families, observed.tenants);
  add_store(families, observed.store);
  add_detail(families, observed.detail);
  add_cache(families, observed.store.cache);
  return families.text();
}

}  // namespace clinicdb::server
