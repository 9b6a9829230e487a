// PostgreSQL through libpq, one connection: a call at a time, or several in libpq's pipeline mode,
// with one Sync behind reads that are sent together, as pgbench's \startpipeline has it.
#include <postgresql/libpq-fe.h>

#include <array>
#include <deque>

#include "bench/peers/line.h"

namespace clinicdb::bench {

namespace {

/// By operation. The first parameter is the tenant.
constexpr std::array<const char*, kOperations> kStatements{
    "SELECT id, name, birth_date, cpf, phone, email, street, version, updated_at FROM patients"
    " WHERE tenant_id = $1::int AND id = $2::bigint",
    "SELECT id, name, birth_date, cpf, phone, email, street, version, updated_at FROM patients"
    " WHERE tenant_id = $1::int AND cpf = $2::text",
    "SELECT id, name, phone FROM patients WHERE tenant_id = $1::int"
    " AND name_key >= $2::text AND name_key < $3::text ORDER BY name_key LIMIT 20",
    "SELECT id, patient_id, starts_at, ends_at, status FROM appointments WHERE tenant_id = $1::int"
    " AND professional = $2::smallint AND starts_at >= $3::timestamptz"
    " AND starts_at < $3::timestamptz + interval '1 day' ORDER BY starts_at",
    "SELECT $3::timestamptz + quarter * interval '15 minutes' FROM generate_series(48, 87) quarter"
    " EXCEPT SELECT starts_at FROM appointments WHERE tenant_id = $1::int"
    " AND professional = $2::smallint AND status <> 2 AND starts_at >= $3::timestamptz"
    " AND starts_at < $3::timestamptz + interval '1 day' ORDER BY 1",
    "UPDATE patients SET phone = $3::text, street = $4::text, version = version + 1,"
    " updated_at = now() WHERE tenant_id = $1::int AND id = $2::bigint",
    "INSERT INTO appointments (tenant_id, patient_id, professional, starts_at, ends_at)"
    " VALUES ($1::int, $2::bigint, $3::smallint, $4::timestamptz, $5::timestamptz) RETURNING id"};
constexpr std::array<int, kOperations> kParameters{2, 2, 3, 3, 3, 4, 5};
constexpr const char* kSeeTenant = "SELECT set_config('app.tenant', $1::text, true)";

std::string name_of(Operation operation) {
  return "s" + std::to_string(static_cast<int>(operation));
}

struct Parameters {
  std::array<std::string, 5> texts;
  std::array<const char*, 5> pointers{};
};

void fill(const Call& call, Parameters& parameters) {
  auto& texts = parameters.texts;
  texts[0] = std::to_string(call.tenant);
  switch (call.operation) {
    case Operation::kGet:
      texts[1] = std::to_string(call.patient);
      break;
    case Operation::kCpf:
      texts[1] = cpf_of(call.tenant, call.patient);
      break;
    case Operation::kSearch:
      texts[1] = name_probe(call.number, call.patient);
      texts[2] = texts[1];
      ++texts[2].back();
      break;
    case Operation::kDay:
    case Operation::kSlots:
      texts[1] = std::to_string(call.professional);
      texts[2] = sql_time(call.day_us);
      break;
    case Operation::kUpdate:
      texts[1] = std::to_string(call.patient);
      texts[2] = changed_phone(call.number);
      texts[3] = changed_street(call.number);
      break;
    case Operation::kBook:
      texts[1] = std::to_string(call.place.patient);
      texts[2] = std::to_string(call.place.professional);
      texts[3] = sql_time(call.place.start_us);
      texts[4] = sql_time(call.place.start_us + kQuarterUs);
      break;
  }
  for (std::size_t i = 0; i < texts.size(); ++i) parameters.pointers[i] = texts[i].c_str();
}

class PostgresLine final : public Line {
 public:
  PostgresLine(PGconn* connection, PostgresMode mode, int depth)
      : connection_(connection), mode_(mode), pipelined_(depth > 1 || mode == PostgresMode::kRls) {}
  ~PostgresLine() override { PQfinish(connection_); }
  PostgresLine(const PostgresLine&) = delete;
  PostgresLine& operator=(const PostgresLine&) = delete;

  Status begin() {
    if (PQstatus(connection_) != CONNECTION_OK) return error("cannot connect");
    if (mode_ != PostgresMode::kUnprepared) {
      for (std::size_t i = 0; i < kOperations; ++i)
        RETURN_IF_ERROR(prepare(name_of(static_cast<Operation>(i)), kStatements[i]));
      RETURN_IF_ERROR(prepare("see", kSeeTenant));
    }
    if (pipelined_ && PQenterPipelineMode(connection_) == 0) return error("no pipeline");
    return Status();
  }

