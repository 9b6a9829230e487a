// Messages as payloads of frames: a message is encoded in place behind its frame's header, and
// parsed from where it was received. Pure; thread-safe.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "clinicdb/base/result.h"
#include "clinicdb/wire/frame.h"
#include "clinicdb/wire/frame_writer.h"
#include "clinicdb/wire/schema/protocol.pb.h"

namespace clinicdb::wire {

/// Appends a frame with `message` as its payload, encoded without a copy.
void add_message(FrameWriter& writer, const FrameHeader& header,
                 const google::protobuf::MessageLite& message);

/// What a frame of that message would have as its payload, in bytes: to hold against the peer's
/// limit before anything is written.
std::size_t message_bytes(const google::protobuf::MessageLite& message);

/// Puts `payload` into `message`. kInvalidArgument, naming `what`, when it is no such message.
Status parse_message(std::string_view payload, std::string_view what,
                     google::protobuf::MessageLite& message);

/// Appends the Error frame that says `status`, in answer to call `id`. REQUIRES: !status.ok().
void add_error(FrameWriter& writer, std::uint32_t id, std::uint64_t trace, const Status& status,
               std::uint32_t retry_after_ms = 0);

/// Why a stream ended, as it is said and as it was meant. A code that is not known becomes
/// kInternal.
StreamEnd end_of(const Status& why);
Status status_of(const StreamEnd& end);

/// Appends a message of a stream: u32 its bytes, little-endian, then these.
void append_stream_message(std::string& out, const google::protobuf::MessageLite& message);

/// The messages of a stream, from its bytes in any cut. Holds what came of one message, and never
/// allocates for what is merely declared. Confined to one thread at a time.
class StreamMessages {
 public:
  explicit StreamMessages(std::size_t message_bytes_max) : bytes_max_(message_bytes_max) {}

  void feed(std::string_view bytes);
  /// The next whole message; nullopt: more bytes are needed. It lives until the next feed.
  /// kResourceExhausted for one that is declared larger than the limit: the stream cannot go on.
  Result<std::optional<std::string_view>> next();
  /// Whether part of a message has come, whose rest is missing.
  bool in_message() const { return begin_ < held_.size(); }

 private:
  const std::size_t bytes_max_;
  std::string held_;
  std::size_t begin_ = 0;  // of what next() has not given yet
};

/// An error as it came.
struct RemoteError {
  Status status;  ///< never OK; a code that is not known becomes kInternal
  std::uint32_t retry_after_ms = 0;
};
/// REQUIRES: frame.type == FrameType::kError. A body that cannot be read still gives its code.
RemoteError read_error(const Frame& frame);

}  // namespace clinicdb::wire
