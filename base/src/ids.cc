#include "clinicdb/base/ids.h"

#include <cstring>

#include "clinicdb/base/clock.h"
#include "clinicdb/base/random.h"

namespace clinicdb {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

constexpr bool dash_at(std::size_t i) { return i == 8 || i == 13 || i == 18 || i == 23; }

}  // namespace

bool Uuid::is_nil() const { return *this == Uuid{}; }

std::string Uuid::to_string() const {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text(36, '-');
  std::size_t byte = 0;
  for (std::size_t i = 0; i < 36;) {
    if (dash_at(i)) {
      ++i;
      continue;
    }
    text[i++] = kDigits[bytes[byte] >> 4];
    text[i++] = kDigits[bytes[byte++] & 15];
  }
  return text;
}

Result<Uuid> Uuid::parse(std::string_view text) {
  if (text.size() != 36) return invalid_argument("a UUID has 36 characters");
  Uuid uuid;
  std::size_t byte = 0;
  for (std::size_t i = 0; i < 36;) {
    if (dash_at(i)) {
      if (text[i++] != '-')
        return invalid_argument("a UUID has dashes after 8, 12, 16 and 20 digits");
      continue;
    }
    const int high = hex_value(text[i++]);
    const int low = hex_value(text[i++]);
    if (high < 0 || low < 0) return invalid_argument("a UUID has hexadecimal digits only");
    uuid.bytes[byte++] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return uuid;
}

Uuid Uuid::from_bytes(std::string_view bytes) {
  CLINICDB_CHECK(bytes.size() == 16);
  Uuid uuid;
  std::memcpy(uuid.bytes.data(), bytes.data(), 16);
  return uuid;
}

Uuid Uuid::v7(const Clock& clock, Random& random) {
  const auto ms = static_cast<std::uint64_t>(clock.now().us / 1000);
  const std::uint64_t high = random.next();
  const std::uint64_t low = random.next();
  Uuid uuid;
  for (int i = 0; i < 6; ++i) uuid.bytes[i] = static_cast<std::uint8_t>(ms >> (40 - 8 * i));
  uuid.bytes[6] = static_cast<std::uint8_t>(0x70 | (high & 0x0f));
  uuid.bytes[7] = static_cast<std::uint8_t>(high >> 8);
  std::memcpy(uuid.bytes.data() + 8, &low, 8);
  uuid.bytes[8] = static_cast<std::uint8_t>(0x80 | (uuid.bytes[8] & 0x3f));
  return uuid;
}

std::uint64_t Uuid::v7_milliseconds() const {
  if (bytes[6] >> 4 != 7) return 0;
  std::uint64_t ms = 0;
  for (int i = 0; i < 6; ++i) ms = ms << 8 | bytes[i];
  return ms;
}

}  // namespace clinicdb

std::size_t std::hash<clinicdb::Uuid>::operator()(const clinicdb::Uuid& uuid) const noexcept {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  std::memcpy(&high, uuid.bytes.data(), 8);
  std::memcpy(&low, uuid.bytes.data() + 8, 8);
  // Multiplying by an odd constant spreads the random tail over the bits that tables use.
  return (high ^ low) * 0x9e3779b97f4a7c15ULL;
}
