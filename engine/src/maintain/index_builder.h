// IndexBuilder: fills indexes that are new or of another version, while callers go on. Each step is
// one bounded command on the writer: it reads the next records of one tenant and puts their
// entries. Records that change meanwhile get theirs from the table layer, in whatever phase the
// index is; so when the last tenant is through, the index is whole. A restart begins again: putting
// an entry twice changes nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>

#include "clinicdb/base/ids.h"
#include "clinicdb/base/result.h"
#include "table/catalog.h"

namespace clinicdb::engine {

class StoreImpl;
struct GroupContext;

/// Thread-safe.
class IndexBuilder {
 public:
  /// The store outlives it.
  explicit IndexBuilder(StoreImpl& store) : store_(store) {}

  /// True while an index is being built, or has entries of an older generation.
  bool pending() const;
  /// One bounded step. OK when there is nothing to do.
  Status step();

 private:
  struct Target {
    const Catalog::TableEntry* table = nullptr;
    std::size_t index = 0;
    const IndexState& state() const { return table->states[index]; }
    const IndexDef& def() const { return table->def->indexes[index]; }
  };
  static bool find_target(const Catalog& catalog, Target& target);

  Status build_step(const Target& target, TenantId tenant);
  Status erase_step(const Target& target, TenantId tenant);
  Status finish(const Target& target, IndexState state);

  StoreImpl& store_;
  std::mutex mutex_;
  // Guarded by mutex_: where the current target stands.
  TableId table_;
  IndexNumber index_ = 0;
  IndexPhase phase_ = IndexPhase::kReady;
  TenantId tenant_;     ///< tenants up to here are through
  std::string cursor_;  ///< in the next tenant: records up to here are through
};

/// Forgets a bounded number of the tenant's request ids that lie before the window; returns how
/// many.
Result<std::size_t> purge_old_requests(StoreImpl& store, TenantId tenant, std::int64_t now_us);

}  // namespace clinicdb::engine
