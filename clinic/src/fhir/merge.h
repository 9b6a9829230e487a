// One truth per record: where a FHIR body is kept beside typed fields, the body is merged from the
// fields on write, so that what was edited is what is exported. Numbers keep their digits, members
// that have no field stay.
#pragma once

#include "clinicdb/base/status.h"
#include "clinicdb/clinic/schema/appointment.pb.h"
#include "clinicdb/clinic/schema/availability.pb.h"
#include "clinicdb/clinic/schema/billing.pb.h"
#include "clinicdb/clinic/schema/consent.pb.h"
#include "clinicdb/clinic/schema/patient.pb.h"
#include "clinicdb/clinic/schema/people.pb.h"
#include "clinicdb/clinic/schema/record.pb.h"

namespace clinicdb::clinic::fhir {

/// Brings the message's `fhir` body in line with its typed fields: what the body says otherwise is
/// edited in place, and not a byte more. Nothing to do where the body is empty. kDataLoss when the
/// body cannot be read; kInvalidArgument naming a field that a record born as FHIR cannot have
/// changed, such as whose it is.
Status merge(Patient& patient);
Status merge(Professional& professional);
Status merge(Organization& organization);
Status merge(Location& location);
Status merge(ClinicalRecord& record);
Status merge(Appointment& appointment);
Status merge(Hours& hours);
Status merge(AvailabilityException& exception);
Status merge(Invoice& invoice);
Status merge(Consent& consent);

}  // namespace clinicdb::clinic::fhir
