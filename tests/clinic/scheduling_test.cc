#include "clinicdb/clinic/scheduling.h"

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <string>
#include <thread>
#include <vector>

#include "clinicdb/clinic/schema/event.pb.h"
#include "scheduling_fixture.h"

namespace clinicdb::clinic {
namespace {

TEST_CASE_METHOD(
    Desk,
    "scheduling: a taken professional, room or patient is refused, saying which and by what") {
  const std::string first = must(book(booking(lia, room1, ana, nine))).result().id();
  const auto refused_naming = [&](const BookAppointmentRequest& request, const std::string& field) {
    const Status refused = book(request).status();
    CHECK(refused.code() == StatusCode::kFailedPrecondition);
    CHECK(refused.field() == field);
    CHECK_THAT(std::string(refused.message()),
               Catch::Contains("from 2026-03-02T12:00:00Z to 2026-03-02T12:30:00Z by appointment " +
                               Uuid::from_bytes(first).to_string()));
    // What is in the way is told only to who may read the schedule.
    CallContext blind(clinic.context().tenant, Rights().with(ACCESS_RIGHT_SCHEDULE_WRITE));
    const Status bare = clinic->scheduling().book(blind, request).status();
    CHECK(bare.field() == field);
    CHECK(bare.message().find("2026") == std::string_view::npos);
  };
  SECTION("professional") {
    refused_naming(booking(lia, room2, bia, nine + 15 * kMinute), "appointment.professional_id");
  }
  SECTION("room") {
    refused_naming(booking(rui, room1, bia, nine - 15 * kMinute), "appointment.room_id");
  }
  SECTION("patient") {
    refused_naming(booking(rui, room2, ana, nine + 10 * kMinute, 5), "appointment.patient_id");
  }
  SECTION("all around it") {
    refused_naming(booking(lia, "", "", nine - 60 * kMinute, 180), "appointment.professional_id");
  }
}

TEST_CASE_METHOD(Desk, "scheduling: appointments that touch do not overlap") {
  CHECK(book(booking(lia, room1, ana, nine)));
  CHECK(book(booking(lia, room1, ana, nine + 30 * kMinute)));
  CHECK(book(booking(lia, room1, ana, nine - 30 * kMinute)));
  CHECK_FALSE(book(booking(lia, room1, ana, nine + 29 * kMinute, 2)));
}

TEST_CASE_METHOD(Desk,
                 "scheduling: what is booked elsewhere, or in another tenant, is not in the way") {
  CHECK(book(booking(lia, room1, ana, nine)));
  CHECK(book(booking(rui, room2, bia, nine)));
  CHECK(book(booking(rui, "", "", nine + 30 * kMinute)));
}

TEST_CASE_METHOD(Desk, "scheduling: who and what an appointment names must exist in the tenant") {
  CHECK(book(booking(std::string(16, 'x'), room1, ana, nine)).status().field() ==
        "appointment.professional_id");
  CHECK(book(booking(lia, std::string(16, 'x'), ana, nine)).status().field() ==
        "appointment.room_id");
  CHECK(book(booking(lia, room1, std::string(16, 'x'), nine)).status().code() ==
        StatusCode::kNotFound);
  const CallContext other = clinic.new_tenant("outra");
  CHECK(clinic->scheduling().book(other, booking(lia, room1, ana, nine)).status().code() ==
        StatusCode::kNotFound);
}

TEST_CASE_METHOD(
    Desk, "scheduling: a cancelled appointment frees its time, and says who cancelled it and why") {
  CallContext context = clinic.context();
  context.user = Uuid::from_bytes(std::string(16, 'u'));
  const std::string id = must(book(booking(lia, room1, ana, nine))).result().id();
  CHECK(must(clinic->scheduling().cancel(context, cancellation(id))).result().version() == 2);
  const auto cancelled = must(clinic->scheduling().get(context, Uuid::from_bytes(id)));
  CHECK(cancelled->appointment().status() == APPOINTMENT_STATUS_CANCELLED);
  CHECK(cancelled->appointment().cancellation().reason() == "viagem");
  CHECK(cancelled->appointment().cancellation().user_id() == std::string(16, 'u'));
  CHECK(cancelled->appointment().title() == "Limpeza de pele");
  const std::string second = must(book(booking(lia, room1, ana, nine))).result().id();
  CHECK(second != id);
  const Status again = clinic->scheduling().cancel(context, cancellation(id)).status();
  CHECK(again.code() == StatusCode::kFailedPrecondition);
  CHECK(again.field() == "appointment.status");
  CHECK(clinic->scheduling().cancel(context, cancellation(std::string(16, 'x'))).status().code() ==
        StatusCode::kNotFound);
  AppointmentHistoryRequest history;
  history.set_id(id);
  const AppointmentHistoryResponse versions = must(clinic->scheduling().history(context, history));
  REQUIRE(versions.versions_size() == 2);
  CHECK(versions.versions(1).appointment().status() == APPOINTMENT_STATUS_BOOKED);
}

TEST_CASE_METHOD(
    Desk, "scheduling: a cancellation against another version is refused with the current one") {
  const std::string id = must(book(booking(lia, room1, ana, nine))).result().id();
  CancelAppointmentRequest request = cancellation(id);
  request.set_expected_version(7);
  const Status refused = clinic->scheduling().cancel(clinic.context(), request).status();
  CHECK(refused.code() == StatusCode::kAborted);
  CHECK(refused.current_version() == 1);
  request.set_expected_version(1);
  CHECK(clinic->scheduling().cancel(clinic.context(), request));
}

TEST_CASE_METHOD(Desk,
                 "scheduling: a day lists what starts on it, by start, for clinic, professional, "
                 "room and patient") {
  const std::string second =
      must(book(booking(lia, room1, bia, nine + 60 * kMinute))).result().id();
  const std::string first = must(book(booking(lia, room1, ana, nine))).result().id();
  must(book(booking(rui, room2, bia, nine)));
  must(book(booking(lia, room1, ana, nine + 24 * 60 * kMinute)));
  const Date day = make_date(2026, 3, 2);
  const auto of_lia = list(day_of(RESOURCE_KIND_PROFESSIONAL, lia, day));
  REQUIRE(of_lia->entries_size() == 2);
  CHECK(of_lia->zone() == "America/Sao_Paulo");
  CHECK(of_lia->entries(0).appointment_id() == first);
  CHECK(of_lia->entries(1).appointment_id() == second);
  CHECK(of_lia->entries(0).start_us() == nine);
  CHECK(of_lia->entries(0).end_us() == nine + 30 * kMinute);
  CHECK(of_lia->entries(0).professional_id() == lia);
  CHECK(of_lia->entries(0).room_id() == room1);
  CHECK(of_lia->entries(0).patient_id() == ana);
  CHECK(of_lia->entries(0).clinic_id() == site);
  CHECK(of_lia->entries(0).title() == "Limpeza de pele");
  CHECK(of_lia->entries(0).status() == APPOINTMENT_STATUS_BOOKED);
  CHECK(list(day_of(RESOURCE_KIND_ROOM, room1, day))->entries_size() == 2);
  CHECK(list(day_of(RESOURCE_KIND_PATIENT, bia, day))->entries_size() == 2);
  const auto of_site = list(day_of(RESOURCE_KIND_CLINIC, site, day));
  REQUIRE(of_site->entries_size() == 3);
  CHECK(of_site->entries(2).appointment_id() == second);
  CHECK(of_site->entries(2).end_us() == nine + 90 * kMinute);
  // Both entries of one appointment say the same.
  const auto same = [&](const CalendarEntry& entry) {
    return entry.SerializeAsString() == of_lia->entries(0).SerializeAsString();
  };
  CHECK(std::count_if(of_site->entries().begin(), of_site->entries().end(), same) == 1);
}

TEST_CASE_METHOD(
    Desk, "scheduling: a clinic's day shows what was cancelled only where that is asked for") {
  const std::string id = must(book(booking(lia, room1, ana, nine))).result().id();
  ListDayRequest request = day_of(RESOURCE_KIND_CLINIC, site, make_date(2026, 3, 2));
  CHECK(list(request)->entries_size() == 1);
  must(clinic->scheduling().cancel(clinic.context(), cancellation(id)));
  CHECK(list(request)->entries_size() == 0);
  request.set_include_released(true);
  const auto all = list(request);
  REQUIRE(all->entries_size() == 1);
  CHECK(all->entries(0).status() == APPOINTMENT_STATUS_CANCELLED);
  CHECK(list(day_of(RESOURCE_KIND_PROFESSIONAL, lia, make_date(2026, 3, 2)))->entries_size() == 0);
}

TEST_CASE_METHOD(Desk, "scheduling: a day is that of the clinic's zone, also when clocks change") {
  site = clinic.clinic_site("havana", "America/Havana");
  // 1 November 2026 has 25 hours there: from 04:00Z to 05:00Z of the next day.
  const std::int64_t start = utc_us(2026, 11, 1, 4);
  must(book(booking(lia, "", "", start - 30 * kMinute)));
  must(book(booking(lia, "", "", start)));
  must(book(booking(lia, "", "", start + 24 * 60 * kMinute + 30 * kMinute)));
  must(book(booking(lia, "", "", start + 25 * 60 * kMinute)));
  ListDayRequest request = day_of(RESOURCE_KIND_CLINIC, site, make_date(2026, 11, 1));
  const auto day = list(request);
  CHECK(day->zone() == "America/Havana");
  CHECK(day->day_end_us() - day->day_start_us() == 25 * 60 * kMinute);
  CHECK(day->entries_size() == 2);
  *request.mutable_day() = make_date(2026, 11, 2);
  CHECK(list(request)->entries_size() == 1);
  // Another zone than the clinic's, when the caller says so.
  request.set_zone("Asia/Tokyo");
  CHECK(list(request)->entries_size() == 2);
  request.set_zone("Mars/Olympus");
  CHECK_FALSE(clinic->scheduling().list_day(clinic.context(), request));
}

TEST_CASE_METHOD(
    Desk, "scheduling: a kept day follows bookings, and a new zone of the clinic or the tenant",
    "[embedded]") {
  ListDayRequest request = day_of(RESOURCE_KIND_CLINIC, site, make_date(2026, 3, 2));
  CHECK(list(request)->entries_size() == 0);
  must(book(booking(lia, room1, ana, nine)));
  CHECK(list(request)->entries_size() == 1);
  CHECK(list(request) == list(request));
  UpdateTenantProfileRequest profile;
  profile.mutable_profile()->set_zone("America/Manaus");
  must(clinic->tenants().update_profile(clinic.context(), profile));
  CHECK(list(request)->zone() == "America/Manaus");
  PutClinicRequest put;
  put.mutable_clinic()->set_id(site);
  put.mutable_clinic()->set_slug("centro");
  put.mutable_clinic()->set_name("Centro");
  put.mutable_clinic()->set_zone("Asia/Tokyo");
  must(clinic->people().put_clinic(clinic.context(), put));
  CHECK(list(request)->zone() == "Asia/Tokyo");
}

TEST_CASE_METHOD(Desk, "scheduling: a booking repeated with its request id is one booking (R1)") {
  CallContext context = clinic.context();
  context.session = Uuid::from_bytes(std::string(16, 's'));
  context.request_id = Uuid::v7(clinic.clock(), system_random());
  const BookAppointmentRequest request = booking(lia, room1, ana, nine);
  const std::string id = must(clinic->scheduling().book(context, request)).result().id();
  const BookAppointmentResponse again = must(clinic->scheduling().book(context, request));
  CHECK(again.result().repeated());
  CHECK(again.result().id() == id);
}

TEST_CASE_METHOD(Desk, "scheduling: a booking emits its event, and a refused one none") {
  must(book(booking(lia, room1, ana, nine)));
  CHECK_FALSE(book(booking(lia, room1, ana, nine)));
  int scheduled = 0;
  const auto reader = must(clinic->store().view(clinic.context().tenant));
  must(reader->events(Lsn{0}, {}, [&](const engine::Event& event) {
    if (event.type != EVENT_APPOINTMENT_SCHEDULED) return true;
    EventPayload payload;
    CHECK(payload.ParseFromArray(event.payload.data(), static_cast<int>(event.payload.size())));
    CHECK(payload.patient_id() == ana);
    CHECK(payload.start_us() == nine);
    ++scheduled;
    return true;
  }));
  CHECK(scheduled == 1);
}

TEST_CASE_METHOD(
    Desk,
    "scheduling: of 64 threads that book the same slots, exactly one wins each, and none overlap") {
  constexpr int kThreads = 64;
  constexpr int kSlots = 12;
  // Starts are 20 minutes apart and 30 minutes long: neighbours overlap as well.
  std::atomic<int> booked{0};
  std::atomic<int> refused{0};
  std::atomic<int> failed{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kSlots; ++i) {
        const int slot = (i + t) % kSlots;
        const std::string& professional = t % 2 == 0 ? lia : rui;
        const Result<BookAppointmentResponse> done =
            book(booking(professional, room1, "", nine + slot * 20 * kMinute));
        if (done) {
          ++booked;
        } else if (done.error().code() == StatusCode::kFailedPrecondition) {
          ++refused;
        } else {
          ++failed;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(failed == 0);
  CHECK(booked + refused == kThreads * kSlots);
  ListDayRequest request = day_of(RESOURCE_KIND_ROOM, room1, make_date(2026, 3, 2));
  const auto day = list(request);
  CHECK(day->entries_size() == booked);
  for (int i = 1; i < day->entries_size(); ++i)
    CHECK(day->entries(i - 1).end_us() <= day->entries(i).start_us());
  // The room is full: every slot now meets somebody.
  for (int slot = 0; slot < kSlots; ++slot)
    CHECK_FALSE(book(booking(lia, room1, "", nine + slot * 20 * kMinute)));
  // The same, slots apart: one winner for each.
  booked = 0;
  threads.clear();
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int slot = 0; slot < kSlots; ++slot) {
        if (book(booking(rui, room2, "", nine + (24 * 60 + slot * 30) * kMinute))) ++booked;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(booked == kSlots);
  CHECK(must(clinic->store().verify({})).problem_count == 0);
}

}  // namespace
}  // namespace clinicdb::clinic
