#include "clinicdb/client/async.h"

#include <asio/associated_cancellation_slot.hpp>
#include <asio/associated_executor.hpp>
#include <asio/async_result.hpp>
#include <asio/dispatch.hpp>
#include <asio/io_context.hpp>
#include <asio/use_awaitable.hpp>
#include <memory>
#include <utility>

#include "client_core.h"

namespace clinicdb::client {

asio::any_io_executor executor(Client& client, std::size_t index) {
  return client.core().lane(index).io().get_executor();
}

namespace {

/// Owns itself until it is told; goes on where its coroutine wants to.
template <class Handler>
class AwaitedOperation final : public ParsingOperation,
                               public std::enable_shared_from_this<AwaitedOperation<Handler>> {
 public:
  explicit AwaitedOperation(Handler handler)
      : handler_(std::move(handler)), work_(asio::get_associated_executor(handler_)) {}

  void finished(Result<Answer> answer) override {
    const std::shared_ptr<AwaitedOperation> keep = std::move(self);
    asio::get_associated_cancellation_slot(handler_).clear();
    asio::dispatch(work_.get_executor(),
                   [handler = std::move(handler_), answer = std::move(answer)]() mutable {
                     std::move(handler)(std::move(answer));
                   });
  }

  std::shared_ptr<AwaitedOperation> self;

 private:
  Handler handler_;
  asio::executor_work_guard<asio::associated_executor_t<Handler>> work_;
};

struct Initiation {
  Client* client;
  std::size_t lane_index;
  const Method* method;
  const google::protobuf::MessageLite* request;
  const google::protobuf::MessageLite* response;
  const CallOptions* options;

  template <class Handler>
  void operator()(Handler handler) const {
    auto slot = asio::get_associated_cancellation_slot(handler);
    auto operation = std::make_shared<AwaitedOperation<Handler>>(std::move(handler));
    client->core().fill(*operation, lane_index, *method, *request, *response, *options);
    operation->self = operation;
    Lane& lane = client->core().lane(lane_index);
    if (slot.is_connected()) {
      const std::weak_ptr<AwaitedOperation<Handler>> weak = operation;
      slot.assign([&lane, weak](asio::cancellation_type) {
        lane.give_up([weak]() -> Operation* {
          const auto alive = weak.lock();
          return alive && alive->self ? alive.get() : nullptr;
        });
      });
    }
    lane.submit(*operation);
  }
};

}  // namespace

asio::awaitable<Result<Answer>> async_call(Client& client, const Method& method,
                                           const google::protobuf::MessageLite& request,
                                           const google::protobuf::MessageLite& response,
                                           CallOptions options) {
  const std::size_t lane = client.core().lane_index();
  if (std::optional<Answer> kept = client.core().find_kept(lane, method, request, options)) {
    co_return *std::move(kept);
  }
  client.core().calls.fetch_add(1, std::memory_order_relaxed);
  Result<Answer> answer =
      co_await asio::async_initiate<const asio::use_awaitable_t<>, void(Result<Answer>)>(
          Initiation{&client, lane, &method, &request, &response, &options}, asio::use_awaitable);
  if (!answer) client.core().failures.fetch_add(1, std::memory_order_relaxed);
  co_return answer;
}

}  // namespace clinicdb::client
