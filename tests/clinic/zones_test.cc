#include "zones.h"

#include <catch2/catch.hpp>

#include "clinic_fixture.h"
#include "clinicdb/clinic/check.h"

namespace clinicdb::clinic {
namespace {

std::string bounds_text(std::string_view zone, const Date& day) {
  const Result<DayBounds> bounds = day_bounds(zone, day, "day");
  return bounds ? format_utc(bounds->start) + " " + format_utc(bounds->end)
                : bounds.error().to_string();
}

TEST_CASE("zones: a day is from midnight to midnight of its zone") {
  CHECK(bounds_text("America/Sao_Paulo", make_date(2026, 3, 2)) ==
        "2026-03-02T03:00:00Z 2026-03-03T03:00:00Z");
  CHECK(bounds_text("UTC", make_date(1969, 12, 31)) == "1969-12-31T00:00:00Z 1970-01-01T00:00:00Z");
  // No daylight-saving time any more, which older tables still had.
  CHECK(bounds_text("America/Sao_Paulo", make_date(2026, 1, 10)) ==
        "2026-01-10T03:00:00Z 2026-01-11T03:00:00Z");
}

TEST_CASE("zones: days on which clocks change have 23 or 25 hours") {
  // Brazil changed at midnight: this day began at one o'clock.
  CHECK(bounds_text("America/Sao_Paulo", make_date(2018, 11, 4)) ==
        "2018-11-04T03:00:00Z 2018-11-05T02:00:00Z");
  CHECK(bounds_text("America/Sao_Paulo", make_date(2018, 11, 3)) ==
        "2018-11-03T03:00:00Z 2018-11-04T03:00:00Z");
  // And this one ended with its last hour twice.
  CHECK(bounds_text("America/Sao_Paulo", make_date(2018, 2, 17)) ==
        "2018-02-17T02:00:00Z 2018-02-18T03:00:00Z");
  CHECK(bounds_text("America/New_York", make_date(2026, 3, 8)) ==
        "2026-03-08T05:00:00Z 2026-03-09T04:00:00Z");
  CHECK(bounds_text("America/New_York", make_date(2026, 11, 1)) ==
        "2026-11-01T04:00:00Z 2026-11-02T05:00:00Z");
  // Cuba's midnight comes twice; the day begins with the first.
  CHECK(bounds_text("America/Havana", make_date(2026, 11, 1)) ==
        "2026-11-01T04:00:00Z 2026-11-02T05:00:00Z");
}

TEST_CASE("zones: consecutive days leave no gap and no overlap, through a year of changes") {
  for (const char* zone :
       {"America/Sao_Paulo", "America/Havana", "Asia/Kathmandu", "Pacific/Apia"}) {
    Time expected;
    for (int day = 1; day <= 31; ++day) {
      for (const int month : {1, 3, 5, 7, 8, 10, 12}) {
        const Result<DayBounds> bounds = day_bounds(zone, make_date(2011, month, day), "day");
        REQUIRE(bounds);
        REQUIRE(bounds->start <= bounds->end);
        if (day == 31) continue;
        REQUIRE(day_bounds(zone, make_date(2011, month, day + 1), "day")->start == bounds->end);
        REQUIRE(local_day(zone, bounds->start)->day() >= day);
      }
    }
  }
}

TEST_CASE("zones: an unknown zone and a day that is none are refused") {
  CHECK_FALSE(day_bounds("America/Nowhere", make_date(2026, 1, 1), "day"));
  CHECK_FALSE(day_bounds("../../etc/passwd", make_date(2026, 1, 1), "day"));
  const Result<DayBounds> no_day = day_bounds("UTC", make_date(2026, 2, 29), "day");
  REQUIRE_FALSE(no_day);
  CHECK(no_day.error().field() == "day");
  CHECK(is_zone("America/Manaus"));
  CHECK_FALSE(is_zone(""));
}

TEST_CASE("zones: the local day of an instant") {
  CHECK(local_day("America/Sao_Paulo", Time{utc_us(2026, 3, 2, 2, 59)})->day() == 1);
  CHECK(local_day("America/Sao_Paulo", Time{utc_us(2026, 3, 2, 3)})->day() == 2);
  CHECK(format_utc(Time{1}) == "1970-01-01T00:00:00.000001Z");
}

}  // namespace
}  // namespace clinicdb::clinic
