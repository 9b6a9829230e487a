// Fibers: calls of one I/O thread that wait for their commit on stacks of their own, so that
// services are written as for a caller who blocks and the thread goes on with other connections.
//
//   fibers.run([=](const bool& missed) { answer(clinic.patients().update(context, request)); });
//
// A fiber never leaves its thread: it runs from `run`, or from the inbox once its commit is done,
// until it waits or ends. It must hold no lock while it calls what may commit.
//
// Confined to its I/O thread.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "net/inbox.h"

namespace clinicdb::server {

class Fibers {
 public:
  /// `inbox` is this thread's, and outlives the fibers.
  explicit Fibers(Inbox& inbox);
  /// REQUIRES: none is waiting.
  ~Fibers();
  Fibers(const Fibers&) = delete;
  Fibers& operator=(const Fibers&) = delete;

  /// Runs `body` until it ends or waits for a commit; then it goes on from the inbox. Its reads are
  /// from memory only (engine/caller.h); `missed` tells it whether one of them needed the disk.
  using Body = std::function<void(const bool& missed)>;
  void run(Body body);
  /// Within a body: how long the writer has worked for it so far.
  static std::int64_t writer_work_ns();

  std::size_t waiting() const { return running_; }

 private:
  class Fiber;
  class Stacks;
  void step(Fiber* fiber);

  Inbox& inbox_;
  std::unique_ptr<Stacks> stacks_;
  std::size_t running_ = 0;  // begun and not ended
};

}  // namespace clinicdb::server
