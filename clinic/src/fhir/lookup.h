// Finding records by identifier, as conditional references, updates and creations ask for it.
#pragma once

#include <string>
#include <vector>

#include "clinicdb/base/result.h"
#include "clinicdb/engine/transaction.h"
#include "fhir/reference.h"

namespace clinicdb::clinic::fhir {

/// The logical ids of up to `limit` records that have the identifier. With a system this is one
/// index range; without one ("identifier=value") all identifiers of the type's table are looked
/// through.
Result<std::vector<std::string>> find_by_identifier(engine::Reader& reader,
                                                    const ConditionalReference& what,
                                                    std::size_t limit);

}  // namespace clinicdb::clinic::fhir
