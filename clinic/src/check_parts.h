// What the checks of records have in common. Pure.
#pragma once

#include <string_view>

#include "clinicdb/base/status.h"

namespace clinicdb::clinic {

/// kInvalidArgument "field: why", with the field.
Status refuse(std::string_view field, std::string_view why);
/// The same as kFailedPrecondition: well formed, but not as things stand.
Status refuse_state(std::string_view field, std::string_view why);
/// The 16 bytes of an id; none where it is not required.
Status check_id(std::string_view id, std::string_view field, bool required = false);
Status check_size(std::string_view text, std::size_t bytes_max, std::string_view field);

}  // namespace clinicdb::clinic
