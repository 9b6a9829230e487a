#include "observe/log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <nlohmann/json.hpp>

#include "cli/time_text.h"

namespace clinicdb::server {

namespace {

spdlog::level::level_enum level_of(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

class JsonLog final : public Log {
 public:
  JsonLog(spdlog::sink_ptr sink, LogLevel least, const Clock& clock)
      : logger_("clinicdb", std::move(sink)), clock_(clock) {
    logger_.set_pattern("%v");
    logger_.flush_on(spdlog::level::info);
    set_least(least);
  }
  void write(LogLevel level, std::string_view event,
             std::initializer_list<LogField> fields) override {
    const spdlog::level::level_enum at = level_of(level);
    if (!logger_.should_log(at)) return;
    nlohmann::ordered_json line;
    line["time"] = format_utc(clock_.now());
    line["level"] = std::string(spdlog::level::to_string_view(at).data());
    line["event"] = event;
    for (const LogField& field : fields) {
      std::visit([&](const auto& value) { line[std::string(field.name)] = value; }, field.value);
    }
    // What a peer sent may be no UTF-8; the line must be.
    logger_.log(at, line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
  }
  void set_least(LogLevel least) override { logger_.set_level(level_of(least)); }

 private:
  spdlog::logger logger_;
  const Clock& clock_;
};

}  // namespace

Result<std::unique_ptr<Log>> Log::open(const std::string& path, LogLevel least,
                                       const Clock& clock) {
  try {
    spdlog::sink_ptr sink;
    if (path.empty()) {
      sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    } else {
      sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(path);
    }
    return std::unique_ptr<Log>(std::make_unique<JsonLog>(std::move(sink), least, clock));
  } catch (const spdlog::spdlog_ex& error) {
    return invalid_argument(path + ": the log cannot be opened: " + error.what());
  }
}

}  // namespace clinicdb::server
