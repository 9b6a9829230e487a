// Segment files of the commit log: names, header, zero-written space.
//
// A segment is zero-written and synced under a temporary name, gets its header, is synced again and
// only then renamed to "<id as 16 hex digits>.log" and its directory synced. So a file of that name
// always has its full size and a valid header; anything else is corruption. Entries overwrite the
// zeros; the file never grows.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "clinicdb/base/clock.h"
#include "clinicdb/base/ids.h"
#include "clinicdb/base/result.h"
#include "clinicdb/engine/file.h"

namespace clinicdb::engine {

inline constexpr std::uint32_t kSegmentMagic = 0x31534c43;  ///< "CLS1"
inline constexpr std::uint16_t kSegmentVersion = 1;
/// A block of its own, so that writing entries never rewrites the header's block.
inline constexpr std::uint64_t kSegmentHeaderBytes = 4096;

/// What a segment's header says.
struct SegmentHeader {
  Uuid store_id;
  std::uint64_t segment_id = 0;  ///< ascending with the LSN; stands in every entry of the segment
  Lsn first_lsn;                 ///< of its first entry
  LogPosition previous;          ///< of the entry before it; lsn 0 for none
  std::uint64_t previous_hash = 0;
  Time previous_time;
  std::uint64_t file_bytes = 0;  ///< of the whole file
};

/// kSegmentHeaderBytes bytes.
std::string encode_segment_header(const SegmentHeader& header);
/// kDataLoss, saying why, when `bytes` does not begin with a valid header.
Result<SegmentHeader> decode_segment_header(std::string_view bytes);

std::string segment_file_name(std::uint64_t segment_id);
/// nullopt when no segment is called so.
std::optional<std::uint64_t> parse_segment_file_name(std::string_view name);

/// A new file of `bytes` zeros at `path`, synced; its name is not. Replaces a file of that name;
/// leaves none on an error. kResourceExhausted when the disk is full.
Result<std::unique_ptr<File>> create_zeroed(FileSystem& file_system, const std::string& path,
                                            std::uint64_t bytes);

/// Overwrites with zeros what is not zero in [from, to), and syncs when there was anything (L2).
/// REQUIRES: the file has at least `to` bytes.
Status zero_range(File& file, std::uint64_t from, std::uint64_t to);

/// Overwrites [from, to) with zeros whatever is read there, and syncs: an earlier zeroing whose
/// sync failed reads as zeros and is not on the disk. REQUIRES: as zero_range.
Status write_zeros(File& file, std::uint64_t from, std::uint64_t to);

/// Writes what stands in [from, to) once more and syncs, so that it is on the disk even where an
/// earlier sync failed and the page cache does not say so (L1). REQUIRES: as zero_range.
Status rewrite_range(File& file, const std::string& path, std::uint64_t from, std::uint64_t to);

/// Reads exactly `size` bytes. kDataLoss naming `path` when the file ends before.
Result<std::string> read_exactly(const File& file, const std::string& path, std::uint64_t offset,
                                 std::size_t size);

}  // namespace clinicdb::engine
