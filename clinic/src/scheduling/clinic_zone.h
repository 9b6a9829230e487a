// The zone in which a request's days and hours are meant.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "clinicdb/base/result.h"
#include "clinicdb/engine/result_cache.h"
#include "clinicdb/engine/transaction.h"
#include "core.h"

namespace clinicdb::clinic {

/// `asked`, else the clinic's (where an id is given), else the tenant's, else kDefaultZone. Appends
/// the tags of the records that this depends on. kNotFound, with field "id", for a clinic that is
/// none.
Result<std::string> zone_for(engine::Reader& reader, std::string_view asked,
                             std::string_view clinic_id, std::vector<engine::CacheTag>& tags);

/// The same, kept: zones are what a clinic has set up, and as good as never change.
Result<std::string> kept_zone_for(const Core& core, engine::Reader& reader, std::string_view asked,
                                  std::string_view clinic_id, std::vector<engine::CacheTag>& tags);

}  // namespace clinicdb::clinic
