#include "lz4_payload.h"

#include <lz4.h>

#include "clinicdb/base/bytes.h"
#include "clinicdb/wire/limits.h"

namespace clinicdb::wire {

namespace {
constexpr std::size_t kLengthBytes = 4;
static_assert(kBodyBytesMaxEver <= LZ4_MAX_INPUT_SIZE);
}  // namespace

bool compress_payload(std::string_view plain, std::string& out) {
  if (plain.empty() || plain.size() > kBodyBytesMaxEver) return false;
  const std::size_t room = plain.size() - plain.size() / 8;
  if (room <= kLengthBytes) return false;
  out.resize(room);
  const int size =
      LZ4_compress_default(plain.data(), out.data() + kLengthBytes, static_cast<int>(plain.size()),
                           static_cast<int>(room - kLengthBytes));
  if (size <= 0) return false;
  store_le32(out.data(), static_cast<std::uint32_t>(plain.size()));
  out.resize(kLengthBytes + static_cast<std::size_t>(size));
  return true;
}

Status decompress_payload(std::string_view payload, std::size_t plain_bytes_max, std::string& out) {
  if (payload.size() < kLengthBytes) return data_loss("a compressed payload without its length");
  const std::size_t plain_bytes = load_le32(payload.data());
  const std::string_view block = payload.substr(kLengthBytes);
  if (plain_bytes > plain_bytes_max) {
    return resource_exhausted("a payload of " + std::to_string(plain_bytes) +
                              " bytes; the limit is " + std::to_string(plain_bytes_max));
  }
  if (plain_bytes > block.size() * kCompressionRatioMax) {
    return data_loss("a compressed payload of " + std::to_string(block.size()) +
                     " bytes cannot hold the " + std::to_string(plain_bytes) + " it declares");
  }
  out.resize(plain_bytes);
  const int size = LZ4_decompress_safe(block.data(), out.data(), static_cast<int>(block.size()),
                                       static_cast<int>(plain_bytes));
  if (size < 0 || static_cast<std::size_t>(size) != plain_bytes) {
    return data_loss("a compressed payload does not give the " + std::to_string(plain_bytes) +
                     " bytes that it declares");
  }
  return {};
}

}  // namespace clinicdb::wire
