// Peer: a client for the server's tests that says exactly what it is told, wrong things too: frames
// over a blocking socket, or bare bytes.
//
// Confined to one thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "clinicdb/clinic/methods.h"
#include "clinicdb/wire/frame_reader.h"
#include "clinicdb/wire/frame_writer.h"
#include "clinicdb/wire/schema/protocol.pb.h"

namespace clinicdb::server {

/// A frame with its payload in memory of its own.
struct OwnedFrame : wire::FrameHeader {
  std::string payload;
};

/// A socket connected to the loopback's port; throws when there can be none.
int connect_loopback(std::uint16_t port);

class Peer {
 public:
  /// Connects to the loopback's port; throws when it cannot.
  explicit Peer(std::uint16_t port);
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  void send(std::string_view bytes);
  /// Adds a frame to what `flush` sends.
  wire::FrameWriter& writer() { return writer_; }
  void flush();

  /// The next frame; nothing when the server ends the connection, or says nothing for so long.
  std::optional<OwnedFrame> receive(int timeout_ms = 10'000);
  /// True when the server has ended the connection, within that time, without another frame.
  bool ended(int timeout_ms = 10'000);

  void hello(const wire::Credential& credential, std::string_view tenant,
             std::string_view session = {});
  void request(std::uint32_t id, clinic::MethodId method,
               const google::protobuf::MessageLite& message,
               const std::optional<Uuid>& request_id = {});
  /// request, flush and receive.
  std::optional<OwnedFrame> call(clinic::MethodId method,
                                 const google::protobuf::MessageLite& message,
                                 const std::optional<Uuid>& request_id = {});
  void close();

 private:
  int socket_ = -1;
  std::uint32_t next_id_ = 1'000'000;
  wire::FrameReader reader_{wire::FrameLimits{wire::kBodyBytesMaxDefault, true}};
  wire::FrameWriter writer_;
};

wire::Credential nobody();
wire::Credential with_token(std::string token);
wire::Credential with_key(std::string key);
/// The status that an Error frame carries; OK for another.
StatusCode code_of(const std::optional<OwnedFrame>& frame);

}  // namespace clinicdb::server
