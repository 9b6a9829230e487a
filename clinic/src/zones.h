// Days and instants: where a day of an IANA zone begins and ends. Over the operating system's zone
// files. Thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "clinicdb/base/clock.h"
#include "clinicdb/base/result.h"
#include "clinicdb/clinic/schema/common.pb.h"

namespace date {
class time_zone;
}

namespace clinicdb::clinic {

/// Of tenants that chose none.
constexpr std::string_view kDefaultZone = "America/Sao_Paulo";

struct DayBounds {
  Time start;
  Time end;
};

/// From the day's first instant to the next day's. A midnight that clocks jump over is where they
/// land; one that comes twice is the first. kInvalidArgument for an unknown zone or a day that is
/// none; `field` names it.
Result<DayBounds> day_bounds(std::string_view zone, const Date& day, std::string_view field);

/// The zone's own day at that instant. kInvalidArgument for an unknown zone.
Result<Date> local_day(std::string_view zone, Time time);

/// Days since 1970-01-01; may be negative. REQUIRES: a date that is one.
std::int32_t day_number(const Date& date);
Date date_of(std::int32_t day_number);
/// 0 Monday to 6 Sunday.
constexpr int weekday_of(std::int32_t day_number) {
  const int shifted = (day_number + 3) % 7;  // 1970-01-01 was a Thursday
  return shifted < 0 ? shifted + 7 : shifted;
}

struct LocalTime {
  std::int32_t day = 0;     ///< day_number
  std::int32_t minute = 0;  ///< of the day, 0 to 1439
};

/// A zone, found once and asked many times. A value; thread-compatible.
class Zone {
 public:
  /// kInvalidArgument, with `field`, for an unknown zone.
  static Result<Zone> find(std::string_view name, std::string_view field);

  /// Which instant a local time that comes twice is.
  enum class Twice { kFirst, kLast };
  /// The instant of that minute of that day; 1440 is the day's end. A local time that clocks jump
  /// over is the instant they jump to.
  Time instant(std::int32_t day, std::int32_t minute, Twice twice) const;
  /// The same, but a local time that clocks jump over is as much later as they jump (RFC 5545); one
  /// that comes twice is the first.
  Time instant_kept(std::int32_t day, std::int32_t minute) const;
  LocalTime local(Time time) const;

 private:
  explicit Zone(const date::time_zone* zone) : zone_(zone) {}

  const date::time_zone* zone_;
  // What held at the last instant that was asked for: most questions are about the same season.
  mutable std::int64_t known_from_s_ = 0;
  mutable std::int64_t known_until_s_ = 0;
  mutable std::int64_t known_offset_s_ = 0;
};

/// "2026-03-02T12:00:00Z", with the fraction only where there is one.
std::string format_utc(Time time);

}  // namespace clinicdb::clinic
