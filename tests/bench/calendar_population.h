// Made-up clinics with staff, rooms, hours and calendars, for the benchmarks of scheduling.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "clinicdb/base/result.h"
#include "clinicdb/clinic/clinic.h"

namespace clinicdb::bench {

/// Who and what a tenant's appointments are booked with.
struct Practice {
  clinic::CallContext context;
  clinic::CallContext uncached;
  std::string site;
  std::vector<std::string> professionals;
  std::vector<std::string> rooms;
  std::vector<std::string> patients;  ///< ids, filled by whoever registers them
};

/// A tenant with a clinic in UTC, and as many rooms as professionals, who all work from 08:00 to
/// 18:00 from Monday to Saturday.
Result<Practice> make_practice(clinic::Clinic& clinic, const std::string& slug,
                               std::size_t professionals);

/// The same in a tenant that is there.
Result<Practice> fill_practice(clinic::Clinic& clinic, const clinic::CallContext& context,
                               std::size_t professionals);

/// A booking of half an hour: the `slot`-th of a professional from `first_us` on, 20 a day.
clinic::BookAppointmentRequest make_booking(const Practice& practice, std::size_t professional,
                                            std::int64_t first_us, std::size_t slot,
                                            const std::string& patient);

constexpr std::size_t kSlotsADay = 20;
constexpr std::int64_t kMinuteUs = 60'000'000;
constexpr std::int64_t kDayUs = 24 * 60 * kMinuteUs;
/// 08:00 UTC on Monday, 5 January 2026.
constexpr std::int64_t kFirstUs = std::int64_t{1'767'600'000} * 1'000'000;

}  // namespace clinicdb::bench
