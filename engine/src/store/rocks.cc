#include "store/rocks.h"

#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/options.h>
#include <rocksdb/perf_level.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/checkpoint.h>
#include <rocksdb/write_batch.h>

#include <mutex>

#include "clinicdb/base/bytes.h"
#include "clinicdb/base/check.h"
#include "clinicdb/engine/caller.h"
#include "store/layout.h"
#include "store/memtable.h"
#include "txn/operations.h"

namespace clinicdb::engine {

Status status_from_rocks(const rocksdb::Status& status, std::string_view operation) {
  if (status.ok()) return Status();
  std::string message = "RocksDB " + std::string(operation) + ": " + status.ToString();
  if (status.IsCorruption()) return data_loss(std::move(message));
  if (status.IsNoSpace()) return resource_exhausted(std::move(message));
  if (status.IsNotFound() || status.IsPathNotFound()) return not_found(std::move(message));
  if (status.IsInvalidArgument() || status.IsNotSupported())
    return failed_precondition(std::move(message));
  return unavailable(std::move(message));
}

std::string encode_applied(const AppliedMark& mark) {
  std::string value;
  append_le64(value, mark.position.epoch.value);
  append_le64(value, mark.position.lsn.value);
  append_le64(value, mark.hash);
  return value;
}

Result<AppliedMark> decode_applied(std::string_view value) {
  if (value.size() != 24) {
    return data_loss("the applied mark in RocksDB has " + std::to_string(value.size()) +
                     " bytes, not 24");
  }
  return AppliedMark{{Epoch{load_le64(value.data())}, Lsn{load_le64(value.data() + 8)}},
                     load_le64(value.data() + 16)};
}

namespace {

/// C8: in memory only where this thread's caller asks for it.
rocksdb::ReadTier read_tier() {
  const Caller* caller = current_caller();
  return caller != nullptr && caller->memory_only ? rocksdb::kBlockCacheTier
                                                  : rocksdb::kReadAllTier;
}

Status status_of_read(const rocksdb::Status& status, std::string_view operation) {
  if (status.IsIncomplete()) {
    if (Caller* caller = current_caller(); caller != nullptr) caller->missed = true;
    return unavailable("the read needs the disk");
  }
  return status_from_rocks(status, operation);
}

rocksdb::Slice slice(std::string_view bytes) { return {bytes.data(), bytes.size()}; }
std::string_view view(const rocksdb::Slice& bytes) { return {bytes.data(), bytes.size()}; }

/// RocksDB counts each step of each read in a record of the thread's, and finding that record was
/// an eighth of a scan's time. Nobody here reads it; an application that embeds both finds its own
/// level as it left it.
class WithoutCounting {
 public:
  WithoutCounting() : before_(rocksdb::GetPerfLevel()) {
    rocksdb::SetPerfLevel(rocksdb::PerfLevel::kDisable);
  }
  ~WithoutCounting() { rocksdb::SetPerfLevel(before_); }
  WithoutCounting(const WithoutCounting&) = delete;
  WithoutCounting& operator=(const WithoutCounting&) = delete;

 private:
  rocksdb::PerfLevel before_;
};

/// Keeps the first background error: after one, nothing may be acknowledged any more, and Resume()
/// is never called (docs/ARCHITECTURE.md, "RocksDB").
class BackgroundErrors final : public rocksdb::EventListener {
 public:
  void OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* error) override {
    const std::lock_guard lock(mutex_);
    if (first_.ok()) first_ = status_from_rocks(*error, "background work");
  }
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status,
                            bool* auto_recovery) override {
    *auto_recovery = false;
  }
  Status first() const {
    const std::lock_guard lock(mutex_);
    return first_;
  }

 private:
  mutable std::mutex mutex_;
  Status first_;
};

class RocksIterator final : public KvIterator {
 public:
  RocksIterator(rocksdb::DB& db, const rocksdb::Snapshot* snapshot, std::string_view lower,
                std::string_view upper, bool reverse)
      : lower_(lower), upper_(upper), reverse_(reverse) {
    rocksdb::ReadOptions options;
    options.snapshot = snapshot;
    options.total_order_seek = true;
    options.read_tier = read_tier();
    lower_slice_ = lower_;
    options.iterate_lower_bound = &lower_slice_;
    if (!upper_.empty()) {
      upper_slice_ = upper_;
      options.iterate_upper_bound = &upper_slice_;
    }
    iterator_.reset(db.NewIterator(options));
  }

