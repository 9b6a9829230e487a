// Checker: compares an opened store with what its ledger says was acknowledged.
//
//  1. What was acknowledged is there: every slot has the acknowledged version, deleted or with
//  exactly its bytes,
//     found by its unique entries too; the counter and the events count every acknowledged call
//     once.
//  2. A call that was in flight happened wholly or not at all; asked again by its request id it
//  happens once (R1, R2).
//  3. Nothing else is there: no record, claim, event or tenant that no call made.
//  4. Claims on one resource do not overlap.
//  5. Request ids that were acknowledged are answered the same again.
//  6. Store::verify has no finding.
#pragma once

#include "clinicdb/engine/store.h"
#include "ledger.h"
#include "workload.h"

namespace clinicdb::crash {

struct CheckOptions {
  /// Events from the first on and every record's history, not only what is new.
  bool full = false;
  std::uint64_t seed = 0;
};

/// Resolves what was in flight, makes the shared tenant where there is none yet, and checks.
/// Findings go into the ledger's problems. Returns the tenants for the workers.
Tenants check_store(engine::Store& store, Ledger& ledger, const CheckOptions& options);

}  // namespace clinicdb::crash
