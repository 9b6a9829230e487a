#include "log/log_reader.h"

#include <optional>
#include <string>
#include <utility>

#include "log/entry_cursor.h"

namespace clinicdb::engine {
namespace {

class MappedLogReader final : public LogReader {
 public:
  MappedLogReader(FileSystem& file_system, std::shared_ptr<LogMap> map, Lsn from)
      : file_system_(file_system),
        map_(std::move(map)),
        truncations_(map_->truncations()),
        next_(from) {
    map_->add_reader();
  }
  ~MappedLogReader() override { map_->remove_reader(); }
  MappedLogReader(const MappedLogReader&) = delete;
  MappedLogReader& operator=(const MappedLogReader&) = delete;

  Result<const LogEntry*> next() override {
    LogMap::Place place = map_->find(next_, truncations_);
    switch (place.where) {
      case LogMap::Where::kNotYet:
        return nullptr;
      case LogMap::Where::kTrimmed:
      case LogMap::Where::kTruncated:
        return gone(place.where);
      case LogMap::Where::kMemory:
      case LogMap::Where::kSegment:
        break;
    }
    memory_ = std::move(place.bytes);
    Result<EntryView> view = memory_ ? decode_entry(*memory_) : from_segment(place);
    if (!view) {
      // The files may have gone, or been cut, since they were looked up.
      const LogMap::Where now = map_->find(next_, truncations_).where;
      if (now == LogMap::Where::kTrimmed || now == LogMap::Where::kTruncated) return gone(now);
      return view.error();
    }
    if (view->position.lsn != next_ || (last_hash_ && view->previous_hash != *last_hash_)) {
      return data_loss("commit log: the entry found for LSN " + std::to_string(next_.value) +
                       " does not follow the one before it");
    }
    RETURN_IF_ERROR(fill(*view));
    last_hash_ = view->hash;
    next_ = clinicdb::next(next_);
    return &entry_;
  }

 private:
  Status gone(LogMap::Where where) const {
    const std::string lsn = std::to_string(next_.value);
    if (where == LogMap::Where::kTruncated) {
      return aborted("commit log: truncated while LSN " + lsn + " was awaited; begin a new reader");
    }
    return out_of_range("commit log: LSN " + lsn + " was trimmed away");
  }

  Result<EntryView> from_segment(const LogMap::Place& place) {
    if (!segment_ || segment_->header.segment_id != place.segment->header.segment_id) {
      cursor_.reset();
      segment_.reset();
      ASSIGN_OR_RETURN(file_, file_system_.open(place.segment->path, OpenMode::kRead));
      segment_ = place.segment;
      cursor_.emplace(*file_, segment_->path, kSegmentHeaderBytes, place.limit);
      expected_ = segment_->header.first_lsn;
      // The first segment's chain begins with its header.
      if (!last_hash_ && next_ == expected_) last_hash_ = segment_->header.previous_hash;
    }
    cursor_->set_limit(place.limit);
    for (;;) {
      ASSIGN_OR_RETURN(const EntryView view, cursor_->read());
      if (view.segment_id != segment_->header.segment_id || view.position.lsn != expected_) {
        return cursor_->corrupt("entry of another place");
      }
      const bool found = view.position.lsn == next_;
      cursor_->skip(view);
      expected_ = clinicdb::next(expected_);
      if (found) return view;
      // Entries on the way to the first one wanted are checked like the rest.
      if (!last_hash_ && clinicdb::next(view.position.lsn) == next_) last_hash_ = view.hash;
    }
  }

  Status fill(const EntryView& view) {
    entry_.kind = view.kind;
    entry_.position = view.position;
    entry_.hash = view.hash;
    entry_.previous_hash = view.previous_hash;
    entry_.committed = view.committed;
    entry_.synced = view.synced;
    entry_.time = view.time;
    entry_.tenants = view.tenants();
    Result<std::string_view> operations = operations_.read(view);
    if (!operations) {
      return std::move(operations)
          .error()
          .with_context("commit log: LSN " + std::to_string(next_.value));
    }
    entry_.operations = *operations;
    return {};
  }

  FileSystem& file_system_;
  const std::shared_ptr<LogMap> map_;
  const std::uint64_t truncations_;
  Lsn next_;
  std::optional<std::uint64_t> last_hash_;  ///< of the entry before next_, where known

  std::shared_ptr<const std::string> memory_;
  std::shared_ptr<const SegmentInfo> segment_;
  std::unique_ptr<File> file_;
  std::optional<EntryCursor> cursor_;
  Lsn expected_;  ///< of the entry at the cursor

  OperationsReader operations_;
  LogEntry entry_;
};

}  // namespace

std::unique_ptr<LogReader> make_log_reader(FileSystem& file_system, std::shared_ptr<LogMap> map,
                                           Lsn from) {
  return std::make_unique<MappedLogReader>(file_system, std::move(map), from);
}

}  // namespace clinicdb::engine
