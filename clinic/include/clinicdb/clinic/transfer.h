// Transfer: all that a tenant has, in and out, as FHIR R4. See clinic.h for what holds for all
// services; methods are those of TransferService in clinic/schema/transfer.proto. Thread-safe.
#pragma once

#include "clinicdb/base/result.h"
#include "clinicdb/clinic/context.h"
#include "clinicdb/clinic/fhir/exporter.h"
#include "clinicdb/clinic/fhir/importer.h"

namespace clinicdb::clinic {

class Core;

class Transfer {
 public:
  explicit Transfer(const Core& core) : core_(core) {}

  /// See fhir/importer.h. Written on behalf of the context's user.
  Result<fhir::ImportReport> import_fhir(const CallContext& context, fhir::ImportSource& source,
                                         fhir::ImportOptions options) const;
  /// See fhir/exporter.h.
  Result<fhir::ExportReport> export_fhir(const CallContext& context, fhir::ExportSink& sink,
                                         const fhir::ExportOptions& options) const;

 private:
  const Core& core_;
};

}  // namespace clinicdb::clinic
