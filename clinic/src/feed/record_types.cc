#include "feed/record_types.h"

#include <algorithm>

#include "billing/tables.h"
#include "care/tables.h"
#include "clinicdb/clinic/tables.h"
#include "consent_table.h"

namespace clinicdb::clinic::feed {

namespace {

template <class R>
RecordType type(const engine::Table<R>& table) {
  return {&table.def(),
          []() -> std::unique_ptr<google::protobuf::Message> { return std::make_unique<R>(); }};
}

}  // namespace

const std::vector<RecordType>& record_types() {
  static const std::vector<RecordType> all{
      type(tenant_profiles_table()), type(clinics_table()),
      type(users_table()),           type(professionals_table()),
      type(organizations_table()),   type(locations_table()),
      type(services_table()),        type(equipment_table()),
      type(patients_table()),        type(patient_merges_table()),
      type(records_table()),         type(appointments_table()),
      type(series_table()),          type(waitlist_table()),
      type(hours_table()),           type(exceptions_table()),
      type(holidays_table()),        type(prices_table()),
      type(invoices_table()),        type(payments_table()),
      type(fiscal_series_table()),   type(packets_table()),
      type(packet_uses_table()),     type(lots_table()),
      type(treatment_plans_table()), type(treatment_sessions_table()),
      type(attachments_table()),     type(chunks_table()),
      type(consents_table()),
  };
  return all;
}

const RecordType* find_record_type(std::string_view table) {
  const auto& all = record_types();
  const auto found = std::find_if(
      all.begin(), all.end(), [&](const RecordType& type) { return type.table->name == table; });
  return found == all.end() ? nullptr : &*found;
}

std::string_view table_name(engine::TableId id) {
  const auto& all = record_types();
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const RecordType& type) { return type.table->id == id; });
  return found == all.end() ? std::string_view() : std::string_view(found->table->name);
}

}  // namespace clinicdb::clinic::feed
