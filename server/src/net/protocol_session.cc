#include "net/protocol_session.h"

#include <algorithm>

#include "clinicdb/base/bytes.h"
#include "clinicdb/base/check.h"
#include "clinicdb/wire/messages.h"

namespace clinicdb::server {

using wire::Frame;
using wire::FrameHeader;
using wire::FrameType;

namespace {

constexpr std::int64_t kMillisecondNs = 1'000'000;
/// A connection on which nothing came for so many heartbeats is dead.
constexpr int kHeartbeatsMissedMax = 3;

bool is_call_of(FrameType type) {
  return type == FrameType::kRequest || type == FrameType::kCancel;
}

}  // namespace

ProtocolSession::ProtocolSession(const SessionRules& rules, Admission& admission, SessionHost& host,
                                 std::int64_t now_ns)
    : rules_(rules),
      admission_(admission),
      host_(host),
      began_ns_(now_ns),
      heard_ns_(now_ns),
      output_moved_ns_(now_ns) {}

ProtocolSession::~ProtocolSession() {
  for (const auto& [id, call] : in_flight_)
    admission_.release(*login_->tenant_load, call.body_bytes);
}

bool ProtocolSession::process(std::size_t frames_max, std::int64_t now_ns) {
  for (std::size_t i = 0; i < frames_max; ++i) {
    if (!wants_input()) return false;
    Result<std::optional<Frame>> frame = reader_.next();
    if (!frame) {
      if (state_ == State::kGreeting) host_.login_failed(frame.error());
      fail(frame.error());
      return false;
    }
    if (!*frame) {
      if (!reader_.in_frame()) {
        frame_began_ns_ = 0;
      } else if (frame_began_ns_ == 0) {
        frame_began_ns_ = now_ns;
      }
      return false;
    }
    frame_began_ns_ = 0;
    heard_ns_ = now_ns;
    pinged_ = false;
    handle(**frame, now_ns);
  }
  return true;
}

void ProtocolSession::handle(const Frame& frame, std::int64_t now_ns) {
  if (state_ == State::kGreeting) return handle_hello(frame, now_ns);
  if (is_call_of(frame.type) && frame.id == 0)
    return fail(invalid_argument("a call's id is not 0"));
  switch (frame.type) {
    case FrameType::kRequest:
      return handle_request(frame, now_ns);
    case FrameType::kCancel:
      // One that was answered already is late, and no fault.
      if (in_flight_.count(frame.id) != 0) host_.cancel(frame.id);
      return;
    case FrameType::kPing: {
      host_.send_news();
      FrameHeader header;
      header.type = FrameType::kPong;
      header.trace = frame.trace;
      writer_.add(header, frame.payload);
      return;
    }
    case FrameType::kPong:
      return;
    case FrameType::kStreamData:
    case FrameType::kStreamEnd:
    case FrameType::kWindowUpdate:
      return handle_stream(frame);
    case FrameType::kGoAway:
      if (state_ == State::kOpen) state_ = State::kLeaving;
      return end_if_done();
    case FrameType::kError:
      return fail(cancelled("the client ended the connection with an error"));
    default:
      return fail(invalid_argument("a " + std::string(wire::frame_type_name(frame.type)) +
                                   " frame was not agreed on"));
  }
}

void ProtocolSession::handle_hello(const Frame& frame, std::int64_t now_ns) {
  Result<wire::ReceivedHello> received = wire::read_hello(frame, rules_.offer);
  if (!received) {
    host_.login_failed(received.error());
    return fail(received.error());
  }
  if (!received->hello.session_id().empty())
    session_id_ = Uuid::from_bytes(received->hello.session_id());
  Result<Login> login = host_.login(received->hello, session_id_);
  if (!login) {
    host_.login_failed(login.error());
    return fail(login.error());
  }
  login_ = std::move(login).value();
  agreement_ = received->agreement;
  reader_.set_limits(agreement_.frame_limits());
  if (agreement_.has(wire::FEATURE_STREAMS)) streams_.emplace(agreement_);
  if (agreement_.has(wire::FEATURE_COMPRESSION)) writer_.compress_from(wire::kCompressBytesMin);
  wire::HelloReply reply;
  reply.set_server(rules_.server_name);
  reply.set_tenant(login_->tenant.value);
  reply.set_rights(login_->principal.rights.bits());
  if (login_->principal.until) reply.set_credential_until_us(login_->principal.until->us);
  reply.set_server_id(std::string(rules_.server_id.view()));
  wire::add_hello_reply(writer_, agreement_, std::move(reply));
  state_ = State::kOpen;
  heard_ns_ = now_ns;
}

void ProtocolSession::handle_request(const Frame& frame, std::int64_t now_ns) {
  if (state_ != State::kOpen) return refuse(frame, unavailable("this connection is ending"), 0);
  if (in_flight_.count(frame.id) != 0)
    return fail(invalid_argument("two calls in flight have the id " + std::to_string(frame.id)));
  if (in_flight_.size() >= agreement_.requests_max)
    return refuse(frame, resource_exhausted("more calls in flight than were agreed on"), 0);
  const bool stream = frame.has(wire::kFlagStream);
  if (stream && !streams_)
    return refuse(frame, invalid_argument("streams were not agreed on in the hello"), 0);
  if (stream && streams_->size() >= wire::kStreamsMax) {
    return refuse(frame,
                  resource_exhausted(std::to_string(wire::kStreamsMax) +
                                     " streams are open on this connection, which is all it has"),
                  0);
  }
  Call call;
  call.body_bytes = frame.payload.size();
  // S2: nothing was allocated for it so far.
  Refusal refused =
      admission_.admit(*login_->tenant_load, *login_->user_load, call.body_bytes, now_ns);
  if (!refused.status.ok()) return refuse(frame, refused.status, refused.retry_after_ms);
  call.id = frame.id;
  call.method = static_cast<clinic::MethodId>(frame.code);
  call.trace = frame.trace;
  call.arrived_ns = now_ns;
  if (frame.deadline_ms != 0) call.deadline_ns = now_ns + frame.deadline_ms * kMillisecondNs;
  call.request_id = frame.request_id;
  call.stream = stream;
  if (stream) CLINICDB_CHECK(streams_->open(call.id, true, true).ok());
  call.fresh = frame.has(wire::kFlagFresh);
  call.keep = frame.has(wire::kFlagKeep) && agreement_.has(wire::FEATURE_INVALIDATION);
  if (call.request_id && session_id_.is_nil()) {
    running_id_ = call.id;
    answer(
        call,
        invalid_argument("a request id needs a session id in the hello").with_field("request_id"));
    running_id_ = 0;
    return;
  }
  running_id_ = call.id;
  running_answered_ = false;
  host_.run(call, frame.payload);
  if (!running_answered_) in_flight_.emplace(call.id, call);
  running_id_ = 0;
}

bool ProtocolSession::leave(const Call& call) {
  if (running_id_ == call.id) {
    running_answered_ = true;
  } else if (in_flight_.erase(call.id) == 0) {
    return false;
  }
  admission_.release(*login_->tenant_load, call.body_bytes);
  if (call.stream) grant(0, streams_->drop(call.id));
  return true;
}

void ProtocolSession::answer(const Call& call, const Result<AnyAnswer>& answer,
                             const engine::Dependencies* kept) {
  if (!leave(call)) return;
  const std::size_t before = writer_.pending().size();
  StatusCode code = StatusCode::kOk;
  FrameHeader header;
  header.type = FrameType::kResponse;
  header.id = call.id;
  header.trace = call.trace;
  if (!answer) {
    code = answer.error().code();
    wire::add_error(writer_, call.id, call.trace, answer.error());
  } else if (*answer == nullptr) {
    header.flags |= wire::kFlagAbsent;
    header.position = host_.position();
    writer_.add(header);
  } else if (wire::message_bytes(**answer) > agreement_.send_body_bytes_max) {
    code = StatusCode::kResourceExhausted;
    wire::add_error(writer_, call.id, call.trace,
                    resource_exhausted("the answer is larger than the client takes: " +
                                       std::to_string(wire::message_bytes(**answer)) + " bytes"));
  } else {
    header.position = host_.position();
    std::string tags;
    if (kept != nullptr && kept->count > 0) {
      for (std::size_t i = 0; i < kept->count; ++i) append_le64(tags, kept->slots[i]);
      header.tags = tags;
      // What is kept counts from where it was read, not from where the store is by now.
      header.position->position.lsn = kept->lsn;
    }
    wire::add_message(writer_, header, **answer);
  }
  const std::size_t bytes = writer_.pending().size() - before;
  login_->tenant_load->bytes_out.fetch_add(bytes, std::memory_order_relaxed);
  host_.finished(call, code, bytes);
  end_if_done();
}

void ProtocolSession::handle_stream(const Frame& frame) {
  if (!streams_) return fail(invalid_argument("streams were not agreed on in the hello"));
  if (frame.type == FrameType::kWindowUpdate) {
    wire::WindowUpdate update;
    Status status = wire::parse_message(frame.payload, "a window update", update);
    if (status.ok()) status = streams_->granted(frame.id, update.bytes());
    if (!status.ok()) fail(status);
    return;
  }
  if (frame.id == 0) return fail(invalid_argument("a stream's id is not 0"));
  if (frame.type == FrameType::kStreamEnd) {
    wire::StreamEnd end;
    if (Status status = wire::parse_message(frame.payload, "a stream's end", end); !status.ok())
      return fail(status);
    if (!streams_->is_open(frame.id)) return;  // this side has ended it
    streams_->end_receiving(frame.id);
    return host_.stream_ended(frame.id, wire::status_of(end));
  }
  if (frame.payload.size() > wire::kStreamChunkBytesMax) {
    return fail(resource_exhausted("stream data of " + std::to_string(frame.payload.size()) +
                                   " bytes in one frame, where " +
                                   std::to_string(wire::kStreamChunkBytesMax) + " are the most"));
  }
  const auto bytes = static_cast<std::uint32_t>(frame.payload.size());
  const wire::StreamTable::Received received = streams_->received(frame.id, bytes);
  if (!received.status.ok()) return fail(received.status);
  login_->tenant_load->bytes_in.fetch_add(bytes, std::memory_order_relaxed);
  if (received.known) return host_.stream_data(frame.id, frame.payload);
  // Of a stream that this side has ended: thrown away.
  grant(0, streams_->consumed(frame.id, bytes).connection_bytes);
}

void ProtocolSession::grant(std::uint32_t id, std::uint32_t bytes) {
  if (bytes == 0) return;
  FrameHeader header;
  header.type = FrameType::kWindowUpdate;
  header.id = id;
  wire::WindowUpdate update;
  update.set_bytes(bytes);
  wire::add_message(writer_, header, update);
}

void ProtocolSession::open_stream(const Call& call) {
  CLINICDB_CHECK(streams_ && streams_->is_open(call.id));
  FrameHeader header;
  header.type = FrameType::kResponse;
  header.flags = wire::kFlagStream;
  header.id = call.id;
  header.trace = call.trace;
  header.position = host_.position();
  writer_.add(header);
}

std::size_t ProtocolSession::stream_room(std::uint32_t id) const {
  // A peer that grants much and reads little is not to fill memory; and calls are to get between.
  const std::size_t waits = writer_.pending().size() + sending_.size() - sent_;
  if (state_ == State::kEnded || waits >= rules_.output_bytes_max / 8) return 0;
  return streams_->may_send(id);
}

void ProtocolSession::send_stream(std::uint32_t id, std::string_view bytes) {
  CLINICDB_CHECK(!bytes.empty());
  streams_->sent(id, static_cast<std::uint32_t>(bytes.size()));
  FrameHeader header;
  header.type = FrameType::kStreamData;
  header.id = id;
  writer_.add(header, bytes);
  login_->tenant_load->bytes_out.fetch_add(bytes.size(), std::memory_order_relaxed);
}

void ProtocolSession::stream_consumed(std::uint32_t id, std::size_t bytes) {
  if (bytes == 0 || !streams_->is_open(id)) return;
  const wire::StreamTable::Grants grants =
      streams_->consumed(id, static_cast<std::uint32_t>(bytes));
  grant(id, grants.stream_bytes);
  grant(0, grants.connection_bytes);
}

void ProtocolSession::end_stream(const Call& call, const Status& why) {
  if (!leave(call)) return;
  FrameHeader header;
  header.type = FrameType::kStreamEnd;
  header.id = call.id;
  header.trace = call.trace;
  wire::add_message(writer_, header, wire::end_of(why));
  host_.finished(call, why.code(), 0);
  end_if_done();
}

void ProtocolSession::push_stale(std::span<const std::uint32_t> slots, LogPosition position) {
  wire::Push push;
  wire::Push::Invalidation& news = *push.mutable_invalidation();
  news.set_epoch(position.epoch.value);
  news.set_lsn(position.lsn.value);
  for (const std::uint32_t slot : slots) news.add_tags(slot);
  FrameHeader header;
  header.type = FrameType::kPush;
  wire::add_message(writer_, header, push);
}

void ProtocolSession::push_all_stale(LogPosition position) {
  wire::Push push;
  wire::Push::Invalidation& news = *push.mutable_invalidation();
  news.set_epoch(position.epoch.value);
  news.set_lsn(position.lsn.value);
  news.set_all(true);
  FrameHeader header;
  header.type = FrameType::kPush;
  wire::add_message(writer_, header, push);
}

void ProtocolSession::refuse(const Frame& frame, const Status& status,
                             std::uint32_t retry_after_ms) {
  wire::add_error(writer_, frame.id, frame.trace, status, retry_after_ms);
  Call call;
  call.id = frame.id;
  call.method = static_cast<clinic::MethodId>(frame.code);
  call.trace = frame.trace;
  host_.finished(call, status.code(), 0);
}

std::string_view ProtocolSession::output() {
  if (sent_ == sending_.size()) {
    sent_ = 0;
    sending_.clear();
    if (writer_.pending().empty()) return {};
    writer_.take(sending_);
  }
  return std::string_view(sending_).substr(sent_);
}

void ProtocolSession::sent(std::size_t bytes, std::int64_t now_ns) {
  CLINICDB_CHECK(sent_ + bytes <= sending_.size());
  sent_ += bytes;
  output_moved_ns_ = now_ns;
  if (sent_ == sending_.size()) {
    sent_ = 0;
    sending_.clear();
    if (sending_.capacity() > rules_.output_bytes_max / 16) sending_.shrink_to_fit();
  }
}

bool ProtocolSession::wants_input() const {
  if (state_ == State::kEnded) return false;
  return writer_.pending().size() + sending_.size() - sent_ < rules_.output_bytes_max;
}

void ProtocolSession::tick(std::int64_t now_ns, Time now) {
  const bool waits = !writer_.pending().empty() || sent_ < sending_.size();
  if (!waits) output_moved_ns_ = now_ns;
  if (now_ns - output_moved_ns_ > rules_.output_ns_max) {
    state_ = State::kEnded;
    abandoned_ = true;
    return;
  }
  if (state_ == State::kEnded) return;
  if (state_ == State::kGreeting) {
    if (now_ns - began_ns_ < rules_.login_ns_max) return;
    const Status late = deadline_exceeded("no hello came in time");
    host_.login_failed(late);
    return fail(late);
  }
  if (frame_began_ns_ != 0 && now_ns - frame_began_ns_ > rules_.frame_ns_max)
    return fail(deadline_exceeded("the rest of a frame did not come in time"));
  if (state_ == State::kOpen && login_->principal.until && *login_->principal.until <= now)
    return go_away(wire::GoAway::REASON_CREDENTIAL_ENDED, "the credential has ended");
  const std::int64_t heartbeat_ns = agreement_.heartbeat_ms * kMillisecondNs;
  // Whoever waits for an answer is not asked whether it lives; a stream may go on for ever.
  const std::size_t streams = streams_ ? streams_->size() : 0;
  if (heartbeat_ns == 0 || in_flight_.size() > streams) return;
  if (now_ns - heard_ns_ > kHeartbeatsMissedMax * heartbeat_ns) {
    state_ = State::kEnded;
    abandoned_ = true;
  } else if (now_ns - heard_ns_ > heartbeat_ns && !pinged_) {
    pinged_ = true;
    FrameHeader header;
    header.type = FrameType::kPing;
    wire::Ping ping;
    ping.set_value(static_cast<std::uint64_t>(now_ns));
    wire::add_message(writer_, header, ping);
  }
}

void ProtocolSession::drain() {
  if (state_ == State::kGreeting) {
    state_ = State::kEnded;
    return;
  }
  if (state_ == State::kOpen) go_away(wire::GoAway::REASON_DRAINING, "the server stops");
}

void ProtocolSession::go_away(int reason, std::string_view message) {
  wire::GoAway body;
  body.set_reason(static_cast<wire::GoAway::Reason>(reason));
  body.set_message(std::string(message));
  FrameHeader header;
  header.type = FrameType::kGoAway;
  wire::add_message(writer_, header, body);
  state_ = State::kLeaving;
  end_if_done();
}

void ProtocolSession::fail(const Status& reason) {
  if (state_ == State::kEnded) return;
  wire::add_error(writer_, 0, 0, reason);
  state_ = State::kEnded;
}

void ProtocolSession::end_if_done() {
  if (state_ == State::kLeaving && in_flight_.empty() && running_id_ == 0) state_ = State::kEnded;
}

}  // namespace clinicdb::server
