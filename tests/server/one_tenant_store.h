// The store that campaigns on a server's process begin with.
#pragma once

#include <string>

#include "clinicdb/base/result.h"

namespace clinicdb::server {

/// Makes a store with one tenant, "sorriso", and closes it.
Status make_one_tenant_store(const std::string& directory);

}  // namespace clinicdb::server
