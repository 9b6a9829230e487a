#include "multiplexer.h"

#include <algorithm>
#include <string>
#include <utility>

#include "client_limits.h"
#include "clinicdb/base/check.h"
#include "clinicdb/wire/messages.h"

namespace clinicdb::client {

namespace {

constexpr std::int64_t kHelloTimeoutNs = 5'000 * kNsPerMs;
constexpr unsigned kSlotBits = 16;
static_assert(kCallsMax < (1u << kSlotBits));

wire::FrameHeader connection_frame(wire::FrameType type) {
  wire::FrameHeader header;
  header.type = type;
  return header;
}

/// What is left until `deadline_ns`, rounded up: 0 on the wire would mean no deadline.
std::uint32_t milliseconds_left(std::int64_t deadline_ns, std::int64_t now_ns) {
  if (deadline_ns == 0) return 0;
  const std::int64_t ms = (deadline_ns - now_ns + kNsPerMs - 1) / kNsPerMs;
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(ms, 1, 0x7fffffff));
}

}  // namespace

Multiplexer::Multiplexer(MultiplexerSettings settings) : settings_(std::move(settings)) {}

void Multiplexer::connected(std::int64_t now_ns) {
  CLINICDB_CHECK(state_ == State::kIdle);
  state_ = State::kGreeting;
  last_received_ns_ = now_ns;
  wire::add_hello(writer_, settings_.offer, settings_.hello);
}

