#include "lz4_payload.h"

#include <lz4.h>

#include <catch2/catch.hpp>

#include "clinicdb/base/bytes.h"
#include "clinicdb/base/random.h"
#include "clinicdb/wire/limits.h"

namespace clinicdb::wire {

namespace {

std::string declared(std::uint32_t plain_bytes, std::string_view block) {
  std::string payload;
  append_le32(payload, plain_bytes);
  return payload.append(block);
}

std::string block_of(std::string_view plain) {
  std::string block(static_cast<std::size_t>(LZ4_compressBound(static_cast<int>(plain.size()))),
                    '\0');
  block.resize(static_cast<std::size_t>(LZ4_compress_default(
      plain.data(), block.data(), static_cast<int>(plain.size()), static_cast<int>(block.size()))));
  return block;
}

}  // namespace

TEST_CASE("lz4_payload: what was compressed comes back", "[wire]") {
  const std::string plain(100'000, 'x');
  std::string payload;
  REQUIRE(compress_payload(plain, payload));
  CHECK(payload.size() < 1000);
  std::string back;
  REQUIRE(decompress_payload(payload, plain.size(), back).ok());
  CHECK(back == plain);
  CHECK(decompress_payload(payload, plain.size() - 1, back).code() ==
        StatusCode::kResourceExhausted);
}

TEST_CASE("lz4_payload: what does not shrink is left as it is", "[wire]") {
  SeededRandom random(1);
  std::string noise(10'000, '\0');
  for (char& c : noise) c = static_cast<char>(random.next());
  std::string payload;
  CHECK_FALSE(compress_payload(noise, payload));
  CHECK_FALSE(compress_payload("", payload));
  CHECK_FALSE(compress_payload("aaaa", payload));
}

TEST_CASE("lz4_payload: a declared length is not believed", "[wire]") {
  const std::string plain(1000, 'x');
  const std::string block = block_of(plain);
  std::string out;
  CHECK(decompress_payload(declared(1000, block), 1 << 20, out).ok());
  for (const std::uint32_t wrong : {0u, 1u, 999u, 1001u, 1u << 20}) {
    CHECK(decompress_payload(declared(wrong, block), 1 << 20, out).code() == StatusCode::kDataLoss);
  }
  CHECK(decompress_payload(declared(0xffffffff, block), 1 << 20, out).code() ==
        StatusCode::kResourceExhausted);
  CHECK(decompress_payload("abc", 1 << 20, out).code() == StatusCode::kDataLoss);
  CHECK(decompress_payload(declared(10, ""), 1 << 20, out).code() == StatusCode::kDataLoss);
}

TEST_CASE("lz4_payload: nothing is allocated that the block could not fill", "[wire]") {
  std::string out;
  CHECK(decompress_payload(declared(8 << 20, std::string(100, '\xff')), kBodyBytesMaxDefault, out)
            .code() == StatusCode::kDataLoss);
  CHECK(out.capacity() < 100 * kCompressionRatioMax);
}

}  // namespace clinicdb::wire
