// Where the log ends when it is opened: L1, L2, L3, L4.
#include <catch2/catch.hpp>

#include "clinicdb/base/bytes.h"
#include "log_fixture.h"

namespace clinicdb::engine::test {
namespace {

using clinicdb::test::SimulatedFileSystem;
using Strings = std::vector<std::string>;

const std::string kSegment1 = segment_path(1);

/// Three synced entries, and a fourth that nobody knows to be synced.
std::vector<LogTail> make_four(const CommitLogOptions& options) {
  const auto log = open_log(options);
  std::vector<LogTail> tails;
  for (const char* operations : {"one", "two two two", "three"}) {
    tails.push_back(append_synced(*log, operations));
  }
  tails.push_back(append_synced(*log, "four, which may be torn"));
  return tails;
}

/// Opens, appends, crashes and opens again: what was behind the cut must not come back.
void check_goes_on(SimulatedFileSystem& disk, const CommitLogOptions& options, Strings expected) {
  {
    const auto log = open_log(options);
    REQUIRE(operations_from(*log) == expected);
    expected.emplace_back("new");
    append_synced(*log, "new");
  }
  disk.crash_losing_all();
  const auto log = open_log(options);
  REQUIRE(operations_from(*log) == expected);
  REQUIRE(log->stats().cut_bytes == 0);
}

TEST_CASE("commit_log: a tail torn at any byte is cut off (L3)", "[engine][log]") {
  const char filling = GENERATE('\0', '\xff');
  SimulatedFileSystem disk;
  const CommitLogOptions options = make_log_directory(disk);
  make_four(options);
  const std::string whole = whole_file(disk, kSegment1);
  const std::vector<std::uint64_t> offsets = entry_offsets(whole);
  REQUIRE(offsets.size() == 5);
  // Not the padding: it is zero already.
  const std::uint64_t end = whole.find_last_not_of('\0') + 1;
  for (std::uint64_t cut = offsets[3]; cut < end; ++cut) {
    INFO("cut at " << cut);
    std::string torn = whole;
    std::fill(torn.begin() + static_cast<std::ptrdiff_t>(cut),
              torn.begin() + static_cast<std::ptrdiff_t>(offsets[4]), filling);
    overwrite(disk, kSegment1, 0, torn);
    check_goes_on(disk, options, {"one", "two two two", "three"});
  }
}

TEST_CASE(
    "commit_log: any damage to an entry that was synced is data loss, and changes nothing (L3)",
    "[engine][log]") {
  SimulatedFileSystem disk;
  const CommitLogOptions options = make_log_directory(disk);
  make_four(options);
  const std::string whole = whole_file(disk, kSegment1);
  const std::vector<std::uint64_t> offsets = entry_offsets(whole);
  for (std::uint64_t at = offsets[1]; at < offsets[2]; ++at) {
    INFO("byte " << at);
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x20);
    overwrite(disk, kSegment1, 0, damaged);
    const auto before = snapshot(disk);
    require_data_loss(options, kSegment1 + " at offset " + std::to_string(offsets[1]) + ":");
    REQUIRE(snapshot(disk) == before);
  }
  overwrite(disk, kSegment1, 0, whole);
  REQUIRE(operations_from(*open_log(options)).size() == 4);
}

TEST_CASE(
    "commit_log: any damage to the last entry is a clean cut, or data loss where RocksDB has it",
    "[engine][log]") {
  SimulatedFileSystem disk;
  CommitLogOptions options = make_log_directory(disk);
  const std::vector<LogTail> tails = make_four(options);
  const std::string whole = whole_file(disk, kSegment1);
  const std::vector<std::uint64_t> offsets = entry_offsets(whole);
  for (std::uint64_t at = offsets[3]; at < offsets[4]; ++at) {
    INFO("byte " << at);
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x01);
    overwrite(disk, kSegment1, 0, damaged);
    options.applied = tails[3].position;
    options.applied_hash = tails[3].hash;
    require_data_loss(options, "at offset " + std::to_string(offsets[3]));
    options.applied = {};
    const auto log = open_log(options);
    REQUIRE(operations_from(*log).size() == 3);
    REQUIRE(log->stats().cut_bytes > 0);
  }
}

TEST_CASE("commit_log: a zeroed entry with synced ones behind it is data loss", "[engine][log]") {
  SimulatedFileSystem disk;
  const CommitLogOptions options = make_log_directory(disk);
  make_four(options);
  const std::vector<std::uint64_t> offsets = entry_offsets(whole_file(disk, kSegment1));
  overwrite(disk, kSegment1, offsets[0], std::string(offsets[1] - offsets[0], '\0'));
  require_data_loss(options, "at offset " + std::to_string(offsets[0]));
}

