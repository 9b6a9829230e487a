// Credit-based flow control, both ends of it: a sender may have at most so many bytes under way,
// and the receiver grants more as it is done with what came.
//
// Confined to one thread at a time.
#pragma once

#include <cstdint>

#include "clinicdb/base/status.h"
#include "clinicdb/wire/limits.h"

namespace clinicdb::wire {

/// What may be sent.
class SendWindow {
 public:
  explicit SendWindow(std::uint32_t bytes) : bytes_(bytes) {}
  std::uint32_t available() const { return bytes_; }
  /// REQUIRES: bytes <= available().
  void spend(std::uint32_t bytes);
  /// A WindowUpdate came. kInvalidArgument when it grants nothing or opens the window beyond
  /// kWindowBytesMax: the peer counts wrongly, and the connection ends.
  Status grant(std::uint32_t bytes);

 private:
  std::uint32_t bytes_;
};

/// What may come.
class ReceiveWindow {
 public:
  explicit ReceiveWindow(std::uint32_t bytes) : window_(bytes), open_(bytes) {}
  /// Bytes came. kResourceExhausted when they are more than was granted: the connection ends.
  Status receive(std::uint32_t bytes);
  /// This side is done with so many of them. What to grant now: nothing until half of the window is
  /// free, so that one WindowUpdate serves many frames. REQUIRES: they came.
  std::uint32_t consume(std::uint32_t bytes);
  /// Came, and not yet consumed.
  std::uint32_t held() const { return window_ - open_ - to_grant_; }

 private:
  std::uint32_t window_;
  std::uint32_t open_;          // the peer may send
  std::uint32_t to_grant_ = 0;  // consumed, the peer does not know yet
};

}  // namespace clinicdb::wire
