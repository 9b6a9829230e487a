#include <catch2/catch.hpp>
#include <fstream>

#include "clinic_fixture.h"
#include "clinicdb/clinic/load/bookings.h"
#include "clinicdb/clinic/tables.h"
#include "load/csv.h"
#include "load/noshow_row.h"

namespace clinicdb::clinic {
namespace {

constexpr const char* kHeadings =
    "PatientId,AppointmentID,Gender,ScheduledDay,AppointmentDay,Age,Neighbourhood,Scholarship,"
    "Hipertension,Diabetes,Alcoholism,Handcap,SMS_received,No-show\n";

load::NoshowRow row(const std::string& text) {
  const std::string all = kHeadings + text;
  load::Csv csv = must(load::Csv::open(all, load::noshow_columns()));
  std::vector<std::string> fields;
  bool complete = false;
  REQUIRE(csv.next(fields, complete));
  return load::read_noshow_row(fields, complete);
}

TEST_CASE("csv: quotes, doubled quotes, lines within quotes, spaces, and what is missing") {
  const std::string text = "\xef\xbb\xbf a ,b,c\r\n1,\"x, \"\"y\"\"\nz\" , 3 \n\n4,5\n";
  load::Csv csv = must(load::Csv::open(text, {"c", "a", "b"}));
  std::vector<std::string> fields;
  bool complete = false;
  REQUIRE(csv.next(fields, complete));
  CHECK(complete);
  CHECK(fields == std::vector<std::string>{"3", "1", "x, \"y\"\nz"});
  CHECK(csv.line() == 2);
  REQUIRE(csv.next(fields, complete));
  CHECK_FALSE(complete);
  CHECK(csv.line() == 5);
  CHECK_FALSE(csv.next(fields, complete));
  CHECK(load::Csv::open(text, {"d"}).status().field() == "d");
  CHECK(load::read_file("/nowhere/at-all.csv").status().code() == StatusCode::kNotFound);
}

TEST_CASE("noshow: a row that is in order") {
  const load::NoshowRow good = row(
      "29872499824296,5642903,F,2016-04-29T18:38:08Z,2016-05-02T00:00:00Z,62,SÃO PEDRO,0,1,0,0,3,1,"
      "No\n");
  CHECK(good.refused.empty());
  CHECK(good.repaired.empty());
  CHECK(good.slug == "sao-pedro");
  CHECK(good.birth_year == 1954);
  CHECK(good.came);
  CHECK(good.flags == std::vector<std::string>{"hypertension", "handicap: 3"});
}

TEST_CASE("noshow: each kind of dirt is repaired or refused, and named") {
  const auto repaired = [](const std::string& text) {
    const load::NoshowRow dirty = row(text + "\n");
    CHECK(dirty.refused.empty());
    return dirty.repaired.empty() ? "" : dirty.repaired.front();
  };
  CHECK(repaired("9377952927E-5,1,F,2016-04-29,2016-05-02,62,A,0,0,0,0,0,0,No") ==
        "patient id not a whole number");
  CHECK(repaired("1,1,F,2016-05-03,2016-05-02,62,A,0,0,0,0,0,0,No") ==
        "appointment before its booking day");
  CHECK(repaired("1,1,F,,2016-05-02,62,A,0,0,0,0,0,0,No") == "booking day missing or not a day");
  CHECK(repaired("1,1,F,2016-05-01,2016-05-02,-1,A,0,0,0,0,0,0,No") == "age below 0");
  CHECK(repaired("1,1,F,2016-05-01,2016-05-02,155,A,0,0,0,0,0,0,No") == "age above 120");
  CHECK(repaired("1,1,F,2016-05-01,2016-05-02,x,A,0,0,0,0,0,0,No") ==
        "age missing or not a number");
  CHECK(repaired("1,1,,2016-05-01,2016-05-02,1,A,0,0,0,0,0,0,No") == "gender neither F nor M");
  CHECK(repaired("1,1,F,2016-05-01,2016-05-02,1,A,0,0,0,0,0,0,?") == "no-show neither Yes nor No");
  CHECK(repaired("1,1,F,2016-05-01,2016-05-02,1,A,0,-1,0,0,0,0,No") ==
        "a yes or no that is neither 0 nor 1");
  CHECK(row("1,1,F,2016-05-01\n").refused == "columns missing or too many");
  CHECK(row("1,1,F,2016-05-01,2016-05-02,1,,0,0,0,0,0,0,No\n").refused == "no place");
  CHECK(row("1,1,F,2016-05-01,2016-02-30,1,A,0,0,0,0,0,0,No\n").refused ==
        "appointment day missing or not a day");
  CHECK(row("?,1,F,2016-05-01,2016-05-02,1,A,0,0,0,0,0,0,No\n").refused ==
        "patient id missing or not an id");
  CHECK(row("1,,F,2016-05-01,2016-05-02,1,A,0,0,0,0,0,0,No\n").refused ==
        "appointment id missing or not an id");
}

TEST_CASE(
    "noshow: places become tenants, times are assigned, nothing overlaps, and again is no change") {
  ClinicFixture clinic;
  test::TemporaryDirectory directory;
  const std::string path = directory.path("bookings.csv");
  std::size_t expected = 0;
  {
    std::ofstream out(path);
    out << kHeadings;
    for (int i = 0; i < 130; ++i, ++expected) {
      // Patient 7 comes ten times a day.
      out << (i % 13 == 0 ? 7 : 1000 + i) << ',' << 500'000 + i
          << ",F,2016-04-29T18:38:08Z,2016-05-02T00:00:00Z,30,ITARARÉ,0,0,0,0,0,0,"
          << (i % 5 == 0 ? "Yes" : "No") << '\n';
    }
    out << "1,700000,M,2016-04-29,2016-06-02,30,CENTRO,0,0,0,0,0,0,No\n";
    out << "1,700000,M,2016-04-29,2016-06-02,30,CENTRO,0,0,0,0,0,0,No\n";
    out << "1,700001,M,2016-04-29,2016-13-02,30,CENTRO,0,0,0,0,0,0,No\n";
    ++expected;
  }
  std::vector<BookingProblem> problems;
  BookingsOptions options;
  options.on_problem = [&](const BookingProblem& problem) { problems.push_back(problem); };
  const BookingsReport report = must(load_noshow(clinic->store(), path, options));
  CHECK(report.rows == 133);
  CHECK(report.loaded == expected);
  CHECK(report.refused == 2);
  CHECK(report.repaired.at("the patient's second appointment of the day") == 9);
  CHECK(problems.back().line == 134);
  CHECK(problems.back().refused);
  CHECK(report.months.at("itarare").at("2016-05") == 130);
  CHECK(report.months.at("centro").at("2016-06") == 1);

  const engine::TenantInfo tenant = must(clinic->store().find_tenant("itarare"));
  std::size_t no_shows = 0;
  const auto reader = must(clinic->store().view(tenant.id));
  must(reader->scan_records(appointments_table().def(), engine::KeyRange::all(), {},
                            [&](std::string_view, engine::RawRecord&& raw) {
                              Appointment appointment;
                              REQUIRE(appointment.ParseFromString(raw.body));
                              if (appointment.status() == APPOINTMENT_STATUS_NO_SHOW) ++no_shows;
                              return true;
                            }));
  CHECK(no_shows == 26);
  CHECK(must(clinic->store().verify({})).problem_count == 0);

  const BookingsReport again = must(load_noshow(clinic->store(), path, {}));
  CHECK(again.loaded == 0);
  CHECK(again.unchanged == expected);
  CHECK(again.months == report.months);
}

}  // namespace
}  // namespace clinicdb::clinic
