// The rules that a record must keep, whoever brings it: each check normalises what it can in place
// and refuses the rest with kInvalidArgument, the message and field() naming the field
// ("patient.cpf").
//
// `Strictness` says what a record born as FHIR is let off: it may lack a name, or carry a phone
// number that nobody can dial, for what comes in must go out again. Identifiers that have check
// digits are never let off. Pure.
#pragma once

#include "clinicdb/base/status.h"
#include "clinicdb/clinic/schema/appointment.pb.h"
#include "clinicdb/clinic/schema/catalogue.pb.h"
#include "clinicdb/clinic/schema/patient.pb.h"
#include "clinicdb/clinic/schema/people.pb.h"
#include "clinicdb/clinic/schema/record.pb.h"
#include "clinicdb/clinic/schema/tenant.pb.h"

namespace clinicdb::clinic {

enum class Strictness : std::uint8_t { kEntered, kImported };

Status check(TenantProfile& profile);
Status check(ClinicSite& clinic);
Status check(User& user);
Status check(Professional& professional, Strictness strictness);
Status check(Organization& organization, Strictness strictness);
Status check(Location& location, Strictness strictness);
Status check(Service& service);
Status check(Equipment& equipment);
Status check(Patient& patient, Strictness strictness);
Status check(ClinicalRecord& record);
Status check(Appointment& appointment);

/// Whether `zone` is a name of the IANA database that this machine knows.
bool is_zone(std::string_view zone);

}  // namespace clinicdb::clinic
