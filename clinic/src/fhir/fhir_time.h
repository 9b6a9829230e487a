// FHIR's dates and times as text and as numbers (http://hl7.org/fhir/R4/datatypes.html#dateTime).
// Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "clinicdb/base/clock.h"

namespace clinicdb::clinic::fhir {

/// A date as precise as it was given: month, or month and day, are 0 where it was not.
struct PartialDate {
  int year = 0;
  int month = 0;
  int day = 0;
};

/// `date`: YYYY, YYYY-MM or YYYY-MM-DD. Nothing for any other text, or a day that is none.
std::optional<PartialDate> parse_date(std::string_view text);

/// `dateTime`: a date, or a date with hours, minutes, seconds and zone. The moment at which it
/// begins; a date without a zone begins at midnight UTC. Digits of a second beyond microseconds are
/// cut.
std::optional<Time> parse_date_time(std::string_view text);

/// `instant`: a dateTime that has everything.
std::optional<Time> parse_instant(std::string_view text);

std::string format_date(const PartialDate& date);
/// "2025-12-31T12:00:00Z", with six digits of a second where there are any.
std::string format_instant(Time time);

}  // namespace clinicdb::clinic::fhir
