// The end of the log is decided here. In the last segment, the log ends before the first entry b
// that is not valid in its place (L3), unless something that was written later proves that b had
// been synced:
//
//   (1) RocksDB contains b (`applied`);
//   (2) a valid entry behind b says synced_lsn >= b;
//   (3) the epoch table has an epoch that begins above b (begin_epoch syncs first);
//   (4) a truncation under way keeps b (truncate_above syncs first).
//
// Then b is damaged, not torn, and the answer is kDataLoss. In all other segments every entry was
// synced before the next segment was begun, so there any invalid entry is damage.
#include "log/recovery.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <memory>
#include <utility>

#include "clinicdb/base/bytes.h"
#include "log/entry_cursor.h"
#include "log/log_limits.h"

namespace clinicdb::engine {
namespace {

constexpr std::string_view kAdvice = "; restore the shard from a backup or a follower";

std::string lsn_text(Lsn lsn) { return "LSN " + std::to_string(lsn.value); }

/// What stands behind the first invalid entry.
struct Behind {
  std::uint64_t dirty_end = 0;  ///< behind the last byte that is not zero; 0 when all are
  std::optional<Lsn> proof;     ///< (2): LSN of the entry that proves it, and where it stands
  std::uint64_t proof_offset = 0;
};

/// Looks through [from, limit) for anything that is not zero, and for a valid entry of this segment
/// that says that `missing` was synced.
Result<Behind> look_behind(const File& file, const SegmentInfo& segment, std::uint64_t from,
                           Lsn missing) {
  Behind behind;
  const std::uint64_t limit = segment.header.file_bytes;
  EntryCursor cursor(file, segment.path, from, limit);
  if (from >= limit) return behind;
  // A multiple of the alignment, which the size of a file whose making was cut short need not be.
  const std::uint64_t looked_at = std::min<std::uint64_t>(kZeroChunkBytes, limit - from);
  std::vector<char> chunk((looked_at + kEntryAlignment - 1) / kEntryAlignment * kEntryAlignment);
  for (std::uint64_t offset = from; offset < limit; offset += chunk.size()) {
    const std::size_t size = std::min<std::uint64_t>(chunk.size(), limit - offset);
    ASSIGN_OR_RETURN(const std::size_t got, file.read_at(offset, chunk.data(), size));
    std::memset(chunk.data() + got, 0, chunk.size() - got);
    for (std::size_t i = 0; i < chunk.size(); i += kEntryAlignment) {
      if (load_le64(chunk.data() + i) == 0) continue;
      behind.dirty_end = offset + i + kEntryAlignment;
      // Entries are aligned and so is their magic, kEntryMagicOffset behind their beginning.
      if (load_le32(chunk.data() + i) != kEntryMagic) continue;
      if (offset + i < from + kEntryMagicOffset) continue;
      cursor.seek(offset + i - kEntryMagicOffset);
      const Result<EntryView> entry = cursor.read();
      if (!entry) {
        if (entry.error().code() != StatusCode::kDataLoss) return entry.error();
        continue;
      }
      if (entry->segment_id == segment.header.segment_id && entry->position.lsn > missing &&
          entry->synced >= missing) {
        behind.proof = entry->position.lsn;
        behind.proof_offset = cursor.offset();
        return behind;
      }
    }
  }
  return behind;
}

class Recovery {
 public:
  explicit Recovery(const CommitLogOptions& options)
      : options_(options), file_system_(*options.file_system) {}

  Result<std::optional<RecoveredLog>> run() {
    ASSIGN_OR_RETURN(const std::vector<std::string> names, file_system_.list(options_.directory));
    ASSIGN_OR_RETURN(std::optional<LogManifest> manifest,
                     read_manifest(file_system_, options_.directory));
    if (!manifest) {
      RETURN_IF_ERROR(check_never_begun(names));
      return std::optional<RecoveredLog>();
    }
    log_.manifest = std::move(*manifest);
    if (log_.manifest.store_id != options_.store_id) {
      return failed_precondition(options_.directory + ": this log belongs to store " +
                                 log_.manifest.store_id.to_string() + ", not to " +
                                 options_.store_id.to_string());
    }
    RETURN_IF_ERROR(load_segments(names));
    RETURN_IF_ERROR(sync_last());
    RETURN_IF_ERROR(scan());
    return std::optional<RecoveredLog>(std::move(log_));
  }

