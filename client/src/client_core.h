// What a Client is made of: its lanes, and how a method's call becomes an operation on one of them.
// Thread-safe.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <vector>

#include "clinicdb/client/client.h"
#include "lane.h"
#include "message_pool.h"
#include "near_cache.h"

namespace clinicdb::client {

/// An operation that parses its answer where it arrives.
class ParsingOperation : public Operation {
 public:
  void on_answer(const wire::Frame& frame) final;
  void on_failure(Status status) final { finished(std::move(status)); }
  /// Told once, on the lane's thread. May destroy the operation.
  virtual void finished(Result<Answer> answer) = 0;

  const google::protobuf::MessageLite* response = nullptr;  ///< of the type to parse
  MessagePool* messages = nullptr;                          ///< the lane's
  NearCache* near_cache = nullptr;                          ///< that keeps the answer, or none
};

class Client::Core {
 public:
  /// REQUIRES: the options were checked.
  Core(const ClientOptions& options, std::vector<Address> endpoints,
       std::shared_ptr<asio::ssl::context> tls);

  /// The lane for calls of this thread: its own where it has one, else always the same one. So what
  /// a thread changes has gone the way on which the news for its kept answers come (K3).
  std::size_t lane_index() const;
  Lane& lane(std::size_t index) { return *lanes_[index % lanes_.size()]; }

  /// The answer that the lane keeps to a request; nullopt when there is none, or none is wanted.
  std::optional<Answer> find_kept(std::size_t lane, const Method& method,
                                  const google::protobuf::MessageLite& request,
                                  const CallOptions& options);
  /// What the operation sends: method, request, deadline, ids.
  void fill(ParsingOperation& operation, std::size_t lane, const Method& method,
            const google::protobuf::MessageLite& request,
            const google::protobuf::MessageLite& response, const CallOptions& options);
  /// Waits until a server has let us in.
  Status first_hello();

  const Uuid& session() const { return session_; }
  ClientStats stats() const;
  std::atomic<std::uint64_t> calls{0};
  std::atomic<std::uint64_t> failures{0};

 private:
  const std::uint32_t timeout_ms_;
  const Uuid session_;
  const std::shared_ptr<asio::ssl::context> tls_;
  std::vector<std::shared_ptr<MessagePool>> messages_;   // by lane
  std::vector<std::unique_ptr<NearCache>> near_caches_;  // by lane; empty: answers are not kept
  std::vector<std::unique_ptr<Lane>> lanes_;             // ended before what stands above
};

}  // namespace clinicdb::client
