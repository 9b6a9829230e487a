// Time, samples and medians. Every benchmark here measures in rounds, each of which runs all
// contestants one after another, so that whatever else the machine does hits all of them alike;
// what counts is the median over the rounds, and for a comparison the median of the rounds' ratios.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace clinicdb::bench {

/// Monotonic.
std::int64_t now_ns();
/// Processor time of all threads of this process, user and system.
std::int64_t process_cpu_ns();
/// Of this thread.
std::int64_t thread_cpu_ns();

/// The middle value; the mean of the two middle ones for an even count; 0 for none.
double median(std::vector<double> values);

/// How long each of several calls took.
class Latencies {
 public:
  void reserve(std::size_t count) { ns_.reserve(count); }
  void add(std::int64_t ns) { ns_.push_back(static_cast<double>(ns)); }
  void add(const Latencies& other) { ns_.insert(ns_.end(), other.ns_.begin(), other.ns_.end()); }
  std::size_t count() const { return ns_.size(); }
  /// In microseconds; `part` in 0 to 1. Not interpolated: a time that was really measured.
  double percentile_us(double part) const;

 private:
  std::vector<double> ns_;
};

/// Most memory that this process ever had resident, as the kernel says (VmHWM). Bytes.
std::uint64_t peak_resident_bytes();
/// Now (VmRSS). Bytes.
std::uint64_t resident_bytes();
/// Of the files under `directory`, as allocated on the disk. Bytes.
std::uint64_t disk_bytes(const std::string& directory);

}  // namespace clinicdb::bench
