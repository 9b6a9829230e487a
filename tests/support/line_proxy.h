// LineProxy: a TCP proxy on loopback that treats its lines badly: it splits what passes, delays it
// and cuts lines, all from a seed. Both sides think they speak to each other.
//
// Thread-safe; it has one thread of its own.
#pragma once

#include <cstdint>
#include <memory>

namespace clinicdb::test {

struct LineFaults {
  std::uint64_t seed = 1;
  /// No piece that is passed on is longer; 0: as they come.
  std::size_t piece_bytes_max = 0;
  /// A piece waits up to so long, in order.
  std::uint32_t delay_us_max = 0;
  /// After a piece, the line is cut once in so many; 0: never.
  std::uint32_t cut_once_in = 0;
};

class LineProxy {
 public:
  /// Passes on to `port` of loopback.
  LineProxy(std::uint16_t port, LineFaults faults);
  ~LineProxy();
  LineProxy(const LineProxy&) = delete;
  LineProxy& operator=(const LineProxy&) = delete;

  /// Where it listens.
  std::uint16_t port() const;
  void set_faults(LineFaults faults);
  /// Cuts all lines that stand now.
  void cut_all();
  std::uint64_t cuts() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace clinicdb::test