  void seek(std::string_view key) override {
    if (!reverse_) {
      iterator_->Seek(slice(key));
    } else if (key.empty() && upper_.empty()) {
      iterator_->SeekToLast();
    } else {
      const std::string_view target = key.empty() ? std::string_view(upper_) : key;
      iterator_->SeekForPrev(slice(target));
      // SeekForPrev is inclusive, the contract exclusive.
      if (iterator_->Valid() && view(iterator_->key()) >= target) iterator_->Prev();
    }
  }
  void step() override {
    if (reverse_) {
      iterator_->Prev();
    } else {
      iterator_->Next();
    }
  }
  bool valid() const override { return iterator_->Valid(); }
  std::string_view key() const override { return view(iterator_->key()); }
  std::string_view value() const override { return view(iterator_->value()); }
  Status status() const override { return status_of_read(iterator_->status(), "scan"); }

 private:
  WithoutCounting counting_;  // as long as it lives: it does not outlive its scan
  std::string lower_;
  std::string upper_;
  bool reverse_;
  rocksdb::Slice lower_slice_;
  rocksdb::Slice upper_slice_;
  std::unique_ptr<rocksdb::Iterator> iterator_;
};

class RocksView final : public KvView {
 public:
  /// snapshot nullptr: the latest state. Holds the DB open.
  RocksView(std::shared_ptr<rocksdb::DB> db, const rocksdb::Snapshot* snapshot)
      : db_(std::move(db)), snapshot_(snapshot) {}
  ~RocksView() override {
    if (snapshot_ != nullptr) db_->ReleaseSnapshot(snapshot_);
  }
  RocksView(const RocksView&) = delete;
  RocksView& operator=(const RocksView&) = delete;

  Status get(std::string_view key,
             FunctionRef<Status(std::string_view value)> found) const override {
    const WithoutCounting counting;
    rocksdb::ReadOptions options;
    options.snapshot = snapshot_;
    options.read_tier = read_tier();
    rocksdb::PinnableSlice value;
    const rocksdb::Status status =
        db_->Get(options, db_->DefaultColumnFamily(), slice(key), &value);
    if (status.IsNotFound()) return Status();
    if (!status.ok()) return status_of_read(status, "get");
    return found(view(value));
  }

  std::unique_ptr<KvIterator> iterate(std::string_view lower, std::string_view upper,
                                      bool reverse) const override {
    return std::make_unique<RocksIterator>(*db_, snapshot_, lower, upper, reverse);
  }

 private:
  std::shared_ptr<rocksdb::DB> db_;
  const rocksdb::Snapshot* snapshot_;
};

class RocksStore final : public KvStore {
 public:
  RocksStore(std::shared_ptr<rocksdb::DB> db, std::shared_ptr<BackgroundErrors> errors)
      : db_(std::move(db)),
        errors_(std::move(errors)),
        latest_(std::make_unique<RocksView>(db_, nullptr)) {}
  ~RocksStore() override { close(); }

  const KvView& latest() const override { return *latest_; }
  std::shared_ptr<const KvView> snapshot() override {
    return std::make_shared<RocksView>(db_, db_->GetSnapshot());
  }

  Status apply(std::string_view operations, std::uint32_t count, const AppliedMark& mark) override {
    // A write batch is a sequence number (8 bytes, filled in by RocksDB), a count, and our
    // operations.
    std::string batch(kBatchHeaderBytes, '\0');
    batch.reserve(kBatchHeaderBytes + operations.size() + 64);
    batch.append(operations);
    append_operation(batch, {OperationKind::kPut, layout::applied_key(), encode_applied(mark)});
    store_le32(batch.data() + 8, count + 1);
    rocksdb::WriteBatch write_batch(std::move(batch));
    rocksdb::WriteOptions options;
    options.disableWAL = true;
    return status_from_rocks(db_->Write(options, &write_batch), "apply");
  }

  Result<AppliedMark> applied() const override { return read_mark(rocksdb::kReadAllTier); }
  Result<AppliedMark> flushed() const override { return read_mark(rocksdb::kPersistedTier); }

  Status flush(bool wait) override {
    rocksdb::FlushOptions options;
    options.wait = wait;
    options.allow_write_stall = true;
    return status_from_rocks(db_->Flush(options), "flush");
  }

  Status compact(std::string_view lower, std::string_view upper) override {
    rocksdb::CompactRangeOptions options;
    options.exclusive_manual_compaction = false;
    options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
    const rocksdb::Slice begin = slice(lower);
    const rocksdb::Slice end = slice(upper);
    return status_from_rocks(db_->CompactRange(options, &begin, &end), "compact");
  }

