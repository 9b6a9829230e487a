#include "log/entry.h"

#include <catch2/catch.hpp>
#include <string>

#include "clinicdb/base/bytes.h"
#include "clinicdb/base/random.h"
#include "log/log_limits.h"

namespace clinicdb::engine {
namespace {

const std::vector<TenantId> kTenants = {TenantId{7}, TenantId{0x0102030405060708}};

EntryContent golden_content() {
  EntryContent content;
  content.kind = EntryKind::kGroup;
  content.position = {Epoch{2}, Lsn{3}};
  content.previous_hash = 0x1122334455667788;
  content.committed = Lsn{1};
  content.time = Time{1'700'000'000'000'000};
  content.tenants = kTenants;
  content.operations = "hello";
  return content;
}

std::string encode(const EntryContent& content, std::uint64_t segment_id = 5, Lsn synced = Lsn{2}) {
  EntryEncoder encoder;
  encoder.encode(content);
  return std::string(encoder.seal(segment_id, synced));
}

std::string random_bytes(Random& random, std::size_t size) {
  std::string bytes;
  while (bytes.size() < size) append_le64(bytes, random.next());
  bytes.resize(size);
  return bytes;
}

}  // namespace

TEST_CASE("entry: the bytes are those that docs/format.md shows", "[engine][log]") {
  const std::string bytes = encode(golden_content());
  // One line a field, as in the table there.
  CHECK(to_hex(bytes) ==
        "4a5baf4ea5b76dd6"  // checksum
        "434c4531"          // magic
        "0100"              // version
        "6000"              // header bytes
        "b182894223269e02"  // hash
        "0500000000000000"  // segment id
        "0200000000000000"  // synced LSN
        "01"                // kind
        "00"                // flags
        "0000"              // reserved
        "02000000"          // tenants
        "0200000000000000"  // epoch
        "0300000000000000"  // LSN
        "8877665544332211"  // previous hash
        "0100000000000000"  // committed LSN
        "00401e18240a0600"  // time
        "05000000"          // payload as stored
        "05000000"          // payload before compression
        "0700000000000000"  // tenant
        "0807060504030201"  // tenant
        "68656c6c6f"        // payload
        "000000");          // padding
}

TEST_CASE("entry: what was encoded is decoded", "[engine][log]") {
  SeededRandom random(1);
  const std::size_t size = GENERATE(0, 1, 7, 8, 9, 4095, 4096, 4097, 70'000);
  const bool compressible = GENERATE(false, true);
  const std::string operations = compressible ? std::string(size, 'a') : random_bytes(random, size);
  EntryContent content = golden_content();
  content.kind = GENERATE(EntryKind::kGroup, EntryKind::kErase, EntryKind::kBarrier);
  content.operations = operations;
  EntryEncoder encoder;
  const std::uint64_t hash = encoder.encode(content);
  const std::string bytes(encoder.seal(5, Lsn{2}));

  CHECK(bytes.size() == encoder.encoded_bytes());
  CHECK(bytes.size() % kEntryAlignment == 0);
  CHECK(declared_entry_bytes(bytes).value_or(0) == bytes.size());
  // Behind it, anything may follow.
  const std::string longer = bytes + "x";
  const Result<EntryView> view = decode_entry(longer);
  REQUIRE(view);
  CHECK(view->kind == content.kind);
  CHECK(view->position == content.position);
  CHECK(view->hash == hash);
  CHECK(view->previous_hash == content.previous_hash);
  CHECK(view->committed == content.committed);
  CHECK(view->synced == Lsn{2});
  CHECK(view->time == content.time);
  CHECK(view->segment_id == 5);
  CHECK(view->tenants() == kTenants);
  CHECK(view->compressed == (compressible && size >= kEntryCompressBytesMin));
  CHECK(view->encoded_bytes == bytes.size());
  OperationsReader reader;
  CHECK(reader.read(*view).value_or("?") == operations);
}

TEST_CASE("entry: the hash is the same wherever the entry stands, the checksum is not",
          "[engine][log]") {
  const std::string here = encode(golden_content(), 5, Lsn{2});
  const std::string there = encode(golden_content(), 6, Lsn{0});
  CHECK(decode_entry(here)->hash == decode_entry(there)->hash);
  CHECK(here.substr(0, 8) != there.substr(0, 8));
  EntryContent other = golden_content();
  other.previous_hash ^= 1;
  CHECK(decode_entry(here)->hash != decode_entry(encode(other))->hash);
}

TEST_CASE("entry: compression is kept only where it saves an eighth", "[engine][log]") {
  SeededRandom random(2);
  // A tenth of it compresses to nothing: not enough.
  EntryContent content = golden_content();
  const std::string poor = random_bytes(random, 90'000) + std::string(10'000, 'x');
  content.operations = poor;
  CHECK_FALSE(decode_entry(encode(content))->compressed);
  const std::string good = random_bytes(random, 80'000) + std::string(20'000, 'x');
  content.operations = good;
  const std::string bytes = encode(content);
  CHECK(decode_entry(bytes)->compressed);
  CHECK(bytes.size() < good.size() - good.size() / 8 + 200);
}

TEST_CASE("entry: an encoder's earlier entries leave no trace in later ones", "[engine][log]") {
  EntryEncoder encoder;
  EntryContent content = golden_content();
  const std::string large(kEntryBufferKeptBytes + 1, 'z');
  content.operations = large;
  encoder.encode(content);
  encoder.seal(1, Lsn{0});
  encoder.encode(golden_content());
  CHECK(encoder.seal(5, Lsn{2}) == encode(golden_content()));
}

TEST_CASE("entry: any bit that changes makes it invalid", "[engine][log]") {
  const std::string bytes = encode(golden_content());
  for (std::size_t i = 0; i < bytes.size() * 8; ++i) {
    std::string damaged = bytes;
    damaged[i / 8] = static_cast<char>(damaged[i / 8] ^ (1 << i % 8));
    const Result<EntryView> view = decode_entry(damaged);
    INFO("bit " << i);
    REQUIRE_FALSE(view);
    CHECK(view.error().code() == StatusCode::kDataLoss);
  }
}

TEST_CASE("entry: a beginning of it is invalid", "[engine][log]") {
  const std::string bytes = encode(golden_content());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CHECK_FALSE(decode_entry(std::string_view(bytes).substr(0, size)));
  }
}

TEST_CASE("entry: what no writer writes is refused although its checksums agree", "[engine][log]") {
  // By way of the encoder's own checksums: change a field, then encode nothing else.
  EntryContent content = golden_content();
  for (const int kind : {0, 9}) {
    content.kind = static_cast<EntryKind>(kind);
    CHECK_FALSE(decode_entry(encode(content)));
  }
}

}  // namespace clinicdb::engine
