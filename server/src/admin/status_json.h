// What /status says: one JSON object. Pure.
#pragma once

#include <string>

#include "admin/observed.h"

namespace clinicdb::server {

std::string status_json(const Observed& observed);

}  // namespace clinicdb::server
