#include <rocksdb/db.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include "bench/measure.h"
#include "bench/options.h"
#include "bench/sync_limit.h"
#include "clinicdb/base/random.h"

namespace clinicdb::bench {

namespace {

constexpr std::size_t kKeyBytes = 43;
constexpr std::size_t kValueBytes = 200;
constexpr std::size_t kKeysABatch = 64;

Status told(const rocksdb::Status& status) {
  if (status.ok()) return {};
  return internal_error("RocksDB: " + status.ToString());
}

/// What a key put costs: batches without a WAL, from one thread, as the engine applies its groups.
Status puts(const RawOptions& options, Report& report) {
  rocksdb::Options opened;
  opened.create_if_missing = true;
  opened.allow_concurrent_memtable_write = false;
  opened.write_buffer_size = std::size_t{64} << 20;
  rocksdb::DB* made = nullptr;
  RETURN_IF_ERROR(told(rocksdb::DB::Open(opened, options.directory + "/rocksdb", &made)));
  const std::unique_ptr<rocksdb::DB> database(made);
  SeededRandom random(1);
  std::vector<double> ns_a_key;
  rocksdb::WriteOptions write;
  write.disableWAL = true;
  const std::string value(kValueBytes, 'v');
  for (std::size_t round = 0; round < options.rounds; ++round) {
    std::vector<std::string> keys(options.keys, std::string(kKeyBytes, '\0'));
    for (std::string& key : keys) {
      for (std::size_t at = 11; at < kKeyBytes; ++at)
        key[at] = static_cast<char>(random.below(256));
    }
    const std::int64_t start = now_ns();
    for (std::size_t i = 0; i < keys.size();) {
      rocksdb::WriteBatch batch;
      for (std::size_t n = 0; n < kKeysABatch && i < keys.size(); ++n, ++i)
        RETURN_IF_ERROR(told(batch.Put(keys[i], value)));
      RETURN_IF_ERROR(told(database->Write(write, &batch)));
    }
    ns_a_key.push_back(static_cast<double>(now_ns() - start) / static_cast<double>(keys.size()));
  }
  report.heading("RocksDB alone: one thread, no WAL, batches of 64 random keys, 200 byte values");
  report.figure("a key put", median(ns_a_key) / 1000, "us");
  report.figure("keys put", 1e9 / median(ns_a_key), "/s");
  return told(database->Close());
}

Status syncs(const RawOptions& options, Report& report) {
  report.heading("fdatasync alone: pwrite into a preallocated, zeroed file, then fdatasync");
  ASSIGN_OR_RETURN(const std::unique_ptr<SyncLimit> limit, SyncLimit::open(options.directory));
  constexpr std::size_t kSizes[] = {512, 1024, 4096, 16384, 65536};
  std::vector<Latencies> latencies(std::size(kSizes));
  for (std::size_t round = 0; round < options.rounds; ++round) {
    for (std::size_t size = 0; size < std::size(kSizes); ++size) {
      for (std::size_t i = 0; i < options.syncs; ++i) {
        const std::int64_t start = now_ns();
        RETURN_IF_ERROR(limit->write(kSizes[size]));
        latencies[size].add(now_ns() - start);
      }
    }
  }
  for (std::size_t size = 0; size < std::size(kSizes); ++size) {
    const std::string name = std::to_string(kSizes[size]) + " bytes";
    report.figure(name + " p50", latencies[size].percentile_us(0.5), "us");
    report.figure(name + " p99", latencies[size].percentile_us(0.99), "us");
  }
  return {};
}

}  // namespace

Status bench_raw(const RawOptions& options, Report& report) {
  RETURN_IF_ERROR(puts(options, report));
  return syncs(options, report);
}

}  // namespace clinicdb::bench
