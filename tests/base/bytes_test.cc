#include "clinicdb/base/bytes.h"

#include <catch2/catch.hpp>

namespace clinicdb {

TEST_CASE("bytes: big-endian numbers sort as the numbers do", "[base]") {
  std::string a;
  std::string b;
  append_be64(a, 255);
  append_be64(b, 256);
  CHECK(a < b);
  CHECK(to_hex(b) == "0000000000000100");
  CHECK(load_be64(b.data()) == 256);
}

TEST_CASE("bytes: a varint reads back", "[base]") {
  const auto value = GENERATE(as<std::uint64_t>(), 0, 1, 127, 128, 16383, 16384, ~std::uint64_t{0});
  std::string text;
  append_varint(text, value);
  text.push_back('x');
  std::string_view in = text;
  std::uint64_t read = 1;
  REQUIRE(take_varint(in, read));
  CHECK(read == value);
  CHECK(in == "x");
}

TEST_CASE("bytes: a varint that is cut short, too long or too large is refused", "[base]") {
  const auto text = GENERATE(as<std::string>(), std::string(), std::string("\x80"),
                             std::string(10, '\x80'), std::string(9, '\xff') + "\x02");
  std::string_view in = text;
  std::uint64_t value = 77;
  CHECK_FALSE(take_varint(in, value));
  CHECK(value == 77);
  CHECK(in.size() == text.size());
}

}  // namespace clinicdb
