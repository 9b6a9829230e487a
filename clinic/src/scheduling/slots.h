// Slots: the search for free starts. See FindSlotsRequest in clinic/schema/availability.proto.
#pragma once

#include "clinicdb/clinic/context.h"
#include "clinicdb/clinic/schema/availability.pb.h"
#include "clinicdb/engine/transaction.h"
#include "core.h"

namespace clinicdb::clinic {

/// The answer with what it depends on; too many tags where many are asked for, so that it is not
/// kept as a whole: what it is made of is. REQUIRES: ids were checked.
Result<Filled<FindSlotsResponse>> search_slots(const Core& core, const CallContext& context,
                                               engine::Reader& reader,
                                               const FindSlotsRequest& request);

}  // namespace clinicdb::clinic
