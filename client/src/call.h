// A call on its way: what is sent, and who is told what became of it. Told exactly once.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

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

class Call {
 public:
  virtual ~Call() = default;

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

}  // namespace clinicdb::client
