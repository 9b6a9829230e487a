#include "clinicdb/clinic/series.h"

#include <catch2/catch.hpp>

#include "scheduling_fixture.h"

namespace clinicdb::clinic {
namespace {

class SeriesDesk : public Desk {
 public:
  BookSeriesRequest weekly(int count) const {
    BookSeriesRequest request;
    *request.mutable_appointment() = booking(lia, room1, ana, nine).appointment();
    request.set_rule("FREQ=WEEKLY;COUNT=" + std::to_string(count));
    return request;
  }
  Result<BookSeriesResponse> book_series(const BookSeriesRequest& request) {
    return clinic->series().book(clinic.context(), request);
  }
  Result<EditSeriesResponse> edit(const std::string& id, SeriesScope scope,
                                  FunctionRef<void(EditSeriesRequest&)> describe) {
    EditSeriesRequest request;
    request.set_appointment_id(id);
    request.set_scope(scope);
    describe(request);
    return clinic->series().edit(clinic.context(), request);
  }
};

TEST_CASE_METHOD(SeriesDesk, "series: each week at the same time") {
  const BookSeriesResponse made = must(book_series(weekly(10)));
  REQUIRE(made.occurrences_size() == 10);
  for (int i = 0; i < 10; ++i) {
    CHECK(made.occurrences(i).number() == static_cast<std::uint32_t>(i + 1));
    CHECK(appointment(made.occurrences(i).appointment_id()).start_us() == nine + i * 7 * kDay);
  }
  GetSeriesRequest get;
  get.set_id(made.result().id());
  const GetSeriesResponse series = must(clinic->series().get(clinic.context(), get));
  CHECK(series.occurrences_size() == 10);
  CHECK(series.series().start_minute() == 9 * 60);
  CHECK(problems() == 0);
}

TEST_CASE_METHOD(SeriesDesk, "series: the time of the wall stays when clocks change") {
  site = clinic.clinic_site("ny", "America/New_York");
  BookSeriesRequest request = weekly(3);
  request.mutable_appointment()->set_clinic_id(site);
  // 1 March 2026, 02:30 in New York; on 8 March there is no such time.
  request.mutable_appointment()->set_start_us(utc_us(2026, 3, 1, 7, 30));
  request.mutable_appointment()->set_end_us(utc_us(2026, 3, 1, 8));
  const BookSeriesResponse made = must(book_series(request));
  CHECK(made.occurrences(1).start_us() == utc_us(2026, 3, 8, 7, 30));  // 03:30 there
  CHECK(made.occurrences(2).start_us() == utc_us(2026, 3, 15, 6, 30));
  request = weekly(2);
  request.mutable_appointment()->set_clinic_id(site);
  request.mutable_appointment()->set_start_us(utc_us(2026, 10, 25, 5, 30));  // 01:30
  request.mutable_appointment()->set_end_us(utc_us(2026, 10, 25, 6));
  CHECK(must(book_series(request)).occurrences(1).start_us() == utc_us(2026, 11, 1, 5, 30));
}

TEST_CASE_METHOD(SeriesDesk, "series: all or nothing, or without what is taken") {
  booked(booking(lia, room2, bia, nine + 14 * kDay));
  BookSeriesRequest request = weekly(4);
  const Status refused = book_series(request).status();
  CHECK(refused.code() == StatusCode::kFailedPrecondition);
  CHECK_THAT(std::string(refused.message()), Catch::Contains("appointment 3 of 2026-03-16"));
  CHECK(list(day_of(RESOURCE_KIND_PROFESSIONAL, lia, make_date(2026, 3, 2)))->entries_size() == 0);
  request.set_on_conflict(CONFLICT_POLICY_SKIP);
  const BookSeriesResponse made = must(book_series(request));
  REQUIRE(made.occurrences_size() == 4);
  CHECK(made.occurrences(2).appointment_id().empty());
  CHECK_THAT(made.occurrences(2).refusal(), Catch::Contains("professional is taken"));
  // Nothing at all is a refusal, whatever the policy.
  CHECK(book_series(request).status().code() == StatusCode::kFailedPrecondition);
  CHECK(problems() == 0);
}

TEST_CASE_METHOD(SeriesDesk, "series: days that are left out keep their number") {
  BookSeriesRequest request = weekly(3);
  *request.add_without() = make_date(2026, 3, 9);
  const BookSeriesResponse made = must(book_series(request));
  REQUIRE(made.occurrences_size() == 2);
  CHECK(made.occurrences(1).number() == 3);
}

TEST_CASE_METHOD(SeriesDesk, "series: one, this and following, all") {
  const BookSeriesResponse made = must(book_series(weekly(6)));
  const auto id = [&](int i) { return made.occurrences(i).appointment_id(); };
  SECTION("one is moved and stays of the series") {
    must(edit(id(2), SERIES_SCOPE_ONE, [](EditSeriesRequest& r) { r.set_start_minute(10 * 60); }));
    CHECK(appointment(id(2)).start_us() == nine + 14 * kDay + kHour);
    CHECK(appointment(id(3)).start_us() == nine + 21 * kDay);
    CHECK(appointment(id(2)).series_id() == made.result().id());
  }
  SECTION("a shift by a week goes over the series' own times, both ways") {
    must(edit(id(0), SERIES_SCOPE_ALL, [](EditSeriesRequest& r) { r.set_shift_days(7); }));
    for (int i = 0; i < 6; ++i) CHECK(appointment(id(i)).start_us() == nine + (i + 1) * 7 * kDay);
    must(edit(id(0), SERIES_SCOPE_ALL, [](EditSeriesRequest& r) { r.set_shift_days(-7); }));
    CHECK(appointment(id(5)).start_us() == nine + 35 * kDay);
  }
  SECTION("this and following become a series of their own") {
    const EditSeriesResponse done =
        must(edit(id(4), SERIES_SCOPE_FOLLOWING, [&](EditSeriesRequest& r) {
          r.set_professional_id(rui);
          r.set_shift_days(1);
        }));
    CHECK(done.occurrences_size() == 2);
    CHECK(done.result().id() != made.result().id());
    CHECK(appointment(id(4)).professional_id() == rui);
    CHECK(appointment(id(5)).start_us() == nine + 36 * kDay);
    CHECK(appointment(id(3)).professional_id() == lia);
    GetSeriesRequest get;
    get.set_id(made.result().id());
    CHECK(must(clinic->series().get(clinic.context(), get)).occurrences_size() == 4);
    get.set_id(done.result().id());
    const GetSeriesResponse split = must(clinic->series().get(clinic.context(), get));
    CHECK(split.series().split_from() == made.result().id());
    CHECK(split.occurrences_size() == 2);
  }
  SECTION("all are cancelled, but not what is over") {
    clinic.clock().set_wall(Time{nine + kMinute});
    must(change(id(0), APPOINTMENT_STATUS_NO_SHOW));
    const EditSeriesResponse done =
        must(edit(id(3), SERIES_SCOPE_ALL, [](EditSeriesRequest& r) { r.set_cancel(true); }));
    CHECK(done.occurrences_size() == 5);
    CHECK(appointment(id(0)).status() == APPOINTMENT_STATUS_NO_SHOW);
    CHECK(appointment(id(5)).status() == APPOINTMENT_STATUS_CANCELLED);
  }
  SECTION("a conflict refuses the whole edit, or leaves that one where it is") {
    booked(booking(lia, room2, bia, nine + 28 * kDay + 2 * kHour));
    const auto later = [](EditSeriesRequest& r) { r.set_start_minute(11 * 60); };
    CHECK_FALSE(edit(id(0), SERIES_SCOPE_ALL, later));
    CHECK(appointment(id(0)).start_us() == nine);
    const EditSeriesResponse done = must(edit(id(0), SERIES_SCOPE_ALL, [&](EditSeriesRequest& r) {
      later(r);
      r.set_on_conflict(CONFLICT_POLICY_SKIP);
    }));
    CHECK(done.occurrences_size() == 6);
    CHECK_FALSE(done.occurrences(4).refusal().empty());
    CHECK(appointment(id(4)).start_us() == nine + 28 * kDay);
    CHECK(appointment(id(5)).start_us() == nine + 35 * kDay + 2 * kHour);
  }
  CHECK(problems() == 0);
}

}  // namespace
}  // namespace clinicdb::clinic
