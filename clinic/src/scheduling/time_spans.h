// Sets of stretches of time: sorted by start, apart from each other, never empty. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "clinicdb/clinic/tables.h"

namespace clinicdb::clinic {

using TimeSpans = std::vector<TimeSpan>;

/// Sorts, drops what is empty, and joins what touches or overlaps.
void join_spans(TimeSpans& spans);
/// What of `spans` none of `taken` covers. Both in order.
TimeSpans subtract_spans(const TimeSpans& spans, const TimeSpans& taken);
/// Whether none of `taken`, in order, touches the inside of `span`.
bool is_clear(const TimeSpans& taken, TimeSpan span);

}  // namespace clinicdb::clinic
