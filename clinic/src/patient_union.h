// What becomes of two patients' fields when they are merged, and when that is undone. Pure.
#pragma once

#include "clinicdb/clinic/schema/patient.pb.h"

namespace clinicdb::clinic {

/// Gives `kept` what it lacks of `merged`, and leaves `merged` as one who was replaced: not active,
/// with the link. A CPF or CNS that both have, and differently, stays where it is, so that it is
/// still found. Names of `merged` are kept as former ones. FHIR bodies are not touched.
void unite(Patient& kept, Patient& merged);

/// `now`, less what a change from `before` to `after` had brought, and with what it had taken away.
/// What was changed otherwise since stays.
Patient without_change(const Patient& before, const Patient& after, const Patient& now);

}  // namespace clinicdb::clinic
