#include "workload.h"

#include <string>
#include <thread>
#include <vector>

#include "clinicdb/base/bytes.h"
#include "clinicdb/base/clock.h"

namespace clinicdb::crash {

using engine::Committed;
using engine::PutOptions;
using engine::PutResult;
using engine::Store;
using engine::Transaction;

namespace {

constexpr std::uint16_t kEventType = 7;

Change choose_change(const WorkerLedger& worker, std::uint32_t slot, Random& random) {
  const Slot& before = worker.slots[slot];
  Change change;
  change.slot = slot;
  change.was_live = before.live;
  change.after = {before.version + 1, random.next(), !before.live || random.below(5) != 0};
  return change;
}

std::uint32_t choose_slot(bool own, Random& random) {
  constexpr std::uint32_t kShared = kSharedPersons + kSharedAppointments;
  return static_cast<std::uint32_t>(own ? kShared + random.below(kOwnPersons)
                                        : random.below(kShared));
}

bool has_slot(const Intent& intent, std::uint32_t slot) {
  for (std::uint32_t i = 0; i < intent.change_count; ++i) {
    if (intent.changes[i].slot == slot) return true;
  }
  return false;
}

Status expect_version(const Result<PutResult>& put, std::uint64_t version) {
  if (!put) return put.error();
  if (put->version == version) return Status();
  return internal_error("a put made version " + std::to_string(put->version) + ", not " +
                        std::to_string(version));
}

Status make_change(Transaction& tx, std::uint32_t number, const Change& change) {
  const engine::TableDef& table =
      is_appointment(change.slot) ? kAppointments.def() : kPersons.def();
  const std::uint64_t before = change.after.version - 1;
  if (!change.after.live) return tx.remove(table, slot_key(number, change.slot), before);
  const Origin origin{number, change.slot, change.after.version, change.after.salt};
  PutOptions options;
  options.expected_version = change.was_live ? before : 0;
  const Result<PutResult> put = is_appointment(change.slot)
                                    ? tx.put(kAppointments, make_appointment(origin), options)
                                    : tx.put(kPersons, make_person(origin), options);
  return expect_version(put, change.after.version);
}

/// Read, add one, write: what only serializable transactions get right with four workers at it.
Status count(Transaction& tx, std::uint32_t number, std::uint64_t after) {
  ASSIGN_OR_RETURN(const auto stored, tx.get(kCounters, kCounterKey));
  Counter counter = stored ? stored->record : Counter();
  if (counter.counts[number] != after - 1) {
    return internal_error("worker " + std::to_string(number) + " counted to " +
                          std::to_string(after - 1) + ", the store to " +
                          std::to_string(counter.counts[number]));
  }
  counter.counts[number] = after;
  return tx.put(kCounters, counter).status();
}

Result<std::string> run_command(Transaction& tx, std::uint32_t number, const Intent& intent) {
  for (std::uint32_t i = 0; i < intent.change_count; ++i) {
    RETURN_IF_ERROR(make_change(tx, number, intent.changes[i]));
  }
  if (intent.counter_after != 0) RETURN_IF_ERROR(count(tx, number, intent.counter_after));
  std::string event;
  append_le32(event, number);
  append_le64(event, intent.sequence_after);
  RETURN_IF_ERROR(tx.emit(kEventType, event));
  return answer_of(number, intent);
}

}  // namespace

Intent choose(const WorkerLedger& worker, Random& random) {
  Intent intent;
  if (!worker.own_exists || random.below(150) == 0) {
    intent.kind = worker.own_exists ? IntentKind::kEraseTenant : IntentKind::kCreateTenant;
    intent.own = true;
    return intent;
  }
  intent.own = random.below(3) == 0;
  intent.transact = random.below(2) == 0;
  const std::uint64_t changes = random.below(3) == 0 ? 2 + random.below(kChangesMax - 1) : 1;
  while (intent.change_count < changes) {
    const std::uint32_t slot = choose_slot(intent.own, random);
    if (has_slot(intent, slot)) continue;
    intent.changes[intent.change_count++] = choose_change(worker, slot, random);
  }
  if (!intent.own && random.below(4) == 0) intent.counter_after = worker.counter + 1;
  intent.sequence_after = worker.sequences[intent.own ? 1 : 0] + 1;
  intent.has_request = random.below(3) == 0;
  intent.requests_after = worker.requests + (intent.has_request && !intent.own ? 1 : 0);
  if (intent.has_request) intent.request = Uuid::v7(system_clock(), random);
  return intent;
}

Result<Committed> perform(Store& store, Tenants& tenants, std::uint32_t number,
                          const Intent& intent) {
  if (intent.kind == IntentKind::kCreateTenant) {
    ASSIGN_OR_RETURN(const engine::TenantInfo made, store.create_tenant(own_slug(number)));
    tenants.own[number] = made.id;
    return Committed{};
  }
  if (intent.kind == IntentKind::kEraseTenant) {
    RETURN_IF_ERROR(store.delete_tenant(tenants.own[number]));
    return Committed{};
  }
  engine::CallContext context;
  context.session.bytes[0] = static_cast<std::uint8_t>(number + 1);
  if (intent.has_request) {
    context.request_id = intent.request;
    context.request_hash = request_hash_of(intent);
  }
  const TenantId tenant = intent.own ? tenants.own[number] : tenants.shared;
  const auto command = [&](Transaction& tx) { return run_command(tx, number, intent); };
  return intent.transact ? store.transact(tenant, context, command)
                         : store.execute(tenant, context, command);
}

bool is_refusal(const Status& status) {
  // A claim or a nickname that another has, or a transaction that met others sixteen times over.
  if (status.code() == StatusCode::kFailedPrecondition) {
    return status.field() == "professional" || status.field() == "room";
  }
  if (status.code() == StatusCode::kAlreadyExists) return status.field() == "nickname";
  return status.code() == StatusCode::kAborted && status.current_version() == 0;
}

bool Workers::step(std::uint32_t number, Random& random) {
  WorkerLedger& worker = ledger_.workers[number];
  worker.intent = choose(worker, random);
  worker.phase.store(Phase::kPending);
  const Result<Committed> done = perform(store_, tenants_, number, worker.intent);
  if (!done) {
    if (is_refusal(done.error())) {
      ++ledger_.refused;
      worker.phase.store(Phase::kIdle);
      return true;
    }
    if (!errors_expected_()) {
      add_problem(ledger_, "a call failed on a healthy disk: " + done.error().to_string());
    }
    return false;
  }
  worker.phase.store(Phase::kAcknowledged);
  if (worker.intent.kind == IntentKind::kCreateTenant) {
    if (tenants_.own[number] == worker.last_own)
      add_problem(ledger_, "a tenant number was used again (M3)");
    worker.last_own = tenants_.own[number];
  }
  apply(worker, worker.intent);
  const bool answered = worker.intent.kind != IntentKind::kChanges ||
                        done->answer == answer_of(number, worker.intent);
  if (!answered || done->repeated) add_problem(ledger_, "a first call got another call's answer");
  worker.phase.store(Phase::kIdle);
  ++ledger_.acknowledged;
  return true;
}

void Workers::run(std::uint64_t seed, std::uint64_t calls_max) {
  std::vector<std::thread> threads;
  for (std::uint32_t number = 0; number < kWorkers; ++number) {
    threads.emplace_back([&, number] {
      SeededRandom random(seed * kWorkers + number);
      for (std::uint64_t call = 0; call < calls_max && !failed_.load(); ++call) {
        if (!step(number, random)) failed_.store(true);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace clinicdb::crash
