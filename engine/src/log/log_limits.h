// Limits of the commit log. Bytes from disk are held against them, so none can make us allocate or
// wait without bound.
#pragma once

#include <cstddef>
#include <cstdint>

namespace clinicdb::engine {

/// Largest payload of one entry, before compression.
inline constexpr std::size_t kEntryPayloadBytesMax = std::size_t{256} << 20;
/// Smaller payloads are stored as they are: the disk writes whole 4 KiB blocks, so nothing would be
/// won.
inline constexpr std::size_t kEntryCompressBytesMin = 4096;
/// lz4 never expands further; a header that declares more is invalid.
inline constexpr std::size_t kEntryExpansionMax = 255;
/// What the encoder's buffer keeps between entries.
inline constexpr std::size_t kEntryBufferKeptBytes = std::size_t{4} << 20;
/// Encoded entries kept in memory for readers that follow the tail.
inline constexpr std::size_t kTailCacheBytesMax = std::size_t{8} << 20;
/// What a cursor reads at once, at least.
inline constexpr std::size_t kCursorReadBytes = std::size_t{256} << 10;
/// What zero-writing and zero-checking handle at once.
inline constexpr std::size_t kZeroChunkBytes = std::size_t{1} << 20;
/// How often a read-only open looks at a log that a writer may be changing before it reports
/// damage.
inline constexpr int kReadOnlyLooksMax = 3;
/// Rows of the epoch table that a manifest may declare.
inline constexpr std::size_t kEpochRowsMax = std::size_t{1} << 20;
/// Smallest segment size that options may ask for. Small ones serve tests, which roll often.
inline constexpr std::uint64_t kSegmentBytesMin = 8192;

}  // namespace clinicdb::engine
