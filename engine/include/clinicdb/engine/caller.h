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

struct Caller {
  /// Reads that would need the disk fail, and say so in `missed`, instead of waiting for it (C8).
  bool memory_only = false;
  /// Waits for commits by it, as long as a thread leads them (Store::lead_commits); nullptr: the
  /// thread blocks, and leads when it is its turn.
  CommitWait* wait = nullptr;
  /// A read failed because it would have needed the disk. The call's error then says nothing else.
  bool missed = false;
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