  Status checkpoint(const std::string& directory) override {
    rocksdb::Checkpoint* made = nullptr;
    const rocksdb::Status created = rocksdb::Checkpoint::Create(db_.get(), &made);
    const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
    if (!created.ok()) return status_from_rocks(created, "checkpoint");
    // log_size_for_flush 0: flush first, always (L6).
    return status_from_rocks(checkpoint->CreateCheckpoint(directory, 0), "checkpoint");
  }

  Status health() const override { return errors_->first(); }

  rocksdb::DB& db() { return *db_; }

  std::uint64_t property(std::string_view name) const override {
    std::uint64_t value = 0;
    return db_->GetIntProperty(slice(name), &value) ? value : 0;
  }

  void close() override {
    if (!db_) return;
    latest_.reset();
    // Waits for running background work; our own log has what the memtables hold.
    rocksdb::CancelAllBackgroundWork(db_.get(), true);
    db_.reset();
  }

 private:
  static constexpr std::size_t kBatchHeaderBytes = 12;

  Result<AppliedMark> read_mark(rocksdb::ReadTier tier) const {
    rocksdb::ReadOptions options;
    options.read_tier = tier;
    std::string value;
    const rocksdb::Status status = db_->Get(options, slice(layout::applied_key()), &value);
    if (status.IsNotFound()) return AppliedMark{};
    if (!status.ok()) return status_from_rocks(status, "get of the applied mark");
    return decode_applied(value);
  }

  std::shared_ptr<rocksdb::DB> db_;
  std::shared_ptr<BackgroundErrors> errors_;
  std::unique_ptr<RocksView> latest_;
};

rocksdb::Options db_options(const RocksOptions& from,
                            const std::shared_ptr<BackgroundErrors>& errors) {
  rocksdb::Options options;
  if (from.env != nullptr) options.env = from.env;
  options.create_if_missing = from.create_if_missing;
  options.listeners.push_back(errors);
  options.info_log_level = rocksdb::WARN_LEVEL;
  options.keep_log_file_num = 2;
  options.max_log_file_size = std::size_t{4} << 20;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;

  // One thread at a time writes, which is what the memtable asks for.
  options.memtable_factory = make_memtable_factory();
  options.allow_concurrent_memtable_write = false;
  options.enable_write_thread_adaptive_yield = false;
  options.write_buffer_size = from.write_buffer_bytes;
  options.max_write_buffer_number = 3;
  options.max_background_jobs = from.background_jobs;
  options.max_bgerror_resume_count = 0;
  // A filter over the memtable answers most reads of absent keys without a walk down its skip list.
  options.memtable_whole_key_filtering = true;
  options.memtable_prefix_bloom_size_ratio = 0.02;
  options.max_successive_merges = 0;

  options.compression = rocksdb::kLZ4Compression;
  options.level_compaction_dynamic_level_bytes = true;
  options.bytes_per_sync = std::uint64_t{1} << 20;
  options.target_file_size_base = std::uint64_t{32} << 20;

  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(from.block_cache_bytes, -1, false, 0.3);
  table.block_size = 16 * 1024;
  table.format_version = 5;
  table.checksum = rocksdb::kXXH3;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.whole_key_filtering = true;
  table.data_block_index_type = rocksdb::BlockBasedTableOptions::kDataBlockBinaryAndHash;
  // Indexes and filters count in the memory budget and are the last to leave it (C8).
  table.cache_index_and_filter_blocks = true;
  table.cache_index_and_filter_blocks_with_high_priority = true;
  // Pinned, for otherwise each file that a Get asks costs two more look-ups in the cache.
  table.metadata_cache_options.unpartitioned_pinning = rocksdb::PinningTier::kAll;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

}  // namespace

Result<std::unique_ptr<KvStore>> open_rocks(const RocksOptions& options) {
  auto errors = std::make_shared<BackgroundErrors>();
  rocksdb::DB* opened = nullptr;
  const rocksdb::Options rocks = db_options(options, errors);
  const rocksdb::Status status =
      options.read_only ? rocksdb::DB::OpenForReadOnly(rocks, options.directory, &opened)
                        : rocksdb::DB::Open(rocks, options.directory, &opened);
  if (!status.ok()) return status_from_rocks(status, "open of " + options.directory);
  return std::unique_ptr<KvStore>(
      std::make_unique<RocksStore>(std::shared_ptr<rocksdb::DB>(opened), std::move(errors)));
}

rocksdb::DB& rocks_db(KvStore& store) { return static_cast<RocksStore&>(store).db(); }

}  // namespace clinicdb::engine
