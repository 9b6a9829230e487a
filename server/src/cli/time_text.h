// Times and days as people type and read them, in an IANA zone.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "clinicdb/base/clock.h"
#include "clinicdb/base/result.h"
#include "clinicdb/clinic/schema/common.pb.h"

namespace clinicdb::server {

/// "2026-12-01T09:00", with seconds or without, "T" or a space between: in `zone`; or with an
/// offset, "Z" or "-03:00", which then counts. kInvalidArgument, field() `option`: what it is not;
/// a time that a change of clocks leaves out or gives twice wants an offset.
Result<Time> parse_time(std::string_view text, const std::string& zone, std::string_view option);

/// "2026-12-01", and where `partial` also "2026-12" and "2026".
Result<clinic::Date> parse_day(std::string_view text, bool partial, std::string_view option);

/// As parse_day, and "today", "tomorrow" and "yesterday" in `zone`.
Result<clinic::Date> parse_day_or_word(std::string_view text, const std::string& zone, Time now,
                                       std::string_view option);

/// "09:00" as a minute of the day; "24:00" is its end.
Result<std::uint32_t> parse_minute(const std::string& text, std::string_view option);

/// "2026-12-01 09:00" in `zone`; UTC for an unknown one. "" for no time.
std::string format_local(Time time, const std::string& zone);
/// "09:00" in `zone`.
std::string format_local_hour(Time time, const std::string& zone);
/// "2026-12-01T12:00:00Z", with microseconds where there are any.
std::string format_utc(Time time);
/// "1980-05-02", or less of it.
std::string format_day(const clinic::Date& day);

}  // namespace clinicdb::server
