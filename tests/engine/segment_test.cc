#include "log/segment.h"

#include <catch2/catch.hpp>

#include "clinicdb/base/bytes.h"
#include "log/log_limits.h"
#include "support/simulated_file_system.h"

namespace clinicdb::engine {
namespace {

using clinicdb::test::Fault;
using clinicdb::test::fault_kind;
using clinicdb::test::FaultOperation;
using clinicdb::test::SimulatedFileSystem;

SegmentHeader golden_header() {
  SegmentHeader header;
  header.store_id = *Uuid::parse("00112233-4455-6677-8899-aabbccddeeff");
  header.segment_id = 5;
  header.first_lsn = Lsn{101};
  header.previous = {Epoch{2}, Lsn{100}};
  header.previous_hash = 0x1122334455667788;
  header.previous_time = Time{1'700'000'000'000'000};
  header.file_bytes = 65536;
  return header;
}

}  // namespace

TEST_CASE("segment: the header's bytes are those that docs/format.md shows", "[engine][log]") {
  const std::string bytes = encode_segment_header(golden_header());
  REQUIRE(bytes.size() == kSegmentHeaderBytes);
  CHECK(to_hex(std::string_view(bytes).substr(0, 80)) ==
        "b200f3eb7d255976"                  // checksum
        "434c5331"                          // magic
        "0100"                              // version
        "0010"                              // header bytes
        "00112233445566778899aabbccddeeff"  // store
        "0500000000000000"                  // segment id
        "6500000000000000"                  // first LSN
        "0200000000000000"                  // epoch of the entry before
        "8877665544332211"                  // its hash
        "00401e18240a0600"                  // its time
        "0000010000000000");                // file bytes
  CHECK(bytes.find_first_not_of('\0', 80) == std::string::npos);
}

TEST_CASE("segment: a header reads back", "[engine][log]") {
  const Result<SegmentHeader> header =
      decode_segment_header(encode_segment_header(golden_header()));
  REQUIRE(header);
  CHECK(header->store_id == golden_header().store_id);
  CHECK(header->segment_id == 5);
  CHECK(header->first_lsn == Lsn{101});
  CHECK(header->previous == LogPosition{Epoch{2}, Lsn{100}});
  CHECK(header->previous_hash == 0x1122334455667788);
  CHECK(header->previous_time == Time{1'700'000'000'000'000});
  CHECK(header->file_bytes == 65536);
}

TEST_CASE("segment: any byte of the header that changes makes it invalid", "[engine][log]") {
  const std::string bytes = encode_segment_header(golden_header());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    const Result<SegmentHeader> header = decode_segment_header(damaged);
    INFO("byte " << i);
    REQUIRE_FALSE(header);
    CHECK(header.error().code() == StatusCode::kDataLoss);
  }
  CHECK_FALSE(decode_segment_header(std::string_view(bytes).substr(0, bytes.size() - 1)));
}

TEST_CASE("segment: names sort as their ids and nothing else is taken for one", "[engine][log]") {
  CHECK(segment_file_name(0x2a) == "000000000000002a.log");
  CHECK(segment_file_name(0xff) < segment_file_name(0x100));
  CHECK(parse_segment_file_name("00000000000000ff.log") == 0xffu);
  CHECK(parse_segment_file_name(segment_file_name(~std::uint64_t{0})) == ~std::uint64_t{0});
  for (const std::string_view name :
       {"", ".log", "manifest", "next", "ff.log", "00000000000000FF.log", "00000000000000fg.log",
        "00000000000000ff.lox", "000000000000000ff.log", "00000000000000ff.log.tmp"}) {
    CHECK_FALSE(parse_segment_file_name(name));
  }
}

TEST_CASE("segment: new space is zeros, durable, of its full size", "[engine][log]") {
  SimulatedFileSystem disk;
  const std::uint64_t size = GENERATE(as<std::uint64_t>(), 4096, kZeroChunkBytes + 8);
  REQUIRE(create_zeroed(disk, "/x", size).has_value());
  REQUIRE(disk.sync_directory("/").ok());
  disk.crash_losing_all();
  const auto file = disk.open("/x", OpenMode::kRead);
  REQUIRE(file);
  const auto bytes = read_exactly(**file, "/x", 0, size);
  REQUIRE(bytes);
  CHECK(bytes->find_first_not_of('\0') == std::string::npos);
  CHECK((*file)->size().value_or(0) == size);
}

TEST_CASE("segment: where the disk is full, no beginning of a segment is left", "[engine][log]") {
  SimulatedFileSystem disk;
  disk.set_capacity(3 << 20);
  const auto file = create_zeroed(disk, "/x", 4 << 20);
  REQUIRE_FALSE(file);
  CHECK(file.error().code() == StatusCode::kResourceExhausted);
  CHECK_FALSE(disk.exists("/x").value_or(true));
  REQUIRE(disk.sync_directory("/").ok());
  CHECK(disk.used_bytes() == 0);
}

TEST_CASE("segment: zeroing a range touches nothing else, and syncs (L2)", "[engine][log]") {
  SimulatedFileSystem disk;
  const std::uint64_t size = 2 * kZeroChunkBytes + 24;
  const std::uint64_t from = GENERATE(as<std::uint64_t>(), 0, 8, kZeroChunkBytes);
  const std::uint64_t to =
      GENERATE(as<std::uint64_t>(), kZeroChunkBytes + 8, 2 * kZeroChunkBytes + 24);
  {
    const auto file = disk.open("/x", OpenMode::kCreate);
    REQUIRE(file);
    REQUIRE((*file)->write_at(0, std::string(size, 'x')).ok());
    REQUIRE((*file)->sync().ok());
    REQUIRE(disk.sync_directory("/").ok());
    REQUIRE(zero_range(**file, from, to).ok());
  }
  disk.crash_losing_all();
  const auto file = disk.open("/x", OpenMode::kRead);
  const auto bytes = read_exactly(**file, "/x", 0, size);
  REQUIRE(bytes);
  std::string expected(size, 'x');
  std::fill(expected.begin() + static_cast<std::ptrdiff_t>(from),
            expected.begin() + static_cast<std::ptrdiff_t>(to), '\0');
  CHECK((*bytes == expected));
}

}  // namespace clinicdb::engine
