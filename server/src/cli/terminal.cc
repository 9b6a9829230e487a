#include "cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace clinicdb::server {

Terminal Terminal::detect() {
  Terminal terminal;
  terminal.in = isatty(STDIN_FILENO) == 1;
  terminal.out = isatty(STDOUT_FILENO) == 1;
  terminal.error = isatty(STDERR_FILENO) == 1;
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  const bool wanted = no_color == nullptr || *no_color == '\0';
  const bool able = term == nullptr || std::string_view(term) != "dumb";
  terminal.colour = terminal.out && wanted && able;
  terminal.error_colour = terminal.error && wanted && able;
  winsize size{};
  if (terminal.error && ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    terminal.columns = size.ws_col;
  }
  return terminal;
}

namespace {

/// The code point at `text[at]` and how many bytes it has; 1 byte for what is not UTF-8.
struct CodePoint {
  unsigned value;
  std::size_t bytes;
};

CodePoint code_point_at(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(at);
  const std::size_t bytes = first < 0x80                    ? 1
                            : first >= 0xc2 && first < 0xe0 ? 2
                            : first >= 0xe0 && first < 0xf0 ? 3
                            : first >= 0xf0 && first < 0xf5 ? 4
                                                            : 0;
  if (bytes == 0 || at + bytes > text.size()) return {0xfffd, 1};
  if (bytes == 1) return {first, 1};
  unsigned value = first & (0xffu >> (bytes + 1));
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(at + i) & 0xc0) != 0x80) return {0xfffd, 1};
    value = (value << 6) | (byte(at + i) & 0x3fu);
  }
  return {value, bytes};
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint point = code_point_at(text, at);
    // C0, DEL and C1; U+2028 to U+202E and U+2066 to U+2069 break lines or turn their direction.
    const bool steers = point.value < 0x20 || (point.value >= 0x7f && point.value < 0xa0) ||
                        (point.value >= 0x2028 && point.value <= 0x202e) ||
                        (point.value >= 0x2066 && point.value <= 0x2069) || point.value == 0xfffd;
    if (steers) {
      out += "\xef\xbf\xbd";
    } else {
      out += text.substr(at, point.bytes);
    }
    at += point.bytes;
  }
  return out;
}

int display_columns(std::string_view text) {
  int columns = 0;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint point = code_point_at(text, at);
    const bool combines = point.value >= 0x300 && point.value < 0x370;
    if (!combines) ++columns;
    at += point.bytes;
  }
  return columns;
}

std::string with_commas(unsigned long long number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  return digits;
}

namespace {

std::string format_double(const char* format, double value, const char* unit) {
  char text[64];
  const int length = std::snprintf(text, sizeof text, format, value, unit);
  return std::string(text, static_cast<std::size_t>(length));
}

}  // namespace

std::string format_bytes(unsigned long long bytes) {
  static constexpr const char* kUnits[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) return std::to_string(bytes) + " B";
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  while (value >= 1023.95 && unit + 1 < std::size(kUnits)) {
    value /= 1024;
    ++unit;
  }
  return format_double("%.1f %s", value, kUnits[unit]);
}

std::string format_seconds(double seconds) {
  if (seconds < 0.0995) return format_double("%.1f %s", seconds * 1000, "ms");
  if (seconds < 60) return format_double("%.1f %s", seconds, "s");
  const auto whole = static_cast<unsigned long long>(std::llround(seconds));
  char text[64];
  const int length = std::snprintf(text, sizeof text, "%llu m %02llu s", whole / 60, whole % 60);
  return std::string(text, static_cast<std::size_t>(length));
}

}  // namespace clinicdb::server
