#include "lane.h"

#include <algorithm>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <utility>

#include "client_limits.h"
#include "clinicdb/base/check.h"
#include "retry.h"

namespace clinicdb::client {

namespace {

thread_local Lane* current_lane = nullptr;

RetryQuestion question_of(const Operation& operation, int attempts) {
  return {operation.reads, operation.request_id.has_value(), attempts};
}

}  // namespace

struct Lane::Io {
  asio::io_context context{1};
  asio::steady_timer timer{context};
  asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
};

void Operation::answered(const wire::Frame& frame) { lane_->operation_answered(*this, frame); }
void Operation::failed(Failure failure) { lane_->operation_failed(*this, std::move(failure)); }

Lane::Lane(LaneSettings settings)
    : settings_(std::move(settings)),
      endpoints_(settings_.endpoints.size(), settings_.breaker, *settings_.random),
      connections_(settings_.endpoints.size()),
      io_(std::make_unique<Io>()) {
  schedule_tick();
  thread_ = std::thread([this] {
    current_lane = this;
    io_->context.run();
  });
}

Lane::~Lane() {
  asio::post(io_->context, [this] { shut_down(); });
  thread_.join();
  // Sockets end before what they hang on.
  connections_.clear();
  leaving_.clear();
}

Lane* Lane::current() { return current_lane; }

asio::io_context& Lane::io() { return io_->context; }

void Lane::submit(Operation& operation) {
  operation.lane_ = this;
  operation.attempts_ = 0;
  if (current_lane == this) {
    send(operation);
    return;
  }
  bool first;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    first = submitted_.empty();
    submitted_.push_back(&operation);
  }
  // One wake-up takes all that gathers until it runs.
  if (first) asio::post(io_->context, [this] { take_submitted(); });
}

void Lane::take_submitted() {
  std::vector<Operation*> taken;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    taken.swap(submitted_);
  }
  for (Operation* operation : taken) send(*operation);
}

void Lane::send(Operation& operation) {
  if (shutting_down_) {
    operation.on_failure(cancelled("the client is closed"));
    return;
  }
  const std::optional<std::size_t> endpoint = endpoints_.choose(clock().monotonic_ns());
  if (!endpoint) {
    // Waits for a circuit to close, as long as its deadline lets it.
    send_later(operation, 0);
    return;
  }
  ++operation.attempts_;
  operation.endpoint_ = *endpoint;
  Connection& to = connection(*endpoint);
  operation.source_ = connections_[*endpoint].source;
  operation.connection_ = &to;
  if (to.accepts()) {
    to.start(operation);
  } else {
    operation_failed(operation, {resource_exhausted("too many calls wait to be sent"),
                                 Failure::Stage::kNotSent, 0});
  }
}

void Lane::start(StreamOperation& operation) {
  if (shutting_down_) {
    return operation.failed({cancelled("the client is closed"), Failure::Stage::kNotSent, 0});
  }
  const std::optional<std::size_t> endpoint = endpoints_.choose(clock().monotonic_ns());
  if (!endpoint) {
    return operation.failed(
        {unavailable("no server can be reached" +
                     (last_lost_.ok() ? "" : "; " + std::string(last_lost_.message()))),
         Failure::Stage::kNotSent, 0});
  }
  Connection& to = connection(*endpoint);
  operation.endpoint = *endpoint;
  operation.connection = &to;
  if (to.accepts()) {
    to.start(operation);
    return;
  }
  operation.failed(
      {resource_exhausted("too many calls wait to be sent"), Failure::Stage::kNotSent, 0});
}

void Lane::told(StreamOperation& operation, Served served) {
  const std::optional<std::size_t> endpoint = std::exchange(operation.endpoint, std::nullopt);
  if (!endpoint) return;
  switch (served) {
    case Served::kYes:
      return endpoints_.succeeded(*endpoint);
    case Served::kLost:
      return endpoints_.failed(*endpoint, clock().monotonic_ns());
    case Served::kUnknown:
      return endpoints_.ended(*endpoint);
  }
}

void Lane::send_later(Operation& operation, std::uint32_t after_ms) {
  operation.connection_ = nullptr;
  const std::int64_t now_ns = clock().monotonic_ns();
  const std::int64_t at_ns = now_ns + std::int64_t{after_ms} * kNsPerMs;
  if (operation.deadline_ns != 0 && at_ns >= operation.deadline_ns) {
    operation.on_failure(
        unavailable("no server could be reached in time" +
                    (last_lost_.ok() ? "" : "; " + std::string(last_lost_.message()))));
  } else if (later_.size() >= kWaitingCallsMax) {
    operation.on_failure(resource_exhausted("too many calls wait to be sent again"));
  } else {
    later_.push_back({at_ns, &operation});
  }
}

void Lane::operation_answered(Operation& operation, const wire::Frame& frame) {
  endpoints_.succeeded(operation.endpoint_);
  operation.connection_ = nullptr;
  operation.on_answer(frame);
}

