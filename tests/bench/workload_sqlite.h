// The workload's contestant on SQLite: one connection a thread, WAL, synchronous=FULL, prepared
// statements, tables clustered by what is asked, a history and an event row a change. Readers do
// not wait; writers take their turns, as SQLite has it.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "bench/sqlite_statement.h"
#include "bench/workload.h"

namespace clinicdb::bench {

class WorkloadSqlite : public Contestant {
 public:
  /// A connection to the database of `path`; the first one makes it. `writing` is one for all
  /// connections: waiting in line costs less than SQLite's own busy handler.
  static Result<std::unique_ptr<WorkloadSqlite>> open(const std::string& path, bool make,
                                                      const std::vector<WorkloadTenant>& tenants,
                                                      std::size_t days, std::mutex& writing);
  ~WorkloadSqlite() override;

  /// Fills the database with all that the tenants have.
  Status load();
  Status run(const WorkloadCall& call) override;

 private:
  WorkloadSqlite(sqlite3* database, const std::vector<WorkloadTenant>& tenants, std::size_t days,
                 std::mutex& writing)
      : database_(database), tenants_(tenants), days_(days), writing_(writing) {}

  Status execute(const char* sql);
  SqliteStatement& statement(std::size_t number) { return *statements_[number]; }
  Status transaction(const std::function<Status()>& body);
  Status insert_patient(std::int64_t tenant, const clinic::Patient& patient);
  Status insert_appointment(std::int64_t tenant, const clinic::Appointment& appointment);
  Status insert_record(std::int64_t tenant, const clinic::ClinicalRecord& record);
  Status put_event(std::int64_t tenant, std::string_view payload);
  Result<bool> is_free(std::int64_t tenant, const clinic::Appointment& appointment);

  Status get(const WorkloadCall& call);
  Status day(const WorkloadCall& call);
  Status search(const WorkloadCall& call);
  Status slots(const WorkloadCall& call);
  Status timeline(const WorkloadCall& call);
  Status change_status(const WorkloadCall& call);
  Status book(const WorkloadCall& call);
  Status count(const WorkloadCall& call);

  sqlite3* database_;
  const std::vector<WorkloadTenant>& tenants_;
  std::size_t days_;
  std::mutex& writing_;
  std::vector<std::unique_ptr<SqliteStatement>> statements_;
};

}  // namespace clinicdb::bench
