// Working hours: what the hours, exceptions and holidays of a resource come to in instants. Reads
// four short index ranges, of which answers that are made of them depend on the tags.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "clinicdb/base/result.h"
#include "clinicdb/clinic/tables.h"
#include "clinicdb/engine/result_cache.h"
#include "clinicdb/engine/transaction.h"
#include "scheduling/time_spans.h"
#include "zones.h"

namespace clinicdb::clinic {

/// A resource, where: hours count that are of this clinic, or of any.
struct WorkPlace {
  ResourceKind kind = RESOURCE_KIND_PROFESSIONAL;
  std::string resource_id;
  std::string clinic_id;
};

struct WorkingHours {
  /// Whether any hours are kept for the resource, or time off in the range. A room without is
  /// always there.
  bool kept = false;
  /// The stretches that touch the range that was asked for, uncut, in order; of a room without
  /// hours, what is left of the range.
  TimeSpans stretches;
};

/// REQUIRES: from < to. `zone` is that of hours that have none.
Result<WorkingHours> working_hours(engine::Reader& reader, const WorkPlace& place, const Zone& zone,
                                   TimeSpan range);
/// What the answer depends on, beside the zone: appended.
void append_hours_tags(TenantId tenant, const WorkPlace& place,
                       std::vector<engine::CacheTag>& tags);

/// A stretch of hours is no longer than a day, and neither is time that is added.
constexpr std::int64_t kStretchUsMax = std::int64_t{24} * 60 * kMinuteUs;
/// Stretches of a week in one record of hours, and as many breaks.
constexpr int kWeeklyMax = 64;
/// Of an exception.
constexpr std::int64_t kExceptionUsMax = 400 * kStretchUsMax;

}  // namespace clinicdb::clinic