TEST_CASE("commit_log: entries never synced vanish together, whole ones behind torn ones too",
          "[engine][log]") {
  SimulatedFileSystem disk;
  const CommitLogOptions options = make_log_directory(disk);
  {
    const auto log = open_log(options);
    append_synced(*log, "one");
    append_ok(*log, "AAA");
    append_ok(*log, "BBB");
    append_ok(*log, "CCC");
  }
  const std::vector<std::uint64_t> offsets = entry_offsets(whole_file(disk, kSegment1));
  overwrite(disk, kSegment1, offsets[1] + 50, std::string(8, '\0'));
  // The new entry is as long as the torn one: had BBB stayed, it would stand right behind it.
  check_goes_on(disk, options, {"one"});
}

TEST_CASE("commit_log: open makes durable what it trusts (L1)", "[engine][log]") {
  SimulatedFileSystem disk;
  const CommitLogOptions options = make_log_directory(disk);
  {
    const auto log = open_log(options);
    append_ok(*log, "in the page cache only");
  }
  // The process was killed, the machine was not: the entry is seen, so from now on it must stay.
  CHECK(operations_from(*open_log(options)).size() == 1);
  disk.crash_losing_all();
  CHECK(operations_from(*open_log(options)).size() == 1);
}

TEST_CASE("commit_log: an entry that is valid in itself but not here is not taken",
          "[engine][log]") {
  SimulatedFileSystem disk;
  const CommitLogOptions options = make_log_directory(disk);
  const std::vector<LogTail> tails = make_four(options);
  const std::vector<std::uint64_t> offsets = entry_offsets(whole_file(disk, kSegment1));
  EntryContent content;
  content.position = {Epoch{1}, Lsn{5}};
  content.previous_hash = tails[3].hash;
  content.operations = "forged";
  std::uint64_t segment_id = 1;
  Strings expected = {"one", "two two two", "three", "four, which may be torn"};
  const auto check = [&] {
    EntryEncoder encoder;
    encoder.encode(content);
    overwrite(disk, kSegment1, offsets[4], encoder.seal(segment_id, Lsn{3}));
    check_goes_on(disk, options, expected);
  };
  SECTION("another segment's") {
    segment_id = 2;
    check();
  }
  SECTION("a gap before it") {
    content.position.lsn = Lsn{6};
    check();
  }
  SECTION("the LSN again") {
    content.position.lsn = Lsn{4};
    check();
  }
  SECTION("another chain's") {
    content.previous_hash ^= 1;
    check();
  }
  SECTION("an epoch not begun") {
    content.position.epoch = Epoch{2};
    check();
  }
  SECTION("the control: it is taken") {
    expected.emplace_back("forged");
    check();
  }
}

TEST_CASE("commit_log: damage in a segment before the last is data loss", "[engine][log]") {
  SimulatedFileSystem disk;
  CommitLogOptions options = make_log_directory(disk);
  Strings expected;
  {
    const auto log = open_log(options);
    for (int i = 0; i < 20; ++i) {
      expected.push_back(std::string(3000, static_cast<char>('a' + i)));
      append_ok(*log, expected.back());
    }
    REQUIRE(log->sync().ok());
    REQUIRE(log->stats().segments >= 4);
  }
  const std::string second = whole_file(disk, segment_path(2));
  const std::vector<std::uint64_t> offsets = entry_offsets(second);
  SECTION("its last entry") {
    overwrite(disk, segment_path(2), offsets[offsets.size() - 2] + 40, "\x7f");
    require_data_loss(options, segment_path(2));
  }
  SECTION("its header") {
    overwrite(disk, segment_path(2), 17, "\x7f");
    require_data_loss(options, segment_path(2) + " at offset 0");
  }
  SECTION("its end is missing") {
    REQUIRE((*disk.open(segment_path(2), OpenMode::kWrite))->truncate(offsets[1]).ok());
    require_data_loss(options, segment_path(2));
  }
  SECTION("it is missing") {
    REQUIRE(disk.remove(segment_path(2)).ok());
    require_data_loss(options, segment_path(2) + ": segment is missing");
  }
  SECTION("it is another store's") {
    auto header = decode_segment_header(second);
    REQUIRE(header);
    header->store_id.bytes[0] ^= 1;
    overwrite(disk, segment_path(2), 0, encode_segment_header(*header));
    require_data_loss(options, segment_path(2) + " at offset 0");
  }
  SECTION("it is another segment of this store") {
    overwrite(disk, segment_path(2), 0, whole_file(disk, segment_path(3)));
    require_data_loss(options, segment_path(2) + " at offset 0");
  }
  SECTION("the control: nothing is wrong") {
    CHECK(operations_from(*open_log(options)) == expected);
  }
}

TEST_CASE("commit_log: a log that does not hold what RocksDB contains is data loss (L3)",
          "[engine][log]") {
  SimulatedFileSystem disk;
  CommitLogOptions options = make_log_directory(disk);
  const std::vector<LogTail> tails = make_four(options);
  options.applied = tails[2].position;
  options.applied_hash = tails[2].hash;
  SECTION("the control: it does") {
    const auto log = open_log(options);
    CHECK(log->tail().position == tails[3].position);
    CHECK(log->known_committed() == Lsn{3});  // L4
  }
  SECTION("another entry stands there") {
    options.applied_hash ^= 1;
    require_data_loss(options, "LSN 3");
  }
  SECTION("in another epoch") {
    options.applied.epoch = Epoch{2};
    require_data_loss(options, "LSN 3");
  }
  SECTION("it ends before") {
    options.applied.lsn = Lsn{5};
    require_data_loss(options, "LSN 5");
  }
  SECTION("there is none any more") {
    for (const auto& [name, bytes] : snapshot(disk)) {
      REQUIRE(disk.remove(std::string(kLogDirectory) + "/" + name).ok());
    }
    require_data_loss(options, "LSN 3");
  }
}

