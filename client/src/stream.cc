#include "clinicdb/client/stream.h"

#include <string>
#include <utility>

#include "client_core.h"
#include "client_limits.h"
#include "clinicdb/base/clock.h"
#include "stream_operation.h"

namespace clinicdb::client {

Stream::Stream(std::shared_ptr<StreamOperation> operation) : operation_(std::move(operation)) {}

Result<std::unique_ptr<Stream>> Stream::open(Client& client, const Method& method,
                                             const google::protobuf::MessageLite& first,
                                             const CallOptions& options) {
  Client::Core& core = client.core();
  auto operation = std::make_shared<StreamOperation>(core.lane(core.lane_index()));
  operation->method = static_cast<std::uint16_t>(method.id);
  operation->trace = options.trace;
  operation->body = first.SerializeAsString();
  if (options.timeout.count() > 0)
    operation->deadline_ns = system_clock().monotonic_ns() + options.timeout.count() * kNsPerMs;
  core.calls.fetch_add(1, std::memory_order_relaxed);
  operation->start();
  return std::unique_ptr<Stream>(new Stream(std::move(operation)));
}

Stream::~Stream() { operation_->cancel(); }

Result<bool> Stream::read(google::protobuf::MessageLite& message) {
  ASSIGN_OR_RETURN(const std::optional<bool> taken, operation_->read(message, std::nullopt));
  return taken.value_or(false);
}

Result<std::optional<bool>> Stream::read_within(google::protobuf::MessageLite& message,
                                                std::chrono::milliseconds wait) {
  return operation_->read(message, std::chrono::steady_clock::now() + wait);
}

Status Stream::write(const google::protobuf::MessageLite& message) {
  std::string bytes;
  wire::append_stream_message(bytes, message);
  return operation_->write(bytes);
}

void Stream::end_sending() { operation_->end_sending(); }
void Stream::cancel() { operation_->cancel(); }

}  // namespace clinicdb::client
