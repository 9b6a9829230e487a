// Progress: one line on standard error that says how far long work is; only where that is a
// terminal.
//
//   Progress progress(terminal, "import", "resources");
//   options.progress = [&](std::uint64_t done, std::uint64_t total) { progress.update(done, total);
//   };
//
// Thread-safe. Its destructor takes the line away.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>

#include "cli/terminal.h"
#include "clinicdb/base/clock.h"

namespace clinicdb::server {

class Progress {
 public:
  Progress(const Terminal& terminal, std::string label, std::string unit);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `total` 0: not known. Cheap to call often: it writes ten times a second.
  void update(std::uint64_t done, std::uint64_t total) { update(done, total, done); }
  /// Where the bar follows something else (bytes) than what is counted and shown.
  void update(std::uint64_t done, std::uint64_t total, std::uint64_t count);

  /// Takes the line away; a later update brings it back. For messages in between.
  void clear();

 private:
  void draw(std::uint64_t done, std::uint64_t total, std::uint64_t count, std::int64_t now_ns);

  const bool shown_;
  const int columns_;
  const std::string label_;
  const std::string unit_;
  const std::int64_t start_ns_;
  std::mutex mutex_;
  std::int64_t drawn_ns_ = 0;     // guarded by mutex_
  std::size_t line_columns_ = 0;  // guarded by mutex_; 0: no line stands
};

}  // namespace clinicdb::server
