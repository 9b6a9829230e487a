// How patients are searched and a timeline is read, over one reader. Pure but for the reader.
#pragma once

#include "clinicdb/clinic/schema/patient.pb.h"
#include "core.h"

namespace clinicdb::clinic {

/// Drives by the narrowest index that the request names: an exact identifier, the phone, a full
/// birth date, the longest word, or a partial birth date; what else is asked is checked on what the
/// entries carry.
Result<Filled<SearchPatientsResponse>> search_patients(engine::Reader& reader,
                                                       const SearchPatientsRequest& request,
                                                       bool kept);

Result<Filled<PatientTimelineResponse>> read_timeline(engine::Reader& reader,
                                                      const PatientTimelineRequest& request,
                                                      bool kept);

}  // namespace clinicdb::clinic
