// ProtocolSession: one connection's side of the protocol (docs/protocol.md), without I/O: bytes and
// time in, calls to be run and bytes out.
//
//             bytes            hello ok                 drain, credential ended, idle
//   connected ─────▶ greeting ─────────▶ open ────────────────────────────▶ leaving
//                        │                 │ what is no frame                  │ nothing in flight
//                        └──── error ──────┴───────────────▶ ended ◀───────────┘
//
//   S1  before the hello nothing but a hello is read, small and plain, and not for long;
//   S2  a call is admitted before anything is kept for it, and gives its place back exactly once;
//   S3  every admitted call is answered once, also when it was cancelled or is late;
//   S4  who does not read what it asked for is not read from: output above a bound stops input;
//   S5  what cannot be understood ends the connection, after an Error with id 0 that says why;
//   S6  a stream is a call that is answered by its end: it is open for both sides from its Request
//       on, and neither sends beyond what the other has granted.
//
// Confined to its io_context. `host`, `admission` and what `rules` points to outlive it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "auth/principal.h"
#include "clinicdb/engine/caller.h"
#include "clinicdb/wire/frame_reader.h"
#include "clinicdb/wire/frame_writer.h"
#include "clinicdb/wire/handshake.h"
#include "clinicdb/wire/stream_table.h"
#include "dispatch.h"
#include "limits/address_gate.h"
#include "limits/admission.h"

namespace clinicdb::server {

struct SessionRules {
  wire::Offer offer;
  std::string server_name;
  Uuid server_id;
  std::int64_t login_ns_max = 5'000'000'000;
  /// How long one frame may take to come.
  std::int64_t frame_ns_max = 30'000'000'000;
  /// Output that waits to be taken: above it nothing is read (S4).
  std::size_t output_bytes_max = std::size_t{4} << 20;
  /// How long output may wait without any of it being taken.
  std::int64_t output_ns_max = 60'000'000'000;
};

/// Who a session works for, once it has said hello.
struct Login {
  Principal principal;
  TenantId tenant;  ///< 0: the store itself
  std::shared_ptr<Load> tenant_load;
  std::shared_ptr<Load> user_load;
};

/// A call that was admitted.
struct Call {
  std::uint32_t id = 0;
  clinic::MethodId method = clinic::METHOD_UNSPECIFIED;
  std::uint64_t trace = 0;
  std::int64_t arrived_ns = 0;
  std::int64_t deadline_ns = 0;  ///< monotonic; 0: none
  std::optional<Uuid> request_id;
  bool fresh = false;
  bool keep = false;    ///< the caller would keep the answer
  bool stream = false;  ///< is one, and ends by end_stream once it was opened
  std::uint64_t body_bytes = 0;
};

/// What a session asks of who runs it.
class SessionHost {
 public:
  virtual ~SessionHost() = default;
  virtual Result<Login> login(const wire::Hello& hello, const Uuid& session) = 0;
  /// The hello was understood and refused, or was none.
  virtual void login_failed(const Status& reason) = 0;
  /// Runs the call: ProtocolSession::answer is called for it, in here or later. `body` lives until
  /// this returns.
  virtual void run(const Call& call, std::string_view body) = 0;
  /// The caller does not wait any more; the call may be answered with kCancelled at once.
  virtual void cancel(std::uint32_t id) = 0;
  /// Bytes of a stream came, in any cut; they live until this returns. Once they are used:
  /// stream_consumed.
  virtual void stream_data(std::uint32_t id, std::string_view bytes) = 0;
  /// The caller sends nothing more of it: OK, that was all.
  virtual void stream_ended(std::uint32_t id, const Status& why) = 0;
  /// The call was answered, or the stream has ended.
  virtual void finished(const Call& call, StatusCode code, std::size_t bytes_out) = 0;
  /// A Pong says that all news of before were sent: sends what waits.
  virtual void send_news() = 0;
  /// Where the data stood when the call was answered.
  virtual wire::SessionToken position() = 0;
};

class ProtocolSession {
 public:
  ProtocolSession(const SessionRules& rules, Admission& admission, SessionHost& host,
                  std::int64_t now_ns);
  /// Gives back the places of calls that were not answered.
  ~ProtocolSession();
  ProtocolSession(const ProtocolSession&) = delete;
  ProtocolSession& operator=(const ProtocolSession&) = delete;

