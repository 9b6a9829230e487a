#include "bench/workload.h"

namespace clinicdb::bench {

WorkloadCall next_call(Random& random, std::size_t tenants) {
  std::uint64_t percent = random.below(100);
  Operation operation = kShares.back().operation;
  for (const OperationShare& share : kShares) {
    if (percent < share.percent) {
      operation = share.operation;
      break;
    }
    percent -= share.percent;
  }
  return {operation, static_cast<std::size_t>(random.below(tenants)), random.next(), random.next()};
}

DayChoice choose_day(const WorkloadTenant& tenant, const WorkloadCall& call, std::size_t days) {
  const Practice& practice = tenant.practice;
  const std::int64_t start =
      kFirstUs - 8 * 60 * kMinuteUs + static_cast<std::int64_t>(call.b % days) * kDayUs;
  const std::size_t which = (call.a >> 8) % practice.professionals.size();
  switch (call.a % 3) {
    case 0:
      return {clinic::RESOURCE_KIND_CLINIC, practice.site, start};
    case 1:
      return {clinic::RESOURCE_KIND_PROFESSIONAL, practice.professionals[which], start};
    default:
      return {clinic::RESOURCE_KIND_ROOM, practice.rooms[which], start};
  }
}

clinic::ClinicalRecord make_record(const WorkloadTenant& tenant, const WorkloadCall& call,
                                   std::int64_t time_us) {
  clinic::ClinicalRecord record;
  const bool billing = call.operation == Operation::kBilling;
  record.set_type(billing ? clinic::RESOURCE_TYPE_INVOICE : clinic::RESOURCE_TYPE_OBSERVATION);
  record.set_patient_id(tenant.patients[call.a % tenant.patients.size()].id());
  record.set_time_us(time_us);
  record.mutable_code()->set_system("http://loinc.org");
  record.mutable_code()->set_code(billing ? "fatura" : "8480-6");
  record.set_status(billing ? "issued" : "final");
  record.set_title(billing ? "Fatura" : "Pressão arterial");
  record.set_text("120 por 80, em repouso, braço esquerdo");
  return record;
}

}  // namespace clinicdb::bench
