#include "scheduling/time_spans.h"

#include <algorithm>

namespace clinicdb::clinic {

void join_spans(TimeSpans& spans) {
  std::sort(spans.begin(), spans.end());
  std::size_t kept = 0;
  for (const TimeSpan span : spans) {
    if (span.start_us >= span.end_us) continue;
    if (kept > 0 && span.start_us <= spans[kept - 1].end_us) {
      spans[kept - 1].end_us = std::max(spans[kept - 1].end_us, span.end_us);
    } else {
      spans[kept++] = span;
    }
  }
  spans.resize(kept);
}

TimeSpans subtract_spans(const TimeSpans& spans, const TimeSpans& taken) {
  TimeSpans left;
  left.reserve(spans.size() + taken.size());
  auto next = taken.begin();
  for (TimeSpan span : spans) {
    while (next != taken.end() && next->end_us <= span.start_us) ++next;
    for (auto at = next; at != taken.end() && at->start_us < span.end_us; ++at) {
      if (at->start_us > span.start_us) left.push_back({span.start_us, at->start_us});
      span.start_us = at->end_us;
      if (span.start_us >= span.end_us) break;
    }
    if (span.start_us < span.end_us) left.push_back(span);
  }
  return left;
}

bool is_clear(const TimeSpans& taken, TimeSpan span) {
  const auto after = std::lower_bound(
      taken.begin(), taken.end(), span.start_us,
      [](const TimeSpan& at, std::int64_t start_us) { return at.end_us <= start_us; });
  return after == taken.end() || after->start_us >= span.end_us;
}

}  // namespace clinicdb::clinic
