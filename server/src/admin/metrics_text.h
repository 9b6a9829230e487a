// What /metrics says, in Prometheus' text format. Names begin with "clinicdb_"; docs/operations.md
// lists them. Pure.
#pragma once

#include <string>

#include "admin/observed.h"

namespace clinicdb::server {

std::string metrics_text(const Observed& observed);

}  // namespace clinicdb::server
