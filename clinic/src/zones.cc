#include "zones.h"

#include <date/tz.h>

#include <chrono>
#include <optional>
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

}  // namespace

bool is_zone(std::string_view zone) { return find_zone(zone) != nullptr; }

Result<DayBounds> day_bounds(std::string_view zone, const Date& day, std::string_view field) {
  RETURN_IF_ERROR(check_date(day, false, field));
  // A thread asks about the same zone again and again; the zone remembers its season.
  struct Last {
    std::string name;
    std::optional<Zone> zone;
  };
  thread_local Last last;
  if (!last.zone || last.name != zone) {
    ASSIGN_OR_RETURN(const Zone found, Zone::find(zone, "zone"));
    last = {std::string(zone), found};
  }
  const std::int32_t number = day_number(day);
  return DayBounds{last.zone->instant(number, 0, Zone::Twice::kFirst),
                   last.zone->instant(number + 1, 0, Zone::Twice::kFirst)};
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

std::int32_t day_number(const Date& day) {
  const date::sys_days days = date::year(day.year()) /
                              date::month(static_cast<unsigned>(day.month())) /
                              date::day(static_cast<unsigned>(day.day()));
  return static_cast<std::int32_t>(days.time_since_epoch().count());
}

Date date_of(std::int32_t day_number) {
  const date::year_month_day day{date::sys_days(date::days(day_number))};
  Date out;
  out.set_year(static_cast<int>(day.year()));
  out.set_month(static_cast<int>(static_cast<unsigned>(day.month())));
  out.set_day(static_cast<int>(static_cast<unsigned>(day.day())));
  return out;
}

namespace {

constexpr std::int64_t kSecondUs = 1'000'000;

date::local_seconds local_seconds(std::int32_t day, std::int32_t minute) {
  return date::local_days(date::days(day)) + std::chrono::minutes(minute);
}

Time to_time(date::sys_seconds seconds) {
  return Time{seconds.time_since_epoch().count() * kSecondUs};
}

}  // namespace

Result<Zone> Zone::find(std::string_view name, std::string_view field) {
  const date::time_zone* found = find_zone(name);
  if (found == nullptr) return unknown_zone(field);
  try {
    // Reads the zone's file, which later calls then cannot fail at.
    found->get_info(date::sys_seconds());
  } catch (const std::exception&) {
    return unavailable("the time zone file of this zone cannot be read");
  }
  return Zone(found);
}

Time Zone::instant(std::int32_t day, std::int32_t minute, Twice twice) const {
  const date::local_seconds local = local_seconds(day, minute);
  // Well within the season that was asked about last, nothing is doubtful.
  const std::int64_t guess_s = local.time_since_epoch().count() - known_offset_s_;
  constexpr std::int64_t kDayS = 86'400;
  if (guess_s - kDayS >= known_from_s_ && guess_s + kDayS < known_until_s_)
    return Time{guess_s * kSecondUs};
  const date::local_info info = zone_->get_info(local);
  if (info.result == date::local_info::nonexistent) return to_time(info.second.begin);
  const date::sys_info& chosen = info.result == date::local_info::ambiguous && twice == Twice::kLast
                                     ? info.second
                                     : info.first;
  known_from_s_ = chosen.begin.time_since_epoch().count();
  known_until_s_ = chosen.end.time_since_epoch().count();
  known_offset_s_ = chosen.offset.count();
  return Time{(local.time_since_epoch().count() - known_offset_s_) * kSecondUs};
}

Time Zone::instant_kept(std::int32_t day, std::int32_t minute) const {
  const date::local_seconds local = local_seconds(day, minute);
  const date::local_info info = zone_->get_info(local);
  return Time{(local.time_since_epoch().count() - info.first.offset.count()) * kSecondUs};
}

LocalTime Zone::local(Time time) const {
  const std::int64_t second =
      time.us >= 0 ? time.us / kSecondUs : -((-time.us + kSecondUs - 1) / kSecondUs);
  if (second < known_from_s_ || second >= known_until_s_) {
    const date::sys_info info = zone_->get_info(date::sys_seconds(std::chrono::seconds(second)));
    known_from_s_ = info.begin.time_since_epoch().count();
    known_until_s_ = info.end.time_since_epoch().count();
    known_offset_s_ = info.offset.count();
  }
  constexpr std::int64_t kDayS = 86'400;
  const std::int64_t local = second + known_offset_s_;
  const std::int64_t day = local >= 0 ? local / kDayS : -((-local + kDayS - 1) / kDayS);
  return {static_cast<std::int32_t>(day), static_cast<std::int32_t>((local - day * kDayS) / 60)};
}

std::string format_utc(Time time) {
  const date::sys_time<microseconds> instant{microseconds(time.us)};
  const auto seconds = date::floor<std::chrono::seconds>(instant);
  return instant == seconds ? date::format("%FT%TZ", seconds) : date::format("%FT%TZ", instant);
}

}  // namespace clinicdb::clinic
