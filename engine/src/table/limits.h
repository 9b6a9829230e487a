// The engine's limits (rule C6, and "every buffer has a named limit"). What a user may run into is
// said in the error that refuses it.
#pragma once

#include <cstddef>

namespace clinicdb::engine {

/// A record's key. Long enough for any composite key; short enough that an entry fits a RocksDB
/// block.
constexpr std::size_t kRecordKeyBytesMax = 1024;
/// An index entry's key, without the record's key behind it.
constexpr std::size_t kEntryKeyBytesMax = 2048;
/// A record's encoded body.
constexpr std::size_t kBodyBytesMax = std::size_t{16} << 20;
/// What an index entry carries along.
constexpr std::size_t kCoveredBytesMax = std::size_t{64} << 10;
/// Entries that one record may have in one index.
constexpr std::size_t kEntriesPerIndexMax = 1024;
/// A folded word; what is longer is cut, in records and in searches alike.
constexpr std::size_t kFoldedWordBytesMax = 64;

}  // namespace clinicdb::engine
