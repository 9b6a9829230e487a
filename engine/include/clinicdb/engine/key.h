// Key: builds byte strings whose order is the order of the values put in.
//
//   Key().uuid(professional).time(start)       // all of one professional's appointments, by time
//
// Numbers are big-endian, signed ones with the sign bit flipped; text ends in 00 01 and has 00
// escaped as 00 FF, so that "a" sorts before "ab" whatever follows. The layout is docs/format.md,
// "Keys". A value; thread-compatible.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "clinicdb/base/bytes.h"
#include "clinicdb/base/clock.h"
#include "clinicdb/base/ids.h"

namespace clinicdb::engine {

class Key {
 public:
  Key& u8(std::uint8_t value) {
    bytes_.push_back(static_cast<char>(value));
    return *this;
  }
  Key& u16(std::uint16_t value) {
    append_be16(bytes_, value);
    return *this;
  }
  Key& u32(std::uint32_t value) {
    append_be32(bytes_, value);
    return *this;
  }
  Key& u64(std::uint64_t value) {
    append_be64(bytes_, value);
    return *this;
  }
  Key& i64(std::int64_t value) { return u64(static_cast<std::uint64_t>(value) ^ kSignBit); }
  Key& time(Time value) { return i64(value.us); }
  /// Newest first.
  Key& time_descending(Time value) {
    return u64(~(static_cast<std::uint64_t>(value.us) ^ kSignBit));
  }
  Key& uuid(const Uuid& value) {
    bytes_.append(value.view());
    return *this;
  }
  /// Any text, self-delimiting.
  Key& text(std::string_view value);
  /// The beginning of a text, without its end: for prefix ranges.
  Key& text_prefix(std::string_view value);
  /// Bytes as they are. Only for the last part or parts of fixed size.
  Key& raw(std::string_view value) {
    bytes_.append(value);
    return *this;
  }

  const std::string& str() const& { return bytes_; }
  std::string str() && { return std::move(bytes_); }
  operator std::string_view() const { return bytes_; }  // NOLINT

  // Readers, for keys that an index hands back. Each takes its part off the front of `in`; false,
  // leaving `in` unchanged, when the bytes are too short or not in that form.
  [[nodiscard]] static bool take_u16(std::string_view& in, std::uint16_t& value);
  [[nodiscard]] static bool take_u64(std::string_view& in, std::uint64_t& value);
  [[nodiscard]] static bool take_time(std::string_view& in, Time& value);
  [[nodiscard]] static bool take_time_descending(std::string_view& in, Time& value);
  [[nodiscard]] static bool take_uuid(std::string_view& in, Uuid& value);
  [[nodiscard]] static bool take_text(std::string_view& in, std::string& value);

 private:
  static constexpr std::uint64_t kSignBit = std::uint64_t{1} << 63;
  std::string bytes_;
};

/// The least key above all keys that begin with `prefix`; empty (no bound) when there is none.
std::string prefix_end(std::string_view prefix);

}  // namespace clinicdb::engine
