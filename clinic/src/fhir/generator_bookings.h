// The shape of a year of bookings, as it was measured over 110,527 of 81 real clinics: a clinic-day
// has 38 appointments in the median and 287 in the 99th percentile, 35 % are booked on their day,
// up to 24 within one second, one in five does not come. Pure, but for the Random handed in.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "clinicdb/base/random.h"
#include "fhir/generator_resources.h"

namespace clinicdb::clinic::fhir {

/// Slots of half an hour from 8:00 to 18:00.
constexpr MadeMinute kSlotMinutes = 30;
constexpr std::uint64_t kSlotsADay = 20;
constexpr MadeMinute kDayBegins = MadeMinute{8} * 60;

/// Appointments on a usual day of the clinic that is `rank`-th in size among `clinics`, from 0.
/// Such sizes follow an exponential distribution: few large ones, many small.
double daily_bookings(std::size_t rank, std::size_t clinics);
/// So many professionals share them that days are three quarters full.
std::size_t booking_professionals(double daily);
/// Of one day: the usual number, more or less.
std::uint64_t bookings_of_day(Random& random, double daily);

/// A second of the made-up clinics' time.
using MadeSecond = std::int64_t;

/// When appointments were booked: about a third of them on their day, the others weeks or months
/// ahead; sometimes many in one second, as when a desk enters a list.
class BookingTimes {
 public:
  explicit BookingTimes(Random& random) : random_(random) {}
  /// Before `start`.
  MadeSecond next(MadeMinute start);

 private:
  Random& random_;
  MadeSecond burst_ = 0;
  std::uint64_t left_in_burst_ = 0;
};

/// What became of it: R4's code.
std::string_view booking_outcome(Random& random);

struct MadeBooking {
  MadeId id;
  MadeId slot;
  MadeVisit visit;
  MadeSecond booked = 0;
  std::string_view status;
};

}  // namespace clinicdb::clinic::fhir
