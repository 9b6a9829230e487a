// The page of /: one document without anything from elsewhere, which asks /status each second.
#pragma once

#include <string_view>

namespace clinicdb::server {

/// HTML, for as long as the program runs.
std::string_view live_page();

}  // namespace clinicdb::server
