// Workload: what the workers do to a store, and how what they were told gets into the ledger.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <utility>

#include "clinicdb/base/random.h"
#include "clinicdb/base/result.h"
#include "clinicdb/engine/store.h"
#include "ledger.h"

namespace clinicdb::crash {

/// The tenants' numbers in the open store; 0 where there is none.
struct Tenants {
  TenantId shared;
  TenantId own[kWorkers];
};

/// A call that the worker could make now: up to six changes of its slots, a creation or an erasure.
Intent choose(const WorkerLedger& worker, Random& random);

/// Makes the call. The answer is checked by the caller.
Result<engine::Committed> perform(engine::Store& store, Tenants& tenants, std::uint32_t number,
                                  const Intent& intent);

/// An outcome that promises that nothing was done, for a reason the workload expects.
bool is_refusal(const Status& status);

class Workers {
 public:
  /// None is owned. `errors_expected` says whether the disk may have failed by now: a worker then
  /// stops with its call in flight, as its process would have died; otherwise an error is a
  /// problem.
  Workers(engine::Store& store, Ledger& ledger, Tenants tenants,
          std::function<bool()> errors_expected)
      : store_(store),
        ledger_(ledger),
        tenants_(tenants),
        errors_expected_(std::move(errors_expected)) {}

  /// Runs all workers, each on its thread, until one of them met an error or each made `calls_max`
  /// calls.
  void run(std::uint64_t seed, std::uint64_t calls_max);

 private:
  bool step(std::uint32_t number, Random& random);

  engine::Store& store_;
  Ledger& ledger_;
  Tenants tenants_;
  const std::function<bool()> errors_expected_;
  std::atomic<bool> failed_{false};
};

}  // namespace clinicdb::crash
