// Counts of a clinic's appointments, added up from kept parts. See Calendar::count.
#pragma once

#include <string>

#include "clinicdb/clinic/context.h"
#include "clinicdb/clinic/schema/calendar.pb.h"
#include "clinicdb/clinic/tables.h"
#include "clinicdb/engine/transaction.h"
#include "core.h"

namespace clinicdb::clinic {

/// Of what starts within `span`. `zone` decides on which weekday that is.
Result<std::shared_ptr<const CountAppointmentsResponse>> count_appointments(
    const Core& core, const CallContext& context, engine::Reader& reader,
    const std::string& clinic_id, const std::string& zone, TimeSpan span);

}  // namespace clinicdb::clinic
