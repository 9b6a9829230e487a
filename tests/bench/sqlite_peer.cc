#include "bench/sqlite_peer.h"

#include <algorithm>
#include <chrono>

#include "bench/sqlite_statement.h"
#include "clinicdb/clinic/tables.h"
#include "clinicdb/engine/fold.h"

namespace clinicdb::bench {

namespace {

constexpr const char* kSchema = R"sql(
CREATE TABLE patient(
  tenant INTEGER, id BLOB, version INTEGER, created INTEGER, updated INTEGER, user BLOB,
  cpf TEXT, cns TEXT, birth_date INTEGER, name TEXT, body BLOB,
  PRIMARY KEY(tenant, id)) WITHOUT ROWID;
CREATE UNIQUE INDEX patient_cpf ON patient(tenant, cpf) WHERE cpf IS NOT NULL;
CREATE UNIQUE INDEX patient_cns ON patient(tenant, cns) WHERE cns IS NOT NULL;
CREATE INDEX patient_birth_date ON patient(tenant, birth_date, name);
CREATE TABLE patient_mrn(
  tenant INTEGER, system TEXT, value TEXT, id BLOB,
  PRIMARY KEY(tenant, system, value)) WITHOUT ROWID;
CREATE TABLE patient_word(
  tenant INTEGER, word TEXT, id BLOB, covered BLOB, PRIMARY KEY(tenant, word, id)) WITHOUT ROWID;
CREATE TABLE patient_phone(
  tenant INTEGER, reversed TEXT, id BLOB, covered BLOB,
  PRIMARY KEY(tenant, reversed, id)) WITHOUT ROWID;
CREATE TABLE patient_history(
  tenant INTEGER, id BLOB, version INTEGER, updated INTEGER, user BLOB, body BLOB,
  PRIMARY KEY(tenant, id, version)) WITHOUT ROWID;
CREATE TABLE event(
  number INTEGER PRIMARY KEY, tenant INTEGER, type INTEGER, time INTEGER, user BLOB, payload BLOB);
CREATE TABLE appointment(
  tenant INTEGER, id BLOB, version INTEGER, body BLOB, PRIMARY KEY(tenant, id)) WITHOUT ROWID;
CREATE TABLE claim(
  tenant INTEGER, kind INTEGER, resource BLOB, start INTEGER, end INTEGER, appointment BLOB,
  status INTEGER, clinic BLOB, professional BLOB, room BLOB, patient BLOB, title TEXT,
  PRIMARY KEY(tenant, kind, resource, start)) WITHOUT ROWID;
)sql";

enum : std::size_t {
  kInsertPatient,
  kUpdatePatient,
  kKeepHistory,
  kInsertMrn,
  kInsertWord,
  kDeleteWord,
  kInsertPhone,
  kDeletePhone,
  kInsertEvent,
  kInsertAppointment,
  kInsertClaim,
  kGetPatient,
  kFindCpf,
  kListDay,
  kLastBefore,
  kBegin,
  kCommit
};

constexpr const char* kStatements[] = {
    "INSERT INTO patient VALUES(?1, ?2, 1, ?3, ?3, x'', ?4, ?5, ?6, ?7, ?8)",
    "UPDATE patient SET version = version + 1, updated = ?3, cpf = ?4, cns = ?5, birth_date = ?6, "
    "name = ?7, body = ?8 WHERE tenant = ?1 AND id = ?2",
    "INSERT INTO patient_history SELECT tenant, id, version, updated, user, body FROM patient "
    "WHERE tenant = ?1 AND id = ?2",
    "INSERT INTO patient_mrn VALUES(?1, ?2, ?3, ?4)",
    "INSERT OR REPLACE INTO patient_word VALUES(?1, ?2, ?3, ?4)",
    "DELETE FROM patient_word WHERE tenant = ?1 AND word = ?2 AND id = ?3",
    "INSERT OR REPLACE INTO patient_phone VALUES(?1, ?2, ?3, ?4)",
    "DELETE FROM patient_phone WHERE tenant = ?1 AND reversed = ?2 AND id = ?3",
    "INSERT INTO event(tenant, type, time, user, payload) VALUES(?1, ?2, ?3, x'', ?4)",
    "INSERT INTO appointment VALUES(?1, ?2, 1, ?3)",
    "INSERT INTO claim VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    "SELECT version, created, updated, body FROM patient WHERE tenant = ?1 AND id = ?2",
    "SELECT version, created, updated, body FROM patient WHERE tenant = ?1 AND cpf = ?2",
    "SELECT start, end, appointment, status, clinic, professional, room, patient, title FROM claim "
    "WHERE tenant = ?1 AND kind = ?2 AND resource = ?3 AND start >= ?4 AND start < ?5 ORDER BY "
    "start",
    "SELECT end FROM claim WHERE tenant = ?1 AND kind = ?2 AND resource = ?3 AND start < ?4 ORDER "
    "BY start DESC LIMIT 1",
    "BEGIN IMMEDIATE",
    "COMMIT"};

std::int64_t wall_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::int64_t date_number(const clinic::Date& date) {
  return date.year() * 10'000 + date.month() * 100 + date.day();
}

/// The digits of its phones, from the end.
std::vector<std::string> reversed_phones(const clinic::Patient& patient) {
  std::vector<std::string> phones;
  for (const clinic::ContactPoint& point : patient.telecom()) {
    if (point.system() != clinic::ContactPoint::SYSTEM_PHONE) continue;
    std::string digits;
    for (const char c : point.value()) {
      if (c >= '0' && c <= '9') digits.push_back(c);
    }
    std::reverse(digits.begin(), digits.end());
    phones.push_back(std::move(digits));
  }
  return phones;
}

}  // namespace

