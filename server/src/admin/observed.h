// Observed: everything about a running server, read once, for whatever shows it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "clinicdb/base/clock.h"
#include "clinicdb/engine/store.h"
#include "clinicdb/engine/store_detail.h"
#include "net/server.h"

namespace clinicdb::server {

struct TenantUsage {
  TenantId tenant;
  std::uint64_t calls = 0;
  std::uint64_t refused = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::uint64_t calls_in_flight = 0;
  std::uint64_t bytes_in_flight = 0;
  std::uint64_t worked_ns = 0;
  std::uint64_t turns_held = 0;
  std::uint64_t held_ns = 0;
};

struct Observed {
  Time now;
  Time started;
  ServerStats server;
  engine::StoreStats store;
  engine::StoreDetail detail;
  std::string not_ready;  ///< empty: ready
  std::vector<TenantUsage> tenants;
};

}  // namespace clinicdb::server