  int descriptor() const override { return PQsocket(connection_); }

  Status add(std::uint32_t slot, const Call& call) override {
    fill(call, parameters_);
    const auto operation = static_cast<std::size_t>(call.operation);
    const char* const* values = parameters_.pointers.data();
    if (mode_ == PostgresMode::kRls) {
      // Both are one transaction, for there is one Sync behind them.
      if (PQsendQueryPrepared(connection_, "see", 1, values, nullptr, nullptr, 0) == 0)
        return error("send");
      expected_.push_back(kPart);
    }
    const int sent =
        mode_ == PostgresMode::kUnprepared
            ? PQsendQueryParams(connection_, kStatements[operation], kParameters[operation],
                                nullptr, values, nullptr, nullptr, 0)
            : PQsendQueryPrepared(connection_, kNames[operation].c_str(), kParameters[operation],
                                  values, nullptr, nullptr, 0);
    if (sent == 0) return error("send");
    expected_.push_back(static_cast<std::int64_t>(slot));
    synced_ = false;
    // A change is a transaction of its own: several in one would wait for each other's rows.
    const bool changes = call.operation == Operation::kUpdate || call.operation == Operation::kBook;
    return pipelined_ && changes ? sync() : Status();
  }

  Status flush() override {
    if (pipelined_ && !synced_) RETURN_IF_ERROR(sync());
    return PQflush(connection_) < 0 ? error("flush") : Status();
  }

  Status receive(Answered answered) override {
    if (PQconsumeInput(connection_) == 0) return error("receive");
    while (!expected_.empty() && PQisBusy(connection_) == 0) {
      PGresult* result = PQgetResult(connection_);
      if (result == nullptr) continue;  // between the results of two statements
      const ExecStatusType status = PQresultStatus(result);
      const bool fine =
          status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_PIPELINE_SYNC;
      if (!fine && failed_.ok()) failed_ = internal_error(PQresultErrorMessage(result));
      PQclear(result);
      const std::int64_t what = expected_.front();
      expected_.pop_front();
      if (what == kPart) continue;
      if (what == kSync) {
        if (done_ != kNone) tell(answered, static_cast<std::uint32_t>(done_));
        continue;
      }
      if (mode_ == PostgresMode::kRls) {
        done_ = what;  // once the Sync says that it is committed
      } else if (pipelined_) {
        tell(answered, static_cast<std::uint32_t>(what));
      } else {
        // The end of the only statement.
        while ((result = PQgetResult(connection_)) != nullptr) PQclear(result);
        tell(answered, static_cast<std::uint32_t>(what));
        break;
      }
    }
    return Status();
  }

 private:
  static constexpr std::int64_t kPart = -1;  // a result that ends no call
  static constexpr std::int64_t kSync = -2;
  static constexpr std::int64_t kNone = -3;
  static inline const std::array<std::string, kOperations> kNames = [] {
    std::array<std::string, kOperations> names;
    for (std::size_t i = 0; i < kOperations; ++i) names[i] = name_of(static_cast<Operation>(i));
    return names;
  }();

  Status sync() {
    if (PQpipelineSync(connection_) == 0) return error("sync");
    expected_.push_back(kSync);
    synced_ = true;
    return Status();
  }
  void tell(Answered answered, std::uint32_t slot) {
    done_ = kNone;
    const Status status = std::exchange(failed_, Status());
    answered(slot, status);
  }
  Status error(const std::string& what) const {
    return unavailable("PostgreSQL, " + what + ": " + PQerrorMessage(connection_));
  }
  Status prepare(const std::string& name, const char* text) {
    PGresult* result = PQprepare(connection_, name.c_str(), text, 0, nullptr);
    const bool fine = PQresultStatus(result) == PGRES_COMMAND_OK;
    PQclear(result);
    return fine ? Status() : error("prepare");
  }

  PGconn* const connection_;
  const PostgresMode mode_;
  const bool pipelined_;
  Parameters parameters_;
  std::deque<std::int64_t> expected_;  // the results to come: a slot, or one of the above
  std::int64_t done_ = kNone;
  bool synced_ = true;
  Status failed_;
};

}  // namespace

Result<std::unique_ptr<Line>> open_postgres_line(const std::string& conninfo, PostgresMode mode,
                                                 int depth) {
  auto line = std::make_unique<PostgresLine>(PQconnectdb(conninfo.c_str()), mode, depth);
  RETURN_IF_ERROR(line->begin());
  return std::unique_ptr<Line>(std::move(line));
}

}  // namespace clinicdb::bench
