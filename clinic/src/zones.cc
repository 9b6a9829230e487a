#include "zones.h"

#include <date/tz.h>

#include <chrono>
#include <stdexcept>

#include "clinicdb/clinic/check.h"
#include "clinicdb/clinic/identifiers.h"

namespace clinicdb::clinic {

namespace {

using std::chrono::microseconds;

/// nullptr where there is no such zone. The library reads a zone's file once and keeps it.
const date::time_zone* find_zone(std::string_view name) {
  try {
    return date::locate_zone(std::string(name));
  } catch (const std::exception&) {
    return nullptr;
  }
}

Status unknown_zone(std::string_view field) {
  return invalid_argument(std::string(field) + ": not the name of an IANA time zone known here")
      .with_field(field);
}

Time start_of(const date::time_zone& zone, date::local_days day) {
  const auto start = zone.to_sys(day, date::choose::earliest);
  return Time{std::chrono::duration_cast<microseconds>(start.time_since_epoch()).count()};
}

}  // namespace

bool is_zone(std::string_view zone) { return find_zone(zone) != nullptr; }

Result<DayBounds> day_bounds(std::string_view zone, const Date& day, std::string_view field) {
  RETURN_IF_ERROR(check_date(day, false, field));
  const date::time_zone* found = find_zone(zone);
  if (found == nullptr) return unknown_zone("zone");
  const auto local =
      date::local_days(date::year(day.year()) / date::month(static_cast<unsigned>(day.month())) /
                       date::day(static_cast<unsigned>(day.day())));
  try {
    return DayBounds{start_of(*found, local), start_of(*found, local + date::days(1))};
  } catch (const std::exception&) {
    return unavailable("the time zone file of this zone cannot be read");
  }
}

Result<Date> local_day(std::string_view zone, Time time) {
  const date::time_zone* found = find_zone(zone);
  if (found == nullptr) return unknown_zone("zone");
  try {
    const auto local = found->to_local(date::sys_time<microseconds>(microseconds(time.us)));
    const date::year_month_day day(date::floor<date::days>(local));
    Date out;
    out.set_year(static_cast<int>(day.year()));
    out.set_month(static_cast<int>(static_cast<unsigned>(day.month())));
    out.set_day(static_cast<int>(static_cast<unsigned>(day.day())));
    return out;
  } catch (const std::exception&) {
    return unavailable("the time zone file of this zone cannot be read");
  }
}

std::string format_utc(Time time) {
  const date::sys_time<microseconds> instant{microseconds(time.us)};
  const auto seconds = date::floor<std::chrono::seconds>(instant);
  return instant == seconds ? date::format("%FT%TZ", seconds) : date::format("%FT%TZ", instant);
}

}  // namespace clinicdb::clinic
