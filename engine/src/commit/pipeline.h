// Pipeline: the shard's writer. Executes commands one after another, in groups, and takes each
// group through
//
//     execute -> append -> sync | gate -> invalidate tags -> publish -> answer -> apply (C2)
//
// A committed group is published as a layer over RocksDB's view, and applied to RocksDB behind the
// answer by a thread of its own, the applier, while the next group syncs; so an answer waits for
// the disk and not for the memtable. Without an applier (start_applier not called), and where a
// layer could not say what changed (an erased range), it is applied before it is published.
//
// There is no writer thread: callers do the work themselves. Two roles exist, each held by at most
// one caller:
//
//   executor    takes queued commands and runs them into the open group, for as long as another
//   group is being
//               committed, so that groups grow with the load;
//   committer   takes the sealed group through the stages behind execute.
//
// A caller that finds no executor becomes it, seals its group when the committer's role is free,
// hands the executor's role to the first caller in the queue, and commits. So a lone caller runs
// all stages on its own thread without a hand-over, and with many callers one group executes while
// the one before it syncs (C3). At depth 1 the executor begins only when no group is being
// committed.
//
// A caller with a CommitWait (caller.h) never leads: its role goes to a thread that the host lends
// by lead_commits.
//
// Invariants
//
//   P1: groups are sealed, and committed, in LSN order; the open group's LSN is the sealed one's
//   plus one.
//
//   P2: at most one sealed group is not committed, so a group executes over at most one prepared
//   one.
//
//   P3: a command's answer is given only after its group, and so every group that it could read, is
//   committed.
//
//   P4: after a failed stage nothing is acknowledged any more (L7): `fatal_` is set for good.
//
//   P5: groups are applied in LSN order, committed ones only; what is published is RocksDB up to
//   some group and, as layers over it, every committed group behind that one.
//
// Thread-safe.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "clinicdb/engine/caller.h"
#include "clinicdb/engine/store.h"
#include "commit/commit_meter.h"
#include "commit/gate.h"
#include "commit/group.h"
#include "commit/signal.h"

namespace clinicdb::engine {

class Pipeline {
 public:
  /// None is owned; all outlive the pipeline. `gate` may be nullptr.
  struct Parts {
    KvStore* kv = nullptr;
    CommitLog* log = nullptr;
    CommitGate* gate = nullptr;
    ResultCache* cache = nullptr;
    const Clock* clock = nullptr;
  };
  Pipeline(const Parts& parts, int depth, Published first);

  /// From here on committed groups are applied behind their answers, until stop.
  void start_applier();

  /// Queues the work and returns when it is committed, refused, or of unknown outcome.
  Result<Committed> submit(Work& work);

  /// Leads for the callers that wait by a CommitWait, until stop_leading. Two threads keep both
  /// roles busy.
  void lead_commits();
  /// Ends every lead_commits, once nobody waits for one. Later callers lead themselves again.
  void stop_leading();

  /// See Store::set_commit_listener.
  void set_commit_listener(CommitListener* listener);

  /// The view that readers get. Holding it holds back RocksDB's cleaning.
  std::shared_ptr<const Published> published() const;

  /// Transactions in preparation: groups above the oldest one's LSN are kept, to check read sets
  /// against.
  std::shared_ptr<const Published> begin_transaction();
  void end_transaction(Lsn began);
  /// On the writer: does any group above `began`, or the open one, touch what was read? (C5)
  bool conflicts(const GroupContext& context, Lsn began, const ReadSet& reads) const;

  /// Returns when RocksDB has everything that was committed before the call.
  Status wait_applied();
  /// Runs `fn` while no group is being committed and RocksDB has everything: for trimming the log.
  Status with_log(FunctionRef<Status()> fn);

  /// Refuses new work with `reason`, waits for what runs and for the applier to end.
  void stop(const Status& reason);
  /// Lets go of the published view, so that RocksDB can close. REQUIRES: stopped.
  void release_views();
  /// OK while work is accepted.
  Status health() const;

