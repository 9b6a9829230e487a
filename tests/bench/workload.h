// The mix of what clinics do all day, as a list of operations that any contestant can do.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bench/calendar_population.h"
#include "clinicdb/base/random.h"
#include "clinicdb/base/status.h"
#include "clinicdb/clinic/schema/appointment.pb.h"
#include "clinicdb/clinic/schema/patient.pb.h"
#include "clinicdb/clinic/schema/record.pb.h"

namespace clinicdb::bench {

enum class Operation : std::size_t {
  kGet,
  kDay,
  kSearch,
  kSlots,
  kTimeline,
  kStatus,
  kRecord,
  kBook,
  kBilling,
  kScan,
};
constexpr std::size_t kOperations = 10;

struct OperationShare {
  Operation operation;
  std::string_view name;
  std::uint32_t percent;
};
/// As measured of clinics, and given to the project.
constexpr std::array<OperationShare, kOperations> kShares = {{
    {Operation::kGet, "get by id", 30},
    {Operation::kDay, "a day's calendar", 20},
    {Operation::kSearch, "patient search", 10},
    {Operation::kSlots, "available slots", 8},
    {Operation::kTimeline, "patient timeline", 8},
    {Operation::kStatus, "appointment status", 8},
    {Operation::kRecord, "clinical write", 5},
    {Operation::kBook, "booking", 4},
    {Operation::kBilling, "billing write", 3},
    {Operation::kScan, "due-scan, counts", 4},
}};

/// A tenant of the workload, with what its operations choose from.
struct WorkloadTenant {
  Practice practice;
  std::vector<clinic::Patient> patients;
  std::vector<clinic::Appointment> appointments;
};

/// One operation, decided on by chance alone: the same seed gives the same list to everybody.
struct WorkloadCall {
  Operation operation;
  std::size_t tenant;
  std::uint64_t a;
  std::uint64_t b;
};
WorkloadCall next_call(Random& random, std::size_t tenants);

/// The kind and number of the day that a call is about, of `days` days.
struct DayChoice {
  clinic::ResourceKind kind;
  const std::string& id;
  std::int64_t start_us;
};
DayChoice choose_day(const WorkloadTenant& tenant, const WorkloadCall& call, std::size_t days);
/// An observation, or an invoice as a record, of the patient that the call is about.
clinic::ClinicalRecord make_record(const WorkloadTenant& tenant, const WorkloadCall& call,
                                   std::int64_t time_us);

/// Does calls. Thread-safe, or one for each thread.
class Contestant {
 public:
  virtual ~Contestant() = default;
  /// OK too where the call was refused for a conflict, as happens all day.
  virtual Status run(const WorkloadCall& call) = 0;
};

}  // namespace clinicdb::bench
