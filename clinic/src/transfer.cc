#include "clinicdb/clinic/transfer.h"

#include "core.h"

namespace clinicdb::clinic {

Result<fhir::ImportReport> Transfer::import_fhir(const CallContext& context,
                                                 fhir::ImportSource& source,
                                                 fhir::ImportOptions options) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_TRANSFER_IMPORT, context));
  options.user = context.user;
  return fhir::import_fhir(core_.store(), context.tenant, source, options);
}

Result<fhir::ExportReport> Transfer::export_fhir(const CallContext& context, fhir::ExportSink& sink,
                                                 const fhir::ExportOptions& options) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_TRANSFER_EXPORT, context));
  return fhir::export_fhir(core_.store(), context.tenant, sink, options);
}

}  // namespace clinicdb::clinic