 private:
  /// The manifest is written last when a log is made, and nothing is appended before. So without
  /// one there can be a first, empty segment at most.
  Status check_never_begun(const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      if (!parse_segment_file_name(name)) continue;
      const std::string path = options_.directory + "/" + name;
      ASSIGN_OR_RETURN(const std::unique_ptr<File> file, file_system_.open(path, OpenMode::kRead));
      ASSIGN_OR_RETURN(const std::uint64_t size, file->size());
      SegmentInfo segment{path, {}};
      segment.header.file_bytes = size;
      ASSIGN_OR_RETURN(const Behind behind,
                       look_behind(*file, segment, std::min(size, kSegmentHeaderBytes), Lsn{}));
      if (behind.dirty_end != 0) {
        return data_loss(options_.directory + ": the log's manifest is missing, but " + name +
                         " holds entries" + std::string(kAdvice));
      }
    }
    if (options_.applied.lsn > Lsn{}) {
      return data_loss(options_.directory + ": there is no log, but RocksDB contains " +
                       lsn_text(options_.applied.lsn) + std::string(kAdvice));
    }
    return {};
  }

  Status load_segments(const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      const std::optional<std::uint64_t> id = parse_segment_file_name(name);
      if (!id) continue;
      SegmentInfo segment;
      segment.path = options_.directory + "/" + name;
      RETURN_IF_ERROR(load_header(segment, *id));
      // A truncation under way removes them; the oldest stays, to hold the place.
      const std::optional<Lsn> keep = log_.manifest.truncate_above;
      if (keep && !log_.segments.empty() && segment.header.first_lsn > *keep) {
        log_.dropped_paths.push_back(segment.path);
        continue;
      }
      if (!log_.segments.empty()) RETURN_IF_ERROR(check_order(log_.segments.back(), segment));
      log_.segments.push_back(std::move(segment));
    }
    if (log_.segments.empty()) {
      return data_loss(options_.directory + ": the log has a manifest but no segments" +
                       std::string(kAdvice));
    }
    const SegmentInfo& oldest = log_.segments.front();
    if (log_.manifest.epochs.front().second > oldest.header.first_lsn) {
      return data_loss(oldest.path + ": segment begins below the epoch table" +
                       std::string(kAdvice));
    }
    return {};
  }

  /// Ids are consecutive: a segment is begun with the next one, and only the ends of the log are
  /// removed.
  Status check_order(const SegmentInfo& before, const SegmentInfo& segment) const {
    if (segment.header.segment_id != before.header.segment_id + 1) {
      return data_loss(options_.directory + "/" + segment_file_name(before.header.segment_id + 1) +
                       ": segment is missing" + std::string(kAdvice));
    }
    if (segment.header.first_lsn < before.header.first_lsn) {
      return data_loss(segment.path + ": segment begins below the one before it" +
                       std::string(kAdvice));
    }
    return {};
  }

  Status load_header(SegmentInfo& segment, std::uint64_t id) {
    ASSIGN_OR_RETURN(const std::unique_ptr<File> file,
                     file_system_.open(segment.path, OpenMode::kRead));
    ASSIGN_OR_RETURN(const std::string bytes,
                     read_exactly(*file, segment.path, 0, kSegmentHeaderBytes));
    Result<SegmentHeader> header = decode_segment_header(bytes);
    if (!header) return std::move(header).error().with_context(segment.path + " at offset 0");
    segment.header = *header;
    if (header->store_id != options_.store_id || header->segment_id != id) {
      return data_loss(segment.path + " at offset 0: segment of another log or place");
    }
    ASSIGN_OR_RETURN(const std::uint64_t size, file->size());
    if (size != header->file_bytes || size % kSegmentHeaderBytes != 0 ||
        size < kSegmentHeaderBytes) {
      return data_loss(segment.path + ": segment has " + std::to_string(size) +
                       " bytes instead of " + std::to_string(header->file_bytes) +
                       std::string(kAdvice));
    }
    return {};
  }

