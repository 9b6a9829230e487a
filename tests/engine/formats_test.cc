// Golden bytes of everything that docs/format.md describes beside the commit log and backups. A
// change here is a change of the format: it needs a new version byte, and the old bytes must stay
// readable.
#include <catch2/catch.hpp>

#include "clinicdb/base/bytes.h"
#include "clinicdb/base/random.h"
#include "commit/work.h"
#include "store/kv.h"
#include "store/layout.h"
#include "store/tenant_record.h"
#include "table/catalog.h"
#include "table/read.h"
#include "txn/envelope.h"
#include "txn/operations.h"

namespace clinicdb::engine {

namespace {

Uuid numbered(std::uint8_t number) {
  Uuid uuid;
  uuid.bytes[15] = number;
  return uuid;
}

}  // namespace

TEST_CASE("format: keys put the tenant first, then table and space", "[engine]") {
  const TenantId tenant{0x0102030405060708};
  const TableId table{0x1000};
  CHECK(to_hex(layout::row_key(tenant, table, "k")) == "01020304050607081000006b");
  CHECK(to_hex(layout::index_prefix(tenant, table, 5, 2)) == "010203040506070810000502");
  CHECK(to_hex(layout::history_key(tenant, table, "k", 3)) ==
        "01020304050607081000f06bfffffffffffffffc");
  CHECK(to_hex(layout::event_key(tenant, Lsn{9}, 1)) ==
        "0102030405060708000100000000000000000900000001");
  CHECK(to_hex(layout::applied_key()) == "00000000000000000001006170706c696564");
  const std::string row = layout::row_key(tenant, table, "k");
  layout::ParsedPrefix parsed;
  REQUIRE(layout::parse(row, parsed));
  CHECK(parsed.tenant == tenant);
  CHECK(parsed.table == table);
  CHECK(parsed.rest == "k");
  CHECK_FALSE(layout::parse("short", parsed));
}

TEST_CASE("format: a record's envelope", "[engine]") {
  RecordMeta meta;
  meta.version = 2;
  meta.created_lsn = Lsn{3};
  meta.created = Time{4};
  meta.created_by = numbered(5);
  meta.updated_lsn = Lsn{6};
  meta.updated = Time{7};
  meta.updated_by = numbered(8);
  const std::string value = encode_envelope(meta, "body");
  CHECK(to_hex(value) ==
        "0100000000000000"
        "0200000000000000"
        "0300000000000000"
        "0400000000000000"
        "00000000000000000000000000000005"
        "0600000000000000"
        "0700000000000000"
        "00000000000000000000000000000008"
        "626f6479");
  const auto record = decode_record(value);
  REQUIRE(record.has_value());
  CHECK(record->body == "body");
  CHECK(record->meta.version == 2);
  CHECK(record->meta.updated_by == numbered(8));
}

TEST_CASE("format: a large body is compressed and reads back; a damaged one is data loss",
          "[engine]") {
  std::string body;
  while (body.size() < 10000) body += "all the same and again ";
  std::string value = encode_envelope({}, body);
  CHECK(value.size() < 1000);
  CHECK(value[1] == 1);
  CHECK(decode_record(value)->body == body);
  SeededRandom random(1);
  std::string noise(5000, '\0');
  for (char& c : noise) c = static_cast<char>(random.next());
  CHECK(decode_record(encode_envelope({}, noise))->body == noise);
  CHECK(encode_envelope({}, noise)[1] == 0);
  for (std::size_t size = 0; size < kEnvelopeBytes + 20; ++size) {
    CHECK_FALSE(decode_record(std::string_view(value).substr(0, size)).has_value());
  }
  store_le32(value.data() + kEnvelopeBytes, 0xffffffff);
  CHECK(decode_record(value).error().code() == StatusCode::kDataLoss);
  value[0] = 2;
  CHECK(decode_record(value).error().code() == StatusCode::kUnimplemented);
}

TEST_CASE("format: LSN and time are stamped over an envelope, created only where it is new",
          "[engine]") {
  std::string value = encode_envelope({}, "x");
  stamp_envelope(value.data(), Lsn{7}, Time{70});
  auto record = decode_record(value);
  CHECK(record->meta.created_lsn == Lsn{7});
  CHECK(record->meta.created == Time{70});
  stamp_envelope(value.data(), Lsn{8}, Time{80});
  record = decode_record(value);
  CHECK(record->meta.created_lsn == Lsn{7});
  CHECK(record->meta.updated_lsn == Lsn{8});
  CHECK(record->meta.updated == Time{80});
}

TEST_CASE("format: operations are RocksDB's batch records", "[engine]") {
  std::string bytes;
  append_operation(bytes, {OperationKind::kPut, "key", "value"});
  append_operation(bytes, {OperationKind::kDelete, "gone", {}});
  append_operation(bytes, {OperationKind::kErase, "a", "b"});
  CHECK(to_hex(bytes) == "01036b65790576616c75650004676f6e650f01610162");
  std::vector<std::string> seen;
  const auto count = for_each_operation(bytes, [&](const Operation& operation) {
    seen.emplace_back(operation.key);
    return Status();
  });
  REQUIRE(count.has_value());
  CHECK(*count == 3);
  CHECK(seen == std::vector<std::string>{"key", "gone", "a"});
  for (std::size_t size = 1; size < bytes.size(); ++size) {
    if (size == 11 || size == 17) continue;  // whole operations
    CHECK(for_each_operation(std::string_view(bytes).substr(0, size),
                             [](const Operation&) { return Status(); })
              .error()
              .code() == StatusCode::kDataLoss);
  }
  CHECK_FALSE(for_each_operation("\x02", [](const Operation&) { return Status(); }).has_value());
}

TEST_CASE("format: index entries, events, requests, tenants, marks and index states", "[engine]") {
  CHECK(to_hex(encode_entry_value(IndexKind::kUnique, "rk", {}, "c")) == "02726b63");
  CHECK(to_hex(encode_entry_value(IndexKind::kOrdered, "rk", {}, "c")) == "0263");
  CHECK(to_hex(encode_entry_value(IndexKind::kClaim, "rk", Time{5}, "c")) ==
        "02050000000000000063");
  const std::string claim_value = encode_entry_value(IndexKind::kClaim, "rk", Time{5}, "c");
  const auto claim = decode_entry(IndexKind::kClaim, "resource12345678rk", claim_value);
  REQUIRE(claim.has_value());
  CHECK(claim->key == "resource12345678");
  CHECK(claim->record_key == "rk");
  CHECK(claim->covered == "c");

  const std::string event = encode_event(3, Time{4}, numbered(5), "pay",
                                         {{TableId{0x1000}, ChangeKind::kUpdated, 6, "rk"}});
  CHECK(to_hex(event) ==
        "0100030400000000000000000000000000000000000000000000050370617901100002"
        "0602726b");
  const std::string rest = layout::event_key({}, Lsn{9}, 1).substr(layout::kPrefixBytes);
  const auto decoded = decode_event(rest, event);
  REQUIRE(decoded.has_value());
  CHECK(decoded->lsn == Lsn{9});
  CHECK(decoded->payload == "pay");
  REQUIRE(decoded->changes.size() == 1);
  CHECK(decoded->changes[0].key == "rk");
  for (std::size_t size = 0; size < event.size(); ++size) {
    CHECK_FALSE(decode_event(rest, std::string_view(event).substr(0, size)).has_value());
  }

  const std::string request = encode_request({1, {Epoch{2}, Lsn{3}}, "answer"});
  CHECK(to_hex(request) == "01010000000000000002000000000000000300000000000000616e73776572");
  CHECK(decode_request(request)->answer == "answer");
  CHECK_FALSE(decode_request("short").has_value());

  const std::string tenant =
      encode_tenant({{TenantId{1}, numbered(2), "sorriso", Time{3}}, TenantVisibility::kVisible});
  CHECK(to_hex(tenant) == "0100000000000000000000000000000000020300000000000000736f727269736f");
  CHECK(decode_tenant(TenantId{1}, tenant)->info.slug == "sorriso");
  CHECK_FALSE(decode_tenant(TenantId{1}, "x").has_value());

  const std::string mark = encode_applied({{Epoch{1}, Lsn{2}}, 3});
  CHECK(to_hex(mark) == "010000000000000002000000000000000300000000000000");
  CHECK(decode_applied(mark)->position.lsn == Lsn{2});
  CHECK_FALSE(decode_applied("x").has_value());

  const std::string index = encode_index_state({7, 1, 0, true, IndexPhase::kBuilding, "r"});
  CHECK(to_hex(index) == "01010100010700000072");
  CHECK(decode_index_state(index)->version == 7);
  CHECK_FALSE(decode_index_state("x").has_value());
}

}  // namespace clinicdb::engine
