// ExportSink: where an export's files go: into a folder, or to the other end of a connection.
//
//   Result<std::unique_ptr<ExportSink>> folder = open_export_folder("out/", false);
//   Result<ExportReport> report = export_fhir(clinic->store(), tenant, **folder, options);
//
// Confined to one thread at a time.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "clinicdb/base/result.h"

namespace clinicdb::clinic::fhir {

class ExportSink {
 public:
  virtual ~ExportSink() = default;

  /// Begins a file: "Patient.ndjson". Files are numbered from 0; several may be open.
  virtual Result<std::size_t> open(const std::string& name) = 0;
  /// REQUIRES: open and not finished.
  virtual Status append(std::size_t file, std::string_view bytes) = 0;
  /// The file is whole. One that never gets here is not to be seen.
  virtual Status finish(std::size_t file) = 0;
  /// All files are whole.
  virtual Status close() = 0;
};

/// Files in `folder`, which is made if it is not there. Each appears under its name only when it is
/// whole and on disk; one of that name is replaced. `gzip`: each is packed, and its name then ends
/// in .gz.
Result<std::unique_ptr<ExportSink>> open_export_folder(const std::string& folder, bool gzip);

}  // namespace clinicdb::clinic::fhir
