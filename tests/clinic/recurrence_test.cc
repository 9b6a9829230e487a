#include "scheduling/recurrence.h"

#include <catch2/catch.hpp>
#include <string>

#include "clinic_fixture.h"
#include "zones.h"

namespace clinicdb::clinic {
namespace {

std::string days_of(std::string_view rule, const Date& first) {
  const Result<RecurrenceRule> parsed = parse_rule(rule);
  if (!parsed) return parsed.error().to_string();
  const Result<std::vector<std::int32_t>> days = rule_days(*parsed, day_number(first));
  if (!days) return days.error().to_string();
  std::string text;
  for (const std::int32_t day : *days) {
    const Date date = date_of(day);
    text +=
        (text.empty() ? "" : " ") + std::to_string(date.month()) + "/" + std::to_string(date.day());
  }
  return text;
}

TEST_CASE("recurrence: days, weeks and months, as RFC 5545 has them") {
  const Date monday = make_date(2026, 3, 2);
  CHECK(days_of("FREQ=DAILY;COUNT=3", monday) == "3/2 3/3 3/4");
  CHECK(days_of("FREQ=DAILY;INTERVAL=10;UNTIL=20260322", monday) == "3/2 3/12 3/22");
  CHECK(days_of("FREQ=DAILY;BYDAY=MO,FR;COUNT=4", monday) == "3/2 3/6 3/9 3/13");
  CHECK(days_of("RRULE:FREQ=WEEKLY;COUNT=3", monday) == "3/2 3/9 3/16");
  CHECK(days_of("FREQ=WEEKLY;INTERVAL=2;BYDAY=WE,MO;COUNT=4", monday) == "3/2 3/4 3/16 3/18");
  CHECK(days_of("FREQ=WEEKLY;BYDAY=SU,TU;COUNT=3", make_date(2026, 3, 3)) == "3/3 3/8 3/10");
  CHECK(days_of("FREQ=MONTHLY;COUNT=3", make_date(2026, 1, 31)) == "1/31 3/31 5/31");
  CHECK(days_of("FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=3", make_date(2028, 1, 31)) == "1/31 2/29 3/31");
  CHECK(days_of("FREQ=MONTHLY;BYDAY=2TU;COUNT=3", make_date(2026, 3, 10)) == "3/10 4/14 5/12");
  CHECK(days_of("FREQ=MONTHLY;BYDAY=-1FR;COUNT=3", make_date(2026, 3, 27)) == "3/27 4/24 5/29");
  CHECK(days_of("FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13;COUNT=3", make_date(2026, 2, 13)) ==
        "2/13 3/13 11/13");
  CHECK(days_of("FREQ=MONTHLY;INTERVAL=6;BYMONTHDAY=15;COUNT=3", make_date(2026, 12, 15)) ==
        "12/15 6/15 12/15");
}

TEST_CASE("recurrence: what is no rule, or none of this part, is refused by name") {
  const Date monday = make_date(2026, 3, 2);
  for (const char* rule :
       {"", "COUNT=3", "FREQ=HOURLY;COUNT=3", "FREQ=DAILY", "FREQ=DAILY;COUNT=3;UNTIL=20270101",
        "FREQ=DAILY;COUNT=0", "FREQ=DAILY;COUNT=367", "FREQ=WEEKLY;BYDAY=2MO;COUNT=2",
        "FREQ=WEEKLY;BYDAY=XX;COUNT=2", "FREQ=WEEKLY;BYMONTHDAY=2;COUNT=2",
        "FREQ=MONTHLY;BYMONTHDAY=32;COUNT=2", "FREQ=DAILY;BYSETPOS=1;COUNT=2",
        "FREQ=DAILY;UNTIL=20260231", "FREQ=DAILY;UNTIL=2026", "FREQ=DAILY;INTERVAL=0;COUNT=1",
        "FREQ=DAILY;COUNT=3;", "FREQ=DAILY;UNTIL=20260302T256000Z"}) {
    INFO(rule);
    CHECK(parse_rule(rule).status().code() == StatusCode::kInvalidArgument);
    CHECK(parse_rule(rule).status().field() == "rule");
  }
  CHECK(days_of("FREQ=WEEKLY;BYDAY=TU;COUNT=2", monday).find("first appointment") !=
        std::string::npos);
  CHECK(days_of("FREQ=DAILY;UNTIL=20300101", monday).find("more than 366") != std::string::npos);
  CHECK(days_of("FREQ=MONTHLY;BYMONTHDAY=31;INTERVAL=12;COUNT=2", make_date(2026, 2, 1))
            .find("no day") != std::string::npos);
}

}  // namespace
}  // namespace clinicdb::clinic
