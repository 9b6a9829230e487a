#include <xxhash.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

#include "clinicdb/base/random.h"
#include "clinicdb/wire/frame_reader.h"
#include "clinicdb/wire/frame_writer.h"

namespace clinicdb::wire {

namespace {

constexpr FrameLimits kWide{kBodyBytesMaxDefault, true};

std::string encode(const FrameHeader& header, std::string_view payload) {
  FrameWriter writer;
  writer.add(header, payload);
  return std::string(writer.pending());
}

FrameHeader request(std::uint32_t id) {
  FrameHeader header;
  header.type = FrameType::kRequest;
  header.id = id;
  header.code = 98;
  header.deadline_ms = 250;
  header.trace = 7;
  return header;
}

Status status_of(std::string_view bytes, FrameLimits limits = kWide) {
  FrameReader reader(limits);
  reader.feed(bytes);
  return reader.next().status();
}

/// `bytes` with the checksum put right, as who means harm would send them.
std::string sealed(std::string bytes) {
  store_le64(bytes.data() + 32, XXH3_64bits_withSeed(bytes.data() + 40, bytes.size() - 40,
                                                     XXH3_64bits(bytes.data(), 32)));
  return bytes;
}

}  // namespace

TEST_CASE("frame: all that is said of a call comes back as it was", "[wire]") {
  FrameHeader header = request(0x01020304);
  header.flags = kFlagFresh;
  header.request_id = Uuid::from_bytes("0123456789abcdef");
  header.position = SessionToken{1, ShardId{2}, {Epoch{3}, Lsn{4}}};
  FrameReader reader(kWide);
  reader.feed(encode(header, "payload"));
  const Result<std::optional<Frame>> read = reader.next();
  REQUIRE(read.has_value());
  REQUIRE(read->has_value());
  const Frame& frame = **read;
  CHECK(frame.type == FrameType::kRequest);
  CHECK(frame.flags == (kFlagFresh | kFlagRequestId | kFlagPosition));
  CHECK(frame.id == 0x01020304);
  CHECK(frame.code == 98);
  CHECK(frame.deadline_ms == 250);
  CHECK(frame.trace == 7);
  CHECK(frame.request_id == header.request_id);
  CHECK(frame.position == header.position);
  CHECK_FALSE(frame.tags.has_value());
  CHECK(frame.payload == "payload");
  CHECK_FALSE(reader.in_frame());
}

TEST_CASE("frame: tags come back as numbers", "[wire]") {
  std::string tags;
  append_le64(tags, 11);
  append_le64(tags, 12);
  FrameHeader header;
  header.type = FrameType::kResponse;
  header.tags = tags;
  FrameReader reader(kWide);
  reader.feed(encode(header, ""));
  const Result<std::optional<Frame>> read = reader.next();
  REQUIRE(read.has_value());
  REQUIRE((*read)->tags.has_value());
  REQUIRE((*read)->tags->size() == 16);
  CHECK(tag_at(*(*read)->tags, 1) == 12);
}

TEST_CASE("frame: many in one buffer, read in any cut, are the same frames", "[wire]") {
  SeededRandom random(4);
  FrameWriter writer;
  writer.compress_from(kCompressBytesMin);
  std::vector<std::string> payloads;
  for (std::uint32_t id = 1; id <= 50; ++id) {
    payloads.push_back(std::string(random.below(3) == 0 ? random.below(20'000) : random.below(300),
                                   static_cast<char>('a' + random.below(26))));
    writer.add(request(id), payloads.back());
  }
  const std::string bytes(writer.pending());
  CHECK(bytes.size() < 50 * 1000);  // the long ones were compressed
  for (int round = 0; round < 20; ++round) {
    FrameReader reader(kWide);
    std::uint32_t id = 0;
    bool intact = true;
    for (std::size_t at = 0; at < bytes.size();) {
      const std::size_t cut = std::min<std::size_t>(
          bytes.size() - at, 1 + random.below(round == 0 ? 1 : std::uint64_t{1} << round));
      reader.feed(std::string_view(bytes).substr(at, cut));
      at += cut;
      for (;;) {
        const Result<std::optional<Frame>> read = reader.next();
        REQUIRE(read.has_value());
        if (!*read) break;
        intact = intact && (*read)->id == ++id && (*read)->payload == payloads[id - 1];
      }
    }
    CHECK(intact);
    CHECK(id == 50);
    CHECK_FALSE(reader.in_frame());
    reader.release();
    CHECK(reader.memory_bytes() < 100);
  }
}

TEST_CASE("frame: no change of a single bit goes unnoticed", "[wire]") {
  FrameHeader header = request(1);
  header.request_id = Uuid::from_bytes("0123456789abcdef");
  const std::string bytes = encode(header, "some payload");
  std::size_t unnoticed = 0;
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    FrameReader reader(kWide);
    reader.feed(damaged);
    const Result<std::optional<Frame>> read = reader.next();
    // A longer length is waited for; it never gives a frame.
    if (read && *read) ++unnoticed;
  }
  CHECK(unnoticed == 0);
}

TEST_CASE("frame: what is not our protocol ends at its first byte", "[wire]") {
  CHECK(status_of("G").code() == StatusCode::kDataLoss);
  CHECK(status_of("GET / HTTP/1.1\r\n").code() == StatusCode::kDataLoss);
  CHECK(status_of("CLD").ok());
  CHECK(status_of("CLDX").code() == StatusCode::kDataLoss);
}

TEST_CASE("frame: an error stays: there is no way to find the next frame", "[wire]") {
  FrameReader reader(kWide);
  reader.feed("nonsense");
  CHECK_FALSE(reader.next().has_value());
  reader.feed(encode(request(1), ""));
  CHECK_FALSE(reader.next().has_value());
}

TEST_CASE("frame: versions, types and flags that are not known are named", "[wire]") {
  const std::string good = encode(request(1), "");
  std::string bytes = good;
  bytes[4] = 2;
  CHECK(status_of(sealed(bytes)).code() == StatusCode::kUnimplemented);
  bytes = good;
  bytes[5] = 77;
  CHECK(status_of(sealed(bytes)).message().find("77") != std::string_view::npos);
  bytes = good;
  bytes[7] = 1;
  CHECK(status_of(sealed(bytes)).code() == StatusCode::kUnimplemented);
  bytes = good;
  bytes[6] = static_cast<char>(kFlagAbsent);  // known, but no flag of a request
  CHECK(status_of(sealed(bytes)).code() == StatusCode::kUnimplemented);
}

TEST_CASE("frame: blocks are exactly as long as the flags say", "[wire]") {
  FrameHeader header = request(1);
  header.request_id = Uuid::from_bytes("0123456789abcdef");
  const std::string good = encode(header, "payload");
  for (const int blocks : {0, 15, 17, 23, 24, 65535}) {
    std::string bytes = good;
    store_le16(bytes.data() + 18, static_cast<std::uint16_t>(blocks));
    CHECK(status_of(sealed(bytes)).code() == StatusCode::kDataLoss);
  }
  FrameHeader response;
  response.type = FrameType::kResponse;
  response.tags = std::string_view("12345678");
  std::string bytes = encode(response, "payload");
  store_le16(bytes.data() + 40, 2);
  CHECK(status_of(sealed(bytes)).code() == StatusCode::kDataLoss);
  store_le16(bytes.data() + 40, 65535);
  CHECK(status_of(sealed(bytes)).code() == StatusCode::kResourceExhausted);
}

TEST_CASE("frame: who has not said hello may send little, and nothing compressed", "[wire]") {
  FrameReader reader;
  reader.feed(encode(request(1), std::string(kFrameBytesMaxBeforeLogin - kFrameHeaderBytes, 'x')));
  CHECK(reader.next().has_value());
  CHECK(status_of(
            encode(request(1), std::string(kFrameBytesMaxBeforeLogin - kFrameHeaderBytes + 1, 'x')),
            FrameLimits{})
            .code() == StatusCode::kResourceExhausted);
  FrameWriter writer;
  writer.compress_from(100);
  writer.add(request(1), std::string(1000, 'x'));
  CHECK(status_of(writer.pending(), FrameLimits{}).code() == StatusCode::kUnimplemented);
  CHECK(status_of(writer.pending()).ok());
}

TEST_CASE("frame: a length that is only declared takes no memory", "[wire]") {
  std::string bytes = encode(request(1), "");
  store_le32(bytes.data() + 8, static_cast<std::uint32_t>(kBodyBytesMaxDefault));
  FrameReader reader(kWide);
  reader.feed(bytes);
  const Result<std::optional<Frame>> read = reader.next();
  REQUIRE(read.has_value());
  CHECK_FALSE(read->has_value());
  static_cast<void>(reader.prepare());
  CHECK(reader.memory_bytes() <= 8192);
  store_le32(bytes.data() + 8, static_cast<std::uint32_t>(kBodyBytesMaxDefault) + 1);
  CHECK(status_of(bytes).code() == StatusCode::kResourceExhausted);
}

TEST_CASE("frame: taken bytes leave the writer with the spare's memory", "[wire]") {
  FrameWriter writer;
  std::string spare = "old";
  writer.add(request(1), "a");
  writer.take(spare);
  CHECK(spare.size() == 41);
  CHECK(writer.pending().empty());
  writer.add(request(2), "b");
  CHECK(writer.pending().size() == 41);
}

}  // namespace clinicdb::wire
