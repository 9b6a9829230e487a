#include "scheduling/clinic_of.h"

#include <utility>

#include "clinicdb/clinic/tables.h"

namespace clinicdb::clinic {

namespace {

/// Rooms are parts of wards, of floors, of buildings: never of this many. Places that are parts of
/// each other end here too.
constexpr int kPlacesMax = 8;

}  // namespace

Result<std::string> ClinicFinder::only(FunctionRef<bool(const Site&)> accept) {
  if (!sites_) {
    // Clinics have no index by organisation: a tenant has few.
    std::vector<Site> sites;
    Status failure;
    RETURN_IF_ERROR(
        reader_
            .scan_records(clinics_table().def(), engine::KeyRange::all(), {},
                          [&](std::string_view, engine::RawRecord&& raw) {
                            Result<ClinicSite> clinic = clinics_table().decode(raw.body);
                            failure = clinic.status();
                            if (clinic && !clinic->inactive())
                              sites.push_back({clinic->id(), clinic->organization_id()});
                            return failure.ok();
                          })
            .status());
    RETURN_IF_ERROR(std::move(failure));
    sites_ = std::move(sites);
  }
  const Site* found = nullptr;
  for (const Site& site : *sites_) {
    if (!accept(site)) continue;
    if (found != nullptr) return std::string();
    found = &site;
  }
  return found == nullptr ? std::string() : found->id;
}

Result<std::string> ClinicFinder::only_of_organization(std::string_view id) {
  return only([&](const Site& site) { return site.organization_id == id; });
}

Result<std::string> ClinicFinder::of_location(std::string_view location_id) {
  std::string at(location_id);
  std::vector<std::string> organizations;
  for (int i = 0; i < kPlacesMax && !at.empty(); ++i) {
    ASSIGN_OR_RETURN(const std::optional<engine::Stored<Location>> place,
                     reader_.get(locations_table(), at));
    if (!place) break;
    if (!place->record.clinic_id().empty()) return place->record.clinic_id();
    if (!place->record.organization_id().empty())
      organizations.push_back(place->record.organization_id());
    at = place->record.part_of_id();
  }
  for (const std::string& id : organizations) {
    ASSIGN_OR_RETURN(std::string clinic, only_of_organization(id));
    if (!clinic.empty()) return clinic;
  }
  return std::string();
}

Result<std::string> ClinicFinder::of(std::string_view location_id,
                                     std::string_view organization_id) {
  ASSIGN_OR_RETURN(std::string clinic, of_location(location_id));
  if (clinic.empty() && !organization_id.empty()) {
    ASSIGN_OR_RETURN(clinic, only_of_organization(organization_id));
  }
  if (!clinic.empty()) return clinic;
  bool elsewhere = false;
  ASSIGN_OR_RETURN(clinic, only([&](const Site& site) {
                     elsewhere = !organization_id.empty() && !site.organization_id.empty() &&
                                 site.organization_id != organization_id;
                     return true;
                   }));
  return elsewhere ? std::string() : clinic;
}

}  // namespace clinicdb::clinic
