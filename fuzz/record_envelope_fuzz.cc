// The record envelope: any bytes give a record or a Status; a record that was read is written and
// read back as it was, and any body comes back from its envelope, compressed or not.
#include <string>

#include "clinicdb/base/bytes.h"
#include "clinicdb/base/check.h"
#include "fuzz_target.h"
#include "txn/envelope.h"

namespace clinicdb::fuzz {
namespace {

bool same(const engine::RecordMeta& a, const engine::RecordMeta& b) {
  return a.version == b.version && a.deleted == b.deleted && a.created_lsn == b.created_lsn &&
         a.created == b.created && a.created_by == b.created_by && a.updated_lsn == b.updated_lsn &&
         a.updated == b.updated && a.updated_by == b.updated_by;
}

void reads_back(const engine::RecordMeta& meta, std::string_view body) {
  const Result<engine::RawRecord> again =
      engine::decode_record(engine::encode_envelope(meta, body));
  CLINICDB_CHECK(again.has_value());
  CLINICDB_CHECK(same(again->meta, meta));
  CLINICDB_CHECK(again->body == body);
}

/// The commit writes LSN and time over an envelope: "created" once, "updated" always, the rest
/// never.
void stamping_changes_the_stamp_alone(const engine::RecordMeta& meta, std::string_view body) {
  std::string value = engine::encode_envelope(meta, body);
  engine::stamp_envelope(value.data(), Lsn{77}, Time{88});
  engine::RecordMeta expected = meta;
  expected.updated_lsn = Lsn{77};
  expected.updated = Time{88};
  if (meta.created_lsn == Lsn{0}) {
    expected.created_lsn = Lsn{77};
    expected.created = Time{88};
  }
  const Result<engine::RawRecord> stamped = engine::decode_record(value);
  CLINICDB_CHECK(stamped.has_value());
  CLINICDB_CHECK(same(stamped->meta, expected));
  CLINICDB_CHECK(stamped->body == body);
}

}  // namespace

void run_one(std::string_view bytes) {
  const Result<engine::RawRecord> record = engine::decode_record(bytes);
  if (record) {
    reads_back(record->meta, record->body);
    stamping_changes_the_stamp_alone(record->meta, record->body);
  } else {
    CLINICDB_CHECK(!record.error().message().empty());
  }
  // A body that is long and repeats itself is compressed.
  std::string repeated;
  while (!bytes.empty() && repeated.size() < 2 * engine::kCompressBodyBytesMin) {
    repeated.append(bytes);
  }
  reads_back({}, bytes);
  reads_back({}, repeated);
}

}  // namespace clinicdb::fuzz
