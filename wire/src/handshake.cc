#include "clinicdb/wire/handshake.h"

#include <algorithm>
#include <string>
#include <utility>

#include "clinicdb/base/check.h"
#include "clinicdb/wire/messages.h"

namespace clinicdb::wire {

namespace {

constexpr std::size_t kSessionIdBytes = 16;
constexpr std::size_t kTenantBytesMax = 63;
/// A side that takes less could not even be told what is wrong.
constexpr std::uint32_t kBodyBytesMaxLeast = 16 << 10;

Status check_limits(std::uint32_t body_bytes, std::uint32_t stream_bytes,
                    std::uint32_t connection_bytes) {
  if (body_bytes < kBodyBytesMaxLeast || body_bytes > kBodyBytesMaxEver) {
    return invalid_argument("a body limit of " + std::to_string(body_bytes) +
                            " bytes is not between " + std::to_string(kBodyBytesMaxLeast) +
                            " and " + std::to_string(kBodyBytesMaxEver))
        .with_field("body_bytes_max");
  }
  if (stream_bytes > kWindowBytesMax) {
    return invalid_argument("a window of " + std::to_string(stream_bytes) + " bytes is too large")
        .with_field("stream_window_bytes");
  }
  if (connection_bytes > kWindowBytesMax) {
    return invalid_argument("a window of " + std::to_string(connection_bytes) +
                            " bytes is too large")
        .with_field("connection_window_bytes");
  }
  return {};
}

std::size_t credential_bytes(const Credential& credential) {
  switch (credential.kind_case()) {
    case Credential::kToken:
      return credential.token().size();
    case Credential::kApiKey:
      return credential.api_key().size();
    default:
      return 0;
  }
}

Status check_hello(const Hello& hello) {
  if (hello.version_min() > kProtocolVersion || hello.version_max() < kProtocolVersion) {
    return unimplemented("the client speaks versions " + std::to_string(hello.version_min()) +
                         " to " + std::to_string(hello.version_max()) + ", the server " +
                         std::to_string(kProtocolVersion))
        .with_field("version_max");
  }
  if (credential_bytes(hello.credential()) > kCredentialBytesMax) {
    return invalid_argument("the credential is longer than " + std::to_string(kCredentialBytesMax) +
                            " bytes")
        .with_field("credential");
  }
  if (hello.tenant().size() > kTenantBytesMax) {
    return invalid_argument("the tenant's name is longer than any").with_field("tenant");
  }
  if (hello.client().size() > kNameBytesMax) {
    return invalid_argument("the client's name is longer than " + std::to_string(kNameBytesMax) +
                            " bytes")
        .with_field("client");
  }
  if (!hello.session_id().empty() && hello.session_id().size() != kSessionIdBytes) {
    return invalid_argument("a session id has 16 bytes").with_field("session_id");
  }
  return {};
}

std::uint32_t or_default(std::uint32_t value, std::uint32_t fallback) {
  return value != 0 ? value : fallback;
}

}  // namespace

void add_hello(FrameWriter& writer, const Offer& offer, Hello hello) {
  hello.set_version_min(kProtocolVersion);
  hello.set_version_max(kProtocolVersion);
  hello.set_features(offer.features);
  hello.set_body_bytes_max(offer.body_bytes_max);
  hello.set_stream_window_bytes(offer.stream_window_bytes);
  hello.set_connection_window_bytes(offer.connection_window_bytes);
  FrameHeader header;
  header.type = FrameType::kHello;
  add_message(writer, header, hello);
}

Result<ReceivedHello> read_hello(const Frame& frame, const Offer& offer) {
  if (frame.type != FrameType::kHello || frame.id != 0) {
    return Status(StatusCode::kUnauthenticated, "the first frame is a " +
                                                    std::string(frame_type_name(frame.type)) +
                                                    "; a connection begins with a Hello");
  }
  ReceivedHello received;
  RETURN_IF_ERROR(parse_message(frame.payload, "the hello", received.hello));
  const Hello& hello = received.hello;
  RETURN_IF_ERROR(check_hello(hello));
  Agreement& agreement = received.agreement;
  agreement.features = hello.features() & offer.features & kFeaturesKnown;
  agreement.send_body_bytes_max = or_default(hello.body_bytes_max(), kBodyBytesMaxDefault);
  agreement.send_stream_window_bytes = or_default(hello.stream_window_bytes(), kStreamWindowBytes);
  agreement.send_connection_window_bytes =
      or_default(hello.connection_window_bytes(), kConnectionWindowBytes);
  RETURN_IF_ERROR(check_limits(agreement.send_body_bytes_max, agreement.send_stream_window_bytes,
                               agreement.send_connection_window_bytes));
  agreement.take_body_bytes_max = offer.body_bytes_max;
  agreement.take_stream_window_bytes = offer.stream_window_bytes;
  agreement.take_connection_window_bytes = offer.connection_window_bytes;
  agreement.requests_max = offer.requests_max;
  agreement.heartbeat_ms = offer.heartbeat_ms;
  return received;
}

void add_hello_reply(FrameWriter& writer, const Agreement& agreement, HelloReply reply) {
  reply.set_version(agreement.version);
  reply.set_features(agreement.features);
  reply.set_body_bytes_max(agreement.take_body_bytes_max);
  reply.set_requests_max(agreement.requests_max);
  reply.set_stream_window_bytes(agreement.take_stream_window_bytes);
  reply.set_connection_window_bytes(agreement.take_connection_window_bytes);
  reply.set_heartbeat_ms(agreement.heartbeat_ms);
  FrameHeader header;
  header.type = FrameType::kHelloReply;
  add_message(writer, header, reply);
}

Result<ReceivedHelloReply> read_hello_reply(const Frame& frame, const Offer& offer) {
  if (frame.type == FrameType::kError) return read_error(frame).status;
  if (frame.type != FrameType::kHelloReply || frame.id != 0) {
    return failed_precondition("the server answers the hello with a " +
                               std::string(frame_type_name(frame.type)));
  }
  ReceivedHelloReply received;
  RETURN_IF_ERROR(parse_message(frame.payload, "the hello's reply", received.reply));
  const HelloReply& reply = received.reply;
  if (reply.version() != kProtocolVersion) {
    return failed_precondition("the server chose version " + std::to_string(reply.version()) +
                               ", which was not offered");
  }
  if ((reply.features() & ~offer.features) != 0) {
    return failed_precondition("the server chose features that were not offered");
  }
  Agreement& agreement = received.agreement;
  agreement.features = reply.features();
  agreement.send_body_bytes_max = or_default(reply.body_bytes_max(), kBodyBytesMaxDefault);
  agreement.send_stream_window_bytes = or_default(reply.stream_window_bytes(), kStreamWindowBytes);
  agreement.send_connection_window_bytes =
      or_default(reply.connection_window_bytes(), kConnectionWindowBytes);
  RETURN_IF_ERROR(check_limits(agreement.send_body_bytes_max, agreement.send_stream_window_bytes,
                               agreement.send_connection_window_bytes));
  agreement.take_body_bytes_max = offer.body_bytes_max;
  agreement.take_stream_window_bytes = offer.stream_window_bytes;
  agreement.take_connection_window_bytes = offer.connection_window_bytes;
  agreement.requests_max = or_default(reply.requests_max(), kRequestsMaxDefault);
  agreement.heartbeat_ms = reply.heartbeat_ms();
  return received;
}

}  // namespace clinicdb::wire
