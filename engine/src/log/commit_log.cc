// The appender's side of the commit log.
//
// What must hold:
//   (S1) every segment but the last is synced as a whole, and every name in the directory is
//   durable, before
//        the last segment is begun;
//   (S2) behind the last entry the last segment holds zeros, durably, before anything is appended;
//   (S3) the manifest's epoch table covers every entry, durably, before the entry is written;
//   (S4) after an error whose outcome on disk is unknown nothing is written any more (L7).
// roll keeps S1, finish_recovery and truncate_above S2, begin_epoch S3, fail S4.
#include "log/commit_log.h"

#include <algorithm>
#include <atomic>
#include <limits>
#include <map>
#include <mutex>

#include "clinicdb/base/check.h"
#include "log/disk_reserve.h"
#include "log/entry_cursor.h"
#include "log/log_limits.h"
#include "log/log_map.h"
#include "log/log_reader.h"
#include "log/manifest.h"
#include "log/recovery.h"
#include "log/segment_supply.h"

namespace clinicdb::engine {
namespace {

/// The first error that ended the log (L7). Thread-safe.
class Failure {
 public:
  Status status() const {
    if (!failed_.load(std::memory_order_acquire)) return {};
    const std::lock_guard lock(mutex_);
    return status_;
  }
  Status set(const Status& cause) {
    const std::lock_guard lock(mutex_);
    if (status_.ok()) {
      status_ = failed_precondition("commit log: stopped for good by \"" + cause.to_string() +
                                    "\"; close the store, see to the disk, open it again");
      failed_.store(true, std::memory_order_release);
    }
    return status_;
  }

 private:
  std::atomic<bool> failed_{false};
  mutable std::mutex mutex_;
  Status status_;  // guarded by mutex_
};

/// Retention slots (L6). Thread-safe.
class Slots {
 public:
  void set(const std::string& name, Lsn lsn) {
    const std::lock_guard lock(mutex_);
    slots_[name] = lsn;
  }
  void drop(const std::string& name) {
    const std::lock_guard lock(mutex_);
    slots_.erase(name);
  }
  /// The highest LSN that no slot needs.
  Lsn highest_unpinned() const {
    const std::lock_guard lock(mutex_);
    Lsn highest{std::numeric_limits<std::uint64_t>::max()};
    for (const auto& [name, lsn] : slots_) {
      highest = std::min(highest, Lsn{lsn.value == 0 ? 0 : lsn.value - 1});
    }
    return highest;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, Lsn> slots_;  // guarded by mutex_
};

class FileCommitLog final : public CommitLog {
 public:
  FileCommitLog(const CommitLogOptions& options, RecoveredLog recovered)
      : options_(options),
        file_system_(*options.file_system),
        map_(std::make_shared<LogMap>(recovered.segments, recovered.tail, recovered.end)),
        supply_(file_system_, options.directory, options.segment_bytes),
        reserve_(file_system_, options.directory, options.reserve_bytes),
        manifest_(std::move(recovered.manifest)),
        segment_(recovered.segments.back()),
        tail_(recovered.tail),
        synced_(recovered.tail.position.lsn),
        known_committed_(recovered.known_committed),
        end_(recovered.end) {
    note_segment_use();
  }

  /// Makes good on disk what recovery found, and opens the last segment for appending.
  Status finish_recovery(const RecoveredLog& recovered);

  LogTail tail() const override { return map_->tail(); }
  Epoch epoch() const override { return manifest_.epochs.back().first; }
  Lsn known_committed() const override { return known_committed_; }
  Result<LogTail> append(const EntryDraft& draft) override;
  Status sync() override;
  Status begin_epoch(Epoch epoch) override;
  EpochTable epochs() const override { return manifest_.epochs; }
  Status truncate_above(LogPosition position) override;
  Result<std::unique_ptr<LogReader>> reader(Lsn from) override;
  void set_slot(const std::string& name, Lsn lsn) override { slots_.set(name, lsn); }
  void drop_slot(const std::string& name) override { slots_.drop(name); }
  Status trim(Lsn flushed, std::uint64_t retained_bytes) override;
  Status prepare_next_segment() override;
  CommitLogStats stats() const override;

