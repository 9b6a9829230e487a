// Which clinic something is at that came without saying so, as all that comes as FHIR does. The
// rule is in docs/scheduling.md.
#pragma once

#include <string>
#include <string_view>

#include "clinicdb/base/result.h"
#include "clinicdb/engine/transaction.h"

namespace clinicdb::clinic {

/// The clinic that the location belongs to: its own, or that of the nearest place it is part of,
/// or the only one of the organisation that manages one of these. Empty where none of them says,
/// and for no location.
Result<std::string> clinic_of_location(engine::Reader& reader, std::string_view location_id);
/// The same; where the location does not say, the tenant's only clinic that is open.
Result<std::string> clinic_of(engine::Reader& reader, std::string_view location_id);

}  // namespace clinicdb::clinic
