// R4's Consent as a consent of ours, and back. Ours is a plain yes to a purpose; a Consent that
// says more (that denies, or permits only to some, for some data, or some deeds) is left to be kept
// as a clinical record, so that nobody reads a yes where there is none. Pure.
#pragma once

#include <optional>

#include "clinicdb/clinic/schema/consent.pb.h"
#include "fhir/fields.h"
#include "fhir/writer.h"

namespace clinicdb::clinic::fhir {

std::optional<Consent> read_consent(JsonValue resource, FieldReader& reader);
std::string write_consent(const Consent& consent, const ReferenceOf& reference_of);
/// active or inactive.
std::string_view consent_status_code(const Consent& consent);

}  // namespace clinicdb::clinic::fhir
