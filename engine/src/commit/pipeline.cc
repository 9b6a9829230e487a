#include "commit/pipeline.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "clinicdb/base/check.h"
#include "commit/writer_work.h"
#include "store/layout.h"
#include "store/limits.h"
#include "txn/envelope.h"
#include "txn/operations.h"

namespace clinicdb::engine {

namespace {

/// What later callers are told: their commands did not run, whatever became of the ones that
/// failed.
Status stopped_by(const Status& status) {
  const StatusCode code = status.code() == StatusCode::kResourceExhausted
                              ? StatusCode::kResourceExhausted
                              : StatusCode::kFailedPrecondition;
  return {code, "the store accepts no more writes: " + std::string(status.message())};
}

/// Groups gather for as long while commits follow each other, so that a lone caller does not wake a
/// thread with each of them; and an applier that found nothing to do this often sleeps.
constexpr std::chrono::milliseconds kApplyEvery{1};
constexpr int kIdleRoundsMax = 20;

}  // namespace

Pipeline::Pipeline(const Parts& parts, int depth, Published first)
    : parts_(parts),
      depth_(depth),
      meter_(*parts.clock),
      last_sealed_(first.position.lsn),
      last_time_(parts.log->tail().time),
      recent_floor_(first.position.lsn),
      published_(std::make_shared<const Published>(std::move(first))) {
  CLINICDB_CHECK(depth == 1 || depth == 2);
}

std::shared_ptr<const Published> Pipeline::published() const {
  const std::lock_guard lock(published_mutex_);
  return published_;
}

Status Pipeline::health() const {
  const std::lock_guard lock(mutex_);
  return fatal_;
}

Pipeline::Stats Pipeline::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

Result<Committed> Pipeline::submit(Work& work) {
  Waiter waiter;
  waiter.work = &work;
  Lock lock(mutex_);
  if (!fatal_.ok()) return fatal_;
  if (queue_.size() >= kQueuedCommandsMax)
    return unavailable("the writer's queue is full; try again");
  const Caller* caller = current_caller();
  if (caller != nullptr && leaders_ > 0) waiter.wait = caller->wait;
  queue_.push_back(&waiter);
  ++outstanding_;
  if (waiter.wait != nullptr) {
    wait_for_leader(lock, waiter);
    add_writer_work(waiter.writer_ns);
    return std::move(waiter.outcome);
  }
  if (!executing_) {
    executing_ = true;
    lead(lock);
  } else {
    wake_executor();
    lock.unlock();
    waiter.signal.wait_while(kWaiting);
    if (waiter.signal.value() == kLead) {
      lock.lock();
      lead(lock);
    }
  }
  CLINICDB_CHECK(waiter.signal.value() == kDone);
  return std::move(waiter.outcome);
}

// An executor that waits has a group to fill while the one before it is committed; the end of that
// wakes it in any case. So it is woken for several commands at once, or each would cost a switch of
// threads.
void Pipeline::wake_executor() {
  if (executor_waits_ && queue_.size() > outstanding_ / kWakeShare) changed_.notify_all();
}

void Pipeline::wait_for_leader(Lock& lock, Waiter& waiter) {
  if (!executing_) {
    executing_ = true;
    leader_called_ = true;
    leaders_wake_.notify_one();
  } else {
    wake_executor();
  }
  lock.unlock();
  waiter.wait->wait();
}

void Pipeline::lead_commits() {
  Lock lock(mutex_);
  leading_ends_ = false;
  ++leaders_;
  while (true) {
    leaders_wake_.wait(lock, [&] { return leader_called_ || leading_ends_; });
    if (!leader_called_) break;
    leader_called_ = false;
    lead(lock);
    lock.lock();
  }
  --leaders_;
}

void Pipeline::stop_leading() {
  const std::lock_guard lock(mutex_);
  leading_ends_ = true;
  leaders_wake_.notify_all();
}

// REQUIRES: the caller holds the executor's role, and the queue, with its own command if it has
// one, is not empty. Returns with the lock released and the caller's command answered.
void Pipeline::lead(Lock& lock) {
  CLINICDB_CHECK(executing_ && !queue_.empty());
  const bool alone = depth_ == 1 || queue_.front()->work->exclusive();
  // An erased range does not show in the overlay: what executes above it waits until it is applied.
  while (committing_ && (alone || (sealed_ && sealed_->kind == EntryKind::kErase))) {
    executor_waits_ = true;
    changed_.wait(lock);
    executor_waits_ = false;
  }
  auto group = std::make_shared<Group>();
  group->lsn = next(last_sealed_);
  group->epoch = parts_.log->epoch();
  group->time = std::max(last_time_, parts_.clock->now());
  const RecentChanges recent = recent_changes();
  std::vector<Waiter*> members;
  while (run_queued(lock, *group, recent, members)) {
    // The queue is empty, or the group should not grow; another group is still being committed.
    executor_waits_ = true;
    changed_.wait(lock);
    executor_waits_ = false;
  }
  // Freed behind the answers: their overlays are large, and callers wait at the lock.
  const std::vector<std::shared_ptr<Group>> dropped = seal(*group, group);
  hand_over_execution();
  const Status refused = fatal_;
  lock.unlock();

  Status status = refused;
  if (status.ok() && group->writes()) status = commit(group);

  lock.lock();
  if (!status.ok() && fatal_.ok()) fatal_ = stopped_by(status);
  committing_ = false;
  sealed_.reset();
  stats_.commands += members.size();
  if (group->writes()) ++stats_.groups;
  outstanding_ -= members.size();
  changed_.notify_all();
  lock.unlock();
  answer(*group, status, members);
}

bool Pipeline::group_is_full(const Group& group) const {
  return group.commands >= kGroupCommandsMax || group.overlay.bytes() >= kGroupBytesSoftMax ||
         group.kind != EntryKind::kGroup;
}

// Runs what is queued into the group. True: wait for a change and call again. False: seal.
bool Pipeline::run_queued(Lock& lock, Group& group, const RecentChanges& recent,
                          std::vector<Waiter*>& members) {
  while (true) {
    // Half of the callers in this group leave the other half for the next one, which then executes
    // while this one syncs; a group of all of them would leave the pipeline empty behind it.
    const std::size_t target = (outstanding_ + 1) / 2;
    if (!committing_ && !members.empty() && members.size() >= target) return false;
    // Several at a time, for the lock is what all callers meet at.
    const std::size_t first = members.size();
    while (!queue_.empty() && !group_is_full(group) && members.size() - first < kTakenAtOnceMax) {
      if (queue_.front()->work->exclusive() && !members.empty()) break;
      members.push_back(queue_.front());
      queue_.pop_front();
      if (members.back()->work->exclusive()) break;
    }
    if (members.size() == first) return committing_;
    const std::shared_ptr<Group> previous = sealed_;
    lock.unlock();
    const std::shared_ptr<const Published> seen = published();
    GroupContext context{group, previous.get(), parts_.kv->latest(), *seen, recent, claims_};
    const std::int64_t begun_ns = meter_.now_ns();
    for (std::size_t i = first; i < members.size(); ++i) run_one(context, *members[i]);
    group.work_ns += meter_.now_ns() - begun_ns;
    lock.lock();
  }
}

void Pipeline::run_one(GroupContext& context, Waiter& waiter) {
  Group& group = context.group;
  const std::size_t savepoint = group.overlay.savepoint();
  const std::size_t tags = group.tags.size();
  ++group.commands;
  try {
    waiter.answer = waiter.work->run(context);
  } catch (const std::exception& error) {
    waiter.answer = internal_error(std::string("a command threw: ") + error.what());
  }
  if (!waiter.answer) {
    group.overlay.rollback(savepoint);
    group.tags.resize(tags);
  } else if (group.kind == EntryKind::kErase) {
    claims_.forget();
  } else {
    claims_.note(group.overlay, savepoint);
  }
}

// REQUIRES: mutex_ held, no group being committed. Returns groups that are not kept any more.
std::vector<std::shared_ptr<Group>> Pipeline::seal(Group& group,
                                                   const std::shared_ptr<Group>& shared) {
  CLINICDB_CHECK(!committing_);
  committing_ = true;
  std::vector<std::shared_ptr<Group>> dropped;
  if (!group.writes()) return dropped;
  CLINICDB_CHECK(group.lsn == next(last_sealed_));  // P1
  last_sealed_ = group.lsn;
  last_time_ = group.time;
  sealed_ = shared;
  // Kept while a transaction that began below may still have to be checked against it.
  recent_.push_back(shared);
  recent_bytes_ += group.overlay.bytes();
  const Lsn visible = published()->position.lsn;
  const std::uint64_t oldest =
      transactions_.empty() ? visible.value : std::min(*transactions_.begin(), visible.value);
  // The last few are kept in any case: callers have read rows that they replace (RecentChanges).
  while (!recent_.empty() &&
         ((recent_.front()->lsn.value <= oldest && recent_.size() > kRecentGroupsMin) ||
          recent_.size() > kRecentGroupsMax || recent_bytes_ > kRecentGroupsBytesMax)) {
    if (recent_.size() == 1) break;  // the one being sealed
    recent_bytes_ -= recent_.front()->overlay.bytes();
    recent_floor_ = recent_.front()->lsn;
    dropped.push_back(std::move(recent_.front()));
    recent_.pop_front();
  }
  return dropped;
}

// REQUIRES: mutex_ held.
RecentChanges Pipeline::recent_changes() const {
  const std::size_t skipped =
      recent_.size() > kRecentGroupsMin ? recent_.size() - kRecentGroupsMin : 0;
  RecentChanges changes(skipped == 0 ? recent_floor_ : recent_[skipped - 1]->lsn);
  for (std::size_t i = skipped; i < recent_.size(); ++i)
    changes.add(recent_[i]->lsn, {recent_[i], &recent_[i]->overlay});
  return changes;
}

void Pipeline::hand_over_execution() {
  if (queue_.empty()) {
    executing_ = false;
    return;
  }
  if (queue_.front()->wait == nullptr) {
    queue_.front()->signal.set(kLead);
    return;
  }
  leader_called_ = true;
  leaders_wake_.notify_one();
}

Status Pipeline::commit(const std::shared_ptr<Group>& group) {
  meter_.record(CommitStage::kExecute, group->work_ns);
  meter_.record_group(group->commands);
  const bool layer = group->kind == EntryKind::kGroup;
  RETURN_IF_ERROR(wait_for_room(layer ? kUnappliedGroupsMax - 1 : 0));
  ASSIGN_OR_RETURN(Unapplied durable, make_durable(*group));
  const LogPosition position = durable.mark.position;
  bool behind = false;
  {
    const std::lock_guard lock(mutex_);
    stats_.operations_bytes += durable.operations.size();
    stats_.operations += durable.count;
    behind = layer && applier_runs_;
  }
  if (!behind) {
    RETURN_IF_ERROR(apply(durable));
    publish(group, position, true);
    return Status();
  }
  publish(group, position, false);
  hand_to_applier(std::move(durable));
  return Status();
}

/// Logs, syncs and opens the gate: then the group is committed.
Result<Pipeline::Unapplied> Pipeline::make_durable(Group& group) {
  std::sort(group.tenants.begin(), group.tenants.end());
  group.tenants.erase(std::unique(group.tenants.begin(), group.tenants.end()), group.tenants.end());
  Unapplied durable;
  std::string& operations = durable.operations;
  operations.reserve(group.overlay.bytes() + group.overlay.entries().size() * 8);
  if (group.kind == EntryKind::kErase) {
    append_operation(operations, {OperationKind::kErase, layout::tenant_begin(group.erased),
                                  layout::tenant_end(group.erased)});
    ++durable.count;
  }
  for (const auto& [key, value] : group.overlay.entries()) {
    append_operation(operations, {value.deleted ? OperationKind::kDelete : OperationKind::kPut, key,
                                  value.bytes});
    ++durable.count;
  }

  EntryDraft draft;
  draft.kind = group.kind;
  draft.time = group.time;
  draft.committed = published()->position.lsn;
  draft.tenants = group.tenants;
  draft.operations = operations;
  const std::int64_t begun_ns = meter_.now_ns();
  Result<LogTail> tail = parts_.log->append(draft);
  if (!tail) {
    Status error = std::move(tail).error();
    // A full disk refuses the entry whole; any other failure may have left it there.
    if (error.code() == StatusCode::kResourceExhausted) return error;
    return unknown_outcome("the commit log failed: " + error.to_string());
  }
  CLINICDB_CHECK(tail->position.lsn == group.lsn);
  std::int64_t stage_ns = meter_.record_since(CommitStage::kAppend, begun_ns);
  group.work_ns += stage_ns - begun_ns;
  if (parts_.gate != nullptr) parts_.gate->prepared(tail->position, operations);
  if (Status synced = parts_.log->sync(); !synced.ok()) {
    return unknown_outcome("the commit log failed: " + synced.to_string());
  }
  stage_ns = meter_.record_since(CommitStage::kSync, stage_ns);
  if (parts_.gate != nullptr) {
    if (Status gate = parts_.gate->committed(tail->position); !gate.ok()) return gate;
  }
  meter_.record_since(CommitStage::kGate, stage_ns);
  if (Status health = parts_.kv->health(); !health.ok()) {
    return unknown_outcome("the entry is in the log, but " + health.to_string());
  }
  durable.mark = AppliedMark{tail->position, tail->hash};
  return durable;
}

Status Pipeline::apply(const Unapplied& group) {
  const std::int64_t begun_ns = meter_.now_ns();
  Status applied = parts_.kv->apply(group.operations, group.count, group.mark);
  if (applied.ok()) applied = parts_.kv->health();
  meter_.record_since(CommitStage::kApply, begun_ns);
  if (applied.ok()) return applied;
  return unknown_outcome("the entry is in the log, but " + applied.to_string());
}

// C2: the tags of what changed are marked before the view that shows it is published.
void Pipeline::publish(const std::shared_ptr<Group>& group, LogPosition position, bool applied) {
  const std::int64_t begun_ns = meter_.now_ns();
  if (group->kind == EntryKind::kErase) parts_.cache->clear(group->erased);
  parts_.cache->invalidate(group->tags.data(), group->tags.size(), group->lsn);
  std::shared_ptr<const KvView> view = applied ? parts_.kv->snapshot() : nullptr;
  change_published([&](Published& after) {
    after.position = position;
    if (applied) {
      CLINICDB_CHECK(after.unapplied.empty());  // P5
      after.view = std::move(view);
    } else {
      after.unapplied.emplace_back(group, &group->overlay);
    }
    for (const auto& change : group->on_publish) change(after);
  });
  group->work_ns += meter_.record_since(CommitStage::kPublish, begun_ns) - begun_ns;
  const std::lock_guard lock(listener_mutex_);
  if (listener_ != nullptr) listener_->committed(group->tenants, group->lsn);
}

void Pipeline::set_commit_listener(CommitListener* listener) {
  const std::lock_guard lock(listener_mutex_);
  listener_ = listener;
}

void Pipeline::change_published(FunctionRef<void(Published&)> change) {
  std::shared_ptr<const Published> before;  // let go of outside of the lock: RocksDB takes its own
  const std::lock_guard lock(published_mutex_);
  auto after = std::make_shared<Published>(*published_);
  change(*after);
  before = std::exchange(published_, std::move(after));
}

void Pipeline::hand_to_applier(Unapplied&& group) {
  Lock lock(mutex_);
  unapplied_.push_back(std::move(group));
  const bool wake = applier_sleeps_ || unapplied_.size() >= kUnappliedGroupsWake;
  applier_sleeps_ = false;
  lock.unlock();
  if (wake) applier_wake_.notify_one();
}

/// Waits until at most so many groups are committed and not applied.
Status Pipeline::wait_for_room(std::size_t unapplied_most) {
  Lock lock(mutex_);
  applied_.wait(lock, [&] { return apply_failed_ || unapplied_.size() <= unapplied_most; });
  return apply_failed_ ? fatal_ : Status();
}

Status Pipeline::wait_applied() {
  const Lsn committed = published()->position.lsn;
  Lock lock(mutex_);
  applied_.wait(lock, [&] {
    return apply_failed_ || unapplied_.empty() || unapplied_.front().mark.position.lsn > committed;
  });
  return apply_failed_ ? fatal_ : Status();
}

void Pipeline::start_applier() {
  const std::lock_guard lock(mutex_);
  applier_runs_ = true;
  applier_ = std::thread([this] { run_applier(); });
}

void Pipeline::run_applier() {
  Lock lock(mutex_);
  int idle_rounds = 0;
  while (!apply_failed_) {
    if (unapplied_.empty()) {
      if (applier_ends_) return;
      if (++idle_rounds > kIdleRoundsMax) {
        applier_sleeps_ = true;
        applier_wake_.wait(lock, [&] { return applier_ends_ || !unapplied_.empty(); });
        applier_sleeps_ = false;
      } else {
        applier_wake_.wait_for(lock, kApplyEvery);
      }
      continue;
    }
    idle_rounds = 0;
    // Pointers into a deque that only this thread takes from.
    std::vector<Unapplied*> taken;
    taken.reserve(unapplied_.size());
    for (Unapplied& group : unapplied_) taken.push_back(&group);
    lock.unlock();
    Status status;
    for (std::size_t i = 0; i < taken.size() && status.ok(); ++i) status = apply(*taken[i]);
    if (status.ok()) {
      publish_applied(taken.size());
      // Here and not under the lock, for they are large.
      for (Unapplied* group : taken) std::string().swap(group->operations);
    }
    lock.lock();
    if (status.ok()) {
      unapplied_.erase(unapplied_.begin(),
                       unapplied_.begin() + static_cast<std::ptrdiff_t>(taken.size()));
    } else {
      // What is in the layers is committed, and read from there until the store is closed.
      apply_failed_ = true;
      if (fatal_.ok()) fatal_ = stopped_by(status);
    }
    applied_.notify_all();
  }
}

/// The oldest layers are in RocksDB now.
void Pipeline::publish_applied(std::size_t groups) {
  std::shared_ptr<const KvView> view = parts_.kv->snapshot();
  change_published([&](Published& after) {
    after.view = std::move(view);
    after.unapplied.erase(after.unapplied.begin(),
                          after.unapplied.begin() + static_cast<std::ptrdiff_t>(groups));
  });
}

void Pipeline::answer(const Group& group, const Status& status,
                      const std::vector<Waiter*>& members) {
  for (Waiter* waiter : members) {
    waiter->writer_ns = group.work_ns / static_cast<std::int64_t>(members.size());
    if (!status.ok()) {
      waiter->outcome = status;
    } else if (!waiter->answer) {
      waiter->outcome = std::move(waiter->answer).error();
    } else {
      Committed committed;
      committed.answer = std::move(*waiter->answer);
      committed.repeated = waiter->work->repeated;
      if (committed.repeated) {
        committed.position = waiter->work->repeated_position;
      } else if (group.writes()) {
        committed.position = {group.epoch, group.lsn};
      }
      waiter->outcome = std::move(committed);
    }
    if (waiter->wait != nullptr) {
      waiter->wait->wake();  // the waiter may be gone when it returns
    } else {
      waiter->signal.set(kDone);
    }
  }
}

std::shared_ptr<const Published> Pipeline::begin_transaction() {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<const Published> seen = published();
  transactions_.insert(seen->position.lsn.value);
  return seen;
}

void Pipeline::end_transaction(Lsn began) {
  const std::lock_guard lock(mutex_);
  transactions_.erase(transactions_.find(began.value));
}

bool Pipeline::conflicts(const GroupContext& context, Lsn began, const ReadSet& reads) const {
  if (reads.touched_by(context.group.overlay)) return true;
  const std::lock_guard lock(mutex_);
  if (began < recent_floor_) return true;  // too old to tell
  for (auto group = recent_.rbegin(); group != recent_.rend() && (*group)->lsn > began; ++group) {
    if (reads.touched_by((*group)->overlay)) return true;
  }
  return false;
}

Status Pipeline::with_log(FunctionRef<Status()> fn) {
  Lock lock(mutex_);
  changed_.wait(lock, [&] { return !committing_; });
  if (!fatal_.ok()) return fatal_;
  committing_ = true;
  applied_.wait(lock, [&] { return apply_failed_ || unapplied_.empty(); });
  Status status = apply_failed_ ? fatal_ : Status();
  lock.unlock();
  if (status.ok()) status = fn();
  lock.lock();
  committing_ = false;
  changed_.notify_all();
  return status;
}

void Pipeline::release_views() {
  change_published([](Published& last) {
    last.view.reset();
    last.unapplied.clear();
  });
}

void Pipeline::stop(const Status& reason) {
  Lock lock(mutex_);
  if (fatal_.ok()) fatal_ = reason;
  changed_.wait(lock, [&] { return outstanding_ == 0 && !committing_; });
  applier_ends_ = true;
  lock.unlock();
  applier_wake_.notify_one();
  if (applier_.joinable()) applier_.join();
}

}  // namespace clinicdb::engine
