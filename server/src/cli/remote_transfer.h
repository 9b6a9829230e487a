// Import and export over a connection: the files are here, the store is there. What is said, and
// what is left behind, is as with a store at hand (clinic/fhir/importer.h, exporter.h).
#pragma once

#include <string>
#include <vector>

#include "clinicdb/base/result.h"
#include "clinicdb/client/client.h"
#include "clinicdb/clinic/fhir/exporter.h"
#include "clinicdb/clinic/fhir/importer.h"

namespace clinicdb::server {

/// For the client's tenant. When the connection is lost, whole bundles stay imported; importing the
/// same again changes nothing of them.
Result<clinic::fhir::ImportReport> import_over(client::Client& client,
                                               const std::vector<std::string>& paths,
                                               const clinic::fhir::ImportOptions& options);

Result<clinic::fhir::ExportReport> export_over(client::Client& client, const std::string& directory,
                                               const clinic::fhir::ExportOptions& options);

}  // namespace clinicdb::server
