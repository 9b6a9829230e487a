// Caller: how the calls of a thread read and wait, for hosts whose threads must not block: servers
// that answer from their I/O threads. Who sets nothing reads from disk and blocks, as ever.
//
//   Caller caller{.memory_only = true, .wait = &fiber_wait};
//   {
//     CallerScope scope(&caller);
//     answer = clinic.patients().get(context, id);
//   }
//   if (!answer && caller.missed) ...;  // ask again from a thread that may block
//
// It is bound to the thread and not passed along, because it concerns everything that a call does,
// whatever services and tables lie between. A host that switches stacks in CommitWait::wait sets
// the scope of what runs next, and restores the caller's before it returns.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "clinicdb/base/ids.h"

namespace clinicdb::engine {

/// How a caller waits for its commit other than by blocking its thread. Thread-safe.
class CommitWait {
 public:
  virtual ~CommitWait() = default;
  /// On the caller's thread. Returns once `wake` was called, also when that was before.
  virtual void wait() = 0;
  /// Called once for each wait, by another thread, when the outcome is there. Must be short. It
  /// touches nothing of the engine's afterwards: the caller may return at once.
  virtual void wake() = 0;
};

/// What an answer of the result cache hangs on, in the names that ResultCache's listener is told.
struct Dependencies {
  static constexpr std::size_t kSlotsMax = 16;
  Lsn lsn;                ///< of the view it was read at
  std::size_t count = 0;  ///< 0: it is not known, and the answer is not to be kept elsewhere
  std::array<std::uint32_t, kSlotsMax> slots{};
};

struct Caller {
  /// Reads that would need the disk fail, and say so in `missed`, instead of waiting for it (C8).
  bool memory_only = false;
  /// Waits for commits by it, as long as a thread leads them (Store::lead_commits); nullptr: the
  /// thread blocks, and leads when it is its turn.
  CommitWait* wait = nullptr;
  /// A read failed because it would have needed the disk. The call's error then says nothing else.
  bool missed = false;
  /// Where to put what the call's answer hangs on, if the result cache gave it; nullptr: nobody
  /// asks.
  Dependencies* dependencies = nullptr;
};

/// Binds `caller` to this thread, nullptr for none, until it is destroyed. They nest.
class CallerScope {
 public:
  explicit CallerScope(Caller* caller);
  ~CallerScope();
  CallerScope(const CallerScope&) = delete;
  CallerScope& operator=(const CallerScope&) = delete;

 private:
  Caller* before_;
};

/// What is bound to this thread; nullptr for none.
Caller* current_caller();

}  // namespace clinicdb::engine
