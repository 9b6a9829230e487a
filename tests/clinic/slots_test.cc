#include <catch2/catch.hpp>
#include <string>

#include "scheduling_fixture.h"
#include "zones.h"

namespace clinicdb::clinic {
namespace {

class SlotDesk : public Desk {
 public:
  SlotDesk() { lia_hours = hours(RESOURCE_KIND_PROFESSIONAL, lia); }

  FindSlotsRequest search(std::int64_t from_us, std::int64_t until_us) const {
    FindSlotsRequest request;
    request.set_clinic_id(site);
    request.add_professional_ids(lia);
    request.set_duration_minutes(30);
    request.set_step_minutes(30);
    request.set_from_us(from_us);
    request.set_until_us(until_us);
    return request;
  }
  /// Starts in UTC, hours and minutes; asked with and without the cache, which must agree.
  std::string starts(const FindSlotsRequest& request) {
    CallContext uncached = clinic.context();
    uncached.use_cache = false;
    const auto plain = must(clinic->availability().find_slots(uncached, request));
    for (int i = 0; i < 2; ++i) {
      const auto kept = must(clinic->availability().find_slots(clinic.context(), request));
      CHECK(kept->SerializeAsString() == plain->SerializeAsString());
    }
    std::string text;
    for (const Slot& slot : plain->slots()) {
      const std::string time = format_utc(Time{slot.start_us()});
      text += (text.empty() ? "" : " ") + time.substr(8, 8);
    }
    return text;
  }

