// The hello: what both sides agree on before the first call. Pure functions over the messages; who
// the client is, the server decides in between. Thread-safe.
//
//   client                                   server
//   add_hello(writer, hello)          ───▶   read_hello(frame, offer)   → Agreement, or an Error
//   read_hello_reply(frame, offer)    ◀───   add_hello_reply(writer, agreement, reply)
#pragma once

#include <cstdint>

#include "clinicdb/base/result.h"
#include "clinicdb/wire/frame.h"
#include "clinicdb/wire/frame_reader.h"
#include "clinicdb/wire/frame_writer.h"
#include "clinicdb/wire/limits.h"
#include "clinicdb/wire/schema/protocol.pb.h"

namespace clinicdb::wire {

constexpr std::uint32_t kProtocolVersion = 1;
constexpr std::uint64_t kFeaturesKnown =
    FEATURE_COMPRESSION | FEATURE_STREAMS | FEATURE_INVALIDATION;

/// What one side can do and takes.
struct Offer {
  std::uint64_t features = kFeaturesKnown;
  /// Of a frame's body that this side takes. At most kBodyBytesMaxEver.
  std::uint32_t body_bytes_max = kBodyBytesMaxDefault;
  std::uint32_t stream_window_bytes = kStreamWindowBytes;
  std::uint32_t connection_window_bytes = kConnectionWindowBytes;
  std::uint32_t requests_max = kRequestsMaxDefault;  ///< of the server
  std::uint32_t heartbeat_ms = 10'000;               ///< of the server
};

/// What holds on the connection from then on.
struct Agreement {
  std::uint32_t version = kProtocolVersion;
  std::uint64_t features = 0;
  std::uint32_t send_body_bytes_max = 0;  ///< what the peer takes
  std::uint32_t take_body_bytes_max = 0;  ///< what this side takes
  std::uint32_t send_stream_window_bytes = 0;
  std::uint32_t send_connection_window_bytes = 0;
  std::uint32_t take_stream_window_bytes = 0;
  std::uint32_t take_connection_window_bytes = 0;
  std::uint32_t requests_max = 0;
  std::uint32_t heartbeat_ms = 0;

  bool has(Feature feature) const { return (features & feature) != 0; }
  /// For this side's FrameReader.
  FrameLimits frame_limits() const { return {take_body_bytes_max, has(FEATURE_COMPRESSION)}; }
};

struct ReceivedHello {
  Hello hello;
  Agreement agreement;
};
struct ReceivedHelloReply {
  HelloReply reply;
  Agreement agreement;
};

/// Client: fills in what `offer` says and appends the frame. The caller sets credential, tenant,
/// client and session_id.
void add_hello(FrameWriter& writer, const Offer& offer, Hello hello);
/// Server: the first frame of a connection. kUnauthenticated when it is another; kUnimplemented
/// when there is no common version; kInvalidArgument when a field is wrong.
Result<ReceivedHello> read_hello(const Frame& frame, const Offer& offer);
/// Server: the caller sets server, tenant, rights, credential_until_us and server_id.
void add_hello_reply(FrameWriter& writer, const Agreement& agreement, HelloReply reply);
/// Client: the first frame that comes back. The server's status when it is an Error;
/// kFailedPrecondition when the reply does not fit the hello.
Result<ReceivedHelloReply> read_hello_reply(const Frame& frame, const Offer& offer);

}  // namespace clinicdb::wire
