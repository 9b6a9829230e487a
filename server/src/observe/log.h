// Log: what the server has to say, one JSON object a line: time, level, event, and fields. Request
// and trace ids are in it; names, contents and credentials never are.
//
//   log.write(LogLevel::kInfo, "listening", {{"address", "127.0.0.1:7400"}, {"threads", 2}});
//
// Thread-safe.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "clinicdb/base/clock.h"
#include "clinicdb/base/result.h"

namespace clinicdb::server {

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarning, kError };

struct LogField {
  LogField(std::string_view its_name, std::string_view text) : name(its_name), value(text) {}
  LogField(std::string_view its_name, const char* text)
      : name(its_name), value(std::string_view(text)) {}
  LogField(std::string_view its_name, const std::string& text)
      : name(its_name), value(std::string_view(text)) {}
  LogField(std::string_view its_name, std::uint64_t number) : name(its_name), value(number) {}
  std::string_view name;
  std::variant<std::string_view, std::uint64_t> value;
};

class Log {
 public:
  /// To the file, appended; to standard error for an empty path. `clock` outlives the log.
  static Result<std::unique_ptr<Log>> open(const std::string& path, LogLevel least,
                                           const Clock& clock);
  virtual ~Log() = default;
  virtual void write(LogLevel level, std::string_view event,
                     std::initializer_list<LogField> fields) = 0;
  virtual void set_least(LogLevel least) = 0;
};

}  // namespace clinicdb::server
