// What the tests of backups share: a store with visits in it, and a comparison of two tenants.
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <vector>

#include "clinicdb/engine/backup.h"
#include "clinicdb/engine/store.h"
#include "support/temporary_directory.h"
#include "visit_table.h"

namespace clinicdb::engine::testing {

inline StoreOptions small_store() {
  StoreOptions options;
  options.log_segment_bytes = std::size_t{1} << 20;
  options.disk_reserve_bytes = 0;
  options.write_buffer_bytes = std::size_t{1} << 20;
  return options;
}

inline std::unique_ptr<Store> open_at(const std::string& directory, const Schema& schema) {
  auto opened = Store::open(directory, schema, small_store());
  INFO(opened.status().to_string());
  REQUIRE(opened.has_value());
  return std::move(opened).value();
}

inline Status put(Store& store, TenantId tenant, const Table<Visit>& table, const Visit& visit) {
  return store
      .execute(tenant, {},
               [&](Transaction& tx) -> Result<std::string> {
                 RETURN_IF_ERROR(tx.put(table, visit).status());
                 return std::string();
               })
      .status();
}

/// A visit whose every index has an entry.
inline Visit full_visit(std::uint64_t number) {
  const auto minute = static_cast<std::int64_t>(number) * 60;
  return Visit{visit_id(number),
               "code" + std::to_string(number),
               "Ana d'Ávila " + std::to_string(number),
               "+55279" + std::to_string(10000 + number),
               "room",
               minute,
               minute + 30,
               static_cast<std::int64_t>(number)};
}

/// Visits from <= number < to, 16 a commit.
inline void put_visits(Store& store, TenantId tenant, const Table<Visit>& table, std::uint64_t from,
                       std::uint64_t to) {
  for (std::uint64_t i = from; i < to; i += 16) {
    const auto done = store.execute(tenant, {}, [&](Transaction& tx) -> Result<std::string> {
      for (std::uint64_t j = i; j < std::min(to, i + 16); ++j) {
        RETURN_IF_ERROR(tx.put(table, full_visit(j)).status());
      }
      return std::string();
    });
    INFO(done.status().to_string());
    REQUIRE(done.has_value());
  }
}

/// Everything that a reader can learn of a tenant, as text.
inline std::vector<std::string> contents(Store& store, TenantId tenant, const Table<Visit>& table,
                                         bool with_event_lsns = true) {
  std::vector<std::string> lines;
  auto view = store.view(tenant);
  REQUIRE(view.has_value());
  auto add_record = [&](const char* what, std::string_view key, const RawRecord& record) {
    lines.push_back(
        std::string(what) + ' ' + to_hex(key) + " v" + std::to_string(record.meta.version) +
        (record.meta.deleted ? " deleted " : " ") + std::to_string(record.meta.created_lsn.value) +
        ' ' + std::to_string(record.meta.updated_lsn.value) + ' ' +
        std::to_string(record.meta.updated.us) + ' ' + to_hex(record.body));
  };
  std::vector<std::string> keys;
  REQUIRE((*view)
              ->scan_records(table, KeyRange::all(), {},
                             [&](std::string_view key, RawRecord&& record) {
                               keys.emplace_back(key);
                               add_record("record", key, record);
                               return true;
                             })
              .has_value());
  for (const std::string& key : keys) {
    REQUIRE((*view)
                ->history(table, key,
                          [&](const RawRecord& record) {
                            add_record("history", key, record);
                            return true;
                          })
                .ok());
  }
  for (const IndexDef& index : table.def().indexes) {
    const auto scanned =
        (*view)->scan(table, index.number, KeyRange::all(), {}, [&](const IndexEntry& entry) {
          lines.push_back(index.name + ' ' + to_hex(entry.key) + ' ' + to_hex(entry.record_key) +
                          ' ' + to_hex(entry.covered) + ' ' + std::to_string(entry.end.us));
          return true;
        });
    INFO(scanned.status().to_string());
    REQUIRE(scanned.has_value());
  }
  REQUIRE((*view)
              ->events(Lsn{}, {},
                       [&](const Event& event) {
                         lines.push_back(
                             "event " + (with_event_lsns ? std::to_string(event.lsn.value) : "") +
                             ' ' + std::to_string(event.type) + ' ' +
                             std::to_string(event.time.us) + ' ' + to_hex(event.payload));
                         return true;
                       })
              .has_value());
  return lines;
}

inline void check_verified(Store& store) {
  auto report = store.verify({});
  REQUIRE(report.has_value());
  for (const std::string& problem : report->problems) UNSCOPED_INFO(problem);
  CHECK(report->problem_count == 0);
}

}  // namespace clinicdb::engine::testing
