// The hello and its reply: any payload of a first frame, either way, gives an agreement within the
// limits or a Status. The input's first byte says which type of frame it is.
#include "clinicdb/base/check.h"
#include "clinicdb/wire/handshake.h"
#include "clinicdb/wire/messages.h"
#include "fuzz_target.h"

namespace clinicdb::fuzz {
namespace {

void within_limits(const wire::Agreement& agreement, const wire::Offer& offer) {
  CLINICDB_CHECK((agreement.features & ~offer.features) == 0);
  CLINICDB_CHECK(agreement.send_body_bytes_max <= wire::kBodyBytesMaxEver);
  CLINICDB_CHECK(agreement.take_body_bytes_max == offer.body_bytes_max);
  CLINICDB_CHECK(agreement.send_stream_window_bytes <= wire::kWindowBytesMax);
  CLINICDB_CHECK(agreement.send_connection_window_bytes <= wire::kWindowBytesMax);
}

}  // namespace

void run_one(std::string_view bytes) {
  if (bytes.empty()) return;
  wire::Frame frame;
  frame.type = static_cast<wire::FrameType>(bytes[0] % 16);
  frame.code = static_cast<std::uint16_t>(bytes.size());
  frame.payload = bytes.substr(1);
  wire::Offer offer;
  offer.features = wire::FEATURE_COMPRESSION | wire::FEATURE_STREAMS;

  const Result<wire::ReceivedHello> hello = wire::read_hello(frame, offer);
  if (hello) {
    within_limits(hello->agreement, offer);
    // What was understood can be answered, and the answer is understood.
    wire::FrameWriter writer;
    wire::add_hello_reply(writer, hello->agreement, {});
    wire::FrameReader reader;
    reader.feed(writer.pending());
    const Result<std::optional<wire::Frame>> answer = reader.next();
    CLINICDB_CHECK(answer.has_value());
    CLINICDB_CHECK(answer->has_value());
    CLINICDB_CHECK(wire::read_hello_reply(**answer, offer).has_value());
  }
  const Result<wire::ReceivedHelloReply> reply = wire::read_hello_reply(frame, offer);
  if (reply) within_limits(reply->agreement, offer);
}

}  // namespace clinicdb::fuzz
