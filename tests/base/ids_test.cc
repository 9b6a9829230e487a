#include "clinicdb/base/ids.h"

#include <catch2/catch.hpp>

#include "clinicdb/base/clock.h"
#include "clinicdb/base/random.h"

namespace clinicdb {

TEST_CASE("uuid: text reads back, in lower case", "[base]") {
  const auto uuid = Uuid::parse("829BB06A-42b9-433d-a8f6-560727c63da9");
  REQUIRE(uuid.has_value());
  CHECK(uuid->to_string() == "829bb06a-42b9-433d-a8f6-560727c63da9");
}

TEST_CASE("uuid: malformed text is refused", "[base]") {
  const auto text =
      GENERATE(as<std::string>(), "", "829bb06a-42b9-433d-a8f6-560727c63da",
               "829bb06a042b9-433d-a8f6-560727c63da9", "829bb06a-42b9-433d-a8f6-560727c63dag",
               "829bb06a-42b9-433d-a8f6-560727c63da99");
  CHECK(Uuid::parse(text).error().code() == StatusCode::kInvalidArgument);
}

TEST_CASE("uuid: version 7 carries its time and sorts by it", "[base]") {
  FakeClock clock(Time{1'700'000'000'123'456});
  SeededRandom random(1);
  const Uuid first = Uuid::v7(clock, random);
  clock.advance_us(1000);
  const Uuid second = Uuid::v7(clock, random);
  CHECK(first.v7_milliseconds() == 1'700'000'000'123);
  CHECK(first < second);
  CHECK(first.to_string()[14] == '7');
  CHECK((first.bytes[8] & 0xc0) == 0x80);
  CHECK(Uuid{}.v7_milliseconds() == 0);
}

}  // namespace clinicdb
