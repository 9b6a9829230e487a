// StreamPipe: between the I/O thread of a connection and the thread that works on one of its
// streams, which blocks on it.
//
//   I/O thread:   deliver(bytes), end_input()        stop(reason)
//                 take_used() → grants to the peer   take_output(n) → StreamData
//   worker:       read()  waits for bytes            write(bytes)  waits for room
//
// What it holds is bounded: input by the window that the peer was granted, output by
// kOutputBytesMax and one write. A peer that neither sends nor takes for `stall_ns_max` ends the
// work.
//
// Thread-safe, for one thread on each side.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

#include "clinicdb/base/result.h"

namespace clinicdb::server {

class StreamPipe {
 public:
  static constexpr std::size_t kOutputBytesMax = std::size_t{256} << 10;

  /// `wake` is called on the worker's thread when there is something to take; many times before
  /// they are taken cost one call.
  StreamPipe(std::function<void()> wake, std::int64_t stall_ns_max)
      : wake_(std::move(wake)), stall_ns_max_(stall_ns_max) {}
  StreamPipe(const StreamPipe&) = delete;
  StreamPipe& operator=(const StreamPipe&) = delete;

  // The I/O thread's.
  void deliver(std::string_view bytes);
  void end_input();
  /// Input that the worker has read since the last time.
  std::size_t take_used();
  /// At most so many bytes of the output; empty: there is none.
  std::string take_output(std::size_t bytes_max);
  bool has_output() const;

  // The worker's.
  /// The next bytes; empty when the input has ended. An error is why it stopped.
  Result<std::string> read();
  Status write(std::string_view bytes);

  // Of both.
  /// Ends the work: what waits returns the reason. The first counts.
  void stop(Status reason);
  /// Whether it was stopped, to be looked at between steps.
  const std::atomic<bool>& stopped() const { return stopped_; }
  /// OK while it was not.
  Status reason() const;

 private:
  void wake_up();
  Status wait(std::unique_lock<std::mutex>& lock, const std::function<bool()>& ready);

  const std::function<void()> wake_;
  const std::int64_t stall_ns_max_;
  std::atomic<bool> stopped_{false};

  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::condition_variable changed_;
  std::string input_;
  bool input_ended_ = false;
  std::size_t used_ = 0;
  std::string output_;
  std::size_t output_begin_ = 0;
  bool woken_ = false;
  std::uint64_t moves_ = 0;  // times that the I/O thread brought or took something
  Status reason_;
};

}  // namespace clinicdb::server
