// Fixed-width integers in byte strings. Big-endian where order must follow the number (keys),
// little-endian elsewhere (log headers, envelopes). All functions are pure.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace clinicdb {

static_assert(std::endian::native == std::endian::little,
              "the formats are written for little-endian machines");

inline void store_le16(char* out, std::uint16_t value) { std::memcpy(out, &value, sizeof value); }
inline void store_le32(char* out, std::uint32_t value) { std::memcpy(out, &value, sizeof value); }
inline void store_le64(char* out, std::uint64_t value) { std::memcpy(out, &value, sizeof value); }
inline void store_be16(char* out, std::uint16_t value) {
  store_le16(out, __builtin_bswap16(value));
}
inline void store_be32(char* out, std::uint32_t value) {
  store_le32(out, __builtin_bswap32(value));
}
inline void store_be64(char* out, std::uint64_t value) {
  store_le64(out, __builtin_bswap64(value));
}

// REQUIRES for all loads: that many bytes stand at `in`.
inline std::uint16_t load_le16(const char* in) {
  std::uint16_t v;
  std::memcpy(&v, in, sizeof v);
  return v;
}
inline std::uint32_t load_le32(const char* in) {
  std::uint32_t v;
  std::memcpy(&v, in, sizeof v);
  return v;
}
inline std::uint64_t load_le64(const char* in) {
  std::uint64_t v;
  std::memcpy(&v, in, sizeof v);
  return v;
}
inline std::uint16_t load_be16(const char* in) { return __builtin_bswap16(load_le16(in)); }
inline std::uint32_t load_be32(const char* in) { return __builtin_bswap32(load_le32(in)); }
inline std::uint64_t load_be64(const char* in) { return __builtin_bswap64(load_le64(in)); }

inline void append_le32(std::string& out, std::uint32_t value) {
  char b[4];
  store_le32(b, value);
  out.append(b, 4);
}
inline void append_le64(std::string& out, std::uint64_t value) {
  char b[8];
  store_le64(b, value);
  out.append(b, 8);
}
inline void append_be16(std::string& out, std::uint16_t value) {
  char b[2];
  store_be16(b, value);
  out.append(b, 2);
}
inline void append_be32(std::string& out, std::uint32_t value) {
  char b[4];
  store_be32(b, value);
  out.append(b, 4);
}
inline void append_be64(std::string& out, std::uint64_t value) {
  char b[8];
  store_be64(b, value);
  out.append(b, 8);
}

/// Appends LEB128: seven bits a byte, least significant first, at most ten bytes.
void append_varint(std::string& out, std::uint64_t value);

/// Takes a varint off the front of `in`. False, leaving both unchanged, when it is cut short,
/// longer than ten bytes or beyond 64 bits.
[[nodiscard]] bool take_varint(std::string_view& in, std::uint64_t& value);

/// Lower-case hexadecimal, two digits a byte.
std::string to_hex(std::string_view bytes);

}  // namespace clinicdb
