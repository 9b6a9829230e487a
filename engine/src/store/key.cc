#include "clinicdb/engine/key.h"

namespace clinicdb::engine {

namespace {
constexpr char kEscape = '\x00';
constexpr char kEscapedZero = '\xff';
constexpr char kTextEnd = '\x01';
}  // namespace

Key& Key::text(std::string_view value) {
  text_prefix(value);
  bytes_.push_back(kEscape);
  bytes_.push_back(kTextEnd);
  return *this;
}

Key& Key::text_prefix(std::string_view value) {
  for (const char c : value) {
    bytes_.push_back(c);
    if (c == kEscape) bytes_.push_back(kEscapedZero);
  }
  return *this;
}

bool Key::take_u16(std::string_view& in, std::uint16_t& value) {
  if (in.size() < 2) return false;
  value = load_be16(in.data());
  in.remove_prefix(2);
  return true;
}

bool Key::take_u64(std::string_view& in, std::uint64_t& value) {
  if (in.size() < 8) return false;
  value = load_be64(in.data());
  in.remove_prefix(8);
  return true;
}

bool Key::take_time(std::string_view& in, Time& value) {
  std::uint64_t bits = 0;
  if (!take_u64(in, bits)) return false;
  value.us = static_cast<std::int64_t>(bits ^ kSignBit);
  return true;
}

bool Key::take_time_descending(std::string_view& in, Time& value) {
  std::uint64_t bits = 0;
  if (!take_u64(in, bits)) return false;
  value.us = static_cast<std::int64_t>(~bits ^ kSignBit);
  return true;
}

bool Key::take_uuid(std::string_view& in, Uuid& value) {
  if (in.size() < 16) return false;
  value = Uuid::from_bytes(in.substr(0, 16));
  in.remove_prefix(16);
  return true;
}

bool Key::take_text(std::string_view& in, std::string& value) {
  std::string text;
  for (std::size_t i = 0; i + 1 < in.size(); ++i) {
    if (in[i] != kEscape) {
      text.push_back(in[i]);
    } else if (in[i + 1] == kEscapedZero) {
      text.push_back(kEscape);
      ++i;
    } else if (in[i + 1] == kTextEnd) {
      in.remove_prefix(i + 2);
      value = std::move(text);
      return true;
    } else {
      return false;
    }
  }
  return false;
}

std::string prefix_end(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty()) {
    const auto last = static_cast<std::uint8_t>(end.back());
    if (last != 0xff) {
      end.back() = static_cast<char>(last + 1);
      return end;
    }
    end.pop_back();
  }
  return end;
}

}  // namespace clinicdb::engine
