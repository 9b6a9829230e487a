// MariaDB through its own client library, in the mode that does not block.
#include <mariadb/mysql.h>

#include <array>
#include <chrono>
#include <cstring>

#include "bench/peers/line.h"

namespace clinicdb::bench {

namespace {

/// By operation.
constexpr std::array<const char*, kOperations> kStatements{
    "SELECT id, name, birth_date, cpf, phone, email, street, version, updated_at FROM patients"
    " WHERE tenant_id = ? AND id = ?",
    "SELECT id, name, birth_date, cpf, phone, email, street, version, updated_at FROM patients"
    " WHERE tenant_id = ? AND cpf = ?",
    "SELECT id, name, phone FROM patients WHERE tenant_id = ? AND name_key >= ? AND name_key < ?"
    " ORDER BY name_key LIMIT 20",
    "SELECT id, patient_id, starts_at, ends_at, status FROM appointments WHERE tenant_id = ?"
    " AND professional = ? AND starts_at >= ? AND starts_at < ? ORDER BY starts_at",
    "SELECT ? + INTERVAL quarter.seq * 15 MINUTE AS start FROM seq_48_to_87 quarter"
    " WHERE NOT EXISTS (SELECT 1 FROM appointments WHERE tenant_id = ? AND professional = ?"
    " AND starts_at = ? + INTERVAL quarter.seq * 15 MINUTE AND status <> 2)",
    "UPDATE patients SET phone = ?, street = ?, version = version + 1, updated_at = now()"
    " WHERE tenant_id = ? AND id = ?",
    "INSERT INTO appointments (tenant_id, patient_id, professional, starts_at, ends_at)"
    " VALUES (?, ?, ?, ?, ?)"};

/// Values of one execution, bound in the order of the statement's question marks.
class Values {
 public:
  void clear() { count_ = 0; }
  void add(std::uint32_t number) {
    numbers_[count_] = static_cast<std::int64_t>(number);
    MYSQL_BIND& bind = reset();
    bind.buffer_type = MYSQL_TYPE_LONGLONG;
    bind.buffer = &numbers_[count_++];
  }
  void add(std::string text) {
    texts_[count_] = std::move(text);
    MYSQL_BIND& bind = reset();
    bind.buffer_type = MYSQL_TYPE_STRING;
    bind.buffer = texts_[count_].data();
    bind.buffer_length = texts_[count_++].size();
  }
  void add_time(std::int64_t us) {
    const std::chrono::sys_time<std::chrono::microseconds> at{std::chrono::microseconds(us)};
    const auto day = std::chrono::floor<std::chrono::days>(at);
    const std::chrono::year_month_day date(day);
    const auto minutes = std::chrono::floor<std::chrono::minutes>(at - day).count();
    MYSQL_TIME& time = times_[count_];
    time = MYSQL_TIME{};
    time.year = static_cast<unsigned>(static_cast<int>(date.year()));
    time.month = static_cast<unsigned>(date.month());
    time.day = static_cast<unsigned>(date.day());
    time.hour = static_cast<unsigned>(minutes / 60);
    time.minute = static_cast<unsigned>(minutes % 60);
    time.time_type = MYSQL_TIMESTAMP_DATETIME;
    MYSQL_BIND& bind = reset();
    bind.buffer_type = MYSQL_TYPE_DATETIME;
    bind.buffer = &times_[count_++];
  }
  MYSQL_BIND* binds() { return binds_.data(); }

