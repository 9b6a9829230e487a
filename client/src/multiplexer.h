// Multiplexer: one connection's side of the protocol, without I/O: many calls in flight, each told
// once what became of it. It is fed bytes and time, and fills a writer.
//
//        connected            HelloReply             GoAway / drain
//   idle ─────────▶ greeting ────────────▶ open ───────────────▶ draining
//     │                 │                   │                       │ last call is done
//     └─────────────────┴───────────────────┴──── failure ──────────┴────▶ closed
//
// Invariants: a call that is in flight has a slot; its id on the wire names the slot and the slot's
// generation. A call that was given up keeps its slot, with nobody to be told, until its answer
// comes, so that no late answer meets another call.
//
// Confined to one thread at a time. Calls are not owned, and may be destroyed once told.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "call.h"
#include "client_limits.h"
#include "clinicdb/base/status.h"
#include "clinicdb/wire/frame_reader.h"
#include "clinicdb/wire/frame_writer.h"
#include "clinicdb/wire/handshake.h"
#include "clinicdb/wire/stream_table.h"

namespace clinicdb::client {

struct MultiplexerSettings {
  wire::Offer offer;
  wire::Hello hello;  ///< who the client is
};

class Multiplexer {
 public:
  enum class State { kIdle, kGreeting, kOpen, kDraining, kClosed };

  explicit Multiplexer(MultiplexerSettings settings);
  Multiplexer(const Multiplexer&) = delete;
  Multiplexer& operator=(const Multiplexer&) = delete;

  /// News that the server pushes, as they come. Set before connected().
  std::function<void(std::uint32_t id, const wire::Push&)> on_push;

  State state() const { return state_; }
  const wire::Agreement& agreement() const { return agreement_; }
  const wire::HelloReply& server() const { return server_; }
  /// Why it is closed.
  const Status& failure() const { return failure_; }
  /// Calls in flight whose callers wait.
  std::size_t outstanding() const { return outstanding_; }
  /// Whether start() would take a call now.
  bool can_start() const { return state_ == State::kOpen && in_flight_ < calls_max_; }
  /// The send time of the last Ping whose Pong came; 0: none yet. What the server had pushed by
  /// then has come (K3).
  std::int64_t heard_all_until_ns() const { return heard_all_until_ns_; }

  /// The transport stands: says hello.
  void connected(std::int64_t now_ns);
  /// Sends a call. It is told at once, kNotSent, when it is too large for the server; a deadline
  /// that has passed likewise. REQUIRES: can_start().
  void start(Call& call, std::int64_t now_ns);
  /// The caller does not wait any more: tells the server, not the call.
  void give_up(Call& call);
  /// What may be sent of a stream now; 0 for one that has ended.
  std::size_t stream_room(const StreamCall& call) const;
  /// REQUIRES: bytes are not empty, and at most stream_room.
  void send(StreamCall& call, std::string_view bytes);
  /// Nothing more comes from this side; OK, that was all. No effect on one that has ended.
  void end_sending(StreamCall& call, const Status& why);
  /// So many of the bytes that arrived are used up. No effect on one that has ended.
  void consumed(StreamCall& call, std::size_t bytes);
  /// Says ping now, if none is under way.
  void ping(std::int64_t now_ns);
  /// Takes no more calls; closed once the last one is done.
  void drain();

  /// Room for bytes that arrive, and that they did. Not OK: the connection is to be closed; all
  /// calls were told.
  std::span<char> prepare() { return reader_.prepare(kReadBytes); }
  Status commit(std::size_t count, std::int64_t now_ns);
  /// Time passes: tells calls whose deadline is over, pings, and finds dead connections. As
  /// commit(). To be called every kTickNs or so.
  Status tick(std::int64_t now_ns);
  /// The transport is gone, or is to go.
  void close(Status why);

  /// What is to be sent.
  wire::FrameWriter& output() { return writer_; }

 private:
  struct Slot {
    Call* call = nullptr;  // nullptr with used: given up
    bool used = false;
    std::uint16_t generation = 0;
  };

  Status handle(const wire::Frame& frame, std::int64_t now_ns);
  Status handle_first(const wire::Frame& frame, std::int64_t now_ns);
  Status handle_answer(const wire::Frame& frame);
  Status handle_stream(const wire::Frame& frame);
  Status handle_room(const wire::Frame& frame);
  void grant(std::uint32_t id, std::uint32_t bytes);
  Status handle_connection(const wire::Frame& frame);
  Slot* slot_of(std::uint32_t id);
  /// Frees the slot; the call that was in it, or nullptr.
  Call* release(Slot& slot);
  void close_if_drained();

  // Constant after construction.
  const MultiplexerSettings settings_;

  State state_ = State::kIdle;
  wire::Agreement agreement_;
  std::optional<wire::StreamTable> streams_;  // ids are those of slots; nothing: not agreed on
  wire::HelloReply server_;
  Status failure_;
  wire::FrameReader reader_;
  wire::FrameWriter writer_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_slots_;
  std::size_t calls_max_ = 0;
  std::size_t in_flight_ = 0;    // used slots
  std::size_t outstanding_ = 0;  // of them with a call
  std::int64_t last_received_ns_ = 0;
  std::int64_t ping_sent_ns_ = 0;  // 0: none under way
  std::uint64_t ping_value_ = 0;
  std::int64_t heard_all_until_ns_ = 0;
};

}  // namespace clinicdb::client