 private:
  struct Place {
    LogTail tail;
    SegmentInfo segment;
    std::uint64_t end = 0;
  };

  Status writable() const;
  void note_segment_use() {
    segment_used_percent_.store(end_ * 100 / segment_.header.file_bytes, std::memory_order_relaxed);
  }
  Status roll(std::uint64_t entry_bytes);
  Status write_failed(const Status& cause, std::uint64_t bytes);
  Status disk_full(const Status& cause);
  /// Final, unless the disk is full: then nothing is written any more either.
  Status fail(const Status& cause);
  Result<Place> place_of(LogPosition position) const;
  Status erase_above(const Place& place);

  // constant after construction
  const CommitLogOptions options_;
  FileSystem& file_system_;

  // own synchronisation
  const std::shared_ptr<LogMap> map_;
  SegmentSupply supply_;
  Slots slots_;
  Failure failure_;
  std::atomic<std::uint64_t> segment_used_percent_{0};
  std::atomic<std::uint64_t> appended_bytes_{0};
  std::atomic<std::uint64_t> appended_raw_bytes_{0};
  std::atomic<std::uint64_t> appended_entries_{0};
  std::uint64_t cut_bytes_ = 0;  // constant after finish_recovery

  // the appender's
  DiskReserve reserve_;
  Status full_;
  LogManifest manifest_;
  SegmentInfo segment_;
  std::unique_ptr<File> file_;
  LogTail tail_;
  Lsn synced_;
  Lsn known_committed_;
  std::uint64_t end_;
  EntryEncoder encoder_;
};

Status FileCommitLog::finish_recovery(const RecoveredLog& recovered) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, file_system_.list(options_.directory));
  RETURN_IF_ERROR(supply_.adopt(names));
  for (const std::string& path : recovered.dropped_paths)
    RETURN_IF_ERROR(file_system_.remove(path));
  if (!recovered.dropped_paths.empty()) {
    RETURN_IF_ERROR(file_system_.sync_directory(options_.directory));
  }
  ASSIGN_OR_RETURN(file_, file_system_.open(segment_.path, OpenMode::kWrite));
  RETURN_IF_ERROR(rewrite_range(*file_, segment_.path, recovered.unproven_from, end_));
  if (manifest_.truncate_above) {
    // The synced entries that were here prove themselves, were they to come back.
    RETURN_IF_ERROR(write_zeros(*file_, end_, segment_.header.file_bytes));
  } else if (recovered.dirty_end > end_) {
    RETURN_IF_ERROR(write_zeros(*file_, end_, recovered.dirty_end));
    cut_bytes_ = recovered.dirty_end - end_;
  }
  if (manifest_.truncate_above) {
    manifest_.truncate_above.reset();
    RETURN_IF_ERROR(write_manifest(file_system_, options_.directory, manifest_));
  }
  if (Status status = reserve_.ensure(); !status.ok()) {
    if (status.code() != StatusCode::kResourceExhausted) return status;
    disk_full(status).ignore("the log opens all the same; appends will say it");
  }
  return {};
}

Status FileCommitLog::writable() const {
  RETURN_IF_ERROR(failure_.status());
  if (options_.read_only) return failed_precondition("commit log: opened read-only");
  return full_;
}

Result<LogTail> FileCommitLog::append(const EntryDraft& draft) {
  RETURN_IF_ERROR(writable());
  if (draft.operations.size() > kEntryPayloadBytesMax) {
    return invalid_argument("commit log: an entry of " + std::to_string(draft.operations.size()) +
                            " bytes is above the limit of " +
                            std::to_string(kEntryPayloadBytesMax));
  }
  CLINICDB_CHECK(draft.committed <= tail_.position.lsn);
  EntryContent content;
  content.kind = draft.kind;
  content.position = {epoch(), next(tail_.position.lsn)};
  content.previous_hash = tail_.hash;
  content.committed = draft.committed;
  content.time = std::max(draft.time, tail_.time);  // A2
  content.tenants = draft.tenants;
  content.operations = draft.operations;
  const std::uint64_t hash = encoder_.encode(content);
  if (end_ + encoder_.encoded_bytes() > segment_.header.file_bytes) {
    RETURN_IF_ERROR(roll(encoder_.encoded_bytes()));
  }
  const std::string_view encoded = encoder_.seal(segment_.header.segment_id, synced_);
  if (const Status status = file_->write_at(end_, encoded); !status.ok()) {
    return write_failed(status, encoded.size());
  }
  end_ += encoded.size();
  tail_ = {content.position, hash, content.time};
  known_committed_ = std::max(known_committed_, draft.committed);
  note_segment_use();
  appended_bytes_.fetch_add(encoded.size(), std::memory_order_relaxed);
  appended_raw_bytes_.fetch_add(draft.operations.size(), std::memory_order_relaxed);
  appended_entries_.fetch_add(1, std::memory_order_relaxed);
  map_->publish(tail_, end_, encoded);
  return tail_;
}

Status FileCommitLog::sync() {
  RETURN_IF_ERROR(failure_.status());
  if (synced_ == tail_.position.lsn) return {};
  if (const Status status = file_->sync(); !status.ok()) return failure_.set(status);
  synced_ = tail_.position.lsn;
  return {};
}

Status FileCommitLog::roll(std::uint64_t entry_bytes) {
  RETURN_IF_ERROR(sync());  // S1
  SegmentHeader header;
  header.store_id = options_.store_id;
  header.segment_id = segment_.header.segment_id + 1;
  header.first_lsn = next(tail_.position.lsn);
  header.previous = tail_.position;
  header.previous_hash = tail_.hash;
  header.previous_time = tail_.time;
  Result<SegmentSupply::Begun> begun = supply_.begin(header, entry_bytes);
  if (!begun) return fail(begun.error());
  file_ = std::move(begun->file);
  segment_ = std::move(begun->segment);
  end_ = kSegmentHeaderBytes;
  map_->add_segment(segment_);
  return {};
}

Status FileCommitLog::write_failed(const Status& cause, std::uint64_t bytes) {
  if (cause.code() != StatusCode::kResourceExhausted) return failure_.set(cause);
  // "Nothing was appended" must hold after a crash, too: what was written of the entry goes (S2).
  if (const Status status = zero_range(*file_, end_, end_ + bytes); !status.ok()) {
    return failure_.set(status);
  }
  return disk_full(cause);
}

Status FileCommitLog::disk_full(const Status& cause) {
  if (const Status status = reserve_.release(); !status.ok()) return failure_.set(status);
  full_ = resource_exhausted("commit log: the disk is full, nothing more is written (" +
                             std::string(cause.message()) +
                             "); free some space and open the store again");
  return full_;
}

Status FileCommitLog::fail(const Status& cause) {
  if (cause.code() == StatusCode::kResourceExhausted) return disk_full(cause);
  return failure_.set(cause);
}

Status FileCommitLog::begin_epoch(Epoch epoch) {
  RETURN_IF_ERROR(writable());
  CLINICDB_CHECK(epoch > this->epoch());
  // Synced first, so that the table's row proves that everything below its LSN was (recovery.cc,
  // (3)).
  RETURN_IF_ERROR(sync());
  LogManifest changed = manifest_;
  changed.epochs.emplace_back(epoch, next(tail_.position.lsn));
  if (const Status status = write_manifest(file_system_, options_.directory, changed);
      !status.ok()) {
    return fail(status);
  }
  manifest_ = std::move(changed);
  return {};
}

Result<FileCommitLog::Place> FileCommitLog::place_of(LogPosition position) const {
  const std::vector<std::shared_ptr<const SegmentInfo>> segments = map_->segments();
  if (position.lsn > tail_.position.lsn || position.lsn < segments.front()->header.previous.lsn) {
    return out_of_range("commit log: LSN " + std::to_string(position.lsn.value) +
                        " is not in the log");
  }
  auto found = segments.rbegin();
  while (std::next(found) != segments.rend() && (*found)->header.first_lsn > position.lsn) ++found;
  const SegmentHeader& header = (*found)->header;
  Place place;
  place.segment = **found;
  place.tail = {header.previous, header.previous_hash, header.previous_time};
  ASSIGN_OR_RETURN(const std::unique_ptr<File> file,
                   file_system_.open(place.segment.path, OpenMode::kRead));
  EntryCursor cursor(*file, place.segment.path, kSegmentHeaderBytes, header.file_bytes);
  while (place.tail.position.lsn < position.lsn) {
    ASSIGN_OR_RETURN(const EntryView entry, cursor.read());
    if (entry.previous_hash != place.tail.hash) {
      return cursor.corrupt("entry does not follow the one before it");
    }
    cursor.skip(entry);
    place.tail = {entry.position, entry.hash, entry.time};
  }
  place.end = cursor.offset();
  if (position.lsn > Lsn{} && place.tail.position != position) {
    return failed_precondition("commit log: LSN " + std::to_string(position.lsn.value) +
                               " has epoch " + std::to_string(place.tail.position.epoch.value) +
                               ", not " + std::to_string(position.epoch.value));
  }
  return place;
}

Status FileCommitLog::truncate_above(LogPosition position) {
  RETURN_IF_ERROR(writable());
  RETURN_IF_ERROR(sync());
  Result<Place> place = place_of(position);
  if (!place) {
    const StatusCode code = place.error().code();
    const bool refused = code == StatusCode::kOutOfRange || code == StatusCode::kFailedPrecondition;
    return refused ? place.error() : failure_.set(place.error());
  }
  LogManifest changed = manifest_;
  changed.truncate_above = position.lsn;
  // The first row stays: every log stands in an epoch.
  while (changed.epochs.size() > 1 && changed.epochs.back().second > position.lsn) {
    changed.epochs.pop_back();
  }
  Status status = write_manifest(file_system_, options_.directory, changed);
  if (status.ok()) {
    manifest_ = std::move(changed);
    // Readers are turned away before the bytes under them go.
    map_->truncate(place->tail, place->end);
    status = erase_above(*place);
  }
  if (status.ok()) {
    manifest_.truncate_above.reset();
    status = write_manifest(file_system_, options_.directory, manifest_);
  }
  // Not `fail`: with the truncation half done, a full disk is as final as the rest. Opening
  // finishes it.
  if (!status.ok()) return failure_.set(status);
  tail_ = place->tail;
  synced_ = tail_.position.lsn;
  known_committed_ = std::min(known_committed_, tail_.position.lsn);
  end_ = place->end;
  return {};
}

Status FileCommitLog::erase_above(const Place& place) {
  // By name, not by LSN: this is what recovery would drop, empty segments included.
  ASSIGN_OR_RETURN(const std::vector<std::string> names, file_system_.list(options_.directory));
  for (const std::string& name : names) {
    const std::optional<std::uint64_t> id = parse_segment_file_name(name);
    if (!id || *id <= place.segment.header.segment_id) continue;
    RETURN_IF_ERROR(file_system_.remove(options_.directory + "/" + name));
  }
  RETURN_IF_ERROR(file_system_.sync_directory(options_.directory));
  segment_ = place.segment;
  ASSIGN_OR_RETURN(file_, file_system_.open(segment_.path, OpenMode::kWrite));
  return zero_range(*file_, place.end, segment_.header.file_bytes);
}

Result<std::unique_ptr<LogReader>> FileCommitLog::reader(Lsn from) {
  const Lsn first = map_->first();
  const Lsn end = next(map_->tail().position.lsn);
  if (from < first || from > end) {
    return out_of_range("commit log: LSN " + std::to_string(from.value) + " is outside of " +
                        std::to_string(first.value) + " to " + std::to_string(end.value));
  }
  return make_log_reader(file_system_, map_, from);
}

Status FileCommitLog::trim(Lsn flushed, std::uint64_t retained_bytes) {
  RETURN_IF_ERROR(failure_.status());
  if (options_.read_only) return failed_precondition("commit log: opened read-only");
  const Lsn highest = std::min(flushed, slots_.highest_unpinned());  // L6
  while (const std::shared_ptr<const SegmentInfo> oldest =
             map_->take_oldest(highest, retained_bytes)) {
    // One after the other, so that a crash leaves no gap between the segments.
    Status status = file_system_.remove(oldest->path);
    if (status.ok()) status = file_system_.sync_directory(options_.directory);
    if (!status.ok()) return failure_.set(status);
  }
  return {};
}

Status FileCommitLog::prepare_next_segment() {
  RETURN_IF_ERROR(failure_.status());
  if (options_.read_only) return failed_precondition("commit log: opened read-only");
  if (segment_used_percent_.load(std::memory_order_relaxed) < 50) return {};
  return supply_.prepare();
}

CommitLogStats FileCommitLog::stats() const {
  CommitLogStats stats;
  stats.segments = map_->segment_count();
  stats.retained_bytes = map_->retained_bytes();
  stats.appended_bytes = appended_bytes_.load(std::memory_order_relaxed);
  stats.appended_raw_bytes = appended_raw_bytes_.load(std::memory_order_relaxed);
  stats.appended_entries = appended_entries_.load(std::memory_order_relaxed);
  stats.cut_bytes = cut_bytes_;
  stats.first = map_->first();
  return stats;
}

/// Makes a log without entries, whose first one will follow `tail`. Its manifest comes last:
/// without one, the directory holds no log.
Result<RecoveredLog> create_log(const CommitLogOptions& options, const LogTail& tail,
                                const EpochTable& epochs) {
  FileSystem& file_system = *options.file_system;
  ASSIGN_OR_RETURN(const std::vector<std::string> names, file_system.list(options.directory));
  for (const std::string& name : names) {
    // What an earlier try has left; recovery has made sure that it holds no entry.
    if (!parse_segment_file_name(name)) continue;
    RETURN_IF_ERROR(file_system.remove(options.directory + "/" + name));
  }
  SegmentSupply supply(file_system, options.directory, options.segment_bytes);
  RETURN_IF_ERROR(supply.adopt(names));
  RecoveredLog log;
  SegmentHeader header;
  header.store_id = options.store_id;
  header.segment_id = 1;
  header.first_lsn = next(tail.position.lsn);
  header.previous = tail.position;
  header.previous_hash = tail.hash;
  header.previous_time = tail.time;
  ASSIGN_OR_RETURN(const SegmentSupply::Begun begun, supply.begin(header, 0));
  log.manifest.store_id = options.store_id;
  log.manifest.epochs = epochs;
  RETURN_IF_ERROR(write_manifest(file_system, options.directory, log.manifest));
  log.segments = {begun.segment};
  log.tail = tail;
  log.known_committed = tail.position.lsn;
  log.end = kSegmentHeaderBytes;
  return log;
}

}  // namespace

