// Entries in a council's register, as people write them.
#pragma once

#include <string>
#include <string_view>

#include "clinicdb/base/result.h"
#include "clinicdb/clinic/schema/people.pb.h"

namespace clinicdb::server {

/// "CRM 12345/SP" or "CRM-SP 12345": type, number and state, told apart by what they are.
/// kInvalidArgument, field() `option`, for what is none.
Result<clinic::Council> parse_council(const std::string& text, std::string_view option);

/// "CRM 12345/SP"; "" for none.
std::string council_text(const clinic::Council& council);

}  // namespace clinicdb::server
