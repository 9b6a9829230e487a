// Named limits of the engine ("store/limits.h"; not in the include root, where it would hide
// <limits.h>). Each queue, buffer and key has one; passing it is a Status, never a crash.
#pragma once

#include <cstddef>
#include <cstdint>

namespace clinicdb::engine {

// Records and index entries.
constexpr std::size_t kRecordKeyBytesMax = 1024;
constexpr std::size_t kEntryKeyBytesMax = 2048;
constexpr std::size_t kRecordBodyBytesMax = std::size_t{16} << 20;
constexpr std::size_t kCoveredBytesMax = std::size_t{64} << 10;
constexpr std::size_t kEntriesPerIndexMax = 1024;
constexpr std::size_t kIndexesPerTableMax = 64;
// A folded word; what is longer is cut, in records and in searches alike.
constexpr std::size_t kFoldedWordBytesMax = 64;

// One command (C6): a large transaction bundle fits; a whole import does not.
constexpr std::size_t kCommandKeysMax = 200'000;
constexpr std::size_t kCommandBytesMax = std::size_t{64} << 20;
constexpr std::size_t kEventPayloadBytesMax = std::size_t{1} << 20;

// One commit group: soft, it closes when reached.
constexpr std::size_t kGroupCommandsMax = 1024;
constexpr std::size_t kGroupBytesSoftMax = std::size_t{4} << 20;
// The writer takes this many commands from its queue at once, and is woken, while a group syncs,
// when more than this part of all callers wait for it.
constexpr std::size_t kTakenAtOnceMax = 16;
constexpr std::size_t kWakeShare = 8;

// Committed groups that are not in RocksDB yet: each is a layer that reads look through first. When
// there are as many as the first number the next commit waits; the second wakes the applier at
// once.
constexpr std::size_t kUnappliedGroupsMax = 6;
constexpr std::size_t kUnappliedGroupsWake = 4;

// Callers waiting for the writer; more are refused with kUnavailable.
constexpr std::size_t kQueuedCommandsMax = 65'536;

// What transact() may have read, and how many groups back it can still be checked.
constexpr std::size_t kReadSetKeysMax = 100'000;
constexpr std::size_t kRecentGroupsMax = 256;
constexpr std::size_t kRecentGroupsBytesMax = std::size_t{32} << 20;
// And at least how many are kept, for callers who read a row and replace it.
constexpr std::size_t kRecentGroupsMin = 16;

// Claims that the writer keeps in memory (HotClaims), in each of two generations; in a window, for
// more are looked up as quickly; windows of a resource; changes of a command beside which it still
// looks there; indexes.
constexpr std::size_t kHotClaimsMax = 65'536;
constexpr std::size_t kHotWindowClaimsMax = 128;
constexpr std::size_t kHotWindowsMax = 64;
constexpr std::size_t kHotCommandKeysMax = 256;
constexpr std::size_t kHotIndexesMax = 8;

// Request ids are remembered for a day; ids whose time is further back are refused, never executed
// (R1).
constexpr std::int64_t kRequestWindowUs = std::int64_t{24} * 3600 * 1'000'000;
// A request id may be ahead of our clock by as much.
constexpr std::int64_t kRequestAheadUs = std::int64_t{3600} * 1'000'000;

// Maintenance works in steps of this many records or keys.
constexpr std::size_t kMaintenanceStepRecords = 256;

}  // namespace clinicdb::engine
