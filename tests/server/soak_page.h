// What the operators' pages of a server on this machine say.
#pragma once

#include <cstdint>
#include <string>

#include "clinicdb/base/result.h"

namespace clinicdb::server {

/// The page's text; an error when it is not given.
Result<std::string> get_page(std::uint16_t admin_port, const std::string& path);

}  // namespace clinicdb::server
