#include "log/manifest.h"

#include <catch2/catch.hpp>

#include "clinicdb/base/bytes.h"
#include "support/simulated_file_system.h"

namespace clinicdb::engine {
namespace {

using clinicdb::test::Fault;
using clinicdb::test::SimulatedFileSystem;

LogManifest golden_manifest() {
  LogManifest manifest;
  manifest.store_id = *Uuid::parse("00112233-4455-6677-8899-aabbccddeeff");
  manifest.epochs = {{Epoch{1}, Lsn{1}}, {Epoch{4}, Lsn{101}}};
  manifest.truncate_above = Lsn{100};
  return manifest;
}

}  // namespace

TEST_CASE("manifest: the bytes are those that docs/format.md shows", "[engine][log]") {
  CHECK(to_hex(encode_manifest(golden_manifest())) ==
        "06df57f95e2f75a1"                    // checksum
        "434c4d31"                            // magic
        "0100"                                // version
        "0100"                                // flags: truncating
        "00112233445566778899aabbccddeeff"    // store
        "6400000000000000"                    // truncate above
        "0200000000000000"                    // rows
        "01000000000000000100000000000000"    // epoch 1 from LSN 1
        "04000000000000006500000000000000");  // epoch 4 from LSN 101
}

TEST_CASE("manifest: what was encoded is decoded", "[engine][log]") {
  const auto read = decode_manifest(encode_manifest(golden_manifest()));
  REQUIRE(read);
  CHECK(read->store_id == golden_manifest().store_id);
  CHECK(read->epochs == golden_manifest().epochs);
  CHECK(read->truncate_above == golden_manifest().truncate_above);
}

TEST_CASE("manifest: any bit that changes, and any cut, makes it invalid", "[engine][log]") {
  const std::string bytes = encode_manifest(golden_manifest());
  for (std::size_t i = 0; i < bytes.size() * 8; ++i) {
    std::string damaged = bytes;
    damaged[i / 8] = static_cast<char>(damaged[i / 8] ^ (1 << i % 8));
    CHECK_FALSE(decode_manifest(damaged));
  }
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CHECK_FALSE(decode_manifest(std::string_view(bytes).substr(0, size)));
  }
  CHECK_FALSE(decode_manifest(bytes + std::string(16, '\0')));
}

TEST_CASE("manifest: tables that are empty or out of order are refused", "[engine][log]") {
  LogManifest manifest = golden_manifest();
  const EpochTable empty;
  const EpochTable twice = {{Epoch{1}, Lsn{1}}, {Epoch{1}, Lsn{2}}};
  const EpochTable falling = {{Epoch{1}, Lsn{5}}, {Epoch{2}, Lsn{4}}};
  for (const EpochTable& table : {empty, twice, falling}) {
    manifest.epochs = table;
    CHECK_FALSE(decode_manifest(encode_manifest(manifest)));
  }
}

TEST_CASE("manifest: the table says which epoch an LSN has", "[engine][log]") {
  // Epoch 2 ended without an entry.
  const EpochTable table = {{Epoch{1}, Lsn{1}}, {Epoch{2}, Lsn{10}}, {Epoch{5}, Lsn{10}}};
  CHECK(epoch_at(table, Lsn{1}) == Epoch{1});
  CHECK(epoch_at(table, Lsn{9}) == Epoch{1});
  CHECK(epoch_at(table, Lsn{10}) == Epoch{5});
  CHECK(epoch_at(table, Lsn{1000}) == Epoch{5});
}

TEST_CASE("manifest: replacing it leaves the old or the new one, whatever fails or is lost",
          "[engine][log]") {
  LogManifest old = golden_manifest();
  old.truncate_above.reset();
  const std::uint64_t nth = GENERATE(range(std::uint64_t{1}, std::uint64_t{12}));
  SimulatedFileSystem disk;
  REQUIRE(disk.create_directories("/log").ok());
  REQUIRE(disk.sync_directory("/").ok());
  REQUIRE(write_manifest(disk, "/log", old).ok());
  disk.faults().arm({.nth = nth, .for_good = true, .written_fraction = 0.5});
  const Status status = write_manifest(disk, "/log", golden_manifest());
  disk.faults().disarm();
  SeededRandom random(nth);
  disk.crash(random);
  const auto read = read_manifest(disk, "/log");
  REQUIRE(read);
  REQUIRE(read->has_value());
  CHECK((*read)->epochs == old.epochs);
  if (status.ok()) CHECK((*read)->truncate_above == Lsn{100});
  // And it can be replaced again.
  REQUIRE(write_manifest(disk, "/log", golden_manifest()).ok());
  CHECK((*read_manifest(disk, "/log"))->truncate_above == Lsn{100});
}

}  // namespace clinicdb::engine
