#include "fhir/merge.h"

namespace clinicdb::clinic::fhir {

namespace {

template <class R>
Status merge_record(const R& record) {
  if (record.fhir().empty()) return {};
  return unimplemented("records that were born as FHIR cannot be edited yet");
}

}  // namespace

Status merge(Patient& patient) { return merge_record(patient); }
Status merge(Professional& professional) { return merge_record(professional); }
Status merge(Organization& organization) { return merge_record(organization); }
Status merge(Location& location) { return merge_record(location); }
Status merge(ClinicalRecord& record) { return merge_record(record); }

}  // namespace clinicdb::clinic::fhir
