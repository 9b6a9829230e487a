// A call on its way: what is sent, and who is told what became of it. Told exactly once; a stream
// as StreamCall says.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "clinicdb/base/status.h"
#include "clinicdb/wire/frame.h"

namespace clinicdb::client {

/// Why there is no answer.
struct Failure {
  Status status;  ///< never OK
  enum class Stage {
    kNotSent,   ///< nothing of it left this process
    kSent,      ///< it may have been done
    kAnswered,  ///< the server said so itself
  } stage = Stage::kNotSent;
  std::uint32_t retry_after_ms = 0;
};

class StreamCall;

class Call {
 public:
  virtual ~Call() = default;
  /// Itself, where it is one; its flags then say so to the server.
  virtual StreamCall* stream() { return nullptr; }

  /// A Response came. Its views live until this returns.
  virtual void answered(const wire::Frame& frame) = 0;
  virtual void failed(Failure failure) = 0;

  // What is sent. Constant while the call is in flight.
  std::uint16_t method = 0;
  std::uint16_t flags = 0;
  std::uint64_t trace = 0;
  std::optional<Uuid> request_id;
  std::optional<wire::SessionToken> position;
  std::string body;
  /// On the monotonic clock; 0: none.
  std::int64_t deadline_ns = 0;
  /// For the multiplexer that has it: 0 when none has.
  std::uint32_t wire_id = 0;
};

/// A call that is a stream: once the server has begun it, `answered` is told with the stream's
/// flag, then what comes, and at last `ended` or `failed`.
class StreamCall : public Call {
 public:
  StreamCall* stream() final { return this; }

  /// Bytes came; they live until this returns. Once used: Multiplexer::consumed.
  virtual void arrived(std::string_view bytes) = 0;
  /// The call was sent, or the server granted room: there may be room to send.
  virtual void has_room() = 0;
  /// The server has ended it: OK, that was all. Told once, and nothing after it.
  virtual void ended(Status why) = 0;
};

}  // namespace clinicdb::client