SqlitePeer::SqlitePeer(sqlite3* database, std::uint64_t tenant)
    : database_(database), tenant_(static_cast<std::int64_t>(tenant)) {}

SqlitePeer::~SqlitePeer() {
  statements_.clear();
  sqlite3_close(database_);
}

Result<std::unique_ptr<SqlitePeer>> SqlitePeer::open(const std::string& path, std::uint64_t tenant,
                                                     std::size_t cache_bytes) {
  sqlite3* database = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  if (sqlite3_open_v2(path.c_str(), &database, flags, nullptr) != SQLITE_OK)
    return internal_error("SQLite does not open " + path);
  std::unique_ptr<SqlitePeer> peer(new SqlitePeer(database, tenant));
  const std::string cache = "PRAGMA cache_size = -" + std::to_string(cache_bytes / 1024);
  // The page size of the file system, and a WAL that is checkpointed less often than by default,
  // which favours SQLite.
  for (const char* sql :
       {"PRAGMA page_size = 4096", "PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL",
        "PRAGMA locking_mode = EXCLUSIVE", "PRAGMA wal_autocheckpoint = 4000",
        "PRAGMA temp_store = MEMORY", cache.c_str(), kSchema}) {
    RETURN_IF_ERROR(peer->run(sql));
  }
  RETURN_IF_ERROR(peer->prepare_all());
  return peer;
}

Status SqlitePeer::run(const char* sql) {
  if (sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return internal_error(std::string("SQLite: ") + sqlite3_errmsg(database_));
}

Result<std::unique_ptr<SqliteStatement>> SqlitePeer::prepare(const char* sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v3(database_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) !=
      SQLITE_OK)
    return internal_error(std::string("SQLite: ") + sqlite3_errmsg(database_));
  return std::make_unique<SqliteStatement>(database_, statement);
}

Status SqlitePeer::prepare_all() {
  for (const char* sql : kStatements) {
    ASSIGN_OR_RETURN(std::unique_ptr<SqliteStatement> statement, prepare(sql));
    statements_.push_back(std::move(statement));
  }
  return {};
}

Status SqlitePeer::begin() { return statements_[kBegin]->run(); }
Status SqlitePeer::commit() { return statements_[kCommit]->run(); }
Status SqlitePeer::checkpoint() { return run("PRAGMA wal_checkpoint(TRUNCATE)"); }

Status SqlitePeer::put_event(int type, std::string_view payload) {
  return statements_[kInsertEvent]
      ->number(1, tenant_)
      .number(2, type)
      .number(3, wall_us())
      .blob(4, payload)
      .run();
}

