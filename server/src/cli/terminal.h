// Terminal: what standard output and standard error are, and what may be written to them.
#pragma once

#include <string>
#include <string_view>

namespace clinicdb::server {

struct Terminal {
  bool in = false;      ///< standard input is a terminal
  bool out = false;     ///< standard output is a terminal
  bool error = false;   ///< standard error is a terminal
  bool colour = false;  ///< standard output may have colours: a terminal, and no NO_COLOR
  bool error_colour = false;
  int columns = 80;  ///< of standard error

  static Terminal detect();
};

/// `text` without what could steer a terminal: control characters become U+FFFD.
std::string printable(std::string_view text);

/// How many columns `text` takes: code points, without marks that combine.
int display_columns(std::string_view text);

/// "12,345,678"; "1.5 GiB"; "2 m 03 s".
std::string with_commas(unsigned long long number);
std::string format_bytes(unsigned long long bytes);
std::string format_seconds(double seconds);

}  // namespace clinicdb::server
