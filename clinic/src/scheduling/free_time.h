// Free time: working hours less claims, of one resource over one stretch of time, kept in the
// result cache by resource and span (kTagSpanUs) so that a search over months and many
// professionals reads again only what a booking has changed since.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "clinicdb/base/result.h"
#include "clinicdb/clinic/context.h"
#include "clinicdb/clinic/tables.h"
#include "clinicdb/engine/transaction.h"
#include "core.h"
#include "scheduling/time_spans.h"
#include "scheduling/working_hours.h"
#include "zones.h"

namespace clinicdb::clinic {

struct FreeSpan {
  std::int64_t start_us = 0;
  std::int64_t end_us = 0;
  std::int64_t origin_us = 0;  ///< where the stretch of hours begins that this is of
};
using FreeSpans = std::vector<FreeSpan>;

/// The time that appointments claim of a resource (resource_key or unit_key), that touches `range`.
Result<TimeSpans> claimed_time(engine::Reader& reader, std::string_view resource, TimeSpan range);

/// What ranges of claims an answer depends on: appended.
void append_claim_tags(TenantId tenant, std::string_view resource, TimeSpan range,
                       std::vector<engine::CacheTag>& tags);

/// Asks for free and for taken time at one clinic, in one view. Confined to one call.
class FreeTime {
 public:
  FreeTime(const Core& core, const CallContext& context, engine::Reader& reader,
           std::string clinic_id, const Zone& zone, std::string zone_name)
      : core_(core),
        context_(context),
        reader_(reader),
        clinic_id_(std::move(clinic_id)),
        zone_(zone),
        zone_name_(std::move(zone_name)) {}

  /// The free time of a professional in which something may begin within `range`; it is shown to as
  /// far as a day and the longest buffers behind that. Kept answers are of whole spans, so `range`
  /// is widened to them where the cache is used.
  Result<std::shared_ptr<const FreeSpans>> of_professional(const std::string& id, TimeSpan range);
  /// Whether a room (by its hours, if it has any, and its claims) is free.
  Result<bool> is_room_free(const std::string& id, TimeSpan span);
  /// Whether nothing claims the resource: a patient, or a unit of equipment.
  Result<bool> is_unclaimed(const std::string& resource, TimeSpan span);

 private:
  enum class What : char { kFree = 'F', kTaken = 'T', kClaimed = 'C', kHours = 'H' };

  /// `place` is nullptr for what has no hours.
  template <class Answer, class Compute>
  Result<std::shared_ptr<const Answer>> kept(What what, const std::string& key,
                                             const WorkPlace* place, std::int64_t span,
                                             Compute compute);
  /// The hours that touch the range, and as far around it as anything here reaches. They are what a
  /// clinic has set up and change seldom, so they are kept whatever the context says of answers.
  Result<std::shared_ptr<const WorkingHours>> hours_of(const WorkPlace& place, TimeSpan range);
  Result<FreeSpans> compute_free(const WorkPlace& place, TimeSpan range);
  Result<TimeSpans> compute_taken(const WorkPlace& place, TimeSpan range);
  Result<bool> is_clear_of(What what, const std::string& key, const WorkPlace* place,
                           TimeSpan span);

  const Core& core_;
  const CallContext& context_;
  engine::Reader& reader_;
  std::string clinic_id_;
  const Zone& zone_;
  std::string zone_name_;
};

/// The number of the kept span that an instant is in.
constexpr std::int64_t span_number(std::int64_t us) { return us >> 40; }
static_assert(kTagSpanUs == std::int64_t{1} << 40);

}  // namespace clinicdb::clinic
