#include "clinicdb/client/async.h"

#include <asio/associated_cancellation_slot.hpp>
#include <asio/associated_executor.hpp>
#include <asio/async_result.hpp>
#include <asio/dispatch.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "client_core.h"
#include "stream_operation.h"

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

namespace {

/// Goes on where its coroutine wants to, once: when there is news of a stream, or nobody waits any
/// more.
template <class Handler>
class NewsAwaiter {
 public:
  explicit NewsAwaiter(Handler handler)
      : handler_(std::move(handler)), work_(asio::get_associated_executor(*handler_)) {}

  void finish(bool given_up) {
    std::optional<Handler> handler;
    {
      const std::lock_guard lock(mutex_);
      if (!handler_) return;
      handler.emplace(std::move(*handler_));
      handler_.reset();
    }
    asio::post(work_.get_executor(), [handler = std::move(*handler), given_up]() mutable {
      asio::get_associated_cancellation_slot(handler).clear();
      std::move(handler)(given_up);
    });
  }

 private:
  std::mutex mutex_;
  std::optional<Handler> handler_;  // guarded by mutex_
  asio::executor_work_guard<asio::associated_executor_t<Handler>> work_;
};

/// Trivial, for g++ 12 destroys twice what a temporary of a co_await owns.
struct NewsInitiation {
  StreamOperation* operation;

  template <class Handler>
  void operator()(Handler handler) const {
    auto slot = asio::get_associated_cancellation_slot(handler);
    auto awaiter = std::make_shared<NewsAwaiter<Handler>>(std::move(handler));
    if (slot.is_connected()) {
      slot.assign([awaiter](asio::cancellation_type) { awaiter->finish(true); });
    }
    operation->on_news([awaiter] { awaiter->finish(false); });
  }
};

}  // namespace

asio::awaitable<Result<bool>> async_read(Stream& stream, google::protobuf::MessageLite& message) {
  const std::shared_ptr<StreamOperation> operation = stream.operation();
  for (;;) {
    Result<std::optional<bool>> taken = operation->try_read(message);
    if (!taken) co_return std::move(taken).error();
    if (*taken) co_return **taken;
    const bool given_up = co_await asio::async_initiate<const asio::use_awaitable_t<>, void(bool)>(
        NewsInitiation{operation.get()}, asio::use_awaitable);
    if (given_up) co_return cancelled("the caller does not wait any more");
  }
}

asio::awaitable<Result<std::shared_ptr<const clinic::ReadEventsResponse>>> async_next(
    Subscription& subscription) {
  asio::steady_timer pause(co_await asio::this_coro::executor);
  for (;;) {
    Result<Stream*> stream = subscription.stream();
    if (!stream) co_return std::move(stream).error();
    auto page = std::make_shared<clinic::ReadEventsResponse>();
    const Result<bool> more = co_await async_read(**stream, *page);
    Result<Subscription::Step> step = subscription.took(more, *page);
    if (!step) co_return std::move(step).error();
    if (step->events) co_return std::shared_ptr<const clinic::ReadEventsResponse>(std::move(page));
    if (step->pause.count() == 0) continue;
    pause.expires_after(step->pause);
    const auto [error] =
        co_await pause.async_wait(asio::experimental::as_tuple(asio::use_awaitable));
    if (error) co_return cancelled("the caller does not wait any more");
  }
}

}  // namespace clinicdb::client
