// StreamTable: the streams that are open on one connection, with their windows: what may be sent,
// what may come, and who is done. A stream has the id of the call that opened it. Each direction
// ends on its own; a stream that ended in both is gone.
//
//   sender                                  receiver
//   may_send(id) → n;  sent(id, n)   ───▶   received(id, n)
//   granted(id, n)                   ◀───   consumed(id, n) → grants to send as WindowUpdates
//
// Confined to one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "clinicdb/base/status.h"
#include "clinicdb/wire/flow.h"
#include "clinicdb/wire/handshake.h"

namespace clinicdb::wire {

class StreamTable {
 public:
  /// Windows are those of the agreement.
  explicit StreamTable(const Agreement& agreement);

  /// A stream begins; `sending` and `receiving` say which directions it has. kInvalidArgument when
  /// the id is 0 or open; kResourceExhausted when kStreamsMax are.
  Status open(std::uint32_t id, bool sending, bool receiving);
  bool is_open(std::uint32_t id) const { return streams_.count(id) != 0; }
  std::size_t size() const { return streams_.size(); }

  /// How much of the stream may be sent now, at most kStreamChunkBytesMax; 0 for one that has
  /// ended.
  std::uint32_t may_send(std::uint32_t id) const;
  /// REQUIRES: bytes <= may_send(id).
  void sent(std::uint32_t id, std::uint32_t bytes);
  /// A WindowUpdate came; id 0 is the connection's. One for a stream that has ended is late and
  /// counts for nothing. An error ends the connection.
  Status granted(std::uint32_t id, std::uint32_t bytes);
  /// This side's direction is over.
  void end_sending(std::uint32_t id);

  /// StreamData came. An error ends the connection. Data of a stream that this side dropped
  /// is not one: `known` is false, and the connection's window counts it all the same.
  struct Received {
    Status status;
    bool known = false;
  };
  Received received(std::uint32_t id, std::uint32_t bytes);
  /// StreamEnd came.
  void end_receiving(std::uint32_t id);

  /// Bytes that came were used. What to grant now, 0: nothing.
  struct Grants {
    std::uint32_t stream_bytes = 0;
    std::uint32_t connection_bytes = 0;
  };
  Grants consumed(std::uint32_t id, std::uint32_t bytes);

  /// Forgets a stream, both directions; what it holds and was not consumed is as consumed. The
  /// connection's grant that follows from it.
  std::uint32_t drop(std::uint32_t id);

 private:
  struct Stream {
    SendWindow send;
    ReceiveWindow receive;
    bool sending;
    bool receiving;
  };
  void forget_if_ended(std::unordered_map<std::uint32_t, Stream>::iterator at);

  const std::uint32_t send_window_bytes_;
  const std::uint32_t receive_window_bytes_;
  SendWindow connection_send_;
  ReceiveWindow connection_receive_;
  std::unordered_map<std::uint32_t, Stream> streams_;
};

}  // namespace clinicdb::wire
