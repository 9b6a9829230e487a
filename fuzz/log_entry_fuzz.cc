// Entries of the commit log: any bytes give an entry or kDataLoss; one that was read is written and
// read back as it was; and no change of a single bit goes unnoticed.
//
// Bytes at random never carry the right checksums, so each input is also tried with its checksums
// put right.
#include <xxhash.h>

#include <algorithm>
#include <cstdint>
#include <string>

#include "clinicdb/base/bytes.h"
#include "clinicdb/base/check.h"
#include "fuzz_target.h"
#include "log/entry.h"
#include "log/log_limits.h"

namespace clinicdb::fuzz {
namespace {

// Where things lie in an entry: docs/format.md, "Log entry".
constexpr std::size_t kHash = 16;
constexpr std::size_t kShared = 40;
constexpr std::size_t kTenantCount = 44;
constexpr std::size_t kStoredBytes = 88;
// A header may declare 255 times what is stored; an input does not get to spend that much memory in
// a fuzzer.
constexpr std::size_t kOperationsBytesMax = std::size_t{1} << 20;

std::string with_right_checksums(std::string_view bytes) {
  std::string entry(bytes);
  entry.resize(std::max(entry.size(), engine::kEntryHeaderBytes));
  store_le32(entry.data() + 8, engine::kEntryMagic);
  store_le16(entry.data() + 12, engine::kEntryVersion);
  store_le16(entry.data() + 14, engine::kEntryHeaderBytes);
  // Counts that fit, or what is tried is only that they do not.
  const std::size_t room = entry.size() - engine::kEntryHeaderBytes;
  const std::size_t tenants = load_le32(entry.data() + kTenantCount) % (room / 8 + 1);
  const std::size_t stored = load_le32(entry.data() + kStoredBytes) % (room - 8 * tenants + 1);
  store_le32(entry.data() + kTenantCount, static_cast<std::uint32_t>(tenants));
  store_le32(entry.data() + kStoredBytes, static_cast<std::uint32_t>(stored));
  const std::size_t end = engine::kEntryHeaderBytes + 8 * tenants + stored;
  entry.resize((end + engine::kEntryAlignment - 1) / engine::kEntryAlignment *
               engine::kEntryAlignment);
  store_le64(entry.data() + kHash, XXH3_64bits(entry.data() + kShared, end - kShared));
  store_le64(entry.data(), XXH3_64bits(entry.data() + 8, kShared - 8));
  return entry;
}

void reads_back(const engine::EntryView& view, std::string_view operations) {
  const std::vector<TenantId> tenants = view.tenants();
  engine::EntryContent content;
  content.kind = view.kind;
  content.position = view.position;
  content.previous_hash = view.previous_hash;
  content.committed = view.committed;
  content.time = view.time;
  content.tenants = tenants;
  content.operations = operations;
  engine::EntryEncoder encoder;
  const std::uint64_t hash = encoder.encode(content);
  std::string written(encoder.seal(view.segment_id, view.synced));

  const Result<engine::EntryView> again = engine::decode_entry(written);
  CLINICDB_CHECK(again.has_value());
  CLINICDB_CHECK(again->hash == hash);
  CLINICDB_CHECK(again->kind == view.kind);
  CLINICDB_CHECK(again->position == view.position);
  CLINICDB_CHECK(again->previous_hash == view.previous_hash);
  CLINICDB_CHECK(again->committed == view.committed);
  CLINICDB_CHECK(again->synced == view.synced);
  CLINICDB_CHECK(again->time == view.time);
  CLINICDB_CHECK(again->segment_id == view.segment_id);
  CLINICDB_CHECK(again->tenants() == tenants);
  engine::OperationsReader reader;
  const Result<std::string_view> read = reader.read(*again);
  CLINICDB_CHECK(read.has_value());
  CLINICDB_CHECK(*read == operations);

  const std::size_t bit = static_cast<std::size_t>(hash) % (8 * written.size());
  written[bit / 8] = static_cast<char>(written[bit / 8] ^ (1 << (bit % 8)));
  CLINICDB_CHECK(!engine::decode_entry(written).has_value());
}

void read(std::string_view bytes) {
  const Result<engine::EntryView> view = engine::decode_entry(bytes);
  if (!view) {
    CLINICDB_CHECK(view.error().code() == StatusCode::kDataLoss);
    return;
  }
  CLINICDB_CHECK(view->encoded_bytes <= bytes.size());
  if (view->operations_bytes > kOperationsBytesMax) return;
  engine::OperationsReader reader;
  const Result<std::string_view> operations = reader.read(*view);
  if (operations) {
    reads_back(*view, *operations);
  } else {
    CLINICDB_CHECK(operations.error().code() == StatusCode::kDataLoss);
  }
}

}  // namespace

void run_one(std::string_view bytes) {
  read(bytes);
  read(with_right_checksums(bytes));
}

}  // namespace clinicdb::fuzz
