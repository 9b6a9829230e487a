// SqlitePeer: the same patients and appointments in SQLite, as somebody who knows it well would
// keep them: WAL, synchronous=FULL, prepared statements, clustered tables (WITHOUT ROWID), the
// index set of clinic/src/tables.cc, covering entries where ours cover, a history row and an event
// row a change, and as much page cache as our block cache has.
//
// Confined to one thread at a time, as its connection is.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "clinicdb/base/function_ref.h"
#include "clinicdb/base/result.h"
#include "clinicdb/clinic/schema/appointment.pb.h"
#include "clinicdb/clinic/schema/patient.pb.h"

namespace clinicdb::bench {

class SqliteStatement;

class SqlitePeer {
 public:
  static Result<std::unique_ptr<SqlitePeer>> open(const std::string& path, std::uint64_t tenant,
                                                  std::size_t cache_bytes);
  ~SqlitePeer();
  SqlitePeer(const SqlitePeer&) = delete;
  SqlitePeer& operator=(const SqlitePeer&) = delete;

  Status begin();
  Status commit();
  /// Moves the WAL into the database file.
  Status checkpoint();

  /// Within a transaction.
  Status insert_patient(const clinic::Patient& patient);
  /// Reads the version, keeps the row in the history, replaces it, and changes what of the index
  /// tables differs between `before` and `after`, which an application would know from its own
  /// read. Within a transaction.
  Status update_patient(const clinic::Patient& before, const clinic::Patient& after);
  Status insert_appointment(const clinic::Appointment& appointment);
  /// Whether nothing claims its professional, its room or its patient at its time. Within the
  /// transaction that then inserts it.
  Result<bool> is_free(const clinic::Appointment& appointment);

  // The same answers as the clinic's services give, made on an arena as theirs are; they live until
  // `use` returns. False when there is none.
  bool patient(std::string_view id, FunctionRef<void(const clinic::GetPatientResponse&)> use);
  bool patient_by_cpf(std::string_view cpf,
                      FunctionRef<void(const clinic::GetPatientResponse&)> use);
  /// A professional's entries from `start_us` to `end_us`.
  void day(std::string_view professional_id, std::int64_t start_us, std::int64_t end_us,
           FunctionRef<void(const clinic::ListDayResponse&)> use);

 private:
  SqlitePeer(sqlite3* database, std::uint64_t tenant);
  Status run(const char* sql);
  Result<std::unique_ptr<SqliteStatement>> prepare(const char* sql);
  Status prepare_all();
  Status index_patient(const clinic::Patient& patient);
  Status put_event(int type, std::string_view payload);
  bool read_patient(SqliteStatement& statement,
                    FunctionRef<void(const clinic::GetPatientResponse&)> use);

  sqlite3* database_;
  std::int64_t tenant_;
  std::vector<std::unique_ptr<SqliteStatement>> statements_;
};

}  // namespace clinicdb::bench
