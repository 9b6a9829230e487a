#include "fhir/generator_bookings.h"

#include <algorithm>
#include <cmath>

namespace clinicdb::clinic::fhir {

namespace {

// Of all clinics; the largest of 81 then has 275 a day, the one in the middle 37.
constexpr double kDailyMean = 54;
constexpr double kFullness = 0.75;
constexpr double kSameDay = 0.35;
constexpr double kLeadDaysMean = 14;
constexpr std::uint64_t kLeadDaysMax = 178;
constexpr std::uint64_t kBurstMax = 24;
constexpr MadeSecond kSecondsADay = MadeSecond{kMinutesADay} * 60;

}  // namespace

double daily_bookings(std::size_t rank, std::size_t clinics) {
  const double share = (static_cast<double>(rank) + 0.5) / static_cast<double>(clinics);
  return std::max(1.0, -kDailyMean * std::log(share));
}

std::size_t booking_professionals(double daily) {
  // By the largest day, so that each of them has room.
  const double slots = daily * 1.3 / kFullness;
  return static_cast<std::size_t>(slots / static_cast<double>(kSlotsADay)) + 1;
}

std::uint64_t bookings_of_day(Random& random, double daily) {
  const double today = daily * (0.7 + 0.6 * random.unit());
  return std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::lround(today)));
}

MadeSecond BookingTimes::next(MadeMinute start) {
  const MadeMinute midnight = start / kMinutesADay * kMinutesADay;
  if (left_in_burst_ > 0) {
    --left_in_burst_;
    if (burst_ < midnight * 60) return burst_;
  }
  if (random_.unit() < kSameDay) {
    // From seven o'clock on, up to the minute.
    const MadeSecond opens = (midnight + 7 * 60) * 60;
    return opens +
           static_cast<MadeSecond>(random_.below(static_cast<std::uint64_t>(start * 60 - opens)));
  }
  const double days = -kLeadDaysMean * std::log(1 - random_.unit());
  const std::uint64_t lead = 1 + std::min(static_cast<std::uint64_t>(days), kLeadDaysMax);
  const MadeSecond booked = midnight * 60 - static_cast<MadeSecond>(lead) * kSecondsADay +
                            7 * 3600 + static_cast<MadeSecond>(random_.below(11 * 3600));
  if (left_in_burst_ == 0 && random_.below(200) == 0) {
    burst_ = booked;
    left_in_burst_ = random_.below(kBurstMax);
  }
  return booked;
}

std::string_view booking_outcome(Random& random) {
  const std::uint64_t chance = random.below(100);
  return chance < 20 ? "noshow" : chance < 23 ? "cancelled" : "fulfilled";
}

ResourceMaker& ResourceMaker::second(std::int64_t second) {
  const MadeMinute minute = second / 60;
  const auto of_day = static_cast<std::uint64_t>(minute % kMinutesADay);
  return date(minute)
      .put("T")
      .digits(of_day / 60, 2)
      .put(":")
      .digits(of_day % 60, 2)
      .put(":")
      .digits(static_cast<std::uint64_t>(second % 60), 2)
      .put("-03:00");
}

MadeId ResourceMaker::schedule(const MadeProfessional& professional, MadeMinute first_day,
                               MadeMinute last_day) {
  const MadeId id = make_id(random_);
  begin("Schedule", id)
      .put("\"active\":true,\"actor\":[")
      .reference("", "Practitioner", professional.id, professional.name)
      .put(",")
      .reference("", "Location", professional.room)
      .put("],\"planningHorizon\":{\"start\":\"")
      .date(first_day)
      .put("\",\"end\":\"")
      .date(last_day)
      .put("\"}");
  end();
  return id;
}

MadeId ResourceMaker::slot(const MadeId& schedule, MadeMinute start, bool busy) {
  const MadeId id = make_id(random_);
  begin("Slot", id)
      .reference("schedule", "Schedule", schedule)
      .put(",\"status\":\"")
      .put(busy ? "busy" : "free")
      .put("\",\"start\":\"")
      .time(start)
      .put("\",\"end\":\"")
      .time(start + kSlotMinutes)
      .put("\"");
  end();
  return id;
}

void ResourceMaker::booking(const MadeId& patient, const MadeProfessional& professional,
                            const MadeBooking& booking) {
  begin("Appointment", booking.id)
      .put("\"status\":\"")
      .put(booking.status)
      .put("\",\"serviceType\":[")
      .code("http://snomed.info/sct", *booking.visit.reason)
      .put("],\"description\":\"")
      .put(booking.visit.reason->display)
      .put("\",\"start\":\"")
      .time(booking.visit.start)
      .put("\",\"end\":\"")
      .time(booking.visit.start + booking.visit.minutes)
      .put("\",\"minutesDuration\":")
      .number(static_cast<std::uint64_t>(booking.visit.minutes))
      .put(",\"slot\":[")
      .reference("", "Slot", booking.slot)
      .put("],\"created\":\"")
      .second(booking.booked)
      .put("\",\"participant\":[{")
      .reference("actor", "Patient", patient)
      .put(",\"status\":\"accepted\"},{")
      .reference("actor", "Practitioner", professional.id, professional.name)
      .put(",\"status\":\"accepted\"},{")
      .reference("actor", "Location", professional.room)
      .put(",\"status\":\"accepted\"}]");
  end();
}

}  // namespace clinicdb::clinic::fhir
