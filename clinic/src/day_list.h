// Days read from indexes alone: of a clinic by start, of others from their claims.
#pragma once

#include <string>
#include <vector>

#include "clinicdb/clinic/schema/appointment.pb.h"
#include "clinicdb/clinic/tables.h"
#include "core.h"

namespace clinicdb::clinic {

/// What it depends on is told where the context uses the cache.
Result<Filled<ListDayResponse>> read_day(const Core& core, const CallContext& context,
                                         engine::Reader& reader, const ListDayRequest& request);

/// Whose calendar it can be: kInvalidArgument, field "kind", for others.
Status check_calendar_kind(ResourceKind kind);
/// Adds what starts within `span`, by start.
Status read_calendar(const Core& core, engine::Reader& reader, ResourceKind kind,
                     const std::string& id, TimeSpan span, bool include_released,
                     google::protobuf::RepeatedPtrField<CalendarEntry>& out);
/// Appends what read_calendar's answer depends on.
void append_calendar_tags(TenantId tenant, ResourceKind kind, std::string_view id, TimeSpan span,
                          std::vector<engine::CacheTag>& tags);

}  // namespace clinicdb::clinic
