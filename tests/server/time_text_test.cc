#include "cli/time_text.h"

#include <catch2/catch.hpp>

using namespace clinicdb;          // NOLINT
using namespace clinicdb::server;  // NOLINT

namespace {

constexpr const char* kSaoPaulo = "America/Sao_Paulo";

std::string utc(std::string_view text, const std::string& zone) {
  const Result<Time> time = parse_time(text, zone, "--start");
  return time ? format_utc(*time) : std::string(time.error().message());
}

}  // namespace

TEST_CASE("time_text: a time without an offset is in the zone, one with an offset is not",
          "[server]") {
  CHECK(utc("2026-12-01T09:00", kSaoPaulo) == "2026-12-01T12:00:00Z");
  CHECK(utc("2026-12-01 09:00:30", kSaoPaulo) == "2026-12-01T12:00:30Z");
  CHECK(utc("2026-12-01T09:00Z", kSaoPaulo) == "2026-12-01T09:00:00Z");
  CHECK(utc("2026-12-01T09:00-05:00", kSaoPaulo) == "2026-12-01T14:00:00Z");
  CHECK(utc("2026-12-01T09:00+0530", kSaoPaulo) == "2026-12-01T03:30:00Z");
}

TEST_CASE("time_text: an hour that clocks leave out or show twice wants an offset", "[server]") {
  CHECK(utc("2018-11-04T00:30", kSaoPaulo).find("jump over") != std::string::npos);
  CHECK(utc("2018-02-17T23:30", kSaoPaulo).find("twice") != std::string::npos);
  CHECK(utc("2018-02-17T23:30-02:00", kSaoPaulo) == "2018-02-18T01:30:00Z");
}

TEST_CASE("time_text: what is no time is refused, and names the option", "[server]") {
  const auto* text =
      GENERATE("", "tomorrow", "2026-12-01", "2026-12-01T", "2026-12-01T9:00", "2026-12-01T24:00",
               "2026-12-01T09:60", "2026-02-29T09:00", "2026-13-01T09:00",
               "2026-12-01T09:00:", "2026-12-01T09:00x", "2026-12-01T09:00+25:00",
               "2026-12-01T09:00-03:00 ", "12/01/2026 09:00");
  CAPTURE(text);
  const Result<Time> time = parse_time(text, kSaoPaulo, "--start");
  REQUIRE_FALSE(time);
  CHECK(time.error().code() == StatusCode::kInvalidArgument);
  CHECK(time.error().field() == "--start");
}

TEST_CASE("time_text: an unknown zone is said", "[server]") {
  CHECK(utc("2026-12-01T09:00", "America/Atlantis").find("Atlantis") != std::string::npos);
}

TEST_CASE("time_text: days, whole and in part", "[server]") {
  CHECK(format_day(*parse_day("1980-05-02", false, "--day")) == "1980-05-02");
  CHECK(format_day(*parse_day("1980-05", true, "--born")) == "1980-05");
  CHECK(format_day(*parse_day("1980", true, "--born")) == "1980");
  CHECK_FALSE(parse_day("1980-05", false, "--day"));
  CHECK_FALSE(parse_day("1980-02-30", true, "--born"));
  CHECK_FALSE(parse_day("1980-13", true, "--born"));
  CHECK_FALSE(parse_day("1980-05-02x", true, "--born"));
  CHECK_FALSE(parse_day("0000", true, "--born"));
}

TEST_CASE("time_text: today is the zone's own day", "[server]") {
  const Time midnight_utc = *parse_time("2026-12-01T01:00Z", "UTC", "");
  CHECK(format_day(*parse_day_or_word("today", kSaoPaulo, midnight_utc, "--day")) == "2026-11-30");
  CHECK(format_day(*parse_day_or_word("today", "UTC", midnight_utc, "--day")) == "2026-12-01");
  CHECK(format_day(*parse_day_or_word("tomorrow", "UTC", midnight_utc, "--day")) == "2026-12-02");
  CHECK(format_day(*parse_day_or_word("yesterday", "UTC", midnight_utc, "--day")) == "2026-11-30");
  CHECK(format_day(*parse_day_or_word("2020-02-29", "UTC", midnight_utc, "--day")) == "2020-02-29");
}

TEST_CASE("time_text: times as people read them", "[server]") {
  const Time time = *parse_time("2026-12-01T12:05:09Z", "UTC", "");
  CHECK(format_local(time, kSaoPaulo) == "2026-12-01 09:05");
  CHECK(format_local_hour(time, kSaoPaulo) == "09:05");
  CHECK(format_utc(Time{time.us + 1500}) == "2026-12-01T12:05:09.001500Z");
}