  std::string lia_hours;
  std::int64_t midnight = utc_us(2026, 3, 2, 3);  // of that Monday, in São Paulo
};

TEST_CASE_METHOD(SlotDesk, "slots: hours less breaks less what is booked") {
  booked(booking(lia, room1, ana, nine + 30 * kMinute));
  booked(booking(lia, room1, bia, nine + 6 * kHour, 120));
  CHECK(starts(search(midnight, midnight + kDay)) ==
        "02T12:00 02T13:00 02T13:30 02T14:00 02T14:30 02T16:00 02T16:30 02T17:00 02T17:30 "
        "02T20:00 02T20:30");
  FindSlotsRequest longer = search(midnight, midnight + kDay);
  longer.set_duration_minutes(90);
  CHECK(starts(longer) == "02T13:00 02T13:30 02T16:00 02T16:30");
  longer.set_limit(1);
  CHECK(starts(longer) == "02T13:00");
  CHECK(must(clinic->availability().find_slots(clinic.context(), longer))->more());
}

TEST_CASE_METHOD(SlotDesk, "slots: a group is offered while it has a seat, beside what is free") {
  const std::string yoga = service("Pilates", [](Service& s) { s.set_capacity(2); });
  const bool at_clinic = GENERATE(true, false);
  FindSlotsRequest request = search(midnight, midnight + 11 * kHour);
  request.set_service_id(yoga);
  if (!at_clinic) request.clear_clinic_id();
  const auto join = [&](const std::string& patient, std::int64_t start) {
    BookAppointmentRequest joining = booking(lia, "", patient, start, 0);
    joining.mutable_appointment()->set_service_id(yoga);
    return booked(joining);
  };
  CHECK(starts(request) == "02T12:00 02T12:30 02T13:00 02T13:30");
  // Off the grid, it is offered at its own start, and what it overlaps is not.
  const std::string first = join(ana, nine + 45 * kMinute);
  CHECK(starts(request) == "02T12:00 02T12:45 02T13:30");
  const auto found = must(clinic->availability().find_slots(clinic.context(), request));
  CHECK(found->slots(0).seats_free() == 2);
  CHECK(found->slots(0).session_id().empty());
  CHECK(found->slots(1).seats_free() == 1);
  CHECK(found->slots(1).session_id() == appointment(first).session_id());
  const std::string second = join(bia, nine + 45 * kMinute);
  CHECK(starts(request) == "02T12:00 02T13:30");
  must(cancel(second));
  CHECK(starts(request) == "02T12:00 02T12:45 02T13:30");
  // Who is in it already is not offered it again.
  request.set_patient_id(ana);
  CHECK(starts(request) == "02T12:00 02T13:30");
  request.clear_patient_id();
  // Another service's search finds it taken, and so does one for no service.
  CHECK(starts(search(midnight, midnight + 11 * kHour)) == "02T12:00 02T13:30");
  must(cancel(appointment(first).session_id()));
  CHECK(starts(request) == "02T12:00 02T12:30 02T13:00 02T13:30");
}

TEST_CASE_METHOD(SlotDesk, "slots: a booking and a cancellation change a kept answer") {
  const FindSlotsRequest request = search(midnight, midnight + kDay);
  CHECK(starts(request).substr(0, 8) == "02T12:00");
  const std::string id = booked(booking(lia, room1, ana, nine));
  CHECK(starts(request).substr(0, 8) == "02T12:30");
  must(cancel(id));
  CHECK(starts(request).substr(0, 8) == "02T12:00");
  RemoveHoursRequest remove;
  remove.set_id(lia_hours);
  must(clinic->availability().remove_hours(clinic.context(), remove));
  CHECK(starts(request).empty());
}

TEST_CASE_METHOD(SlotDesk, "slots: weekends, time off, added time and holidays") {
  const std::int64_t saturday = midnight + 5 * kDay;
  CHECK(starts(search(saturday, saturday + 2 * kDay)).empty());
  PutExceptionRequest put;
  AvailabilityException& exception = *put.mutable_exception();
  exception.set_kind(RESOURCE_KIND_PROFESSIONAL);
  exception.set_resource_id(lia);
  exception.set_works(true);
  exception.set_start_us(saturday + 9 * kHour);
  exception.set_end_us(saturday + 10 * kHour);
  must(clinic->availability().put_exception(clinic.context(), put));
  CHECK(starts(search(saturday, saturday + 2 * kDay)) == "07T12:00 07T12:30");
  exception.set_works(false);
  exception.set_start_us(midnight - 10 * kDay);
  exception.set_end_us(nine + 8 * kHour);
  must(clinic->availability().put_exception(clinic.context(), put));
  CHECK(starts(search(midnight, midnight + kDay)) == "02T20:00 02T20:30");
  PutHolidayRequest holiday;
  *holiday.mutable_holiday()->mutable_day() = make_date(2026, 3, 3);
  must(clinic->availability().put_holiday(clinic.context(), holiday));
  CHECK(starts(search(midnight + kDay, midnight + 2 * kDay)).empty());
  holiday.mutable_holiday()->set_clinic_id(site);
  *holiday.mutable_holiday()->mutable_day() = make_date(2026, 3, 4);
  holiday.mutable_holiday()->set_open_from_minute(9 * 60);
  holiday.mutable_holiday()->set_open_until_minute(10 * 60);
  must(clinic->availability().put_holiday(clinic.context(), holiday));
  CHECK(starts(search(midnight + 2 * kDay, midnight + 3 * kDay)) == "04T12:00 04T12:30");
  ListHolidaysRequest list;
  list.set_clinic_id(site);
  *list.mutable_from() = make_date(2026, 1, 1);
  *list.mutable_until() = make_date(2026, 12, 31);
  CHECK(must(clinic->availability().list_holidays(clinic.context(), list)).holidays_size() == 2);
}

TEST_CASE_METHOD(SlotDesk, "slots: a room without hours is always there, but for its time off") {
  FindSlotsRequest request = search(midnight, nine + 2 * kHour);
  request.add_room_ids(room1);
  CHECK(starts(request) == "02T12:00 02T12:30 02T13:00 02T13:30");
  PutExceptionRequest put;
  AvailabilityException& exception = *put.mutable_exception();
  exception.set_kind(RESOURCE_KIND_ROOM);
  exception.set_resource_id(room1);
  exception.set_start_us(nine + 30 * kMinute);
  exception.set_end_us(nine + kHour);
  const std::string id =
      must(clinic->availability().put_exception(clinic.context(), put)).result().id();
  CHECK(starts(request) == "02T12:00 02T13:00 02T13:30");
  BookAppointmentRequest inside = booking(lia, room1, ana, nine + 30 * kMinute);
  inside.set_within_hours(true);
  const auto refused = book(inside);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().field() == "appointment.room_id");
  inside.mutable_appointment()->set_room_id(room2);
  CHECK(book(inside));
  RemoveExceptionRequest remove;
  remove.set_id(id);
  must(clinic->availability().remove_exception(clinic.context(), remove));
  CHECK(starts(request) == "02T12:00 02T13:00 02T13:30");
}

TEST_CASE_METHOD(SlotDesk, "slots: of several professionals the earliest, in the order asked") {
  hours(RESOURCE_KIND_PROFESSIONAL, rui);
  booked(booking(lia, room1, ana, nine));
  FindSlotsRequest request = search(midnight, midnight + kDay);
  request.add_professional_ids(rui);
  request.set_limit(3);
  const auto found = must(clinic->availability().find_slots(clinic.context(), request));
  REQUIRE(found->slots_size() == 3);
  CHECK(found->slots(0).professional_id() == rui);
  CHECK(found->slots(1).professional_id() == lia);
  CHECK(found->slots(1).start_us() == nine + 30 * kMinute);
  CHECK(found->slots(2).professional_id() == rui);
}

TEST_CASE_METHOD(SlotDesk, "slots: the first free one may be months ahead") {
  for (int day = 0; day < 70; ++day) {
    const std::int64_t start = nine + day * kDay;
    booked(booking(lia, "", "", start, 9 * 60));
  }
  FindSlotsRequest request = search(midnight, midnight + 90 * kDay);
  request.set_limit(1);
  CHECK(starts(request) == "11T12:00");  // Monday, 11 May
  request.set_until_us(midnight + 60 * kDay);
  CHECK(starts(request).empty());
}

TEST_CASE_METHOD(SlotDesk, "slots: of a service with its buffers, room and equipment") {
  const std::string device = equipment("Laser", 1);
  const std::string laser = service("Laser", [&](Service& s) {
    s.set_buffer_after_minutes(30);
    s.set_needs_room(true);
    s.add_room_ids(room1);
    s.add_room_ids(room2);
    s.add_equipment_ids(device);
  });
  FindSlotsRequest request = search(midnight, nine + 4 * kHour);
  request.set_duration_minutes(0);
  request.set_service_id(laser);
  CHECK(starts(request) == "02T12:00 02T12:30 02T13:00 02T13:30 02T14:00");
  booked(booking(rui, room1, "", nine));
  auto found = must(clinic->availability().find_slots(clinic.context(), request));
  CHECK(found->slots(0).room_id() == room2);
  CHECK(found->slots(1).room_id() == room1);
  booked(booking("", room2, "", nine));
  CHECK(starts(request) == "02T12:30 02T13:00 02T13:30 02T14:00");
  // The only laser is taken elsewhere.
  BookAppointmentRequest elsewhere = booking(rui, room1, "", nine + kHour, 0);
  elsewhere.mutable_appointment()->set_service_id(laser);
  booked(elsewhere);
  CHECK(starts(request) == "02T14:00");
}

TEST_CASE_METHOD(SlotDesk,
                 "slots: at certain times of day, on certain weekdays, when a patient can") {
  FindSlotsRequest request = search(midnight, midnight + 7 * kDay);
  request.set_weekdays(1 << 1 | 1 << 5);
  request.set_from_minute(10 * 60);
  request.set_until_minute(11 * 60);
  CHECK(starts(request) == "03T13:00 03T13:30");
  booked(booking(rui, room1, ana, nine + kDay + kHour));
  request.set_patient_id(ana);
  CHECK(starts(request) == "03T13:30");
}

TEST_CASE("slots: on days when clocks change, hours are those of the wall") {
  // New York: 8 March 2026 has no 02:00-03:00, 1 November has 01:00-02:00 twice.
  Desk desk;
  desk.site = desk.clinic.clinic_site("ny", "America/New_York");
  PutHoursRequest put;
  put.mutable_hours()->set_kind(RESOURCE_KIND_PROFESSIONAL);
  put.mutable_hours()->set_resource_id(desk.lia);
  WeeklyHours& sunday = *put.mutable_hours()->add_weekly();
  sunday.set_weekday(7);
  sunday.set_from_minute(60);
  sunday.set_until_minute(4 * 60);
  must(desk.clinic->availability().put_hours(desk.clinic.context(), put));
  const auto count = [&](std::int64_t from) {
    FindSlotsRequest request;
    request.set_clinic_id(desk.site);
    request.add_professional_ids(desk.lia);
    request.set_duration_minutes(60);
    request.set_step_minutes(60);
    request.set_from_us(from);
    request.set_until_us(from + kDay);
    const auto found = must(desk.clinic->availability().find_slots(desk.clinic.context(), request));
    return found->slots_size();
  };
  CHECK(count(utc_us(2026, 3, 1, 5)) == 3);
  CHECK(count(utc_us(2026, 3, 8, 5)) == 2);
  CHECK(count(utc_us(2026, 11, 1, 4)) == 4);
}

TEST_CASE_METHOD(SlotDesk, "slots: when a clinic's zone changes, kept hours do not stay behind") {
  const FindSlotsRequest request = search(midnight, midnight + kDay);
  const std::string in_sao_paulo = starts(request);
  CHECK(in_sao_paulo.starts_with("02T12:00 "));
  GetClinicRequest which;
  which.set_id(site);
  PutClinicRequest change;
  *change.mutable_clinic() = must(clinic->people().get_clinic(clinic.context(), which))->clinic();
  change.mutable_clinic()->set_zone("America/Manaus");
  must(clinic->people().put_clinic(clinic.context(), change));
  CHECK(starts(request).starts_with("02T13:00 "));
}

TEST_CASE_METHOD(SlotDesk, "slots: what cannot be asked is refused by its field") {
  FindSlotsRequest request = search(midnight, midnight + kDay);
  std::string field;
  SECTION("nobody") {
    request.clear_professional_ids();
    field = "professional_ids";
  }
  SECTION("no length") {
    request.set_duration_minutes(0);
    field = "duration_minutes";
  }
  SECTION("backwards") {
    request.set_until_us(midnight - 1);
    field = "until_us";
  }
  SECTION("for years") {
    request.set_until_us(midnight + 401 * kDay);
    field = "until_us";
  }
  SECTION("no such service") {
    request.set_service_id(std::string(16, 'x'));
    field = "service_id";
  }
  CHECK(clinic->availability().find_slots(clinic.context(), request).status().field() == field);
}

TEST_CASE_METHOD(SlotDesk, "hours: what is no time of a week is refused by its field") {
  PutHoursRequest put;
  Hours& hours = *put.mutable_hours();
  hours.set_kind(RESOURCE_KIND_PROFESSIONAL);
  hours.set_resource_id(lia);
  WeeklyHours& stretch = *hours.add_weekly();
  stretch.set_weekday(1);
  stretch.set_from_minute(60);
  stretch.set_until_minute(120);
  std::string field;
  SECTION("a patient's") {
    hours.set_kind(RESOURCE_KIND_PATIENT);
    field = "hours.kind";
  }
  SECTION("an eighth day") {
    stretch.set_weekday(8);
    field = "hours.weekly.weekday";
  }
  SECTION("backwards") {
    stretch.set_from_minute(120);
    field = "hours.weekly.until_minute";
  }
  SECTION("an unknown zone") {
    hours.set_zone("Mars/Olympus");
    field = "hours.zone";
  }
  CHECK(clinic->availability().put_hours(clinic.context(), put).status().field() == field);
}

}  // namespace
}  // namespace clinicdb::clinic
