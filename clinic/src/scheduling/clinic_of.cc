#include "scheduling/clinic_of.h"

#include <optional>
#include <vector>

#include "clinicdb/base/function_ref.h"
#include "clinicdb/clinic/tables.h"

namespace clinicdb::clinic {

namespace {

/// Rooms are parts of wards, of floors, of buildings: never of this many. Places that are parts of
/// each other end here too.
constexpr int kPlacesMax = 8;

/// The only clinic in use that `accept` takes; empty for none, and for several. Clinics have no
/// index by organisation: a tenant has few.
Result<std::string> only_clinic(engine::Reader& reader,
                                FunctionRef<bool(const ClinicSite&)> accept) {
  std::string only;
  bool several = false;
  Status failure;
  RETURN_IF_ERROR(reader
                      .scan_records(clinics_table().def(), engine::KeyRange::all(), {},
                                    [&](std::string_view, engine::RawRecord&& raw) {
                                      const Result<ClinicSite> clinic =
                                          clinics_table().decode(raw.body);
                                      failure = clinic.status();
                                      if (!clinic) return false;
                                      if (clinic->inactive() || !accept(*clinic)) return true;
                                      several = !only.empty();
                                      only = clinic->id();
                                      return !several;
                                    })
                      .status());
  if (!failure.ok()) return failure;
  return several ? std::string() : only;
}

}  // namespace

Result<std::string> clinic_of_location(engine::Reader& reader, std::string_view location_id) {
  std::string at(location_id);
  std::vector<std::string> organizations;
  for (int i = 0; i < kPlacesMax && !at.empty(); ++i) {
    ASSIGN_OR_RETURN(const std::optional<engine::Stored<Location>> place,
                     reader.get(locations_table(), at));
    if (!place) break;
    if (!place->record.clinic_id().empty()) return place->record.clinic_id();
    if (!place->record.organization_id().empty())
      organizations.push_back(place->record.organization_id());
    at = place->record.part_of_id();
  }
  for (const std::string& id : organizations) {
    ASSIGN_OR_RETURN(std::string clinic, only_clinic(reader, [&](const ClinicSite& site) {
                       return site.organization_id() == id;
                     }));
    if (!clinic.empty()) return clinic;
  }
  return std::string();
}

Result<std::string> clinic_of(engine::Reader& reader, std::string_view location_id) {
  ASSIGN_OR_RETURN(std::string clinic, clinic_of_location(reader, location_id));
  if (!clinic.empty()) return clinic;
  return only_clinic(reader, [](const ClinicSite&) { return true; });
}

}  // namespace clinicdb::clinic