Status SqlitePeer::insert_patient(const clinic::Patient& patient) {
  const std::string body = patient.SerializeAsString();
  const std::string name = clinic::display_name(patient.names());
  RETURN_IF_ERROR(statements_[kInsertPatient]
                      ->number(1, tenant_)
                      .blob(2, patient.id())
                      .number(3, wall_us())
                      .text_or_null(4, patient.cpf())
                      .text_or_null(5, patient.cns())
                      .number(6, date_number(patient.birth_date()))
                      .text(7, name)
                      .blob(8, body)
                      .run());
  for (const clinic::Identifier& mrn : patient.mrn()) {
    RETURN_IF_ERROR(statements_[kInsertMrn]
                        ->number(1, tenant_)
                        .text(2, mrn.system())
                        .text(3, mrn.value())
                        .blob(4, patient.id())
                        .run());
  }
  const std::string covered = clinic::encode_patient_covered(patient);
  for (const std::string& word : engine::fold_words(name)) {
    RETURN_IF_ERROR(statements_[kInsertWord]
                        ->number(1, tenant_)
                        .text(2, word)
                        .blob(3, patient.id())
                        .blob(4, covered)
                        .run());
  }
  for (const std::string& phone : reversed_phones(patient)) {
    RETURN_IF_ERROR(statements_[kInsertPhone]
                        ->number(1, tenant_)
                        .text(2, phone)
                        .blob(3, patient.id())
                        .blob(4, covered)
                        .run());
  }
  return put_event(1, patient.id());
}

Status SqlitePeer::update_patient(const clinic::Patient& before, const clinic::Patient& after) {
  const std::string body = after.SerializeAsString();
  const std::string name = clinic::display_name(after.names());
  RETURN_IF_ERROR(statements_[kKeepHistory]->number(1, tenant_).blob(2, after.id()).run());
  RETURN_IF_ERROR(statements_[kUpdatePatient]
                      ->number(1, tenant_)
                      .blob(2, after.id())
                      .number(3, wall_us())
                      .text_or_null(4, after.cpf())
                      .text_or_null(5, after.cns())
                      .number(6, date_number(after.birth_date()))
                      .text(7, name)
                      .blob(8, body)
                      .run());
  const std::string covered_before = clinic::encode_patient_covered(before);
  const std::string covered = clinic::encode_patient_covered(after);
  const bool same_cover = covered == covered_before;
  const auto change = [&](const std::vector<std::string>& old,
                          const std::vector<std::string>& fresh, std::size_t remove,
                          std::size_t insert) -> Status {
    for (const std::string& entry : old) {
      if (std::find(fresh.begin(), fresh.end(), entry) != fresh.end()) continue;
      RETURN_IF_ERROR(
          statements_[remove]->number(1, tenant_).text(2, entry).blob(3, after.id()).run());
    }
    for (const std::string& entry : fresh) {
      if (same_cover && std::find(old.begin(), old.end(), entry) != old.end()) continue;
      RETURN_IF_ERROR(statements_[insert]
                          ->number(1, tenant_)
                          .text(2, entry)
                          .blob(3, after.id())
                          .blob(4, covered)
                          .run());
    }
    return {};
  };
  if (!same_cover) {
    RETURN_IF_ERROR(change(engine::fold_words(clinic::display_name(before.names())),
                           engine::fold_words(name), kDeleteWord, kInsertWord));
  }
  RETURN_IF_ERROR(
      change(reversed_phones(before), reversed_phones(after), kDeletePhone, kInsertPhone));
  return put_event(2, after.id());
}

