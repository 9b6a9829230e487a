// Where things lie in a frame: see clinicdb/wire/frame.h. Shared by reader and writer.
#pragma once

#include <cstddef>
#include <cstdint>

#include "clinicdb/wire/frame.h"

namespace clinicdb::wire {

constexpr std::size_t kAtVersion = 4;
constexpr std::size_t kAtType = 5;
constexpr std::size_t kAtFlags = 6;
constexpr std::size_t kAtBodyBytes = 8;
constexpr std::size_t kAtId = 12;
constexpr std::size_t kAtCode = 16;
constexpr std::size_t kAtBlockBytes = 18;
constexpr std::size_t kAtDeadline = 20;
constexpr std::size_t kAtTrace = 24;
constexpr std::size_t kAtChecksum = 32;
static_assert(kAtChecksum + 8 == kFrameHeaderBytes);

constexpr std::size_t kRequestIdBytes = 16;
constexpr std::size_t kPositionBytes = 32;
constexpr std::size_t kTagCountBytes = 2;
constexpr std::size_t kTagBytes = 8;

constexpr std::uint16_t kFlagsWithBlock = kFlagRequestId | kFlagPosition | kFlagTags;

/// The flags that frames of a type may carry.
std::uint16_t flags_allowed(FrameType type);

/// Of a frame whose header, without the checksum, stands at `header`.
std::uint64_t frame_checksum(const char* header, const char* body, std::size_t body_bytes);

}  // namespace clinicdb::wire
