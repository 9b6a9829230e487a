#include "cli/progress.h"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace clinicdb::server {

namespace {

constexpr std::int64_t kPauseNs = 100'000'000;
constexpr std::size_t kBarColumns = 24;

void write_error(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

std::string amount(std::uint64_t number, const std::string& unit) {
  return unit == "bytes" ? format_bytes(number) : with_commas(number);
}

}  // namespace

Progress::Progress(const Terminal& terminal, std::string label, std::string unit)
    : shown_(terminal.error),
      columns_(terminal.columns),
      label_(std::move(label)),
      unit_(std::move(unit)),
      start_ns_(system_clock().monotonic_ns()) {}

Progress::~Progress() { clear(); }

void Progress::update(std::uint64_t done, std::uint64_t total, std::uint64_t count) {
  if (!shown_) return;
  const std::int64_t now_ns = system_clock().monotonic_ns();
  const std::lock_guard lock(mutex_);
  if (drawn_ns_ != 0 && now_ns - drawn_ns_ < kPauseNs) return;
  draw(done, total, count, now_ns);
  drawn_ns_ = now_ns;
}

void Progress::clear() {
  if (!shown_) return;
  const std::lock_guard lock(mutex_);
  if (line_columns_ == 0) return;
  write_error("\r" + std::string(line_columns_, ' ') + "\r");
  line_columns_ = 0;
  drawn_ns_ = 0;
}

void Progress::draw(std::uint64_t done, std::uint64_t total, std::uint64_t count,
                    std::int64_t now_ns) {
  const double seconds = static_cast<double>(now_ns - start_ns_) / 1e9;
  std::string line = label_ + " ";
  if (total > 0) {
    const double part = std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
    const auto filled = static_cast<std::size_t>(part * static_cast<double>(kBarColumns));
    line += "[" + std::string(filled, '#') + std::string(kBarColumns - filled, '.') + "] " +
            std::to_string(static_cast<int>(part * 100)) + " %  ";
  }
  line += amount(count, unit_);
  if (total > 0 && count == done) line += " of " + amount(total, unit_);
  if (unit_ != "bytes") line += " " + unit_;
  const double rate = seconds > 0 ? static_cast<double>(count) / seconds : 0;
  if (rate >= 1) line += "  " + amount(static_cast<std::uint64_t>(rate), unit_) + "/s";
  if (done > 0 && total > done) {
    const double left = seconds / static_cast<double>(done) * static_cast<double>(total - done);
    line += "  " + format_seconds(left) + " left";
  }
  // One line only, whatever the terminal's width; all of it is ASCII.
  const auto room = static_cast<std::size_t>(std::max(columns_ - 1, 1));
  if (line.size() > room) line.resize(room);
  const std::size_t columns = line.size();
  if (columns < line_columns_) line.append(line_columns_ - columns, ' ');
  write_error("\r" + line);
  line_columns_ = columns;
}

}  // namespace clinicdb::server
