// The calendar on a terminal, to be browsed by keys.
#pragma once

#include "cli/calendar_view.h"
#include "clinicdb/base/function_ref.h"
#include "clinicdb/base/result.h"

namespace clinicdb::server {

/// Answers a request for a calendar.
using ReadCalendar = FunctionRef<Result<std::shared_ptr<const clinic::ListCalendarResponse>>(
    const clinic::ListCalendarRequest&)>;

/// Shows the view until q is pressed. Standard input and output are terminals; they are as before
/// when it returns, also after a signal (kCancelled) or an error. One at a time.
Status browse_calendar(CalendarView view, bool colour, ReadCalendar read);

}  // namespace clinicdb::server
