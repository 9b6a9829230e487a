// What the benchmarks are told on the command line, and where each of them stands.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "bench/report.h"
#include "clinicdb/base/status.h"

namespace clinicdb::bench {

struct WriteOptions {
  std::string directory;  ///< empty; what is made there is the caller's to remove
  std::size_t patients = 20'000;
  std::size_t rounds = 15;
  std::size_t calls = 200;  ///< one caller's, a round
  std::size_t callers = 64;
  double seconds = 0.5;     ///< of the callers together, a round
  bool everything = false;  ///< change every indexed field, not the contact only
  int pipeline_depth = 2;
};
/// Patient updates: one caller beside fdatasync and SQLite, then many callers beside SQLite.
Status bench_write(const WriteOptions& options, Report& report);

struct ReadOptions {
  std::string directory;
  std::size_t patients = 200'000;
  std::size_t professionals = 50;
  std::size_t days = 20;
  std::size_t rounds = 15;
  std::size_t calls = 10'000;  ///< of each kind, a round
  bool cpu_time = false;       ///< count the thread's processor time: for a machine that is busy
};
/// One thread's reads beside raw RocksDB on the same rows, and beside SQLite.
Status bench_read(const ReadOptions& options, Report& report);

struct BookOptions {
  std::string directory;
  std::size_t patients = 20'000;
  std::size_t professionals = 64;
  std::size_t rounds = 5;
  std::size_t calls = 200;  ///< one caller's, a round
  std::size_t callers = 64;
  double seconds = 1;  ///< of the callers together, a round
};
/// Bookings: one caller beside fdatasync, many callers, both beside SQLite.
Status bench_book(const BookOptions& options, Report& report);

struct SlotsOptions {
  std::string directory;
  std::size_t professionals = 20;
  std::size_t days = 90;
  std::size_t rounds = 3;
  std::size_t calls = 2'000;  ///< of each kind, a round
};
/// Free time and calendars: a week's slots, the first free one of many, a clinic's day.
Status bench_slots(const SlotsOptions& options, Report& report);

struct WorkloadOptions {
  std::string directory;
  std::size_t tenants = 100;
  std::size_t patients = 1'000;      ///< of each tenant
  std::size_t appointments = 5'000;  ///< of each tenant
  std::size_t threads = 16;
  std::size_t rounds = 3;
  double seconds = 5;           ///< a round
  double warm_up_seconds = 20;  ///< of each contestant, before the first round
  std::uint64_t seed = 1;
  bool sqlite = true;
  bool cpu_time = false;  ///< tell each operation's processor time too, which costs a little
};
/// What clinics do all day, in the proportions in which they do it, beside SQLite.
Status bench_workload(const WorkloadOptions& options, Report& report);

struct ScaleOptions {
  std::string directory;
  std::vector<std::size_t> records{100'000, 1'000'000, 10'000'000};  ///< a store of each size
  std::size_t tenants = 1000;
};
/// Stores of growing size, killed while they write: time to open, memory, and reads.
Status bench_scale(const ScaleOptions& options, Report& report);

struct RawOptions {
  std::string directory;
  std::size_t rounds = 7;
  std::size_t keys = 200'000;  ///< a round
  std::size_t syncs = 500;     ///< a round and size
};
/// The limits alone: a RocksDB memtable insert and Get, and fdatasync by size.
Status bench_raw(const RawOptions& options, Report& report);

}  // namespace clinicdb::bench
