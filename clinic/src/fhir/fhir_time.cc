#include "fhir/fhir_time.h"

#include <chrono>
#include <cstdio>

namespace clinicdb::clinic::fhir {

namespace {

constexpr std::int64_t kMinuteUs = 60'000'000;

// Takes exactly `count` digits off the front.
std::optional<int> take_digits(std::string_view& text, std::size_t count) {
  if (text.size() < count) return std::nullopt;
  int value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(count);
  return value;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<PartialDate> take_date(std::string_view& text) {
  PartialDate date;
  const std::optional<int> year = take_digits(text, 4);
  if (!year || *year == 0) return std::nullopt;
  date.year = *year;
  if (!take(text, '-')) return date;
  const std::optional<int> month = take_digits(text, 2);
  if (!month || *month < 1 || *month > 12) return std::nullopt;
  date.month = *month;
  if (!take(text, '-')) return date;
  const std::optional<int> day = take_digits(text, 2);
  if (!day) return std::nullopt;
  date.day = *day;
  const std::chrono::year_month_day civil{std::chrono::year{date.year},
                                          std::chrono::month{static_cast<unsigned>(date.month)},
                                          std::chrono::day{static_cast<unsigned>(date.day)}};
  if (!civil.ok()) return std::nullopt;
  return date;
}

std::int64_t midnight_us(const PartialDate& date) {
  const std::chrono::year_month_day civil{
      std::chrono::year{date.year},
      std::chrono::month{static_cast<unsigned>(date.month == 0 ? 1 : date.month)},
      std::chrono::day{static_cast<unsigned>(date.day == 0 ? 1 : date.day)}};
  return std::chrono::microseconds(std::chrono::sys_days(civil).time_since_epoch()).count();
}

// "Z", "+hh:mm" or "-hh:mm" up to 14:00, and the end: minutes east of Greenwich.
std::optional<int> take_zone(std::string_view& text) {
  if (take(text, 'Z')) return text.empty() ? std::optional<int>(0) : std::nullopt;
  const bool east = take(text, '+');
  if (!east && !take(text, '-')) return std::nullopt;
  const std::optional<int> hours = take_digits(text, 2);
  if (!hours || !take(text, ':')) return std::nullopt;
  const std::optional<int> minutes = take_digits(text, 2);
  if (!minutes || *minutes > 59 || *hours * 60 + *minutes > 14 * 60 || !text.empty())
    return std::nullopt;
  return (east ? 1 : -1) * (*hours * 60 + *minutes);
}

// hh:mm:ss, a fraction if there is one, and the zone, to the end of the text.
std::optional<std::int64_t> take_time_us(std::string_view text) {
  const std::optional<int> hour = take_digits(text, 2);
  if (!hour || *hour > 23 || !take(text, ':')) return std::nullopt;
  const std::optional<int> minute = take_digits(text, 2);
  if (!minute || *minute > 59 || !take(text, ':')) return std::nullopt;
  const std::optional<int> second = take_digits(text, 2);
  if (!second || *second > 60) return std::nullopt;  // 60: leap seconds
  std::int64_t fraction_us = 0;
  if (take(text, '.')) {
    std::int64_t unit_us = 100'000;
    bool any = false;
    for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; text.remove_prefix(1)) {
      fraction_us += (text.front() - '0') * unit_us;
      unit_us /= 10;
      any = true;
    }
    if (!any) return std::nullopt;
  }
  const std::optional<int> zone = take_zone(text);
  if (!zone) return std::nullopt;
  return (*hour * 60 + *minute - *zone) * kMinuteUs + *second * std::int64_t{1'000'000} +
         fraction_us;
}

}  // namespace

std::optional<PartialDate> parse_date(std::string_view text) {
  const std::optional<PartialDate> date = take_date(text);
  return text.empty() ? date : std::nullopt;
}

std::optional<Time> parse_date_time(std::string_view text) {
  const std::optional<PartialDate> date = take_date(text);
  if (!date) return std::nullopt;
  if (text.empty()) return Time{midnight_us(*date)};
  if (date->day == 0 || !take(text, 'T')) return std::nullopt;
  const std::optional<std::int64_t> of_day_us = take_time_us(text);
  if (!of_day_us) return std::nullopt;
  return Time{midnight_us(*date) + *of_day_us};
}

std::optional<Time> parse_instant(std::string_view text) {
  if (text.find('T') == std::string_view::npos) return std::nullopt;
  return parse_date_time(text);
}

std::string format_date(const PartialDate& date) {
  char text[32];
  const int size =
      date.month == 0 ? std::snprintf(text, sizeof text, "%04d", date.year)
      : date.day == 0
          ? std::snprintf(text, sizeof text, "%04d-%02d", date.year, date.month)
          : std::snprintf(text, sizeof text, "%04d-%02d-%02d", date.year, date.month, date.day);
  return {text, static_cast<std::size_t>(size)};
}

std::string format_instant(Time time) {
  const std::chrono::sys_time<std::chrono::microseconds> at{std::chrono::microseconds{time.us}};
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day civil{day};
  const std::int64_t of_day_us = (at - day).count();
  const auto seconds = static_cast<int>(of_day_us / 1'000'000);
  const auto fraction_us = static_cast<int>(of_day_us % 1'000'000);
  char text[64];
  int size = std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d",
                           static_cast<int>(civil.year()), static_cast<unsigned>(civil.month()),
                           static_cast<unsigned>(civil.day()), seconds / 3600, seconds / 60 % 60,
                           seconds % 60);
  std::string out(text, static_cast<std::size_t>(size));
  if (fraction_us != 0) {
    size = std::snprintf(text, sizeof text, ".%06d", fraction_us);
    out.append(text, static_cast<std::size_t>(size));
  }
  return out + "Z";
}

}  // namespace clinicdb::clinic::fhir