Status SqlitePeer::insert_appointment(const clinic::Appointment& appointment) {
  const std::string body = appointment.SerializeAsString();
  RETURN_IF_ERROR(statements_[kInsertAppointment]
                      ->number(1, tenant_)
                      .blob(2, appointment.id())
                      .blob(3, body)
                      .run());
  const auto claim = [&](int kind, std::string_view resource) -> Status {
    if (resource.empty()) return {};
    return statements_[kInsertClaim]
        ->number(1, tenant_)
        .number(2, kind)
        .blob(3, resource)
        .number(4, appointment.start_us())
        .number(5, appointment.end_us())
        .blob(6, appointment.id())
        .number(7, appointment.status())
        .blob(8, appointment.clinic_id())
        .blob(9, appointment.professional_id())
        .blob(10, appointment.room_id())
        .blob(11, appointment.patient_id())
        .text(12, appointment.title())
        .run();
  };
  RETURN_IF_ERROR(claim(clinic::RESOURCE_KIND_PROFESSIONAL, appointment.professional_id()));
  RETURN_IF_ERROR(claim(clinic::RESOURCE_KIND_ROOM, appointment.room_id()));
  RETURN_IF_ERROR(claim(clinic::RESOURCE_KIND_PATIENT, appointment.patient_id()));
  return put_event(3, appointment.id());
}

// Claims of a resource do not overlap: the last one that begins before this one's end is the only
// one that can be in the way.
Result<bool> SqlitePeer::is_free(const clinic::Appointment& appointment) {
  const auto free = [&](int kind, std::string_view resource) {
    SqliteStatement& statement = statements_[kLastBefore]
                                     ->number(1, tenant_)
                                     .number(2, kind)
                                     .blob(3, resource)
                                     .number(4, appointment.end_us());
    const bool taken = statement.row() && statement.number(0) > appointment.start_us();
    statement.reset();
    return !taken;
  };
  return free(clinic::RESOURCE_KIND_PROFESSIONAL, appointment.professional_id()) &&
         free(clinic::RESOURCE_KIND_ROOM, appointment.room_id()) &&
         free(clinic::RESOURCE_KIND_PATIENT, appointment.patient_id());
}

bool SqlitePeer::read_patient(SqliteStatement& statement,
                              FunctionRef<void(const clinic::GetPatientResponse&)> use) {
  AnswerArena arena;
  bool found = statement.row();
  if (found) {
    auto& response = arena.make<clinic::GetPatientResponse>();
    clinic::RecordMeta& meta = *response.mutable_meta();
    meta.set_version(static_cast<std::uint64_t>(statement.number(0)));
    meta.set_created_us(statement.number(1));
    meta.set_updated_us(statement.number(2));
    const std::string_view body = statement.bytes(3);
    found = response.mutable_patient()->ParseFromArray(body.data(), static_cast<int>(body.size()));
    use(response);
  }
  statement.reset();
  return found;
}

bool SqlitePeer::patient(std::string_view id,
                         FunctionRef<void(const clinic::GetPatientResponse&)> use) {
  return read_patient(statements_[kGetPatient]->number(1, tenant_).blob(2, id), use);
}

bool SqlitePeer::patient_by_cpf(std::string_view cpf,
                                FunctionRef<void(const clinic::GetPatientResponse&)> use) {
  return read_patient(statements_[kFindCpf]->number(1, tenant_).text(2, cpf), use);
}

void SqlitePeer::day(std::string_view professional_id, std::int64_t start_us, std::int64_t end_us,
                     FunctionRef<void(const clinic::ListDayResponse&)> use) {
  AnswerArena arena;
  auto& response = arena.make<clinic::ListDayResponse>();
  SqliteStatement& statement = statements_[kListDay]
                                   ->number(1, tenant_)
                                   .number(2, clinic::RESOURCE_KIND_PROFESSIONAL)
                                   .blob(3, professional_id)
                                   .number(4, start_us)
                                   .number(5, end_us);
  const auto put = [&](int column, std::string& to) { to.assign(statement.bytes(column)); };
  while (statement.row()) {
    clinic::CalendarEntry& entry = *response.add_entries();
    entry.set_start_us(statement.number(0));
    entry.set_end_us(statement.number(1));
    put(2, *entry.mutable_appointment_id());
    entry.set_status(static_cast<clinic::AppointmentStatus>(statement.number(3)));
    put(4, *entry.mutable_clinic_id());
    put(5, *entry.mutable_professional_id());
    if (!statement.bytes(6).empty()) put(6, *entry.mutable_room_id());
    put(7, *entry.mutable_patient_id());
    put(8, *entry.mutable_title());
  }
  statement.reset();
  use(response);
}

}  // namespace clinicdb::bench