  /// Room for bytes to come; see FrameReader.
  std::span<char> prepare() {
    return reader_.prepare(state_ == State::kGreeting ? AddressGate::kBeforeLoginBytes
                                                      : wire::kReadBytesDefault);
  }
  void commit(std::size_t bytes) { reader_.commit(bytes); }
  /// Handles frames that have come, at most `frames_max` of them, as long as it wants input. True:
  /// there may be more to handle; call again.
  bool process(std::size_t frames_max, std::int64_t now_ns);
  /// Lets go of memory that an idle connection does not need.
  void release() {
    reader_.release();
    writer_.release();
  }

  /// `kept`: what the answer hangs on, where the caller may keep it.
  void answer(const Call& call, const Result<AnyAnswer>& answer,
              const engine::Dependencies* kept = nullptr);

  /// The stream has begun: it is not to be answered any more, but ended.
  void open_stream(const Call& call);
  /// What may be sent of it now.
  std::size_t stream_room(std::uint32_t id) const;
  /// REQUIRES: bytes are not empty, and at most stream_room.
  void send_stream(std::uint32_t id, std::string_view bytes);
  /// So many of the bytes that came are used up. No effect on a stream that has ended.
  void stream_consumed(std::uint32_t id, std::size_t bytes);
  /// Ends it for both sides: OK, this was all.
  void end_stream(const Call& call, const Status& why);

  /// Answers that hang on these slots, and were read before, are stale.
  void push_stale(std::span<const std::uint32_t> slots, LogPosition position);
  void push_all_stale(LogPosition position);
  /// Whether the peer asked to hear what becomes stale.
  bool hears_news() const {
    return login_.has_value() && agreement_.has(wire::FEATURE_INVALIDATION);
  }

  /// Bytes to be sent. After a part was sent: `sent`.
  std::string_view output();
  void sent(std::size_t bytes, std::int64_t now_ns);
  /// False while it must not be read from: S4, or the end is near.
  bool wants_input() const;
  /// The connection is to be closed once the output is sent.
  bool ended() const { return state_ == State::kEnded; }
  /// It is to be closed now: the peer does not take its output.
  bool abandoned() const { return abandoned_; }

  /// To be called now and then, at least each second.
  void tick(std::int64_t now_ns, Time now);
  /// No new calls, please: the server stops. Ends when what is in flight is answered.
  void drain();

  bool logged_in() const { return login_.has_value(); }
  /// REQUIRES: logged_in().
  const Login& login() const { return *login_; }
  const Uuid& session_id() const { return session_id_; }
  std::size_t calls_in_flight() const { return in_flight_.size(); }
  std::size_t memory_bytes() const { return reader_.memory_bytes() + writer_.pending().size(); }

 private:
  enum class State : std::uint8_t { kGreeting, kOpen, kLeaving, kEnded };

  void handle(const wire::Frame& frame, std::int64_t now_ns);
  void handle_hello(const wire::Frame& frame, std::int64_t now_ns);
  void handle_request(const wire::Frame& frame, std::int64_t now_ns);
  void handle_stream(const wire::Frame& frame);
  void grant(std::uint32_t id, std::uint32_t bytes);
  /// Gives back the call's place. False: it was given back before.
  bool leave(const Call& call);
  void refuse(const wire::Frame& frame, const Status& status, std::uint32_t retry_after_ms);
  void go_away(int reason, std::string_view message);
  void fail(const Status& reason);
  void end_if_done();

  // Constant after construction.
  const SessionRules& rules_;
  Admission& admission_;
  SessionHost& host_;

  State state_ = State::kGreeting;
  bool abandoned_ = false;
  wire::FrameReader reader_;
  wire::FrameWriter writer_;
  std::string sending_;  // taken from the writer; [sent_, end) waits
  std::size_t sent_ = 0;
  wire::Agreement agreement_;
  std::optional<wire::StreamTable> streams_;  // of in_flight_; nothing: not agreed on
  std::optional<Login> login_;
  Uuid session_id_;
  std::unordered_map<std::uint32_t, Call> in_flight_;  // not those answered within run()
  std::uint32_t running_id_ = 0;                       // within run(); 0: none
  bool running_answered_ = false;
  std::int64_t began_ns_;
  std::int64_t heard_ns_;
  std::int64_t frame_began_ns_ = 0;  // a frame has come in part since; 0: none
  std::int64_t output_moved_ns_;
  bool pinged_ = false;
};

}  // namespace clinicdb::server
