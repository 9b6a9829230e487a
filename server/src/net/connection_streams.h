// ConnectionStreams: the streams of one connection, and who works on them:
//
//   Import, Export   a thread of the stream pool, over a StreamPipe
//   Follow           the I/O thread: each commit of the tenant has a page read, in the pool, while
//                    the last one was sent and there is room for more
//
// What a stream may hold is bounded on both ways (stream_pipe.h; one page of a feed). A stream ends
// once: with its work, its deadline, a cancel, a drain (a feed at once, for it is resumed
// elsewhere; what has a last message is waited for), or its connection.
//
// Confined to its connection's I/O thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <unordered_map>

#include "clinicdb/clinic/context.h"
#include "net/protocol_session.h"
#include "net/service_parts.h"

namespace clinicdb::server {

class Connection;
class IoThread;

class ConnectionStreams {
 public:
  /// All outlive it; what runs in a pool keeps `connection` alive.
  ConnectionStreams(Connection& connection, ProtocolSession& session, IoThread& thread,
                    ServiceParts& parts);
  ~ConnectionStreams();
  ConnectionStreams(const ConnectionStreams&) = delete;
  ConnectionStreams& operator=(const ConnectionStreams&) = delete;

  /// Begins a stream whose Request had `body`. REQUIRES: within SessionHost::run.
  void run(const Call& call, const clinic::CallContext& context, std::string_view body);
  void data(std::uint32_t id, std::string_view bytes);
  void ended(std::uint32_t id, const Status& why);
  void cancel(std::uint32_t id);
  /// The tenant's data has changed.
  void committed();

  /// Sends what there is and may be sent. True when there was something.
  bool fill();
  void tick(std::int64_t now_ns);
  void drain();
  /// The connection is gone.
  void close();

 private:
  struct Stream;
  using Shared = std::shared_ptr<Stream>;

  Result<Shared> make(const Call& call, const clinic::CallContext& context, std::string_view body);
  void start_work(const Shared& stream);
  void read_page(const Shared& stream);
  bool fill(const Shared& stream);
  bool send(Stream& stream, std::string_view bytes);
  void end(const Shared& stream, const Status& why);
  Shared find(std::uint32_t id) const;
  bool is_open(const Shared& stream) const;

  Connection& connection_;
  ProtocolSession& session_;
  IoThread& thread_;
  ServiceParts& parts_;
  std::unordered_map<std::uint32_t, Shared> streams_;
  std::size_t followed_ = 0;  // of them
};

}  // namespace clinicdb::server
