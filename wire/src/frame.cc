#include "clinicdb/wire/frame.h"

#include <xxhash.h>

#include "frame_layout.h"

namespace clinicdb::wire {

std::string_view frame_type_name(FrameType type) {
  switch (type) {
    case FrameType::kHello:
      return "Hello";
    case FrameType::kHelloReply:
      return "HelloReply";
    case FrameType::kRequest:
      return "Request";
    case FrameType::kResponse:
      return "Response";
    case FrameType::kError:
      return "Error";
    case FrameType::kCancel:
      return "Cancel";
    case FrameType::kPing:
      return "Ping";
    case FrameType::kPong:
      return "Pong";
    case FrameType::kGoAway:
      return "GoAway";
    case FrameType::kWindowUpdate:
      return "WindowUpdate";
    case FrameType::kStreamData:
      return "StreamData";
    case FrameType::kStreamEnd:
      return "StreamEnd";
    case FrameType::kPush:
      return "Push";
  }
  return "an unknown frame type";
}

std::uint16_t flags_allowed(FrameType type) {
  switch (type) {
    case FrameType::kRequest:
      return kFlagCompressed | kFlagRequestId | kFlagPosition | kFlagStream | kFlagFresh |
             kFlagKeep;
    case FrameType::kResponse:
      return kFlagCompressed | kFlagPosition | kFlagTags | kFlagAbsent | kFlagStream;
    case FrameType::kError:
      return kFlagPosition;
    case FrameType::kStreamData:
    case FrameType::kStreamEnd:
    case FrameType::kPush:
      return kFlagCompressed;
    default:
      return 0;
  }
}

std::uint64_t frame_checksum(const char* header, const char* body, std::size_t body_bytes) {
  return XXH3_64bits_withSeed(body, body_bytes, XXH3_64bits(header, kAtChecksum));
}

}  // namespace clinicdb::wire
