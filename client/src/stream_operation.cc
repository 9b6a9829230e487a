#include "stream_operation.h"

#include <algorithm>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <utility>

#include "client_limits.h"
#include "connection.h"
#include "lane.h"

namespace clinicdb::client {

StreamOperation::StreamOperation(Lane& lane) : lane_(lane), messages_(kStreamMessageBytesMax) {}

void StreamOperation::start() {
  asio::post(lane_.io(), [self = shared_from_this()] {
    if (self->done_) return;  // cancelled before; only this thread sets it
    self->self_ = self;
    self->lane_.start(*self);
  });
}

void StreamOperation::cancel() {
  asio::post(lane_.io(), [self = shared_from_this()] {
    if (self->done_) return;
    if (self->connection != nullptr) self->connection->give_up(*self);
    self->lane_.told(*self, Lane::Served::kUnknown);
    self->finish(cancelled("the caller gave the stream up"));
  });
}

Result<std::optional<bool>> StreamOperation::take(google::protobuf::MessageLite& message) {
  Result<std::optional<std::string_view>> bytes = messages_.next();
  if (!bytes) return std::move(bytes).error();
  if (*bytes) {
    const std::size_t count = std::min(unused_, (*bytes)->size() + 4);
    unused_ -= count;
    used_ += count;
    RETURN_IF_ERROR(wire::parse_message(**bytes, "a stream's message", message));
    return std::optional<bool>(true);
  }
  // A message may be larger than the window: what came of it makes room for its rest.
  used_ += std::exchange(unused_, 0);
  if (!done_) return std::optional<bool>();
  RETURN_IF_ERROR(outcome_);
  if (messages_.in_message()) return data_loss("the stream ends within a message");
  return std::optional<bool>(false);
}

Result<std::optional<bool>> StreamOperation::try_read(google::protobuf::MessageLite& message) {
  std::unique_lock lock(mutex_);
  Result<std::optional<bool>> taken = take(message);
  const bool grants = used_ > 0;
  lock.unlock();
  if (grants) pump_soon();
  return taken;
}

Result<std::optional<bool>> StreamOperation::read(
    google::protobuf::MessageLite& message,
    std::optional<std::chrono::steady_clock::time_point> until) {
  while (true) {
    Result<std::optional<bool>> taken = try_read(message);
    if (!taken || *taken) return taken;
    std::unique_lock lock(mutex_);
    const auto news = [this] { return unused_ > 0 || done_; };
    if (!until) {
      changed_.wait(lock, news);
    } else if (!changed_.wait_until(lock, *until, news)) {
      return taken;
    }
  }
}

Status StreamOperation::write(std::string_view bytes) {
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return done_ || output_.size() < kStreamWaitingBytesMax; });
    if (done_)
      return outcome_.ok() ? failed_precondition("the server has ended the stream") : outcome_;
    output_.append(bytes);
  }
  pump_soon();
  return {};
}

void StreamOperation::end_sending() {
  {
    const std::lock_guard lock(mutex_);
    output_ended_ = true;
  }
  pump_soon();
}

void StreamOperation::on_news(std::function<void()> tell) {
  {
    const std::lock_guard lock(mutex_);
    if (!tell || (unused_ == 0 && !done_)) {
      on_news_ = std::move(tell);
      return;
    }
  }
  tell();
}

void StreamOperation::answered(const wire::Frame& frame) {
  // Told now, for it may last: a circuit that was half open is closed.
  lane_.told(*this, Lane::Served::kYes);
  if (!frame.has(wire::kFlagStream))
    finish(internal_error("the server answers a stream with a single answer"));
}

void StreamOperation::failed(Failure failure) {
  if (failure.stage == Failure::Stage::kAnswered) {
    lane_.told(*this, Lane::Served::kYes);
  } else {
    const bool lost = failure.status.code() == StatusCode::kUnavailable;
    lane_.told(*this, lost ? Lane::Served::kLost : Lane::Served::kUnknown);
  }
  finish(std::move(failure.status));
}

void StreamOperation::ended(Status why) {
  lane_.told(*this, Lane::Served::kYes);
  finish(std::move(why));
}

void StreamOperation::arrived(std::string_view bytes) {
  {
    const std::lock_guard lock(mutex_);
    messages_.feed(bytes);
    unused_ += bytes.size();
  }
  tell();
}

void StreamOperation::tell() {
  std::function<void()> tell;
  {
    const std::lock_guard lock(mutex_);
    tell.swap(on_news_);
  }
  changed_.notify_all();
  if (tell) tell();
}

void StreamOperation::finish(Status why) {
  const std::shared_ptr<StreamOperation> keep = std::move(self_);
  connection = nullptr;
  {
    const std::lock_guard lock(mutex_);
    done_ = true;
    outcome_ = std::move(why);
    output_.clear();
  }
  tell();
}

void StreamOperation::pump_soon() {
  {
    const std::lock_guard lock(mutex_);
    if (done_ || std::exchange(pump_posted_, true)) return;
  }
  asio::post(lane_.io(), [self = shared_from_this()] {
    {
      const std::lock_guard lock(self->mutex_);
      self->pump_posted_ = false;
    }
    self->pump();
    if (self->connection != nullptr) self->connection->write_soon();
  });
}

// Not before the call was sent: has_room() comes then.
void StreamOperation::pump() {
  if (connection == nullptr || wire_id == 0) return;
  Multiplexer& multiplexer = connection->multiplexer();
  bool all_sent = false;
  {
    const std::lock_guard lock(mutex_);
    multiplexer.consumed(*this, std::exchange(used_, 0));
    std::size_t sent = 0;
    while (sent < output_.size()) {
      const std::size_t room = multiplexer.stream_room(*this);
      if (room == 0) break;
      const std::string_view piece = std::string_view(output_).substr(sent, room);
      multiplexer.send(*this, piece);
      sent += piece.size();
    }
    output_.erase(0, sent);
    all_sent = output_ended_ && output_.empty();
  }
  changed_.notify_all();
  if (all_sent && !std::exchange(end_sent_, true)) multiplexer.end_sending(*this, Status());
}

}  // namespace clinicdb::client
