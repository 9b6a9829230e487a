// R4's Schedule and Slot as hours and exceptions of ours, and back. A Schedule says who is meant;
// its Slots open and close their time. What R4 has no element for, weekly hours, goes out in
// extensions of ours and is read from them. Pure.
#pragma once

#include <optional>
#include <string>

#include "clinicdb/clinic/schema/availability.pb.h"
#include "fhir/fields.h"
#include "fhir/writer.h"

namespace clinicdb::clinic::fhir {

/// Hours of one professional, or of one place. Nothing for a Schedule that is not in use, or of
/// several, or of anybody or anything else: it is kept as a clinical record.
std::optional<Hours> read_schedule(JsonValue resource, FieldReader& reader);
/// Time that is opened (free) or closed (busy, of any kind). It names its Schedule, whose hours say
/// the rest; where that is contained in the Slot, who is meant stands in it already. Nothing for a
/// Slot that was entered in error, has no Schedule, or is longer than an exception may be.
std::optional<AvailabilityException> read_slot(JsonValue resource, FieldReader& reader);

std::string write_schedule(const Hours& hours, const ReferenceOf& reference_of);
/// Of an exception that belongs to no Schedule, the Slot contains one.
std::string write_slot(const AvailabilityException& exception, const ReferenceOf& reference_of);

/// "free" or "busy-unavailable".
std::string_view slot_status_code(const AvailabilityException& exception);
/// Our extensions: the weekly hours, the breaks and the zone; as items of an array.
std::string hours_extensions(const Hours& hours);
/// Whether the extension is one of these.
bool is_hours_extension(JsonValue extension);
/// {"start":"2026-01-01","end":"2026-12-31"}; empty without either.
std::string write_horizon(const Hours& hours);

}  // namespace clinicdb::clinic::fhir