void Multiplexer::start(Call& call, std::int64_t now_ns) {
  CLINICDB_CHECK(can_start());
  CLINICDB_CHECK(call.wire_id == 0);
  // Blocks may come before the body; the largest are not worth the arithmetic.
  constexpr std::size_t kBlocksBytes = 64;
  if (call.body.size() + kBlocksBytes > agreement_.send_body_bytes_max) {
    call.failed({resource_exhausted("a request of " + std::to_string(call.body.size()) +
                                    " bytes; the server takes " +
                                    std::to_string(agreement_.send_body_bytes_max)),
                 Failure::Stage::kNotSent, 0});
    return;
  }
  if (call.deadline_ns != 0 && call.deadline_ns <= now_ns) {
    call.failed({deadline_exceeded("the time was over before the call was sent"),
                 Failure::Stage::kNotSent, 0});
    return;
  }
  if (call.stream() != nullptr && (!streams_ || streams_->size() >= wire::kStreamsMax)) {
    call.failed({!streams_ ? unimplemented("the server has no streams")
                           : resource_exhausted(std::to_string(wire::kStreamsMax) +
                                                " streams are open on the connection"),
                 Failure::Stage::kNotSent, 0});
    return;
  }
  if (free_slots_.empty()) {
    free_slots_.push_back(static_cast<std::uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  const std::uint32_t index = free_slots_.back();
  free_slots_.pop_back();
  Slot& slot = slots_[index];
  slot.used = true;
  slot.call = &call;
  // Never 0: the slot counts from 1.
  call.wire_id = (std::uint32_t{slot.generation} << kSlotBits) | (index + 1);
  ++in_flight_;
  ++outstanding_;

  wire::FrameHeader header;
  header.type = wire::FrameType::kRequest;
  header.flags = call.flags;
  if (call.stream() != nullptr) {
    header.flags |= wire::kFlagStream;
    CLINICDB_CHECK(streams_->open(call.wire_id, true, true).ok());
  }
  header.id = call.wire_id;
  header.code = call.method;
  header.deadline_ms = milliseconds_left(call.deadline_ns, now_ns);
  header.trace = call.trace;
  header.request_id = call.request_id;
  header.position = call.position;
  writer_.add(header, call.body);
  if (call.stream() != nullptr) call.stream()->has_room();
}

void Multiplexer::give_up(Call& call) {
  Slot* slot = slot_of(call.wire_id);
  if (slot == nullptr || slot->call != &call) return;
  slot->call = nullptr;
  --outstanding_;
  wire::FrameHeader header = connection_frame(wire::FrameType::kCancel);
  header.id = call.wire_id;
  call.wire_id = 0;
  writer_.add(header);
}

void Multiplexer::ping(std::int64_t now_ns) {
  if (state_ != State::kOpen && state_ != State::kDraining) return;
  if (ping_sent_ns_ != 0) return;
  ping_sent_ns_ = now_ns;
  wire::Ping ping;
  ping.set_value(++ping_value_);
  add_message(writer_, connection_frame(wire::FrameType::kPing), ping);
}

void Multiplexer::drain() {
  if (state_ == State::kOpen) state_ = State::kDraining;
  close_if_drained();
}

Status Multiplexer::commit(std::size_t count, std::int64_t now_ns) {
  reader_.commit(count);
  last_received_ns_ = now_ns;
  while (state_ != State::kClosed) {
    Result<std::optional<wire::Frame>> frame = reader_.next();
    if (!frame) {
      close(std::move(frame).error());
      break;
    }
    if (!*frame) return {};
    if (Status status = handle(**frame, now_ns); !status.ok()) close(std::move(status));
  }
  return failure_;
}

Status Multiplexer::handle(const wire::Frame& frame, std::int64_t now_ns) {
  if (state_ == State::kGreeting) return handle_first(frame, now_ns);
  switch (frame.type) {
    case wire::FrameType::kResponse:
      return handle_answer(frame);
    case wire::FrameType::kStreamData:
    case wire::FrameType::kStreamEnd:
      return handle_stream(frame);
    case wire::FrameType::kWindowUpdate:
      return handle_room(frame);
    case wire::FrameType::kError:
      if (frame.id == 0) return wire::read_error(frame).status;
      return handle_answer(frame);
    case wire::FrameType::kPing:
    case wire::FrameType::kPong:
    case wire::FrameType::kGoAway:
    case wire::FrameType::kPush:
      return handle_connection(frame);
    default:
      return data_loss("the server sent a " + std::string(wire::frame_type_name(frame.type)) +
                       " frame that nothing asked for");
  }
}

Status Multiplexer::handle_first(const wire::Frame& frame, std::int64_t now_ns) {
  Result<wire::ReceivedHelloReply> received = wire::read_hello_reply(frame, settings_.offer);
  if (!received) return std::move(received).error();
  server_ = std::move(received->reply);
  agreement_ = received->agreement;
  calls_max_ = std::min(agreement_.requests_max, kCallsMax);
  reader_.set_limits(agreement_.frame_limits());
  if (agreement_.has(wire::FEATURE_STREAMS)) streams_.emplace(agreement_);
  if (agreement_.has(wire::FEATURE_COMPRESSION)) writer_.compress_from(wire::kCompressBytesMin);
  state_ = State::kOpen;
  ping(now_ns);
  return {};
}

Status Multiplexer::handle_answer(const wire::Frame& frame) {
  Slot* slot = slot_of(frame.id);
  if (slot == nullptr) {
    return data_loss("the server answers call " + std::to_string(frame.id) +
                     ", which is not in flight");
  }
  if (frame.has(wire::kFlagStream) && frame.type == wire::FrameType::kResponse) {
    if (!streams_ || !streams_->is_open(frame.id))
      return data_loss("the server opens a stream that nothing asked for");
    if (slot->call != nullptr) slot->call->answered(frame);
    return {};
  }
  if (Call* call = release(*slot)) {
    if (frame.type == wire::FrameType::kResponse) {
      call->answered(frame);
    } else {
      wire::RemoteError error = wire::read_error(frame);
      call->failed({std::move(error.status), Failure::Stage::kAnswered, error.retry_after_ms});
    }
  }
  close_if_drained();
  return {};
}

Status Multiplexer::handle_stream(const wire::Frame& frame) {
  Slot* slot = slot_of(frame.id);
  if (slot == nullptr || !streams_ || !streams_->is_open(frame.id)) {
    return data_loss("the server goes on with stream " + std::to_string(frame.id) +
                     ", which is not open");
  }
  if (frame.type == wire::FrameType::kStreamData) {
    const auto bytes = static_cast<std::uint32_t>(frame.payload.size());
    RETURN_IF_ERROR(streams_->received(frame.id, bytes).status);
    if (slot->call != nullptr) {
      slot->call->stream()->arrived(frame.payload);
    } else {
      // Of one that was given up, until the server has heard of it.
      const wire::StreamTable::Grants grants = streams_->consumed(frame.id, bytes);
      grant(frame.id, grants.stream_bytes);
      grant(0, grants.connection_bytes);
    }
    return {};
  }
  wire::StreamEnd end;
  RETURN_IF_ERROR(wire::parse_message(frame.payload, "a stream's end", end));
  if (Call* call = release(*slot)) call->stream()->ended(wire::status_of(end));
  close_if_drained();
  return {};
}

Status Multiplexer::handle_room(const wire::Frame& frame) {
  wire::WindowUpdate update;
  RETURN_IF_ERROR(wire::parse_message(frame.payload, "a window update", update));
  if (!streams_) return data_loss("the server grants room for streams, which were not agreed on");
  RETURN_IF_ERROR(streams_->granted(frame.id, update.bytes()));
  for (std::size_t index = 0; index < slots_.size(); ++index) {
    Call* const call = slots_[index].call;
    if (call == nullptr || call->stream() == nullptr) continue;
    if (frame.id == 0 || call->wire_id == frame.id) call->stream()->has_room();
  }
  return {};
}

void Multiplexer::grant(std::uint32_t id, std::uint32_t bytes) {
  if (bytes == 0) return;
  wire::WindowUpdate update;
  update.set_bytes(bytes);
  wire::FrameHeader header = connection_frame(wire::FrameType::kWindowUpdate);
  header.id = id;
  add_message(writer_, header, update);
}

std::size_t Multiplexer::stream_room(const StreamCall& call) const {
  return call.wire_id == 0 ? 0 : streams_->may_send(call.wire_id);
}

void Multiplexer::send(StreamCall& call, std::string_view bytes) {
  CLINICDB_CHECK(!bytes.empty());
  streams_->sent(call.wire_id, static_cast<std::uint32_t>(bytes.size()));
  wire::FrameHeader header = connection_frame(wire::FrameType::kStreamData);
  header.id = call.wire_id;
  writer_.add(header, bytes);
}

void Multiplexer::end_sending(StreamCall& call, const Status& why) {
  if (call.wire_id == 0) return;
  streams_->end_sending(call.wire_id);
  wire::FrameHeader header = connection_frame(wire::FrameType::kStreamEnd);
  header.id = call.wire_id;
  add_message(writer_, header, wire::end_of(why));
}

void Multiplexer::consumed(StreamCall& call, std::size_t bytes) {
  if (call.wire_id == 0 || bytes == 0) return;
  const wire::StreamTable::Grants grants =
      streams_->consumed(call.wire_id, static_cast<std::uint32_t>(bytes));
  grant(call.wire_id, grants.stream_bytes);
  grant(0, grants.connection_bytes);
}

Status Multiplexer::handle_connection(const wire::Frame& frame) {
  if (frame.type == wire::FrameType::kPush) {
    wire::Push push;
    RETURN_IF_ERROR(wire::parse_message(frame.payload, "a push", push));
    if (on_push) on_push(frame.id, push);
    return {};
  }
  if (frame.type == wire::FrameType::kGoAway) {
    drain();
    return {};
  }
  wire::Ping ping;
  RETURN_IF_ERROR(wire::parse_message(frame.payload, "a ping", ping));
  if (frame.type == wire::FrameType::kPing) {
    add_message(writer_, connection_frame(wire::FrameType::kPong), ping);
  } else if (ping_sent_ns_ != 0 && ping.value() == ping_value_) {
    heard_all_until_ns_ = std::exchange(ping_sent_ns_, 0);
  }
  return {};
}

Status Multiplexer::tick(std::int64_t now_ns) {
  if (state_ == State::kClosed) return failure_;
  if (state_ == State::kGreeting && now_ns - last_received_ns_ > kHelloTimeoutNs) {
    close(unavailable("the server does not answer the hello"));
    return failure_;
  }
  for (std::size_t index = 0; index < slots_.size() && outstanding_ > 0; ++index) {
    Call* call = slots_[index].call;
    if (call == nullptr || call->deadline_ns == 0 || call->deadline_ns > now_ns) continue;
    give_up(*call);
    call->failed({deadline_exceeded("no answer in time"), Failure::Stage::kSent, 0});
  }
  if (outstanding_ == 0) writer_.release();
  const std::int64_t heartbeat_ns = std::int64_t{agreement_.heartbeat_ms} * kNsPerMs;
  if (heartbeat_ns == 0) return {};
  if (now_ns - last_received_ns_ > 3 * heartbeat_ns) {
    close(unavailable("nothing came from the server for three heartbeats"));
    return failure_;
  }
  if (now_ns - last_received_ns_ > heartbeat_ns) ping(now_ns);
  return {};
}

void Multiplexer::close(Status why) {
  if (state_ == State::kClosed) return;
  state_ = State::kClosed;
  CLINICDB_CHECK(!why.ok());
  failure_ = std::move(why);
  // A call that is told may start another elsewhere, but none here.
  for (std::size_t index = 0; index < slots_.size(); ++index) {
    if (!slots_[index].used) continue;
    if (Call* call = release(slots_[index])) {
      call->failed({failure_, Failure::Stage::kSent, 0});
    }
  }
}

Multiplexer::Slot* Multiplexer::slot_of(std::uint32_t id) {
  const std::uint32_t number = id & ((1u << kSlotBits) - 1);
  if (number == 0 || number > slots_.size()) return nullptr;
  Slot& slot = slots_[number - 1];
  return slot.used && slot.generation == id >> kSlotBits ? &slot : nullptr;
}

Call* Multiplexer::release(Slot& slot) {
  Call* const call = std::exchange(slot.call, nullptr);
  if (streams_) {
    const auto number = static_cast<std::uint32_t>(&slot - slots_.data()) + 1;
    grant(0, streams_->drop((std::uint32_t{slot.generation} << kSlotBits) | number));
  }
  slot.used = false;
  ++slot.generation;
  free_slots_.push_back(static_cast<std::uint32_t>(&slot - slots_.data()));
  --in_flight_;
  if (call == nullptr) return nullptr;
  --outstanding_;
  call->wire_id = 0;
  return call;
}

void Multiplexer::close_if_drained() {
  if (state_ == State::kDraining && in_flight_ == 0) {
    close(unavailable("the server asked for the connection to end"));
  }
}

}  // namespace clinicdb::client
