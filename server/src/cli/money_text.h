// Amounts of money as people type and read them, in cents, exactly. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "clinicdb/base/result.h"

namespace clinicdb::server {

/// "150", "150.5", "150.50" or "150,50". kInvalidArgument, field() `option`, for anything else: no
/// sign, no separator of thousands, at most two decimals.
Result<std::int64_t> parse_cents(std::string_view text, std::string_view option);

/// "1,234.50"; "-0.01".
std::string format_cents(std::int64_t cents);

}  // namespace clinicdb::server
