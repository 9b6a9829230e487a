// Ledger: what each worker was told by the store, kept where the worker's death does not reach it
// (memory shared with a parent process, or this process's own where only the disk dies).
//
// The protocol of one call, each step one store to `phase`:
//   kIdle -> fill `intent` -> kPending -> call the store -> OK: kAcknowledged -> apply(intent) ->
//   kIdle
//                                                       -> refused, nothing done: kIdle
// After a death, kAcknowledged is applied once more (it sets values, it adds nothing), and kPending
// may have happened or not, but never in part.
//
// Trivially copyable: it lies in shared memory and is zeroed for a new store.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "clinicdb/base/ids.h"
#include "model.h"

namespace clinicdb::crash {

// A worker's slots: persons and appointments in the tenant that all share, persons in its own.
inline constexpr std::uint32_t kSharedPersons = 12;
inline constexpr std::uint32_t kSharedAppointments = 8;
inline constexpr std::uint32_t kOwnPersons = 8;
inline constexpr std::uint32_t kSlots = kSharedPersons + kSharedAppointments + kOwnPersons;
constexpr bool is_own(std::uint32_t slot) { return slot >= kSharedPersons + kSharedAppointments; }
constexpr bool is_appointment(std::uint32_t slot) {
  return slot >= kSharedPersons && !is_own(slot);
}

inline constexpr std::uint32_t kChangesMax = 6;
inline constexpr std::uint32_t kRemembered = 4;

/// A record as it should be. Version 0: never written.
struct Slot {
  std::uint64_t version = 0;
  std::uint64_t salt = 0;
  bool live = false;
};

struct Change {
  std::uint32_t slot = 0;
  bool was_live = false;
  Slot after;
};

enum class IntentKind : std::uint8_t { kChanges, kCreateTenant, kEraseTenant };

struct Intent {
  IntentKind kind = IntentKind::kChanges;
  bool own = false;       ///< in the worker's own tenant, not the shared one
  bool transact = false;  ///< by Store::transact, not execute
  bool has_request = false;
  Uuid request;
  std::uint32_t change_count = 0;
  Change changes[kChangesMax];
  std::uint64_t counter_after = 0;   ///< 0: does not count
  std::uint64_t sequence_after = 0;  ///< the worker's events in that tenant, this one included
  std::uint64_t requests_after = 0;
};

enum class Phase : std::uint32_t { kIdle = 0, kPending = 1, kAcknowledged = 2 };

struct WorkerLedger {
  std::atomic<Phase> phase;
  Intent intent;

  Slot slots[kSlots];
  std::uint64_t counter;
  std::uint64_t sequences[2];  ///< [own]
  bool own_exists;
  TenantId last_own;  ///< of the last own tenant that was seen; numbers are never used again (M3)
  Intent remembered[kRemembered];  ///< the last acknowledged calls with a request id in the shared
                                   ///< tenant
  std::uint64_t requests;
};

/// Events of the shared tenant up to here were seen by an earlier check: how many of each worker's.
struct CheckedEvents {
  Lsn lsn;
  std::uint64_t sequences[kWorkers];
};

struct Ledger {
  WorkerLedger workers[kWorkers];
  bool shared_exists;
  CheckedEvents checked[2];
  std::atomic<std::uint32_t>
      checked_which;  ///< which of the two holds; the other may be half written

  // Not about the store's contents: how the run goes.
  std::atomic<std::uint32_t> hammering;
  std::atomic<std::uint64_t> acknowledged;
  std::atomic<std::uint64_t> refused;
  std::atomic<std::uint64_t> resolved_done;    ///< in flight at a crash, found done
  std::atomic<std::uint64_t> resolved_undone;  ///< in flight at a crash, found not done
  std::atomic<std::uint64_t> repeated;         ///< request ids asked again and answered the same
  std::uint64_t open_us;
  std::uint64_t replay_us;
  std::uint64_t replayed_entries;
  std::uint32_t problem_count;
  char problems[8192];  ///< lines
};
static_assert(std::atomic<Phase>::is_always_lock_free &&
              std::atomic<std::uint64_t>::is_always_lock_free);

/// Forgets the store (a new one begins), keeps how the run goes.
void forget_store(Ledger& ledger);
/// Sets in `worker` what `intent` makes true. Repeating it changes nothing.
void apply(WorkerLedger& worker, const Intent& intent);
/// The answer that the store must give to it.
std::string answer_of(std::uint32_t worker, const Intent& intent);
std::uint64_t request_hash_of(const Intent& intent);
std::string own_slug(std::uint32_t worker);
void add_problem(Ledger& ledger, const std::string& problem);

}  // namespace clinicdb::crash
