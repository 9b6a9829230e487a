#include "scheduling/recurrence.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#include "clinicdb/clinic/schema/common.pb.h"
#include "zones.h"

namespace clinicdb::clinic {

namespace {

constexpr std::array<std::string_view, 7> kWeekdays = {"MO", "TU", "WE", "TH", "FR", "SA", "SU"};
constexpr std::int32_t kIntervalMax = 1000;
/// A rule that names no day in this many periods names none.
constexpr std::int32_t kEmptyPeriodsMax = 1000;

Status bad(std::string why) {
  return invalid_argument("rule: " + std::move(why)).with_field("rule");
}

bool parse_number(std::string_view text, std::int32_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

/// Calls `each` with every part of a list.
template <class Each>
Status for_parts(std::string_view list, char separator, Each each) {
  while (true) {
    const std::size_t end = list.find(separator);
    RETURN_IF_ERROR(each(list.substr(0, end)));
    if (end == std::string_view::npos) return {};
    list.remove_prefix(end + 1);
  }
}

Status parse_until(std::string_view text, RecurrenceRule& rule) {
  std::int32_t date = 0;
  if (text.size() < 8 || !parse_number(text.substr(0, 8), date))
    return bad("UNTIL is 20261231 or 20261231T120000Z");
  Date day;
  day.set_year(date / 10'000);
  day.set_month(date / 100 % 100);
  day.set_day(date % 100);
  if (day.month() < 1 || day.month() > 12 || day.day() < 1 ||
      day_number(date_of(day_number(day))) != day_number(day) ||
      date_of(day_number(day)).day() != day.day())
    return bad("UNTIL is not a day");
  const std::int32_t number = day_number(day);
  if (text.size() == 8) {
    rule.until_day = number;
    return {};
  }
  std::int32_t time = 0;
  if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z' ||
      !parse_number(text.substr(9, 6), time) || time / 10'000 > 23 || time / 100 % 100 > 59 ||
      time % 100 > 59)
    return bad("UNTIL is 20261231 or 20261231T120000Z");
  const std::int64_t seconds =
      std::int64_t{number} * 86'400 + time / 10'000 * 3600 + time / 100 % 100 * 60 + time % 100;
  rule.until = Time{seconds * 1'000'000};
  return {};
}

Status parse_by_day(std::string_view text, RecurrenceRule& rule) {
  return for_parts(text, ',', [&](std::string_view part) -> Status {
    if (part.size() < 2) return bad("BYDAY is a list of MO to SU");
    const auto found = std::find(kWeekdays.begin(), kWeekdays.end(), part.substr(part.size() - 2));
    if (found == kWeekdays.end()) return bad("BYDAY is a list of MO to SU");
    std::int32_t which = 0;
    std::string_view number = part.substr(0, part.size() - 2);
    if (!number.empty() && number.front() == '+') number.remove_prefix(1);
    if (!number.empty() && (!parse_number(number, which) || which == 0 || which < -5 || which > 5))
      return bad("BYDAY's number is from 1 to 5, or -1 to -5");
    rule.by_day.emplace_back(which, static_cast<int>(found - kWeekdays.begin()));
    return {};
  });
}

Status parse_part(std::string_view name, std::string_view value, RecurrenceRule& rule,
                  bool& has_every) {
  if (name == "FREQ") {
    has_every = true;
    if (value == "DAILY") return rule.every = RecurrenceRule::Every::kDay, Status();
    if (value == "WEEKLY") return rule.every = RecurrenceRule::Every::kWeek, Status();
    if (value == "MONTHLY") return rule.every = RecurrenceRule::Every::kMonth, Status();
    return bad("FREQ is DAILY, WEEKLY or MONTHLY");
  }
  if (name == "INTERVAL") {
    if (!parse_number(value, rule.interval) || rule.interval < 1 || rule.interval > kIntervalMax)
      return bad("INTERVAL is from 1 to 1000");
    return {};
  }
  if (name == "COUNT") {
    std::int32_t count = 0;
    if (!parse_number(value, count) || count < 1 ||
        count > static_cast<std::int32_t>(kOccurrencesMax))
      return bad("COUNT is from 1 to 366");
    rule.count = count;
    return {};
  }
  if (name == "UNTIL") return parse_until(value, rule);
  if (name == "BYDAY") return parse_by_day(value, rule);
  if (name == "BYMONTHDAY") {
    return for_parts(value, ',', [&](std::string_view part) -> Status {
      std::int32_t day = 0;
      if (!parse_number(part, day) || day == 0 || day < -31 || day > 31)
        return bad("BYMONTHDAY is from 1 to 31, or -1 to -31");
      rule.by_month_day.push_back(day);
      return {};
    });
  }
  if (name == "WKST" && value == "MO") return {};
  return bad(std::string(name) + " is not understood here");
}

bool has_weekday(const RecurrenceRule& rule, int weekday) {
  return std::any_of(rule.by_day.begin(), rule.by_day.end(),
                     [&](const auto& day) { return day.second == weekday; });
}

std::int32_t first_of_month(std::int32_t year, std::int32_t month_from_0) {
  Date first;
  first.set_year(year + month_from_0 / 12);
  first.set_month(month_from_0 % 12 + 1);
  first.set_day(1);
  return day_number(first);
}

bool is_day_of_month(const RecurrenceRule& rule, std::int32_t day, std::int32_t first,
                     std::int32_t next) {
  const std::int32_t from_start = day - first + 1;
  const std::int32_t from_end = day - next;
  if (!rule.by_month_day.empty() &&
      std::none_of(rule.by_month_day.begin(), rule.by_month_day.end(),
                   [&](std::int32_t d) { return d == from_start || d == from_end; }))
    return false;
  if (rule.by_day.empty()) return true;
  const std::int32_t which = (from_start + 6) / 7;
  const std::int32_t which_from_end = -((-from_end + 6) / 7);
  return std::any_of(rule.by_day.begin(), rule.by_day.end(), [&](const auto& wanted) {
    return wanted.second == weekday_of(day) &&
           (wanted.first == 0 || wanted.first == which || wanted.first == which_from_end);
  });
}

/// The rule's days in its n-th period from the one that has the first day, in order.
std::vector<std::int32_t> period_days(const RecurrenceRule& rule, std::int32_t first_day,
                                      std::int32_t n) {
  std::vector<std::int32_t> days;
  if (rule.every == RecurrenceRule::Every::kDay) {
    const std::int32_t day = first_day + n * rule.interval;
    if (rule.by_day.empty() || has_weekday(rule, weekday_of(day))) days.push_back(day);
    return days;
  }
  if (rule.every == RecurrenceRule::Every::kWeek) {
    const std::int32_t monday = first_day - weekday_of(first_day) + 7 * n * rule.interval;
    for (int weekday = 0; weekday < 7; ++weekday) {
      const bool wanted =
          rule.by_day.empty() ? weekday == weekday_of(first_day) : has_weekday(rule, weekday);
      if (wanted) days.push_back(monday + weekday);
    }
    return days;
  }
  const Date start = date_of(first_day);
  const std::int32_t month = start.month() - 1 + n * rule.interval;
  const std::int32_t first = first_of_month(start.year(), month);
  const std::int32_t next = first_of_month(start.year(), month + 1);
  if (rule.by_day.empty() && rule.by_month_day.empty()) {
    if (first + start.day() - 1 < next) days.push_back(first + start.day() - 1);
    return days;
  }
  for (std::int32_t day = first; day < next; ++day) {
    if (is_day_of_month(rule, day, first, next)) days.push_back(day);
  }
  return days;
}

}  // namespace

Result<RecurrenceRule> parse_rule(std::string_view text) {
  if (text.starts_with("RRULE:")) text.remove_prefix(6);
  RecurrenceRule rule;
  bool has_every = false;
  RETURN_IF_ERROR(for_parts(text, ';', [&](std::string_view part) -> Status {
    const std::size_t equals = part.find('=');
    if (equals == std::string_view::npos) return bad("its parts are NAME=VALUE");
    return parse_part(part.substr(0, equals), part.substr(equals + 1), rule, has_every);
  }));
  if (!has_every) return bad("FREQ is needed");
  const int ends =
      int{rule.count.has_value()} + int{rule.until_day.has_value()} + int{rule.until.has_value()};
  if (ends != 1) return bad("either COUNT or UNTIL is needed");
  if (rule.every != RecurrenceRule::Every::kMonth) {
    if (!rule.by_month_day.empty()) return bad("BYMONTHDAY goes with MONTHLY");
    if (std::any_of(rule.by_day.begin(), rule.by_day.end(),
                    [](const auto& day) { return day.first != 0; }))
      return bad("BYDAY has numbers with MONTHLY only");
  }
  return rule;
}

Result<std::vector<std::int32_t>> rule_days(const RecurrenceRule& rule, std::int32_t first_day) {
  std::vector<std::int32_t> days;
  // A day behind the instant, for zones differ; the caller cuts by the instant itself.
  constexpr std::int64_t kDayUs = std::int64_t{86'400} * 1'000'000;
  std::optional<std::int32_t> until = rule.until_day;
  if (rule.until) until = static_cast<std::int32_t>(rule.until->us / kDayUs) + 1;
  std::int32_t empty = 0;
  for (std::int32_t n = 0; empty < kEmptyPeriodsMax; ++n) {
    const std::size_t before = days.size();
    for (const std::int32_t day : period_days(rule, first_day, n)) {
      if (day < first_day) continue;
      if (until && day > *until) return days;
      if (days.empty() && day != first_day)
        return bad("the first appointment is not on one of its days");
      if (days.size() == kOccurrencesMax)
        return bad("it has more than " + std::to_string(kOccurrencesMax) + " appointments");
      days.push_back(day);
      if (rule.count && days.size() == static_cast<std::size_t>(*rule.count)) return days;
    }
    empty = days.size() == before ? empty + 1 : 0;
  }
  if (days.empty()) return bad("it names no day");
  return days;
}

}  // namespace clinicdb::clinic