  /// L1. The other segments, and every name, were synced before the last segment was begun.
  Status sync_last() {
    if (options_.read_only) return {};
    ASSIGN_OR_RETURN(const std::unique_ptr<File> file,
                     file_system_.open(log_.segments.back().path, OpenMode::kWrite));
    RETURN_IF_ERROR(file->sync());
    return file_system_.sync_directory(options_.directory);
  }

  Status scan() {
    const Lsn applied = options_.applied.lsn;
    std::size_t index = log_.segments.size();
    while (index > 0 && log_.segments[index - 1].header.previous.lsn > applied) --index;
    if (index == 0) {
      return data_loss(log_.segments.front().path + ": the log begins at " +
                       lsn_text(log_.segments.front().header.first_lsn) +
                       ", but RocksDB contains only up to " + lsn_text(applied) +
                       std::string(kAdvice));
    }
    --index;
    const SegmentHeader& first = log_.segments[index].header;
    log_.tail = {first.previous, first.previous_hash, first.previous_time};
    log_.known_committed = applied;
    RETURN_IF_ERROR(check_applied(log_.segments[index].path));
    for (; index < log_.segments.size(); ++index) {
      RETURN_IF_ERROR(scan_segment(index));
    }
    // (1) again, for a log that ends where nothing is wrong.
    if (log_.tail.position.lsn < applied) {
      return data_loss(log_.segments.back().path + " at offset " + std::to_string(log_.end) +
                       ": the log ends before " + lsn_text(applied) + ", which RocksDB contains" +
                       std::string(kAdvice));
    }
    return {};
  }

  Status scan_segment(std::size_t index) {
    const SegmentInfo& segment = log_.segments[index];
    const bool last = index + 1 == log_.segments.size();
    std::optional<Lsn> stop = log_.manifest.truncate_above;
    if (!last) stop = log_.segments[index + 1].header.previous.lsn;

    ASSIGN_OR_RETURN(const std::unique_ptr<File> file,
                     file_system_.open(segment.path, OpenMode::kRead));
    EntryCursor cursor(*file, segment.path, kSegmentHeaderBytes, segment.header.file_bytes);
    unproven_.clear();  // What stands in an earlier segment was synced before this one was begun.
    Status bad;
    while (bad.ok() && !(stop && log_.tail.position.lsn >= *stop)) {
      const Result<EntryView> entry = cursor.read();
      if (!entry && entry.error().code() != StatusCode::kDataLoss) return entry.error();
      bad = entry ? check_place(cursor, segment, *entry) : entry.error();
      if (!bad.ok()) break;
      log_.tail = {entry->position, entry->hash, entry->time};
      log_.known_committed = std::max(log_.known_committed, entry->committed);
      note_unproven(*entry, cursor.offset());
      cursor.skip(*entry);
      RETURN_IF_ERROR(check_applied(segment.path));
    }
    log_.end = cursor.offset();
    log_.unproven_from = unproven_.empty() ? log_.end : unproven_.front().second;
    if (!last) return check_joint(std::move(bad), segment, log_.segments[index + 1]);
    if (bad.ok()) return {};  // a truncation under way erases the rest, whatever it is
    return judge_end(bad, *file, segment);
  }

