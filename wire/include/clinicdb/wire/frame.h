// The frame: what both sides of a connection send, and nothing else. docs/protocol.md describes
// every byte with a worked example; tests/wire pins them.
//
// All numbers are little-endian.
//
//   0   magic     u32  43 4C 44 42 ("CLDB")
//   4   version   u8   1
//   5   type      u8   FrameType
//   6   flags     u16  FrameFlag
//   8   body      u32  bytes after the header: blocks and payload as they were sent
//   12  id        u32  of the call or stream; 0: the connection itself
//   16  code      u16  method of a Request, StatusCode of an Error, else 0
//   18  blocks    u16  bytes of the blocks at the body's start
//   20  deadline  u32  of a Request: milliseconds from now; 0: none. Else 0
//   24  trace     u64  follows a call through logs; 0: none
//   32  checksum  u64  XXH3-64 of the body, seeded with the XXH3-64 of bytes 0 to 31
//   40  blocks, in the order of their flags, then the payload
//
// The functions are pure. Values are thread-compatible.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "clinicdb/base/bytes.h"
#include "clinicdb/base/ids.h"
#include "clinicdb/base/result.h"

namespace clinicdb::wire {

constexpr std::uint32_t kFrameMagic = 0x42444C43;
constexpr std::uint8_t kFrameVersion = 1;
constexpr std::size_t kFrameHeaderBytes = 40;

/// Permanent numbers.
enum class FrameType : std::uint8_t {
  kHello = 1,          ///< first of the client: Hello
  kHelloReply = 2,     ///< first of the server: HelloReply; or an Error with id 0, then the end
  kRequest = 3,        ///< a call: the method's request message
  kResponse = 4,       ///< its answer: the method's response message
  kError = 5,          ///< or why there is none: ErrorBody. With id 0: the connection ends
  kCancel = 6,         ///< the caller does not wait any more; still gets an answer, or an Error
  kPing = 7,           ///< Ping
  kPong = 8,           ///< the same body back, after all that was sent before it
  kGoAway = 9,         ///< GoAway: no new calls, please
  kWindowUpdate = 10,  ///< WindowUpdate: so many bytes more may be sent; id 0: by all streams
  kStreamData = 11,    ///< bytes of a stream; each counts against its window and the connection's
  kStreamEnd = 12,     ///< no more bytes of this stream from this side
  kPush = 13,          ///< Push: unasked news of the server to who subscribed
};
constexpr std::uint8_t kFrameTypeMax = 13;
/// "Hello"; "frame type 77" for one that is not ours.
std::string_view frame_type_name(FrameType type);

/// Permanent bits.
enum FrameFlag : std::uint16_t {
  kFlagCompressed = 1 << 0,  ///< payload: u32 its length, then one LZ4 block
  kFlagRequestId = 1 << 1,   ///< block: 16 bytes, the call's durable id (R1), a UUIDv7
  kFlagPosition = 1 << 2,    ///< block: 32 bytes, placement, shard, epoch, LSN (R3)
  kFlagTags = 1 << 3,        ///< block: u16 count, u64 each: what a kept answer depends on (K2)
  kFlagAbsent = 1 << 4,      ///< of a Response: there is no such record; no payload
  kFlagStream = 1 << 5,      ///< StreamData of the same id and direction follows, until StreamEnd
  kFlagFresh = 1 << 6,       ///< of a Request: from the store, not from a cache
  kFlagKeep = 1 << 7,        ///< of a Request: the caller wants to keep the answer; send its tags
};
constexpr std::uint16_t kFlagsKnown = 0xff;

/// Where a tenant's data stood (R3): comparable between answers of one shard.
struct SessionToken {
  std::uint64_t placement = 0;  ///< version of the tenant's placement; 0: not sharded
  ShardId shard;
  LogPosition position;
  constexpr auto operator<=>(const SessionToken&) const = default;
};

/// What is said of a frame beside its payload. Blocks are there when the optional has a value.
struct FrameHeader {
  FrameType type = FrameType::kPing;
  std::uint16_t flags = 0;  ///< those without a block; the codec sets the others
  std::uint32_t id = 0;
  std::uint16_t code = 0;
  std::uint32_t deadline_ms = 0;
  std::uint64_t trace = 0;
  std::optional<Uuid> request_id;
  std::optional<SessionToken> position;
  /// kFlagTags: 8 bytes each, little-endian; a view into who made the header.
  std::optional<std::string_view> tags;

  bool has(FrameFlag flag) const { return (flags & flag) != 0; }
};

/// The tag at `index` of FrameHeader::tags. REQUIRES: index < tags.size() / 8.
inline std::uint64_t tag_at(std::string_view tags, std::size_t index) {
  return load_le64(tags.data() + 8 * index);
}

/// A frame that was read. Its views live as the reader that gave it says.
struct Frame : FrameHeader {
  std::string_view payload;  ///< decompressed
};

}  // namespace clinicdb::wire
