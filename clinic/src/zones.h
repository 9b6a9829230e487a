// Days and instants: where a day of an IANA zone begins and ends. Over the operating system's zone
// files. Thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "clinicdb/base/clock.h"
#include "clinicdb/base/result.h"
#include "clinicdb/clinic/schema/common.pb.h"

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

/// "2026-03-02T12:00:00Z", with the fraction only where there is one.
std::string format_utc(Time time);

}  // namespace clinicdb::clinic
