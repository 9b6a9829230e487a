// Batch: records of one tenant on their way in, in commits of some hundred. Confined to one thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "clinicdb/base/result.h"
#include "clinicdb/clinic/load/bookings.h"
#include "clinicdb/clinic/schema/resource_type.pb.h"
#include "clinicdb/engine/store.h"

namespace clinicdb::clinic::load {

/// Both sources book in slots of this length.
constexpr int kSlotMinutes = 15;

/// The id under which a row's own id is kept. REQUIRES: `fhir_id` is one that FHIR allows.
std::string record_id(ResourceType type, const std::string& fhir_id);

class Batch {
 public:
  /// Both outlive it. Appointments that go in are counted in the report.
  Batch(engine::Store& store, BookingsReport& report) : store_(store), report_(report) {}

  /// Finds the tenant, or makes it, with the clinics' usual zone. Before all else.
  Status open(const std::string& slug);
  TenantId tenant() const { return tenant_; }

  Status add(Result<engine::PreparedRecord> record);
  Status commit();
  /// Counts the appointments of a clinic by month, from its own index, into the report.
  Status count_months(const std::string& slug, const std::string& clinic_id);

 private:
  engine::Store& store_;
  BookingsReport& report_;
  TenantId tenant_;
  std::vector<engine::PreparedRecord> pending_;
};

}  // namespace clinicdb::clinic::load
