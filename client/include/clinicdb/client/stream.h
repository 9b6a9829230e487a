// Stream: a call whose messages go one after another, in both directions at once: what the methods
// are that the clinic's declarations call streams (TransferService, FeedService.Follow).
//
//   Result<std::unique_ptr<Stream>> stream =
//       Stream::open(*client, kTransferServiceExport, clinic::ExportRequest(), {});
//   (*stream)->end_sending();
//   for (clinic::ExportPart part;;) {
//     ASSIGN_OR_RETURN(const bool more, (*stream)->read(part));
//     if (!more) break;
//     use(part);
//   }
//
// Neither side holds more than a window of the other's bytes: who does not read makes the other
// wait. A stream is not repeated by itself when its connection is lost; kUnavailable says so.
//
// One thread may read while another writes; cancel() is thread-safe. Not on a thread of the client,
// but for async_read (async.h).
#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include "clinicdb/base/result.h"
#include "clinicdb/client/call.h"

namespace clinicdb::client {

class Client;
class StreamOperation;

class Stream {
 public:
  /// Begins one with its first message. `options.timeout`: how long all of it may last; 0: for
  /// ever. What is wrong with it is told by the first read. `client` outlives the stream.
  static Result<std::unique_ptr<Stream>> open(Client& client, const Method& method,
                                              const google::protobuf::MessageLite& first,
                                              const CallOptions& options);
  /// Cancels it, if it has not ended.
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  /// The next message of the server, waited for; false when it has ended the stream, and that was
  /// all. The server's error, or the connection's, after the last message that came before it.
  Result<bool> read(google::protobuf::MessageLite& message);
  /// The same, but waits at most so long: nullopt when nothing came.
  Result<std::optional<bool>> read_within(google::protobuf::MessageLite& message,
                                          std::chrono::milliseconds wait);
  /// Sends a message, and waits while too much is on its way. An error is the stream's: read() says
  /// the same.
  Status write(const google::protobuf::MessageLite& message);
  /// Nothing more comes from this side.
  void end_sending();
  /// Gives it up; a read that waits returns kCancelled.
  void cancel();

  /// What async.h reaches through; not for programs.
  const std::shared_ptr<StreamOperation>& operation() const { return operation_; }

 private:
  explicit Stream(std::shared_ptr<StreamOperation> operation);
  const std::shared_ptr<StreamOperation> operation_;
};

}  // namespace clinicdb::client
