#include "ledger.h"

#include <algorithm>
#include <cstring>
#include <mutex>

namespace clinicdb::crash {

void forget_store(Ledger& ledger) {
  for (WorkerLedger& worker : ledger.workers) {
    worker.phase.store(Phase::kIdle);
    worker.intent = Intent();
    std::fill(std::begin(worker.slots), std::end(worker.slots), Slot());
    worker.counter = 0;
    std::fill(std::begin(worker.sequences), std::end(worker.sequences), 0);
    worker.own_exists = false;
    worker.last_own = TenantId();
    worker.requests = 0;
  }
  ledger.shared_exists = false;
  ledger.checked[0] = CheckedEvents();
  ledger.checked_which.store(0);
}

void apply(WorkerLedger& worker, const Intent& intent) {
  if (intent.kind == IntentKind::kCreateTenant) worker.own_exists = true;
  if (intent.kind == IntentKind::kEraseTenant) {
    worker.own_exists = false;
    worker.sequences[1] = 0;
    for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
      if (is_own(slot)) worker.slots[slot] = Slot();
    }
  }
  if (intent.kind != IntentKind::kChanges) return;
  for (std::uint32_t i = 0; i < intent.change_count; ++i) {
    worker.slots[intent.changes[i].slot] = intent.changes[i].after;
  }
  if (intent.counter_after != 0) worker.counter = intent.counter_after;
  worker.sequences[intent.own ? 1 : 0] = intent.sequence_after;
  if (intent.has_request && !intent.own) {
    worker.remembered[intent.requests_after % kRemembered] = intent;
    worker.requests = intent.requests_after;
  }
}

std::string answer_of(std::uint32_t worker, const Intent& intent) {
  return "worker " + std::to_string(worker) + " call " + std::to_string(intent.sequence_after) +
         " salt " + std::to_string(intent.changes[0].after.salt);
}

std::uint64_t request_hash_of(const Intent& intent) {
  return intent.changes[0].after.salt ^ intent.sequence_after;
}

std::string own_slug(std::uint32_t worker) { return "worker-" + std::to_string(worker); }

void add_problem(Ledger& ledger, const std::string& problem) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  ++ledger.problem_count;
  const std::size_t used = std::strlen(ledger.problems);
  const std::string line = problem + "\n";
  if (used + line.size() + 1 > sizeof ledger.problems) return;
  std::memcpy(ledger.problems + used, line.data(), line.size());
  ledger.problems[used + line.size()] = '\0';
}

}  // namespace clinicdb::crash
