// Compressed payloads: any bytes give what they declare or a Status, and never more memory than
// their length allows; what is compressed comes back as it was.
#include "lz4_payload.h"

#include "clinicdb/base/check.h"
#include "clinicdb/wire/limits.h"
#include "fuzz_target.h"

namespace clinicdb::fuzz {

void run_one(std::string_view bytes) {
  constexpr std::size_t kPlainBytesMax = std::size_t{1} << 20;
  std::string out;
  if (wire::decompress_payload(bytes, kPlainBytesMax, out).ok()) {
    CLINICDB_CHECK(out.size() <= kPlainBytesMax);
  }
  // A string may keep some bytes more than it was asked for.
  CLINICDB_CHECK(out.capacity() <= wire::kCompressionRatioMax * bytes.size() + 64);

  std::string payload;
  if (!wire::compress_payload(bytes, payload)) return;
  CLINICDB_CHECK(payload.size() < bytes.size());
  std::string back;
  CLINICDB_CHECK(wire::decompress_payload(payload, bytes.size(), back).ok());
  CLINICDB_CHECK(back == bytes);
}

}  // namespace clinicdb::fuzz
