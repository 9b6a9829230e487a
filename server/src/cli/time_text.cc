#include "cli/time_text.h"

#include <date/date.h>
#include <date/tz.h>

#include <chrono>
#include <cstdio>
#include <stdexcept>

namespace clinicdb::server {

namespace {

using std::chrono::microseconds;
using SysTime = date::sys_time<microseconds>;

/// nullptr for a name that the machine's zone files do not have.
const date::time_zone* find_zone(const std::string& zone) {
  try {
    return date::locate_zone(zone);
  } catch (const std::runtime_error&) {
    return nullptr;
  }
}

SysTime to_sys(Time time) { return SysTime(microseconds(time.us)); }

/// Reads numbers of a fixed count of digits, and separators, from the front of a text.
struct Scanner {
  std::string_view rest;

  bool number(std::size_t digits, int& out) {
    if (rest.size() < digits) return false;
    int value = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      if (rest[i] < '0' || rest[i] > '9') return false;
      value = value * 10 + (rest[i] - '0');
    }
    rest.remove_prefix(digits);
    out = value;
    return true;
  }
  bool skip(char separator) {
    if (rest.empty() || rest.front() != separator) return false;
    rest.remove_prefix(1);
    return true;
  }
};

Status bad(std::string_view option, std::string reason) {
  return invalid_argument(std::string(option) + ": " + reason).with_field(option);
}

/// Offset from UTC in minutes: "Z", "-03:00", "+0530". Nothing where there is none.
bool scan_offset(Scanner& scanner, bool& found, int& minutes) {
  found = !scanner.rest.empty();
  minutes = 0;
  if (!found || scanner.skip('Z') || scanner.skip('z')) return true;
  const bool west = scanner.skip('-');
  int hours = 0;
  if (!west && !scanner.skip('+')) return false;
  if (!scanner.number(2, hours)) return false;
  scanner.skip(':');
  if (!scanner.number(2, minutes) || hours > 14 || minutes > 59) return false;
  minutes += hours * 60;
  if (west) minutes = -minutes;
  return true;
}

Result<Time> in_zone(date::local_time<microseconds> local, const std::string& zone,
                     std::string_view option) {
  const date::time_zone* found = find_zone(zone);
  if (found == nullptr) return bad(option, "there is no zone \"" + zone + "\"");
  const date::local_info info = found->get_info(local);
  if (info.result == date::local_info::nonexistent) {
    return bad(option, "clocks in " + zone + " jump over this time; give it with an offset");
  }
  if (info.result == date::local_info::ambiguous) {
    return bad(option, "clocks in " + zone + " show this time twice; give it with an offset");
  }
  return Time{(local.time_since_epoch() - info.first.offset).count()};
}

}  // namespace

Result<Time> parse_time(std::string_view text, const std::string& zone, std::string_view option) {
  const Status wrong =
      bad(option, "\"" + std::string(text) + "\" is no time such as 2026-12-01T09:00");
  Scanner scanner{text};
  int year = 0;
  int month = 0;
  int day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
  if (!scanner.number(4, year) || !scanner.skip('-') || !scanner.number(2, month) ||
      !scanner.skip('-') || !scanner.number(2, day) ||
      !(scanner.skip('T') || scanner.skip('t') || scanner.skip(' ')) || !scanner.number(2, hour) ||
      !scanner.skip(':') || !scanner.number(2, minute)) {
    return wrong;
  }
  if (scanner.skip(':') && !scanner.number(2, second)) return wrong;
  bool has_offset = false;
  int offset_minutes = 0;
  if (!scan_offset(scanner, has_offset, offset_minutes) || !scanner.rest.empty()) return wrong;
  const date::year_month_day ymd(date::year(year), date::month(static_cast<unsigned>(month)),
                                 date::day(static_cast<unsigned>(day)));
  if (!ymd.ok() || hour > 23 || minute > 59 || second > 59) return wrong;

  const date::local_time<microseconds> local = date::local_days(ymd) + std::chrono::hours(hour) +
                                               std::chrono::minutes(minute) +
                                               std::chrono::seconds(second);
  if (!has_offset) return in_zone(local, zone, option);
  return Time{(local.time_since_epoch() - std::chrono::minutes(offset_minutes)) / microseconds(1)};
}

