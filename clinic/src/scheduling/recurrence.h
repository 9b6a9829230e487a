// Recurrence rules: the part of RFC 5545's RRULE that clinic/schema/series.proto documents. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "clinicdb/base/clock.h"
#include "clinicdb/base/result.h"

namespace clinicdb::clinic {

struct RecurrenceRule {
  enum class Every { kDay, kWeek, kMonth };

  Every every = Every::kWeek;
  std::int32_t interval = 1;
  std::optional<std::int32_t> count;
  std::optional<std::int32_t> until_day;  ///< day_number, local
  std::optional<Time> until;
  /// Weekday (0 Monday) with which one of the month: 2 the second, -1 the last, 0 each.
  std::vector<std::pair<std::int32_t, int>> by_day;
  std::vector<std::int32_t> by_month_day;
};

/// kInvalidArgument, field "rule", for what is not a rule, or not of that part.
Result<RecurrenceRule> parse_rule(std::string_view text);

/// The days of the rule from `first_day` on, which has to be one of them (kInvalidArgument), at
/// most kOccurrencesMax (kInvalidArgument when there are more); by COUNT and UNTIL as days. UNTIL
/// as an instant is for the caller to apply, who knows the time of day.
Result<std::vector<std::int32_t>> rule_days(const RecurrenceRule& rule, std::int32_t first_day);

constexpr std::size_t kOccurrencesMax = 366;

}  // namespace clinicdb::clinic