TEST_CASE("commit_log: segments without a manifest, and a manifest without segments, are data loss",
          "[engine][log]") {
  SimulatedFileSystem disk;
  const CommitLogOptions options = make_log_directory(disk);
  make_four(options);
  SECTION("no manifest") { REQUIRE(disk.remove(std::string(kLogDirectory) + "/manifest").ok()); }
  SECTION("no segments") { REQUIRE(disk.remove(kSegment1).ok()); }
  require_data_loss(options, "manifest");
}

TEST_CASE("commit_log: another store's log is refused", "[engine][log]") {
  SimulatedFileSystem disk;
  CommitLogOptions options = make_log_directory(disk);
  make_four(options);
  options.store_id.bytes[15] ^= 1;
  const auto log = CommitLog::open(options);
  REQUIRE_FALSE(log);
  CHECK(log.error().code() == StatusCode::kFailedPrecondition);
}

TEST_CASE("commit_log: read-only, a log is read and nothing is changed", "[engine][log]") {
  SimulatedFileSystem disk;
  CommitLogOptions options = make_log_directory(disk);
  options.read_only = true;
  CHECK(CommitLog::open(options).status().code() == StatusCode::kNotFound);
  CHECK(snapshot(disk).empty());

  options.read_only = false;
  make_four(options);
  const std::vector<std::uint64_t> offsets = entry_offsets(whole_file(disk, kSegment1));
  overwrite(disk, kSegment1, offsets[3] + 9, "torn");
  const auto before = snapshot(disk);
  options.read_only = true;
  const auto log = open_log(options);
  CHECK(operations_from(*log).size() == 3);
  CHECK(log->append(draft_of("x")).status().code() == StatusCode::kFailedPrecondition);
  CHECK(log->begin_epoch(Epoch{9}).code() == StatusCode::kFailedPrecondition);
  CHECK(log->truncate_above({}).code() == StatusCode::kFailedPrecondition);
  CHECK(log->trim(Lsn{9}, 0).code() == StatusCode::kFailedPrecondition);
  CHECK(log->prepare_next_segment().code() == StatusCode::kFailedPrecondition);
  CHECK(snapshot(disk) == before);
}

TEST_CASE("commit_log: read-only, beside a writer, a look that fails is taken again",
          "[engine][log]") {
  SimulatedFileSystem disk;
  CommitLogOptions options = make_log_directory(disk);
  make_four(options);
  options.read_only = true;
  for (std::uint64_t nth = 1; nth <= 12; ++nth) {
    disk.faults().arm({.nth = nth});
    const auto log = open_log(options);
    disk.faults().disarm();
    CHECK(operations_from(*log).size() == 4);
  }
}

TEST_CASE("commit_log: the making of a log, cut short anywhere, can be begun again",
          "[engine][log]") {
  bool finished = false;
  std::uint64_t steps = 0;
  for (std::uint64_t nth = 1; !finished; ++nth) {
    INFO("operation " << nth);
    SimulatedFileSystem disk;
    CommitLogOptions options = make_log_directory(disk);
    disk.faults().arm({.nth = nth, .for_good = true});
    finished = CommitLog::open(options).has_value();
    disk.faults().disarm();
    SeededRandom random(nth);
    disk.crash(random);
    const auto log = open_log(options);
    append_synced(*log, "x");
    REQUIRE(operations_from(*log) == Strings{"x"});
    steps = nth;
  }
  CHECK(steps > 10);
}

TEST_CASE("commit_log: a first segment whose making was cut short at any size can be begun again",
          "[engine][log]") {
  const auto more = GENERATE(as<std::uint64_t>(), 0, 1, 5, 8, 4096, 4099);
  SimulatedFileSystem disk;
  const CommitLogOptions options = make_log_directory(disk);
  {
    const auto file = disk.open(kSegment1, OpenMode::kCreate);
    REQUIRE(file.has_value());
    REQUIRE((*file)->write_at(0, std::string(kSegmentHeaderBytes + more, '\0')).ok());
    REQUIRE((*file)->sync().ok());
  }
  const auto log = open_log(options);
  append_synced(*log, "x");
  CHECK(operations_from(*log) == Strings{"x"});
}

TEST_CASE("commit_log: segment sizes that cannot be are refused", "[engine][log]") {
  SimulatedFileSystem disk;
  CommitLogOptions options = make_log_directory(disk);
  options.segment_bytes = GENERATE(as<std::uint64_t>(), 0, 4096, 8193, 20'000);
  CHECK(CommitLog::open(options).status().code() == StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace clinicdb::engine::test
