// What an appointment claims beside its own time, and who may claim what is taken: buffers,
// equipment, groups, holds, overbooking.
#include <catch2/catch.hpp>
#include <set>

#include "scheduling_fixture.h"

namespace clinicdb::clinic {
namespace {

TEST_CASE_METHOD(Desk, "claims: buffers keep the professional and the room, not the patient") {
  const std::string laser = service("Laser", [](Service& s) {
    s.set_buffer_before_minutes(10);
    s.set_buffer_after_minutes(15);
  });
  BookAppointmentRequest request = booking(lia, room1, ana, nine, 0);
  request.mutable_appointment()->clear_title();
  request.mutable_appointment()->set_service_id(laser);
  const std::string id = booked(request);
  const Appointment made = appointment(id);
  CHECK(made.end_us() == nine + 30 * kMinute);
  CHECK(made.title() == "Laser");
  CHECK_FALSE(book(booking(lia, "", "", nine - 10 * kMinute, 5)));
  CHECK(book(booking(lia, "", "", nine - 10 * kMinute - 5 * kMinute, 5)));
  CHECK_FALSE(book(booking("", room1, "", nine + 44 * kMinute, 10)).has_value());
  CHECK(book(booking(rui, room2, ana, nine + 30 * kMinute)));
  // A calendar shows the appointment, not its buffers.
  const auto day = list(day_of(RESOURCE_KIND_PROFESSIONAL, lia, make_date(2026, 3, 2)));
  REQUIRE(day->entries_size() == 2);
  CHECK(day->entries(1).start_us() == nine);
  CHECK(day->entries(1).end_us() == nine + 30 * kMinute);
  CHECK(day->entries(1).service_id() == laser);
}

TEST_CASE_METHOD(Desk, "claims: a day shows what starts on it though its buffer began before") {
  const std::string night = service("Sono", [](Service& s) { s.set_buffer_before_minutes(60); });
  BookAppointmentRequest request = booking(lia, "", ana, utc_us(2026, 3, 3, 3), 0);  // midnight
  request.mutable_appointment()->set_service_id(night);
  booked(request);
  CHECK(list(day_of(RESOURCE_KIND_PROFESSIONAL, lia, make_date(2026, 3, 3)))->entries_size() == 1);
  CHECK(list(day_of(RESOURCE_KIND_PROFESSIONAL, lia, make_date(2026, 3, 2)))->entries_size() == 0);
}

TEST_CASE_METHOD(Desk, "claims: as many at a time as there are units of the equipment") {
  const std::string device = equipment("Laser", 2);
  const std::string laser = service("Laser", [&](Service& s) { s.add_equipment_ids(device); });
  std::vector<std::string> people{lia, rui, clinic.professional("Dr. Ivo")};
  std::vector<std::string> ids;
  for (std::size_t i = 0; i < 3; ++i) {
    BookAppointmentRequest request = booking(people[i], "", "", nine, 0);
    request.mutable_appointment()->set_service_id(laser);
    const auto done = book(request);
    if (i < 2) ids.push_back(must(done).result().id());
    if (i == 2) CHECK(done.status().field() == "appointment.equipment_ids");
  }
  CHECK(appointment(ids[0]).equipment_units(0) == 1);
  CHECK(appointment(ids[1]).equipment_units(0) == 2);
  must(cancel(ids[0]));
  BookAppointmentRequest again = booking(people[2], "", "", nine, 0);
  again.mutable_appointment()->set_service_id(laser);
  CHECK(appointment(booked(again)).equipment_units(0) == 1);
  CHECK(problems() == 0);
}

TEST_CASE_METHOD(Desk, "groups: patients join until the seats are taken, and leave them again") {
  const std::string yoga = service("Pilates", [](Service& s) { s.set_capacity(3); });
  std::vector<std::string> ids;
  const auto join = [&](const std::string& patient) {
    BookAppointmentRequest request = booking(lia, room1, patient, nine, 0);
    request.mutable_appointment()->set_service_id(yoga);
    return book(request);
  };
  for (const char* name : {"A", "B", "C"})
    ids.push_back(must(join(clinic.patient(name))).result().id());
  const Status full = join(ana).status();
  CHECK(full.code() == StatusCode::kFailedPrecondition);
  CHECK_THAT(std::string(full.message()), Catch::Contains("3 of 3 seats are taken"));
  std::set<std::uint32_t> seats;
  for (const std::string& id : ids) seats.insert(appointment(id).seat());
  CHECK(seats == std::set<std::uint32_t>{1, 2, 3});
  // One professional, one group, whatever the number of its participants.
  const auto day = list(day_of(RESOURCE_KIND_PROFESSIONAL, lia, make_date(2026, 3, 2)));
  REQUIRE(day->entries_size() == 1);
  CHECK(day->entries(0).group());
  must(cancel(ids[1]));
  CHECK(appointment(must(join(ana)).result().id()).seat() == 2);
  // Nobody is in it twice, and who is there is nowhere else.
  CHECK_FALSE(join(ana));
  CHECK(book(booking(rui, room2, ana, nine)).status().field() == "appointment.patient_id");
  CHECK(problems() == 0);

  const std::string group = appointment(ids[0]).session_id();
  SECTION("a group moves with all who are in it, or not at all") {
    must(move(group, nine + 2 * kHour));
    CHECK(appointment(ids[0]).start_us() == nine + 2 * kHour);
    booked(booking(rui, room2, ana, nine + 4 * kHour));
    CHECK(move(group, nine + 4 * kHour).status().field() == "appointment.patient_id");
    CHECK(appointment(ids[0]).start_us() == nine + 2 * kHour);
    CHECK(move(ids[0], nine).status().field() == "appointment.session_id");
  }
  SECTION("a group is cancelled with all who are in it") {
    must(cancel(group));
    CHECK(appointment(ids[0]).status() == APPOINTMENT_STATUS_CANCELLED);
    CHECK(book(booking(rui, room2, ana, nine)));
    CHECK(book(booking(lia, room1, "", nine)));
  }
  CHECK(problems() == 0);
}

TEST_CASE_METHOD(Desk,
                 "holds: keep time, over a restart, until they are booked, released or over") {
  HoldAppointmentRequest hold;
  *hold.mutable_appointment() = booking(lia, room1, "", nine).appointment();
  hold.set_minutes(15);
  const HoldAppointmentResponse held = must(clinic->scheduling().hold(clinic.context(), hold));
  CHECK(held.hold_until_us() == clinic.clock().now().us + 15 * kMinute);
  CHECK_FALSE(book(booking(lia, room2, ana, nine)));
  clinic.reopen();
  CHECK_FALSE(book(booking(lia, room2, ana, nine)));
  SECTION("booked") {
    BookAppointmentRequest request;
    request.set_hold_id(held.result().id());
    request.mutable_appointment()->set_patient_id(ana);
    CHECK(booked(request) == held.result().id());
    CHECK(appointment(held.result().id()).status() == APPOINTMENT_STATUS_BOOKED);
    CHECK(appointment(held.result().id()).patient_id() == ana);
    CHECK(book(request).status().field() == "hold_id");
  }
  SECTION("released") {
    ReleaseHoldRequest release;
    release.set_id(held.result().id());
    must(clinic->scheduling().release_hold(clinic.context(), release));
    CHECK(book(booking(lia, room2, ana, nine)));
  }
  SECTION("over: another's booking takes the time") {
    clinic.clock().advance_us(15 * kMinute);
    BookAppointmentRequest late;
    late.set_hold_id(held.result().id());
    CHECK(book(late).status().field() == "hold_id");
    CHECK(book(booking(lia, room2, ana, nine)));
  }
  SECTION("over: removed by the command that does so") {
    CHECK(must(clinic->scheduling().expire_holds(clinic.context(), {})).expired() == 0);
    clinic.clock().advance_us(15 * kMinute);
    CHECK(list(day_of(RESOURCE_KIND_CLINIC, site, make_date(2026, 3, 2)))->entries_size() == 1);
    CHECK(must(clinic->scheduling().expire_holds(clinic.context(), {})).expired() == 1);
    CHECK(list(day_of(RESOURCE_KIND_CLINIC, site, make_date(2026, 3, 2)))->entries_size() == 0);
  }
  CHECK(problems() == 0);
}

TEST_CASE_METHOD(Desk,
                 "overbooking: takes the right to, is recorded, and never frees what it shares") {
  const std::string first = booked(booking(lia, room1, ana, nine));
  BookAppointmentRequest over = booking(lia, room1, bia, nine + 15 * kMinute);
  over.set_overbook(true);
  const CallContext plain(
      clinic.context().tenant,
      Rights().with(ACCESS_RIGHT_SCHEDULE_READ).with(ACCESS_RIGHT_SCHEDULE_WRITE));
  CHECK(clinic->scheduling().book(plain, over).status().code() == StatusCode::kPermissionDenied);
  const std::string second = booked(over);
  const Appointment made = appointment(second);
  REQUIRE(made.overbooking().over_ids_size() == 1);
  CHECK(made.overbooking().over_ids(0) == first);
  CHECK(made.overbooking().kinds_size() == 2);
  // Both are in the calendar, once each.
  const auto day = list(day_of(RESOURCE_KIND_PROFESSIONAL, lia, make_date(2026, 3, 2)));
  REQUIRE(day->entries_size() == 2);
  CHECK(day->entries(1).overbooked());
  CHECK(day->entries(1).start_us() == nine + 15 * kMinute);
  CHECK(day->entries(1).end_us() == nine + 45 * kMinute);
  // The part of it that nobody else has is taken without the right.
  CHECK_FALSE(book(booking(lia, room2, "", nine + 30 * kMinute, 10)));
  // When the other one goes, it has its whole time.
  must(cancel(first));
  CHECK_FALSE(book(booking(lia, room2, "", nine + 15 * kMinute, 10)));
  CHECK(book(booking(lia, room2, "", nine, 15)));
  CHECK(appointment(second).overbooking().over_ids_size() == 1);  // what was, stays on record
  CHECK(problems() == 0);
}

// What an overbooked appointment shares with another is claimed by the other alone: the claims do
// not keep the other from being moved onto it.
TEST_CASE_METHOD(Desk, "overbooking: what it shares time with is not moved onto it") {
  const std::string below = booked(booking(lia, "", ana, nine, 60));
  BookAppointmentRequest over = booking(lia, "", bia, nine + 30 * kMinute);
  over.set_overbook(true);
  const std::string above = booked(over);
  RescheduleAppointmentRequest later;
  later.set_id(below);
  later.set_start_us(nine + 30 * kMinute);
  SECTION("without the right it is refused, and says by what") {
    const Status refused = clinic->scheduling().reschedule(clinic.context(), later).status();
    CHECK(refused.code() == StatusCode::kFailedPrecondition);
    CHECK(refused.field() == "appointment.professional_id");
    CHECK_THAT(std::string(refused.message()),
               Catch::Contains(Uuid::from_bytes(above).to_string()));
    CHECK(appointment(below).start_us() == nine);
  }
  SECTION("with the right it is the one that is overbooked, and each minute is claimed once") {
    later.set_overbook(true);
    must(clinic->scheduling().reschedule(clinic.context(), later));
    const Appointment moved = appointment(below);
    REQUIRE(moved.overbooking().over_ids_size() == 1);
    CHECK(moved.overbooking().over_ids(0) == above);
    CHECK(book(booking(lia, "", "", nine)));
    CHECK_FALSE(book(booking(lia, "", "", nine + 30 * kMinute, 10)));
    CHECK_FALSE(book(booking(lia, "", "", nine + 80 * kMinute, 10)));
    must(cancel(above));
    CHECK_FALSE(book(booking(lia, "", "", nine + 30 * kMinute, 10)));
  }
  SECTION("where it does not move it needs no right, whichever of the two it is") {
    for (const std::string& id : {below, above}) {
      RescheduleAppointmentRequest request;
      request.set_id(id);
      request.set_start_us(appointment(id).start_us());
      request.set_room_id(id == below ? room1 : room2);
      must(clinic->scheduling().reschedule(clinic.context(), request));
    }
    CHECK(appointment(above).room_id() == room2);
    CHECK(appointment(above).overbooking().kinds_size() == 1);
    must(cancel(below));
    CHECK_FALSE(book(booking(lia, "", "", nine + 30 * kMinute, 10)));
  }
  SECTION("out of the time they share it moves freely, and leaves that to the other") {
    must(move(below, nine + kHour));
    CHECK_FALSE(book(booking(lia, "", "", nine + 30 * kMinute, 10)));
    CHECK(book(booking(lia, "", "", nine)));
  }
  CHECK(problems() == 0);
}

TEST_CASE_METHOD(Desk,
                 "overbooking: a group that was put over another appointment is joined still") {
  const std::string yoga = service("Pilates", [](Service& s) { s.set_capacity(3); });
  const auto join = [&](const std::string& patient, std::int64_t start) {
    BookAppointmentRequest request = booking(lia, "", patient, start, 0);
    request.mutable_appointment()->set_service_id(yoga);
    return book(request);
  };
  booked(booking(lia, "", "", nine, 60));
  const std::string group =
      appointment(must(join(ana, nine + 2 * kHour)).result().id()).session_id();
  RescheduleAppointmentRequest request;
  request.set_id(group);
  request.set_start_us(nine + 15 * kMinute);
  request.set_overbook(true);
  must(clinic->scheduling().reschedule(clinic.context(), request));
  CHECK(appointment(must(join(bia, nine + 15 * kMinute)).result().id()).session_id() == group);
  CHECK(problems() == 0);
}

TEST_CASE_METHOD(Desk, "overbooking: a patient and equipment are in one place, whoever says so") {
  booked(booking(lia, room1, ana, nine));
  BookAppointmentRequest over = booking(rui, room2, ana, nine);
  over.set_overbook(true);
  CHECK(book(over).status().field() == "appointment.patient_id");
}

TEST_CASE_METHOD(Desk, "hours: a booking that asks for it is refused outside of them") {
  hours(RESOURCE_KIND_PROFESSIONAL, lia);
  BookAppointmentRequest request = booking(lia, room1, ana, nine - kHour);
  CHECK(book(request));
  request = booking(lia, room1, bia, nine - 2 * kHour);
  request.set_within_hours(true);
  CHECK(book(request).status().field() == "appointment.professional_id");
  request = booking(lia, room1, bia, nine + 3 * kHour - 15 * kMinute);  // into lunch
  request.set_within_hours(true);
  CHECK_FALSE(book(request));
  request = booking(lia, room1, bia, nine);
  request.set_within_hours(true);
  CHECK(book(request));
}

}  // namespace
}  // namespace clinicdb::clinic
