#include "clinicdb/engine/key.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "clinicdb/base/random.h"

namespace clinicdb::engine {

TEST_CASE("key: the bytes are those of docs/format.md", "[engine]") {
  CHECK(to_hex(Key().u8(1).u16(2).u32(3).u64(4).str()) == "010002000000030000000000000004");
  CHECK(to_hex(Key().i64(-1).i64(0).str()) == "7fffffffffffffff8000000000000000");
  CHECK(to_hex(Key().text(std::string_view("a\0b", 3)).str()) == "6100ff620001");
}

TEST_CASE("key: order follows the values", "[engine]") {
  SeededRandom random(11);
  auto random_text = [&] {
    std::string text(random.below(5), '\0');
    for (char& c : text) c = "\0\1a\xff"[random.below(4)];
    return text;
  };
  for (int i = 0; i < 20000; ++i) {
    const std::string a = random_text();
    const std::string b = random_text();
    const auto x = static_cast<std::int64_t>(random.next()) >> random.below(64);
    const auto y = static_cast<std::int64_t>(random.next()) >> random.below(64);
    CHECK((Key().text(a).i64(x).str() < Key().text(b).i64(y).str()) ==
          (std::pair(a, x) < std::pair(b, y)));
    CHECK((Key().time_descending(Time{x}).str() < Key().time_descending(Time{y}).str()) == (x > y));
  }
}

TEST_CASE("key: parts read back", "[engine]") {
  const Uuid uuid = *Uuid::parse("829bb06a-42b9-433d-a8f6-560727c63da9");
  const std::string key = Key()
                              .uuid(uuid)
                              .text(std::string_view("x\0y", 3))
                              .time(Time{-5})
                              .time_descending(Time{6})
                              .u16(9)
                              .str();
  std::string_view in = key;
  Uuid u;
  std::string text;
  Time t1;
  Time t2;
  std::uint16_t n = 0;
  REQUIRE(Key::take_uuid(in, u));
  REQUIRE(Key::take_text(in, text));
  REQUIRE(Key::take_time(in, t1));
  REQUIRE(Key::take_time_descending(in, t2));
  REQUIRE(Key::take_u16(in, n));
  CHECK(u == uuid);
  CHECK(text == std::string("x\0y", 3));
  CHECK(t1.us == -5);
  CHECK(t2.us == 6);
  CHECK(n == 9);
  CHECK(in.empty());
  CHECK_FALSE(Key::take_u16(in, n));
}

TEST_CASE("key: text without its end or with a bad escape is refused", "[engine]") {
  const auto bytes =
      GENERATE(as<std::string>(), "", "abc", std::string("a\0", 2), std::string("a\0\2x", 4));
  std::string_view in = bytes;
  std::string text;
  CHECK_FALSE(Key::take_text(in, text));
  CHECK(in.size() == bytes.size());
}

TEST_CASE("key: the end of a prefix lies above all its keys", "[engine]") {
  CHECK(prefix_end("a") == "b");
  CHECK(prefix_end("a\xff") == "b");
  CHECK(prefix_end("\xff\xff").empty());
  CHECK(prefix_end("").empty());
}

}  // namespace clinicdb::engine