Result<clinic::Date> parse_day(std::string_view text, bool partial, std::string_view option) {
  const Status wrong = bad(option, "\"" + std::string(text) + "\" is no day such as 2026-12-01" +
                                       (partial ? ", nor a month or a year" : ""));
  Scanner scanner{text};
  int year = 0;
  int month = 0;
  int day = 0;
  if (!scanner.number(4, year)) return wrong;
  if (scanner.skip('-')) {
    if (!scanner.number(2, month) || month < 1 || month > 12) return wrong;
    if (scanner.skip('-')) {
      const bool read = scanner.number(2, day);
      const date::year_month_day ymd(date::year(year), date::month(static_cast<unsigned>(month)),
                                     date::day(static_cast<unsigned>(day)));
      if (!read || !ymd.ok()) return wrong;
    }
  }
  if (!scanner.rest.empty() || year == 0 || (day == 0 && !partial)) return wrong;
  clinic::Date date;
  date.set_year(year);
  date.set_month(month);
  date.set_day(day);
  return date;
}

Result<clinic::Date> parse_day_or_word(std::string_view text, const std::string& zone, Time now,
                                       std::string_view option) {
  int days = 0;
  if (text == "yesterday") {
    days = -1;
  } else if (text == "tomorrow") {
    days = 1;
  } else if (text != "today") {
    return parse_day(text, false, option);
  }
  const date::time_zone* found = find_zone(zone);
  if (found == nullptr) return bad(option, "there is no zone \"" + zone + "\"");
  const auto local = date::floor<date::days>(found->to_local(to_sys(now))) + date::days(days);
  const date::year_month_day ymd(local);
  clinic::Date date;
  date.set_year(static_cast<int>(ymd.year()));
  date.set_month(static_cast<int>(static_cast<unsigned>(ymd.month())));
  date.set_day(static_cast<int>(static_cast<unsigned>(ymd.day())));
  return date;
}

namespace {

std::string format_in(const char* format, Time time, const std::string& zone) {
  const auto seconds = date::floor<std::chrono::seconds>(to_sys(time));
  const date::time_zone* found = find_zone(zone);
  return found == nullptr ? date::format(format, seconds)
                          : date::format(format, found->to_local(seconds));
}

}  // namespace

Result<std::uint32_t> parse_minute(const std::string& text, std::string_view option) {
  const bool form = text.size() == 5 && text.find_first_not_of("0123456789") == 2 &&
                    text[2] == ':' && text.find_first_not_of("0123456789", 3) == std::string::npos;
  const int hour = form ? std::stoi(text.substr(0, 2)) : 99;
  const int minute = form ? std::stoi(text.substr(3)) : 99;
  if (hour > 24 || minute > 59 || (hour == 24 && minute > 0)) {
    return invalid_argument(std::string(option) + ": \"" + text + "\" is no time such as 09:00")
        .with_field(option);
  }
  return static_cast<std::uint32_t>(hour * 60 + minute);
}

std::string format_local(Time time, const std::string& zone) {
  return format_in("%Y-%m-%d %H:%M", time, zone);
}

std::string format_local_hour(Time time, const std::string& zone) {
  return format_in("%H:%M", time, zone);
}

std::string format_utc(Time time) {
  if (time.us % 1'000'000 == 0) {
    return date::format("%Y-%m-%dT%H:%M:%SZ", date::floor<std::chrono::seconds>(to_sys(time)));
  }
  return date::format("%Y-%m-%dT%H:%M:%SZ", to_sys(time));
}

std::string format_day(const clinic::Date& day) {
  char text[64];
  int length = 0;
  if (day.year() == 0) return "";
  if (day.month() == 0) {
    length = std::snprintf(text, sizeof text, "%04d", day.year());
  } else if (day.day() == 0) {
    length = std::snprintf(text, sizeof text, "%04d-%02d", day.year(), day.month());
  } else {
    length = std::snprintf(text, sizeof text, "%04d-%02d-%02d", day.year(), day.month(), day.day());
  }
  return std::string(text, static_cast<std::size_t>(length));
}

}  // namespace clinicdb::server
