// A tenant's records as FHIR R4: NDJSON, one file a resource type, or bundles that any FHIR server
// takes.
//
//   Result<ExportReport> report = export_fhir(clinic->store(), tenant, "out/", {});
//   // out/Patient.ndjson, out/Observation.ndjson, ...
//
// Everything is of one moment: what commits meanwhile is not in it. What came in as FHIR goes out
// as it came, byte for byte but for white space and mapped ids and references, with edits merged
// in; what was entered through the services is written from its fields. Deleted records and earlier
// versions are left out.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "clinicdb/base/ids.h"
#include "clinicdb/base/result.h"
#include "clinicdb/clinic/fhir/export_sink.h"
#include "clinicdb/engine/store.h"

namespace clinicdb::clinic::fhir {

enum class ExportFormat : std::uint8_t {
  kNdjson,  ///< Type.ndjson
  kBundle,  ///< bundle-000001.json and so on: batches of PUT, so that ids are kept wherever they
            ///< are loaded
};

struct ExportOptions {
  ExportFormat format = ExportFormat::kNdjson;
  /// Pack each file; its name then ends in .gz. Of an export into a folder.
  bool gzip = false;
  /// Resources in a bundle. REQUIRES: at least 1.
  std::uint64_t bundle_resources = 1000;
  /// Set to true to stop: no file is left half there, and the export returns kCancelled. Not owned;
  /// may be nullptr.
  const std::atomic<bool>* stop = nullptr;
  /// Called on the calling thread now and then with the resources written. May be empty.
  std::function<void(std::uint64_t resources)> on_progress;
};

struct ExportReport {
  std::uint64_t files = 0;
  std::uint64_t resources = 0;
  std::uint64_t bytes = 0;  ///< of JSON, before packing
  double seconds = 0;
  std::map<std::string, std::uint64_t> by_type;
};

/// Writes into `directory`, which is made if it is not there. Each file appears under its name only
/// when it is whole and on disk; one of that name is replaced. After an error no file is half
/// there.
Result<ExportReport> export_fhir(engine::Store& store, TenantId tenant,
                                 const std::string& directory, const ExportOptions& options);
/// The same into a sink, which decides itself about packing.
Result<ExportReport> export_fhir(engine::Store& store, TenantId tenant, ExportSink& sink,
                                 const ExportOptions& options);

}  // namespace clinicdb::clinic::fhir
