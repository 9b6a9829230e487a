#include "scheduling/clinic_zone.h"

#include "clinicdb/clinic/tables.h"
#include "zones.h"

namespace clinicdb::clinic {

Result<std::string> zone_for(engine::Reader& reader, std::string_view asked,
                             std::string_view clinic_id, std::vector<engine::CacheTag>& tags) {
  if (!asked.empty()) return std::string(asked);
  if (!clinic_id.empty()) {
    ASSIGN_OR_RETURN(const std::optional<engine::Stored<ClinicSite>> clinic,
                     reader.get(clinics_table(), clinic_id));
    if (!clinic) return not_found("no such clinic").with_field("id");
    tags.push_back(engine::cache_tag_record(reader.tenant(), clinics_table().def().id, clinic_id));
    if (!clinic->record.zone().empty()) return clinic->record.zone();
  }
  ASSIGN_OR_RETURN(const std::optional<engine::Stored<TenantProfile>> profile,
                   reader.get(tenant_profiles_table(), kTenantProfileKey));
  tags.push_back(engine::cache_tag_record(reader.tenant(), tenant_profiles_table().def().id,
                                          kTenantProfileKey));
  if (profile && !profile->record.zone().empty()) return profile->record.zone();
  return std::string(kDefaultZone);
}

}  // namespace clinicdb::clinic
