// A day's list, read from one index range alone. Pure but for the reader.
#pragma once

#include "clinicdb/clinic/schema/appointment.pb.h"
#include "core.h"

namespace clinicdb::clinic {

Result<Filled<ListDayResponse>> read_day(engine::Reader& reader, const ListDayRequest& request);

}  // namespace clinicdb::clinic