  struct Stats {
    std::uint64_t commands = 0;
    std::uint64_t groups = 0;
    std::uint64_t operations_bytes = 0;  ///< uncompressed, of this process
    std::uint64_t operations = 0;
  };
  Stats stats() const;
  const CommitMeter& meter() const { return meter_; }

 private:
  enum : std::uint32_t { kWaiting = 0, kLead = 1, kDone = 2 };
  struct Waiter {
    Work* work = nullptr;
    Result<std::string> answer{std::string()};
    Result<Committed> outcome{Committed{}};
    Signal signal;
    CommitWait* wait = nullptr;  // nullptr: blocks on the signal, and can lead
    std::int64_t writer_ns = 0;
  };
  /// A committed group on its way into RocksDB.
  struct Unapplied {
    std::string operations;
    std::uint32_t count = 0;
    AppliedMark mark;
  };
  using Lock = std::unique_lock<std::mutex>;

  void lead(Lock& lock);
  bool run_queued(Lock& lock, Group& group, const RecentChanges& recent,
                  std::vector<Waiter*>& members);
  void wake_executor();
  RecentChanges recent_changes() const;
  void run_one(GroupContext& context, Waiter& waiter);
  std::vector<std::shared_ptr<Group>> seal(Group& group, const std::shared_ptr<Group>& shared);
  Status commit(const std::shared_ptr<Group>& group);
  Result<Unapplied> make_durable(Group& group);
  Status apply(const Unapplied& group);
  void publish(const std::shared_ptr<Group>& group, LogPosition position, bool applied);
  void hand_to_applier(Unapplied&& group);
  Status wait_for_room(std::size_t unapplied_most);
  void run_applier();
  void publish_applied(std::size_t groups);
  void change_published(FunctionRef<void(Published&)> change);
  void answer(const Group& group, const Status& status, const std::vector<Waiter*>& members);
  void hand_over_execution();
  void wait_for_leader(Lock& lock, Waiter& waiter);
  bool group_is_full(const Group& group) const;

  // Constant after construction.
  Parts parts_;
  int depth_;

  CommitMeter meter_;  // own synchronisation
  HotClaims claims_;   // of who has the executor's role

  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::condition_variable changed_;  // the committer's role became free, or the queue grew
  std::deque<Waiter*> queue_;
  std::size_t outstanding_ = 0;  // callers inside submit
  bool executing_ = false;
  bool committing_ = false;
  bool executor_waits_ = false;
  std::condition_variable leaders_wake_;
  std::size_t leaders_ = 0;     // threads inside lead_commits
  bool leader_called_ = false;  // the executor's role is one of theirs, and none has taken it yet
  bool leading_ends_ = false;
  std::shared_ptr<Group> sealed_;  // being committed
  Lsn last_sealed_;
  Time last_time_;
  Status fatal_;
  std::deque<std::shared_ptr<Group>> recent_;  // sealed, above the oldest transaction's LSN
  std::size_t recent_bytes_ = 0;
  Lsn recent_floor_;  // groups up to here may be missing from recent_
  std::multiset<std::uint64_t> transactions_;
  Stats stats_;
  std::deque<Unapplied> unapplied_;
  bool applier_runs_ = false;
  bool applier_sleeps_ = false;  // until it is woken; otherwise it looks again by itself
  bool applier_ends_ = false;
  bool apply_failed_ = false;
  std::condition_variable applier_wake_;
  std::condition_variable applied_;  // unapplied_ became shorter, or applying failed
  std::thread applier_;

  mutable std::mutex published_mutex_;
  std::shared_ptr<const Published> published_;  // guarded by published_mutex_

  std::mutex listener_mutex_;
  CommitListener* listener_ = nullptr;  // guarded by listener_mutex_
};

}  // namespace clinicdb::engine