 private:
  MYSQL_BIND& reset() {
    std::memset(&binds_[count_], 0, sizeof(MYSQL_BIND));
    return binds_[count_];
  }
  std::size_t count_ = 0;
  std::array<MYSQL_BIND, 5> binds_{};
  std::array<std::int64_t, 5> numbers_{};
  std::array<std::string, 5> texts_;
  std::array<MYSQL_TIME, 5> times_{};
};

void fill(const Call& call, Values& values) {
  values.clear();
  switch (call.operation) {
    case Operation::kGet:
      values.add(call.tenant);
      values.add(call.patient);
      break;
    case Operation::kCpf:
      values.add(call.tenant);
      values.add(cpf_of(call.tenant, call.patient));
      break;
    case Operation::kSearch: {
      std::string from = name_probe(call.number, call.patient);
      std::string until = from;
      ++until.back();
      values.add(call.tenant);
      values.add(std::move(from));
      values.add(std::move(until));
      break;
    }
    case Operation::kDay:
      values.add(call.tenant);
      values.add(call.professional);
      values.add_time(call.day_us);
      values.add_time(call.day_us + kPeerDayUs);
      break;
    case Operation::kSlots:
      values.add_time(call.day_us);
      values.add(call.tenant);
      values.add(call.professional);
      values.add_time(call.day_us);
      break;
    case Operation::kUpdate:
      values.add(changed_phone(call.number));
      values.add(changed_street(call.number));
      values.add(call.tenant);
      values.add(call.patient);
      break;
    case Operation::kBook:
      values.add(call.tenant);
      values.add(call.place.patient);
      values.add(call.place.professional);
      values.add_time(call.place.start_us);
      values.add_time(call.place.start_us + kQuarterUs);
      break;
  }
}

class MariadbLine final : public Line {
 public:
  MariadbLine() : connection_(mysql_init(nullptr)) {
    mysql_options(connection_, MYSQL_OPT_NONBLOCK, nullptr);
  }
  ~MariadbLine() override {
    for (MYSQL_STMT* statement : statements_) {
      if (statement != nullptr) mysql_stmt_close(statement);
    }
    mysql_close(connection_);
  }
  MariadbLine(const MariadbLine&) = delete;
  MariadbLine& operator=(const MariadbLine&) = delete;

  Status begin(std::uint16_t port, const std::string& database) {
    if (mysql_real_connect(connection_, "127.0.0.1", "clinic", "clinic", database.c_str(), port,
                           nullptr, 0) == nullptr)
      return unavailable(std::string("MariaDB: ") + mysql_error(connection_));
    for (std::size_t i = 0; i < kOperations; ++i) {
      statements_[i] = mysql_stmt_init(connection_);
      if (mysql_stmt_prepare(statements_[i], kStatements[i], std::strlen(kStatements[i])) != 0)
        return unavailable(std::string("MariaDB: ") + mysql_stmt_error(statements_[i]));
    }
    return Status();
  }

  int descriptor() const override { return static_cast<int>(mysql_get_socket(connection_)); }

  Status add(std::uint32_t slot, const Call& call) override {
    slot_ = slot;
    current_ = statements_[static_cast<std::size_t>(call.operation)];
    fill(call, values_);
    if (mysql_stmt_bind_param(current_, values_.binds()) != 0)
      return internal_error(mysql_stmt_error(current_));
    fetching_ = false;
    waits_for_ = mysql_stmt_execute_start(&failed_, current_);
    return Status();
  }
  Status flush() override { return Status(); }
  bool ready() const override { return waits_for_ == 0; }

  Status receive(Answered answered) override {
    if (waits_for_ != 0) {
      waits_for_ = fetching_ ? mysql_stmt_store_result_cont(&failed_, current_, MYSQL_WAIT_READ)
                             : mysql_stmt_execute_cont(&failed_, current_, MYSQL_WAIT_READ);
    }
    if (waits_for_ == 0 && !fetching_ && failed_ == 0 && mysql_stmt_field_count(current_) > 0) {
      fetching_ = true;
      waits_for_ = mysql_stmt_store_result_start(&failed_, current_);
    }
    if (waits_for_ != 0) return Status();
    Status status;
    if (failed_ != 0) status = internal_error(mysql_stmt_error(current_));
    if (fetching_) mysql_stmt_free_result(current_);
    answered(slot_, status);
    return Status();
  }

 private:
  MYSQL* const connection_;
  std::array<MYSQL_STMT*, kOperations> statements_{};
  Values values_;
  MYSQL_STMT* current_ = nullptr;
  std::uint32_t slot_ = 0;
  bool fetching_ = false;
  int failed_ = 0;
  int waits_for_ = 0;  // of the socket; 0: nothing
};

}  // namespace

Result<std::unique_ptr<Line>> open_mariadb_line(std::uint16_t port, const std::string& database) {
  auto line = std::make_unique<MariadbLine>();
  RETURN_IF_ERROR(line->begin(port, database));
  return std::unique_ptr<Line>(std::move(line));
}

}  // namespace clinicdb::bench