  /// Whether a valid entry is the next of this chain.
  Status check_place(const EntryCursor& cursor, const SegmentInfo& segment,
                     const EntryView& entry) {
    const Lsn expected = next(log_.tail.position.lsn);
    if (entry.segment_id != segment.header.segment_id) {
      return cursor.corrupt("entry of another segment");
    }
    if (entry.position.lsn != expected) {
      return cursor.corrupt("entry has " + lsn_text(entry.position.lsn) + " in the place of " +
                            lsn_text(expected));
    }
    if (entry.previous_hash != log_.tail.hash) {
      return cursor.corrupt("entry does not follow the one before it");
    }
    if (entry.position.epoch != epoch_at(log_.manifest.epochs, expected)) {
      return cursor.corrupt("entry's epoch is not the one in the epoch table");
    }
    return {};
  }

  /// An entry is proven by a later one that says it was synced, or by RocksDB, which is given only
  /// what was.
  void note_unproven(const EntryView& entry, std::uint64_t offset) {
    const Lsn proven = std::max(entry.synced, options_.applied.lsn);
    while (!unproven_.empty() && unproven_.front().first <= proven) unproven_.pop_front();
    if (entry.position.lsn > proven) unproven_.emplace_back(entry.position.lsn, offset);
  }

  Status check_applied(const std::string& path) {
    if (options_.applied.lsn == Lsn{} || log_.tail.position.lsn != options_.applied.lsn) return {};
    if (log_.tail.position != options_.applied || log_.tail.hash != options_.applied_hash) {
      return data_loss(path + ": the log's entry at " + lsn_text(options_.applied.lsn) +
                       " is not the one that RocksDB contains" + std::string(kAdvice));
    }
    return {};
  }

  Status check_joint(Status bad, const SegmentInfo& segment, const SegmentInfo& following) {
    if (!bad.ok()) {
      return data_loss(std::string(bad.message()) + "; later segments follow" +
                       std::string(kAdvice));
    }
    if (log_.tail.position != following.header.previous ||
        log_.tail.hash != following.header.previous_hash) {
      return data_loss(following.path + " at offset 0: segment does not follow " + segment.path +
                       std::string(kAdvice));
    }
    return {};
  }

  Status judge_end(const Status& bad, const File& file, const SegmentInfo& segment) {
    const Lsn missing = next(log_.tail.position.lsn);
    std::string proof;
    if (options_.applied.lsn >= missing) {
      proof = "RocksDB contains " + lsn_text(options_.applied.lsn);
    } else if (log_.manifest.epochs.back().second > missing) {
      proof = "an epoch begins at " + lsn_text(log_.manifest.epochs.back().second);
    } else if (log_.manifest.truncate_above.value_or(Lsn{}) >= missing) {
      proof = "a truncation kept " + lsn_text(*log_.manifest.truncate_above);
    } else {
      ASSIGN_OR_RETURN(const Behind behind, look_behind(file, segment, log_.end, missing));
      log_.dirty_end = behind.dirty_end;
      if (!behind.proof) return {};
      proof = "the entry of " + lsn_text(*behind.proof) + " at offset " +
              std::to_string(behind.proof_offset) + " says so";
    }
    return data_loss(std::string(bad.message()) + "; " + lsn_text(missing) +
                     " had been synced, for " + proof + std::string(kAdvice));
  }

  const CommitLogOptions& options_;
  FileSystem& file_system_;
  RecoveredLog log_;
  std::deque<std::pair<Lsn, std::uint64_t>> unproven_;  ///< LSN and offset, ascending
};

}  // namespace

Result<std::optional<RecoveredLog>> recover_log(const CommitLogOptions& options) {
  Result<std::optional<RecoveredLog>> log = Recovery(options).run();
  // Beside a living writer, an entry may have been seen half-written and the one behind it whole,
  // or a segment trimmed between listing and opening it. Damage is still there at the next look.
  for (int looks = 1; options.read_only && !log && looks < kReadOnlyLooksMax; ++looks) {
    log = Recovery(options).run();
  }
  return log;
}

}  // namespace clinicdb::engine
