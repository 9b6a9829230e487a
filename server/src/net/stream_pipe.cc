#include "net/stream_pipe.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace clinicdb::server {

void StreamPipe::deliver(std::string_view bytes) {
  {
    const std::lock_guard lock(mutex_);
    input_.append(bytes);
    ++moves_;
  }
  changed_.notify_all();
}

void StreamPipe::end_input() {
  {
    const std::lock_guard lock(mutex_);
    input_ended_ = true;
    ++moves_;
  }
  changed_.notify_all();
}

std::size_t StreamPipe::take_used() {
  const std::lock_guard lock(mutex_);
  woken_ = false;
  return std::exchange(used_, 0);
}

std::string StreamPipe::take_output(std::size_t bytes_max) {
  std::string taken;
  {
    const std::lock_guard lock(mutex_);
    woken_ = false;
    taken = output_.substr(output_begin_, bytes_max);
    if (taken.empty()) return taken;
    output_begin_ += taken.size();
    if (output_begin_ == output_.size()) {
      output_.clear();
      output_begin_ = 0;
    }
    ++moves_;
  }
  changed_.notify_all();
  return taken;
}

bool StreamPipe::has_output() const {
  const std::lock_guard lock(mutex_);
  return output_begin_ < output_.size();
}

Status StreamPipe::wait(std::unique_lock<std::mutex>& lock, const std::function<bool()>& ready) {
  while (!ready()) {
    if (!reason_.ok()) return reason_;
    const std::uint64_t seen = moves_;
    const bool moved = changed_.wait_for(lock, std::chrono::nanoseconds(stall_ns_max_),
                                         [&] { return moves_ != seen || !reason_.ok(); });
    if (moved) continue;
    reason_ = deadline_exceeded("the other side of the stream neither sent nor took anything for " +
                                std::to_string(stall_ns_max_ / 1'000'000'000) + " s");
    stopped_.store(true);
  }
  return reason_;
}

Result<std::string> StreamPipe::read() {
  std::string taken;
  {
    std::unique_lock lock(mutex_);
    RETURN_IF_ERROR(wait(lock, [this] { return !input_.empty() || input_ended_; }));
    taken.swap(input_);
    used_ += taken.size();
  }
  if (!taken.empty()) wake_up();
  return taken;
}

Status StreamPipe::write(std::string_view bytes) {
  {
    std::unique_lock lock(mutex_);
    RETURN_IF_ERROR(
        wait(lock, [this] { return output_.size() - output_begin_ < kOutputBytesMax; }));
    output_.erase(0, std::exchange(output_begin_, 0));
    output_.append(bytes);
  }
  wake_up();
  return Status();
}

void StreamPipe::stop(Status reason) {
  {
    const std::lock_guard lock(mutex_);
    if (!reason_.ok()) return;
    reason_ = std::move(reason);
    stopped_.store(true);
  }
  changed_.notify_all();
}

Status StreamPipe::reason() const {
  const std::lock_guard lock(mutex_);
  return reason_;
}

void StreamPipe::wake_up() {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(woken_, true)) return;
  }
  wake_();
}

}  // namespace clinicdb::server
