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

Result<std::string> kept_zone_for(const Core& core, engine::Reader& reader, std::string_view asked,
                                  std::string_view clinic_id, std::vector<engine::CacheTag>& tags) {
  if (!asked.empty()) return zone_for(reader, asked, clinic_id, tags);
  struct Kept {
    std::string zone;
    std::vector<engine::CacheTag> tags;
  };
  ArgumentBytes arguments;
  arguments.raw("zone").raw(clinic_id);
  const engine::CacheKey key{reader.tenant(), METHOD_CALENDAR_LIST, 0, arguments.view()};
  ASSIGN_OR_RETURN(
      const std::shared_ptr<const void> found,
      core.store().cache().get(key, reader.lsn(), [&]() -> Result<engine::CacheFill> {
        auto kept = std::make_shared<Kept>();
        ASSIGN_OR_RETURN(kept->zone, zone_for(reader, {}, clinic_id, kept->tags));
        std::vector<engine::CacheTag> its_tags = kept->tags;
        const std::size_t bytes = sizeof(Kept) + its_tags.size() * sizeof(engine::CacheTag);
        return engine::CacheFill{std::move(kept), bytes, reader.lsn(), std::move(its_tags)};
      }));
  const auto& kept = *static_cast<const Kept*>(found.get());
  tags.insert(tags.end(), kept.tags.begin(), kept.tags.end());
  return kept.zone;
}

}  // namespace clinicdb::clinic
