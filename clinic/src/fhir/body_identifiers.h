// The identifiers of a record that keeps none of its own: as its FHIR body has them.
#pragma once

#include <string_view>

#include "clinicdb/engine/table.h"

namespace clinicdb::clinic::fhir {

/// Adds identifier_key of each identifier that stands at the top of `body`, a resource's JSON, or
/// nothing; of many the first kListItemsMax, and none that is longer than a look-up may be. Of a
/// body without any, and of none, as those of what was entered here, this is a look for one word.
/// Pure.
void add_body_identifiers(std::string_view body, engine::IndexEntries& out);

}  // namespace clinicdb::clinic::fhir
