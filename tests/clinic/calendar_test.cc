#include "clinicdb/clinic/calendar.h"

#include <catch2/catch.hpp>

#include "scheduling_fixture.h"

namespace clinicdb::clinic {
namespace {

TEST_CASE_METHOD(Desk, "calendar: a week by day, of a clinic, a professional, a room") {
  booked(booking(lia, room1, ana, nine));
  booked(booking(lia, room1, bia, nine + kHour));
  booked(booking(rui, room2, ana, nine + 3 * kDay));
  must(cancel(booked(booking(rui, room2, bia, nine + 6 * kDay))));
  ListCalendarRequest request;
  request.set_kind(RESOURCE_KIND_CLINIC);
  request.set_id(site);
  *request.mutable_from() = make_date(2026, 3, 2);
  const auto sizes = [&] {
    std::vector<int> list;
    const auto week = must(clinic->calendar().list(clinic.context(), request));
    for (const CalendarDay& day : week->days()) list.push_back(day.entries_size());
    return list;
  };
  CHECK(sizes() == std::vector<int>{2, 0, 0, 1, 0, 0, 0});
  request.set_include_released(true);
  CHECK(sizes() == std::vector<int>{2, 0, 0, 1, 0, 0, 1});
  request.set_kind(RESOURCE_KIND_PROFESSIONAL);
  request.set_id(lia);
  CHECK(sizes() == std::vector<int>{2, 0, 0, 0, 0, 0, 0});
  booked(booking(lia, room2, "", nine + 5 * kDay));  // a kept week follows
  CHECK(sizes() == std::vector<int>{2, 0, 0, 0, 0, 1, 0});
  request.set_days(42);
  CHECK(sizes().size() == 42);
  request.set_days(43);
  CHECK(clinic->calendar().list(clinic.context(), request).status().field() == "days");
}

TEST_CASE_METHOD(Desk,
                 "calendar: a patient's appointments, back from now and on from now, in pages") {
  std::vector<std::string> ids;
  for (int i = 0; i < 10; ++i) ids.push_back(booked(booking(lia, room1, ana, nine + i * kDay)));
  must(cancel(ids[3]));
  must(cancel(ids[7]));
  const auto read = [&](bool past, std::int64_t at, std::uint32_t limit) {
    std::vector<std::string> found;
    ListPatientAppointmentsRequest request;
    request.set_patient_id(ana);
    request.set_limit(limit);
    if (past) request.set_before_us(at);
    if (!past) request.set_after_us(at);
    do {
      const auto page = must(clinic->calendar().list_patient(clinic.context(), request));
      CHECK(page.entries_size() <= static_cast<int>(limit));
      for (const CalendarEntry& entry : page.entries()) found.push_back(entry.appointment_id());
      request.set_cursor(page.cursor());
    } while (!request.cursor().empty());
    return found;
  };
  const std::int64_t middle = nine + 5 * kDay;
  for (const std::uint32_t limit : {1u, 2u, 3u, 20u}) {
    CHECK(read(false, middle, limit) == std::vector<std::string>(ids.begin() + 5, ids.end()));
    CHECK(read(true, middle, limit) == std::vector<std::string>(ids.rbegin() + 5, ids.rend()));
  }
}

TEST_CASE_METHOD(Desk, "calendar: counts by professional, service and weekday, kept and not") {
  clinic.clock().set_wall(Time{nine + 60 * kDay});
  const std::string skin = service("Limpeza", [](Service&) {});
  std::vector<std::string> ids;
  for (int day = 0; day < 40; ++day) {
    BookAppointmentRequest request = booking(day % 2 == 0 ? lia : rui, "", ana, nine + day * kDay);
    if (day % 4 == 0) request.mutable_appointment()->set_service_id(skin);
    ids.push_back(booked(request));
  }
  CountAppointmentsRequest request;
  request.set_clinic_id(site);
  *request.mutable_from() = make_date(2026, 3, 2);
  request.set_days(40);
  const auto count = [&] {
    CallContext uncached = clinic.context();
    uncached.use_cache = false;
    const auto plain = must(clinic->calendar().count(uncached, request));
    const auto kept = must(clinic->calendar().count(clinic.context(), request));
    CHECK(kept->SerializeAsString() == plain->SerializeAsString());
    return *plain;
  };
  CHECK(count().total().booked() == 40);
  for (int day = 0; day < 40; day += 5)
    must(change(ids[static_cast<std::size_t>(day)], APPOINTMENT_STATUS_NO_SHOW));
  must(cancel(ids[1]));
  for (const int day : {2, 4}) {
    for (const auto status :
         {APPOINTMENT_STATUS_ARRIVED, APPOINTMENT_STATUS_STARTED, APPOINTMENT_STATUS_COMPLETED})
      must(change(ids[static_cast<std::size_t>(day)], status));
  }
  const CountAppointmentsResponse all = count();
  CHECK(all.total().total() == 40);
  CHECK(all.total().missed() == 8);
  CHECK(all.total().completed() == 2);
  CHECK(all.total().cancelled() == 1);
  CHECK(all.total().no_show_millionths() == 800'000);
  CHECK(all.professionals_size() == 2);
  CHECK(all.services_size() == 2);
  CHECK(all.services(1).id() == skin);
  CHECK(all.services(1).count().total() == 10);
  CHECK(all.weekdays(0).total() == 6);
  request.set_days(7);
  CHECK(count().total().total() == 7);
}

}  // namespace
}  // namespace clinicdb::clinic
