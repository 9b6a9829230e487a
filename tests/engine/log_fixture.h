// What the commit log's tests share: a log on a simulated disk, drafts, and reading everything
// back.
#pragma once

#include <catch2/catch.hpp>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "log/commit_log.h"
#include "log/segment.h"
#include "support/simulated_file_system.h"

namespace clinicdb::engine::test {

inline constexpr std::string_view kLogDirectory = "/log";
inline constexpr std::uint64_t kSmallSegmentBytes = 16384;

inline Uuid log_store_id() { return *Uuid::parse("0190b3c1-0000-7000-8000-00000000002a"); }

inline CommitLogOptions log_options(FileSystem& file_system) {
  CommitLogOptions options;
  options.file_system = &file_system;
  options.directory = kLogDirectory;
  options.store_id = log_store_id();
  options.segment_bytes = kSmallSegmentBytes;
  options.reserve_bytes = 8192;
  return options;
}

/// The directory, durably, and options for it.
inline CommitLogOptions make_log_directory(FileSystem& file_system) {
  REQUIRE(file_system.create_directories(std::string(kLogDirectory)).ok());
  REQUIRE(file_system.sync_directory("/").ok());
  return log_options(file_system);
}

inline std::unique_ptr<CommitLog> open_log(const CommitLogOptions& options) {
  Result<std::unique_ptr<CommitLog>> log = CommitLog::open(options);
  INFO(log.status().to_string());
  REQUIRE(log.has_value());
  return std::move(*log);
}

inline EntryDraft draft_of(std::string_view operations, std::int64_t time_us = 0) {
  EntryDraft draft;
  draft.time = Time{time_us};
  draft.tenants = {TenantId{7}};
  draft.operations = operations;
  return draft;
}

inline LogTail append_ok(CommitLog& log, std::string_view operations) {
  const Result<LogTail> tail = log.append(draft_of(operations));
  INFO(tail.status().to_string());
  REQUIRE(tail.has_value());
  return *tail;
}

inline LogTail append_synced(CommitLog& log, std::string_view operations) {
  const LogTail tail = append_ok(log, operations);
  REQUIRE(log.sync().ok());
  return tail;
}

/// Operations of every entry from `from` on.
inline std::vector<std::string> operations_from(CommitLog& log, Lsn from = Lsn{1}) {
  Result<std::unique_ptr<LogReader>> reader = log.reader(from);
  INFO(reader.status().to_string());
  REQUIRE(reader.has_value());
  std::vector<std::string> all;
  for (;;) {
    const Result<const LogEntry*> entry = (*reader)->next();
    INFO(entry.status().to_string());
    REQUIRE(entry.has_value());
    if (*entry == nullptr) return all;
    REQUIRE((*entry)->position.lsn.value == from.value + all.size());
    all.emplace_back((*entry)->operations);
  }
}

inline std::string whole_file(FileSystem& file_system, const std::string& path) {
  const Result<std::unique_ptr<File>> file = file_system.open(path, OpenMode::kRead);
  REQUIRE(file.has_value());
  const Result<std::uint64_t> size = (*file)->size();
  REQUIRE(size.has_value());
  std::string bytes(*size, '\0');
  REQUIRE((*file)->read_at(0, bytes.data(), bytes.size()).value_or(0) == bytes.size());
  return bytes;
}

inline void overwrite(FileSystem& file_system, const std::string& path, std::uint64_t offset,
                      std::string_view bytes) {
  const Result<std::unique_ptr<File>> file = file_system.open(path, OpenMode::kWrite);
  REQUIRE(file.has_value());
  REQUIRE((*file)->write_at(offset, bytes).ok());
  REQUIRE((*file)->sync().ok());
}

inline std::string segment_path(std::uint64_t id) {
  return std::string(kLogDirectory) + "/" + segment_file_name(id);
}

inline void require_data_loss(const CommitLogOptions& options, std::string_view naming) {
  const Result<std::unique_ptr<CommitLog>> log = CommitLog::open(options);
  REQUIRE_FALSE(log.has_value());
  INFO(log.error().to_string());
  REQUIRE(log.error().code() == StatusCode::kDataLoss);
  REQUIRE(log.error().message().find(naming) != std::string::npos);
}

/// Every file of the log directory, by name.
inline std::map<std::string, std::string> snapshot(FileSystem& file_system) {
  const Result<std::vector<std::string>> names = file_system.list(std::string(kLogDirectory));
  REQUIRE(names.has_value());
  std::map<std::string, std::string> files;
  for (const std::string& name : *names) {
    files[name] = whole_file(file_system, std::string(kLogDirectory) + "/" + name);
  }
  return files;
}

/// Where the entries of a segment stand, in order, and behind the last of them.
inline std::vector<std::uint64_t> entry_offsets(std::string_view segment) {
  std::vector<std::uint64_t> offsets = {kSegmentHeaderBytes};
  while (const Result<EntryView> entry = decode_entry(segment.substr(offsets.back()))) {
    offsets.push_back(offsets.back() + entry->encoded_bytes);
  }
  return offsets;
}

}  // namespace clinicdb::engine::test