Result<std::unique_ptr<CommitLog>> CommitLog::open(const CommitLogOptions& options) {
  CLINICDB_CHECK(options.file_system != nullptr);
  if (options.segment_bytes < kSegmentBytesMin ||
      options.segment_bytes % kSegmentHeaderBytes != 0) {
    return invalid_argument("commit log: a segment has a multiple of 4096 bytes, at least " +
                            std::to_string(kSegmentBytesMin) + ", not " +
                            std::to_string(options.segment_bytes));
  }
  ASSIGN_OR_RETURN(std::optional<RecoveredLog> recovered, recover_log(options));
  if (!recovered) {
    if (options.read_only) return not_found(options.directory + ": there is no commit log");
    ASSIGN_OR_RETURN(recovered, create_log(options, {}, {{Epoch{1}, Lsn{1}}}));
  }
  auto log = std::make_unique<FileCommitLog>(options, *recovered);
  if (!options.read_only) RETURN_IF_ERROR(log->finish_recovery(*recovered));
  return std::unique_ptr<CommitLog>(std::move(log));
}

Status create_log_behind(const CommitLogOptions& options, const LogTail& tail,
                         const std::vector<std::pair<Epoch, Lsn>>& epochs) {
  ASSIGN_OR_RETURN(const std::optional<LogManifest> there,
                   read_manifest(*options.file_system, options.directory));
  if (there) return failed_precondition(options.directory + ": there is a commit log already");
  return create_log(options, tail, epochs).status();
}

}  // namespace clinicdb::engine
