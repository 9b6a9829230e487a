// StreamOperation: one stream of the user between its threads and the lane's: messages that came
// and were not read, and bytes that wait to be sent.
//
// Members say which thread they are of. It lives until it is told, and as long as its user has it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "call.h"
#include "clinicdb/base/result.h"
#include "clinicdb/wire/messages.h"

namespace clinicdb::client {

class Connection;
class Lane;

class StreamOperation final : public StreamCall,
                              public std::enable_shared_from_this<StreamOperation> {
 public:
  explicit StreamOperation(Lane& lane);

  // By any thread.
  /// Sends the call, which is filled in by now.
  void start();
  void cancel();
  /// The next message's bytes into `message`: true; false: the server has ended the stream, all was
  /// read. nullopt: nothing is there yet.
  Result<std::optional<bool>> try_read(google::protobuf::MessageLite& message);
  /// As try_read, and waits until something is there, or nothing came by `until`.
  Result<std::optional<bool>> read(google::protobuf::MessageLite& message,
                                   std::optional<std::chrono::steady_clock::time_point> until);
  /// Waits for room. The stream's failure, once it has failed.
  Status write(std::string_view bytes);
  void end_sending();
  /// Calls `tell` once, on the lane's thread or in here, when try_read may say something new.
  /// Replaces the one before; empty: nobody waits.
  void on_news(std::function<void()> tell);

  // The lane's thread.
  void answered(const wire::Frame& frame) override;
  void failed(Failure failure) override;
  void arrived(std::string_view bytes) override;
  void has_room() override { pump(); }
  void ended(Status why) override;
  Connection* connection = nullptr;     // that has it
  std::optional<std::size_t> endpoint;  // that was chosen

 private:
  void pump();
  void pump_soon();
  void finish(Status why);
  void tell();
  Result<std::optional<bool>> take(google::protobuf::MessageLite& message);

  // Constant after construction.
  Lane& lane_;

  // The lane's thread.
  std::shared_ptr<StreamOperation> self_;  // while it is under way
  bool end_sent_ = false;

  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::condition_variable changed_;
  wire::StreamMessages messages_;
  std::size_t unused_ = 0;  // bytes that came and were not granted again
  std::size_t used_ = 0;    // that are to be
  std::string output_;
  bool output_ended_ = false;
  bool pump_posted_ = false;
  bool done_ = false;
  Status outcome_;
  std::function<void()> on_news_;
};

}  // namespace clinicdb::client