void Lane::operation_failed(Operation& operation, Failure failure) {
  operation.connection_ = nullptr;
  const bool lost = failure.stage != Failure::Stage::kAnswered &&
                    failure.status.code() == StatusCode::kUnavailable;
  if (lost) {
    last_lost_ = failure.status;
    endpoints_.failed(operation.endpoint_, clock().monotonic_ns());
  } else if (failure.stage == Failure::Stage::kAnswered) {
    endpoints_.succeeded(operation.endpoint_);
  } else {
    endpoints_.ended(operation.endpoint_);
  }
  const RetryQuestion question = question_of(operation, operation.attempts_);
  if (shutting_down_ || !may_retry(failure, question)) {
    operation.on_failure(final_status(std::move(failure), question));
    return;
  }
  Backoff pause(settings_.retry_first_ms, settings_.retry_longest_ms, *settings_.random);
  std::uint32_t after_ms = 0;
  for (int i = 0; i < operation.attempts_; ++i) after_ms = pause.next_ms();
  after_ms = std::max(after_ms, failure.retry_after_ms);
  const std::int64_t at_ns = clock().monotonic_ns() + std::int64_t{after_ms} * kNsPerMs;
  if (operation.deadline_ns != 0 && at_ns >= operation.deadline_ns) {
    operation.on_failure(final_status(std::move(failure), question));
    return;
  }
  send_later(operation, after_ms);
}

Connection& Lane::connection(std::size_t endpoint) {
  Held& held = connections_[endpoint];
  if (held.connection && !held.connection->stands()) let_go(held);
  if (!held.connection) {
    ConnectionSettings settings = settings_.connection;
    settings.address = settings_.endpoints[endpoint];
    if (settings.tls_name.empty()) settings.tls_name = settings.address.host;
    held.connection = Connection::create(io_->context, std::move(settings));
    if (!settings_.marks.empty()) {
      held.source = std::make_shared<Source>();
      held.source->marks = settings_.marks[endpoint];
      held.connection->multiplexer().on_push = [source = held.source](std::uint32_t,
                                                                      const wire::Push& push) {
        if (push.has_invalidation()) source->take(push.invalidation());
      };
    }
  }
  return *held.connection;
}

void Lane::let_go(Held& held) {
  if (held.source) held.source->ended = true;
  if (!held.connection->is_closed()) leaving_.push_back(std::move(held.connection));
  held = Held();
}

void Lane::hear(Held& held) {
  if (!held.source || !held.connection) return;
  // News of a line that is no more are missed, though the next call has not found out yet.
  if (!held.connection->stands()) held.source->ended = true;
  held.source->heard_all_until_ns.store(held.connection->multiplexer().heard_all_until_ns(),
                                        std::memory_order_release);
}

Status Lane::first_hello() {
  auto told = std::make_shared<std::promise<Status>>();
  std::future<Status> outcome = told->get_future();
  asio::post(io_->context, [this, told] { greet(0, told); });
  return outcome.get();
}

void Lane::greet(std::size_t endpoint, std::shared_ptr<std::promise<Status>> told) {
  Connection& first = connection(endpoint);
  first.on_open = [told] { told->set_value(Status()); };
  first.on_refused = [this, endpoint, told](const Status& why) {
    // Who is not let in by one server is let in by none.
    const bool unreachable = why.code() == StatusCode::kUnavailable;
    if (unreachable && endpoint + 1 < connections_.size()) {
      greet(endpoint + 1, told);
    } else {
      told->set_value(why);
    }
  };
}

void Lane::give_up(std::function<Operation*()> alive) {
  asio::post(io_->context, [this, alive = std::move(alive)] {
    Operation* const operation = alive();
    if (operation == nullptr) return;
    const auto waits = std::find_if(later_.begin(), later_.end(), [operation](const Later& later) {
      return later.operation == operation;
    });
    if (waits != later_.end()) {
      later_.erase(waits);
    } else if (operation->connection_ != nullptr) {
      operation->connection_->give_up(*operation);
      endpoints_.ended(operation->endpoint_);
    } else {
      return;  // not taken up yet: it will be told in its time
    }
    operation->on_failure(cancelled("the caller gave the call up"));
  });
}

void Lane::tick() {
  const std::int64_t now_ns = clock().monotonic_ns();
  const bool pings =
      settings_.ping_every_ns > 0 && now_ns - last_ping_ns_ >= settings_.ping_every_ns;
  if (pings) last_ping_ns_ = now_ns;
  for (Held& held : connections_) {
    // A call that is told may make its connection's successor.
    const std::shared_ptr<Connection> connection = held.connection;
    if (!connection) continue;
    connection->tick();
    if (pings) connection->ping();
    hear(held);
  }
  const std::vector<std::shared_ptr<Connection>> leaving = leaving_;
  for (const auto& connection : leaving) connection->tick();
  std::erase_if(leaving_, [](const auto& connection) { return connection->is_closed(); });

  std::vector<Later> due;
  const auto not_due = std::partition(later_.begin(), later_.end(),
                                      [now_ns](const Later& l) { return l.at_ns <= now_ns; });
  due.assign(later_.begin(), not_due);
  later_.erase(later_.begin(), not_due);
  for (const Later& later : due) send(*later.operation);
  schedule_tick();
}

void Lane::schedule_tick() {
  io_->timer.expires_after(std::chrono::nanoseconds(kTickNs));
  io_->timer.async_wait([this](const asio::error_code& error) {
    if (!error && !shutting_down_) tick();
  });
}

void Lane::shut_down() {
  shutting_down_ = true;
  take_submitted();
  for (Held& held : connections_) {
    if (held.connection) held.connection->close(cancelled("the client is closed"));
  }
  for (auto& connection : leaving_) connection->close(cancelled("the client is closed"));
  std::vector<Later> later;
  later.swap(later_);
  for (const Later& waiting : later)
    waiting.operation->on_failure(cancelled("the client is closed"));
  io_->timer.cancel();
  io_->work.reset();
}

}  // namespace clinicdb::client
