#include "bench/workload_sqlite.h"

#include <chrono>
#include <functional>

#include "clinicdb/base/random.h"
#include "clinicdb/clinic/schema/calendar.pb.h"
#include "clinicdb/clinic/tables.h"
#include "clinicdb/engine/fold.h"

namespace clinicdb::bench {

namespace {

constexpr const char* kWorkloadSchema = R"sql(
CREATE TABLE patient(tenant INTEGER, id BLOB, version INTEGER, body BLOB,
  PRIMARY KEY(tenant, id)) WITHOUT ROWID;
CREATE TABLE patient_word(tenant INTEGER, word TEXT, id BLOB, covered BLOB,
  PRIMARY KEY(tenant, word, id)) WITHOUT ROWID;
CREATE TABLE record(tenant INTEGER, patient BLOB, time INTEGER, id BLOB, type INTEGER, status TEXT,
  title TEXT, body BLOB, PRIMARY KEY(tenant, patient, time DESC, id)) WITHOUT ROWID;
CREATE INDEX record_type ON record(tenant, type, time DESC);
CREATE TABLE appointment(tenant INTEGER, id BLOB, version INTEGER, clinic BLOB, start INTEGER,
  end INTEGER, status INTEGER, professional BLOB, room BLOB, patient BLOB, title TEXT, body BLOB,
  PRIMARY KEY(tenant, id)) WITHOUT ROWID;
CREATE INDEX appointment_day ON appointment(tenant, clinic, start, end, status, professional, room,
  patient, title);
CREATE TABLE claim(tenant INTEGER, kind INTEGER, resource BLOB, start INTEGER, end INTEGER,
  appointment BLOB, status INTEGER, professional BLOB, room BLOB, patient BLOB, title TEXT,
  PRIMARY KEY(tenant, kind, resource, start)) WITHOUT ROWID;
CREATE TABLE history(tenant INTEGER, id BLOB, version INTEGER, body BLOB,
  PRIMARY KEY(tenant, id, version)) WITHOUT ROWID;
CREATE TABLE event(number INTEGER PRIMARY KEY, tenant INTEGER, time INTEGER, payload BLOB);
)sql";

enum : std::size_t {
  kInsertPatient,
  kInsertWord,
  kInsertRecord,
  kInsertAppointment,
  kInsertClaim,
  kInsertEvent,
  kKeepHistory,
  kUpdateAppointment,
  kUpdateClaim,
  kGetPatient,
  kGetAppointment,
  kListClaims,
  kListClinic,
  kSearch,
  kTimeline,
  kLastBefore,
  kCount,
  kBegin,
  kCommit,
  kRollback,
};

constexpr const char* kWorkloadStatements[] = {
    "INSERT INTO patient VALUES(?1, ?2, 1, ?3)",
    "INSERT OR IGNORE INTO patient_word VALUES(?1, ?2, ?3, ?4)",
    "INSERT INTO record VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    "INSERT INTO appointment VALUES(?1, ?2, 1, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    "INSERT INTO claim VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    "INSERT INTO event(tenant, time, payload) VALUES(?1, ?2, ?3)",
    "INSERT INTO history SELECT tenant, id, version, body FROM appointment WHERE tenant = ?1 AND "
    "id = ?2",
    "UPDATE appointment SET version = version + 1, status = ?3, body = ?4 WHERE tenant = ?1 AND "
    "id = ?2",
    "UPDATE claim SET status = ?5 WHERE tenant = ?1 AND kind = ?2 AND resource = ?3 AND start = ?4",
    "SELECT version, body FROM patient WHERE tenant = ?1 AND id = ?2",
    "SELECT version, body FROM appointment WHERE tenant = ?1 AND id = ?2",
    "SELECT start, end, appointment, status, professional, room, patient, title FROM claim WHERE "
    "tenant = ?1 AND kind = ?2 AND resource = ?3 AND start >= ?4 AND start < ?5 ORDER BY start",
    "SELECT start, end, id, status, professional, room, patient, title FROM appointment WHERE "
    "tenant = ?1 AND clinic = ?2 AND start >= ?3 AND start < ?4 ORDER BY start",
    "SELECT id, covered FROM patient_word WHERE tenant = ?1 AND word >= ?2 AND word < ?3 LIMIT 200",
    "SELECT type, id, time, status, title FROM record WHERE tenant = ?1 AND patient = ?2 ORDER BY "
    "time DESC LIMIT 20",
    "SELECT end FROM claim WHERE tenant = ?1 AND kind = ?2 AND resource = ?3 AND start < ?4 ORDER "
    "BY start DESC LIMIT 1",
    "SELECT status, COUNT(*) FROM appointment WHERE tenant = ?1 AND clinic = ?2 AND start >= ?3 "
    "AND start < ?4 GROUP BY status",
    "BEGIN IMMEDIATE",
    "COMMIT",
    "ROLLBACK"};

std::string made_id(std::uint64_t a, std::uint64_t b) {
  std::string id(16, '\0');
  for (std::size_t i = 0; i < 8; ++i) {
    id[i] = static_cast<char>(a >> (8 * i));
    id[8 + i] = static_cast<char>(b >> (8 * i));
  }
  return id;
}

void take(SqliteStatement& from, int column, std::string& to) { to.assign(from.bytes(column)); }

void read_entries(SqliteStatement& statement, clinic::ListDayResponse& out) {
  while (statement.row()) {
    clinic::CalendarEntry& entry = *out.add_entries();
    entry.set_start_us(statement.number(0));
    entry.set_end_us(statement.number(1));
    take(statement, 2, *entry.mutable_appointment_id());
    entry.set_status(static_cast<clinic::AppointmentStatus>(statement.number(3)));
    take(statement, 4, *entry.mutable_professional_id());
    take(statement, 5, *entry.mutable_room_id());
    take(statement, 6, *entry.mutable_patient_id());
    take(statement, 7, *entry.mutable_title());
  }
  statement.reset();
}

}  // namespace

WorkloadSqlite::~WorkloadSqlite() {
  statements_.clear();
  sqlite3_close(database_);
}

Result<std::unique_ptr<WorkloadSqlite>> WorkloadSqlite::open(
    const std::string& path, bool make, const std::vector<WorkloadTenant>& tenants,
    std::size_t days, std::mutex& writing) {
  sqlite3* database = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  if (sqlite3_open_v2(path.c_str(), &database, flags, nullptr) != SQLITE_OK)
    return internal_error("SQLite does not open " + path);
  std::unique_ptr<WorkloadSqlite> peer(new WorkloadSqlite(database, tenants, days, writing));
  for (const char* sql :
       {"PRAGMA page_size = 4096", "PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL",
        "PRAGMA wal_autocheckpoint = 4000", "PRAGMA temp_store = MEMORY",
        "PRAGMA mmap_size = 1073741824", "PRAGMA cache_size = -65536"})
    RETURN_IF_ERROR(peer->execute(sql));
  if (make) RETURN_IF_ERROR(peer->execute(kWorkloadSchema));
  for (const char* sql : kWorkloadStatements) {
    sqlite3_stmt* prepared = nullptr;
    if (sqlite3_prepare_v3(database, sql, -1, SQLITE_PREPARE_PERSISTENT, &prepared, nullptr) !=
        SQLITE_OK)
      return internal_error(std::string("SQLite: ") + sqlite3_errmsg(database));
    peer->statements_.push_back(std::make_unique<SqliteStatement>(database, prepared));
  }
  return peer;
}

Status WorkloadSqlite::execute(const char* sql) {
  if (sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return internal_error(std::string("SQLite: ") + sqlite3_errmsg(database_));
}

Status WorkloadSqlite::transaction(const std::function<Status()>& body) {
  const std::lock_guard lock(writing_);
  RETURN_IF_ERROR(statement(kBegin).run());
  if (Status failed = body(); !failed.ok()) {
    statement(kRollback).run().ignore("the first error says more");
    return failed;
  }
  return statement(kCommit).run();
}

Status WorkloadSqlite::put_event(std::int64_t tenant, std::string_view payload) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto now_us = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
  return statement(kInsertEvent).number(1, tenant).number(2, now_us).blob(3, payload).run();
}

Status WorkloadSqlite::insert_patient(std::int64_t tenant, const clinic::Patient& patient) {
  const std::string body = patient.SerializeAsString();
  RETURN_IF_ERROR(
      statement(kInsertPatient).number(1, tenant).blob(2, patient.id()).blob(3, body).run());
  const std::string covered = clinic::encode_patient_covered(patient);
  for (const std::string& word : engine::fold_words(clinic::display_name(patient.names()))) {
    RETURN_IF_ERROR(statement(kInsertWord)
                        .number(1, tenant)
                        .text(2, word)
                        .blob(3, patient.id())
                        .blob(4, covered)
                        .run());
  }
  return {};
}

Status WorkloadSqlite::insert_appointment(std::int64_t tenant,
                                          const clinic::Appointment& appointment) {
  const std::string body = appointment.SerializeAsString();
  RETURN_IF_ERROR(statement(kInsertAppointment)
                      .number(1, tenant)
                      .blob(2, appointment.id())
                      .blob(3, appointment.clinic_id())
                      .number(4, appointment.start_us())
                      .number(5, appointment.end_us())
                      .number(6, appointment.status())
                      .blob(7, appointment.professional_id())
                      .blob(8, appointment.room_id())
                      .blob(9, appointment.patient_id())
                      .text(10, appointment.title())
                      .blob(11, body)
                      .run());
  const auto claim = [&](int kind, std::string_view resource) {
    return statement(kInsertClaim)
        .number(1, tenant)
        .number(2, kind)
        .blob(3, resource)
        .number(4, appointment.start_us())
        .number(5, appointment.end_us())
        .blob(6, appointment.id())
        .number(7, appointment.status())
        .blob(8, appointment.professional_id())
        .blob(9, appointment.room_id())
        .blob(10, appointment.patient_id())
        .text(11, appointment.title())
        .run();
  };
  RETURN_IF_ERROR(claim(clinic::RESOURCE_KIND_PROFESSIONAL, appointment.professional_id()));
  RETURN_IF_ERROR(claim(clinic::RESOURCE_KIND_ROOM, appointment.room_id()));
  RETURN_IF_ERROR(claim(clinic::RESOURCE_KIND_PATIENT, appointment.patient_id()));
  return put_event(tenant, appointment.id());
}

Status WorkloadSqlite::insert_record(std::int64_t tenant, const clinic::ClinicalRecord& record) {
  const std::string body = record.SerializeAsString();
  RETURN_IF_ERROR(statement(kInsertRecord)
                      .number(1, tenant)
                      .blob(2, record.patient_id())
                      .number(3, record.time_us())
                      .blob(4, record.id())
                      .number(5, record.type())
                      .text(6, record.status())
                      .text(7, record.title())
                      .blob(8, body)
                      .run());
  return put_event(tenant, record.id());
}

Status WorkloadSqlite::load() {
  for (std::size_t t = 0; t < tenants_.size(); ++t) {
    RETURN_IF_ERROR(transaction([&]() -> Status {
      for (const clinic::Patient& patient : tenants_[t].patients)
        RETURN_IF_ERROR(insert_patient(static_cast<std::int64_t>(t), patient));
      for (const clinic::Appointment& appointment : tenants_[t].appointments)
        RETURN_IF_ERROR(insert_appointment(static_cast<std::int64_t>(t), appointment));
      return {};
    }));
  }
  return execute("PRAGMA wal_checkpoint(TRUNCATE)");
}

Result<bool> WorkloadSqlite::is_free(std::int64_t tenant, const clinic::Appointment& appointment) {
  const auto free = [&](int kind, std::string_view resource) {
    SqliteStatement& found = statement(kLastBefore)
                                 .number(1, tenant)
                                 .number(2, kind)
                                 .blob(3, resource)
                                 .number(4, appointment.end_us());
    const bool taken = found.row() && found.number(0) > appointment.start_us();
    found.reset();
    return !taken;
  };
  return free(clinic::RESOURCE_KIND_PROFESSIONAL, appointment.professional_id()) &&
         free(clinic::RESOURCE_KIND_ROOM, appointment.room_id()) &&
         free(clinic::RESOURCE_KIND_PATIENT, appointment.patient_id());
}

Status WorkloadSqlite::get(const WorkloadCall& call) {
  const WorkloadTenant& tenant = tenants_[call.tenant];
  const bool patient = call.a % 3 != 0;
  const std::string& id = patient ? tenant.patients[call.b % tenant.patients.size()].id()
                                  : tenant.appointments[call.b % tenant.appointments.size()].id();
  SqliteStatement& found = statement(patient ? kGetPatient : kGetAppointment)
                               .number(1, static_cast<std::int64_t>(call.tenant))
                               .blob(2, id);
  AnswerArena arena;
  bool there = found.row();
  if (there) {
    const std::string_view body = found.bytes(1);
    const int size = static_cast<int>(body.size());
    there = patient ? arena.make<clinic::Patient>().ParseFromArray(body.data(), size)
                    : arena.make<clinic::Appointment>().ParseFromArray(body.data(), size);
  }
  found.reset();
  return there ? Status() : internal_error("SQLite has lost a row");
}

Status WorkloadSqlite::day(const WorkloadCall& call) {
  const DayChoice choice = choose_day(tenants_[call.tenant], call, days_);
  AnswerArena arena;
  auto& answer = arena.make<clinic::ListDayResponse>();
  const auto tenant = static_cast<std::int64_t>(call.tenant);
  if (choice.kind == clinic::RESOURCE_KIND_CLINIC) {
    read_entries(statement(kListClinic)
                     .number(1, tenant)
                     .blob(2, choice.id)
                     .number(3, choice.start_us)
                     .number(4, choice.start_us + kDayUs),
                 answer);
  } else {
    read_entries(statement(kListClaims)
                     .number(1, tenant)
                     .number(2, choice.kind)
                     .blob(3, choice.id)
                     .number(4, choice.start_us)
                     .number(5, choice.start_us + kDayUs),
                 answer);
  }
  return {};
}

Status WorkloadSqlite::search(const WorkloadCall& call) {
  const WorkloadTenant& tenant = tenants_[call.tenant];
  const std::vector<std::string> words = engine::fold_words(
      clinic::display_name(tenant.patients[call.a % tenant.patients.size()].names()));
  const std::string from = words.front().substr(0, 4);
  std::string to = from;
  ++to.back();
  SqliteStatement& found = statement(kSearch)
                               .number(1, static_cast<std::int64_t>(call.tenant))
                               .text(2, from)
                               .text(3, to);
  AnswerArena arena;
  auto& answer = arena.make<clinic::SearchPatientsResponse>();
  while (found.row()) {
    clinic::PatientCovered covered;
    if (!clinic::PatientCovered::decode(found.bytes(1), covered)) break;
    if (answer.patients_size() == 20 ||
        (words.size() > 1 && covered.words.find(words.back()) == std::string_view::npos))
      continue;
    clinic::PatientSummary& item = *answer.add_patients();
    take(found, 0, *item.mutable_id());
    item.set_name(std::string(covered.name));
  }
  found.reset();
  return {};
}

Status WorkloadSqlite::slots(const WorkloadCall& call) {
  const Practice& practice = tenants_[call.tenant].practice;
  const std::int64_t from =
      kFirstUs - 8 * 60 * kMinuteUs + static_cast<std::int64_t>(call.b % days_) * kDayUs;
  SqliteStatement& found =
      statement(kListClaims)
          .number(1, static_cast<std::int64_t>(call.tenant))
          .number(2, clinic::RESOURCE_KIND_PROFESSIONAL)
          .blob(3, practice.professionals[call.a % practice.professionals.size()])
          .number(4, from)
          .number(5, from + 7 * kDayUs);
  // Ten hours a day, every half hour that nothing touches.
  std::vector<std::int64_t> free;
  std::int64_t at = from + 8 * 60 * kMinuteUs;
  const auto fill_until = [&](std::int64_t until) {
    while (at + 30 * kMinuteUs <= until) {
      const std::int64_t minute = (at - from) / kMinuteUs % (24 * 60);
      if (minute >= 8 * 60 && minute + 30 <= 18 * 60) free.push_back(at);
      at += 30 * kMinuteUs;
    }
  };
  while (found.row()) {
    fill_until(found.number(0));
    at = std::max(at, found.number(1));
  }
  found.reset();
  fill_until(from + 7 * kDayUs);
  return {};
}

Status WorkloadSqlite::timeline(const WorkloadCall& call) {
  const WorkloadTenant& tenant = tenants_[call.tenant];
  SqliteStatement& found = statement(kTimeline)
                               .number(1, static_cast<std::int64_t>(call.tenant))
                               .blob(2, tenant.patients[call.a % tenant.patients.size()].id());
  AnswerArena arena;
  auto& answer = arena.make<clinic::PatientTimelineResponse>();
  while (found.row()) {
    clinic::TimelineItem& item = *answer.add_items();
    item.set_type(static_cast<clinic::ResourceType>(found.number(0)));
    take(found, 1, *item.mutable_id());
    item.set_time_us(found.number(2));
    take(found, 3, *item.mutable_status());
    take(found, 4, *item.mutable_title());
  }
  found.reset();
  return {};
}

Status WorkloadSqlite::change_status(const WorkloadCall& call) {
  const WorkloadTenant& tenant = tenants_[call.tenant];
  clinic::Appointment appointment = tenant.appointments[call.a % tenant.appointments.size()];
  const auto number = static_cast<std::int64_t>(call.tenant);
  appointment.set_status(call.b % 2 == 0 ? clinic::APPOINTMENT_STATUS_CONFIRMED
                                         : clinic::APPOINTMENT_STATUS_BOOKED);
  return transaction([&]() -> Status {
    RETURN_IF_ERROR(statement(kKeepHistory).number(1, number).blob(2, appointment.id()).run());
    const std::string body = appointment.SerializeAsString();
    RETURN_IF_ERROR(statement(kUpdateAppointment)
                        .number(1, number)
                        .blob(2, appointment.id())
                        .number(3, appointment.status())
                        .blob(4, body)
                        .run());
    const auto claim = [&](int kind, std::string_view resource) {
      return statement(kUpdateClaim)
          .number(1, number)
          .number(2, kind)
          .blob(3, resource)
          .number(4, appointment.start_us())
          .number(5, appointment.status())
          .run();
    };
    RETURN_IF_ERROR(claim(clinic::RESOURCE_KIND_PROFESSIONAL, appointment.professional_id()));
    RETURN_IF_ERROR(claim(clinic::RESOURCE_KIND_ROOM, appointment.room_id()));
    RETURN_IF_ERROR(claim(clinic::RESOURCE_KIND_PATIENT, appointment.patient_id()));
    return put_event(number, appointment.id());
  });
}

Status WorkloadSqlite::book(const WorkloadCall& call) {
  const WorkloadTenant& tenant = tenants_[call.tenant];
  clinic::Appointment appointment =
      make_booking(tenant.practice, call.a % tenant.practice.professionals.size(), kFirstUs,
                   (call.b >> 8) % (days_ * 2 * kSlotsADay),
                   tenant.patients[call.b % tenant.patients.size()].id())
          .appointment();
  appointment.set_id(made_id(call.a, call.b));
  appointment.set_status(clinic::APPOINTMENT_STATUS_BOOKED);
  const auto number = static_cast<std::int64_t>(call.tenant);
  return transaction([&]() -> Status {
    ASSIGN_OR_RETURN(const bool free, is_free(number, appointment));
    return free ? insert_appointment(number, appointment) : Status();
  });
}

Status WorkloadSqlite::count(const WorkloadCall& call) {
  const std::int64_t from = kFirstUs + static_cast<std::int64_t>(call.b % days_) * kDayUs;
  SqliteStatement& found = statement(kCount)
                               .number(1, static_cast<std::int64_t>(call.tenant))
                               .blob(2, tenants_[call.tenant].practice.site)
                               .number(3, from)
                               .number(4, from + 30 * kDayUs);
  std::int64_t sum = 0;
  while (found.row()) sum += found.number(1);
  found.reset();
  return sum >= 0 ? Status() : internal_error("a count below nothing");
}

Status WorkloadSqlite::run(const WorkloadCall& call) {
  switch (call.operation) {
    case Operation::kGet:
      return get(call);
    case Operation::kDay:
      return day(call);
    case Operation::kSearch:
      return search(call);
    case Operation::kSlots:
      return slots(call);
    case Operation::kTimeline:
      return timeline(call);
    case Operation::kStatus:
      return change_status(call);
    case Operation::kBook:
      return book(call);
    case Operation::kScan:
      return count(call);
    default: {
      clinic::ClinicalRecord record =
          make_record(tenants_[call.tenant], call, static_cast<std::int64_t>(call.b >> 12));
      record.set_id(made_id(call.a, call.b));
      return transaction(
          [&] { return insert_record(static_cast<std::int64_t>(call.tenant), record); });
    }
  }
}

}  // namespace clinicdb::bench
