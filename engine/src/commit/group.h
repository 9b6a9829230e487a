// Group: the commands that become one log entry. Filled by the writer, then sealed: from there on
// its overlay is read-only, and the next group may execute on top of it (C3).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "clinicdb/base/clock.h"
#include "clinicdb/base/ids.h"
#include "clinicdb/engine/result_cache.h"
#include "clinicdb/engine/store.h"
#include "log/commit_log.h"
#include "table/catalog.h"
#include "table/change.h"
#include "txn/overlay.h"
#include "txn/recent_changes.h"
#include "txn/state.h"

namespace clinicdb::engine {

using TenantMap = std::vector<TenantInfo>;  // by id

/// What readers see. Immutable.
struct Published {
  LogPosition position;
  std::shared_ptr<const KvView> view;
  /// Committed groups' changes that are not in `view` yet, oldest first.
  std::vector<std::shared_ptr<const Overlay>> unapplied;
  std::shared_ptr<const Catalog> catalog;
  std::shared_ptr<const TenantMap> tenants;

  /// REQUIRES: this outlives the state.
  State state(ReadSet* reads = nullptr) const { return state_over(*view, reads); }
  /// The layers over another view of RocksDB, which is not older than `view`.
  State state_over(const KvView& base, ReadSet* reads = nullptr) const {
    State state(base, reads);
    for (const auto& overlay : unapplied) state.push(overlay.get());
    return state;
  }
};

struct Group {
  EntryKind kind = EntryKind::kGroup;
  Epoch epoch;
  Lsn lsn;
  Time time;
  Overlay overlay;
  std::vector<TenantId> tenants;  ///< touched; ascending and distinct once sealed
  std::vector<CacheTag> tags;
  std::uint32_t event_ordinal = 0;
  TenantId erased;  ///< kErase: whose range goes
  /// Changes to what is published beside the view (tenants, catalog), made when the group is.
  std::vector<std::function<void(Published&)>> on_publish;
  std::size_t commands = 0;
  std::int64_t work_ns = 0;  ///< so far, of who leads it: without what it waits for

  bool writes() const { return !overlay.empty() || kind != EntryKind::kGroup; }
};

/// What one command runs in.
struct GroupContext {
  Group& group;
  const Group* previous;  ///< prepared, not yet in RocksDB; or nullptr
  const KvView& base;
  const Published& published;   ///< as of the group's begin
  const RecentChanges& recent;  ///< sealed groups, `previous` included
  HotClaims& claims;            ///< as of the group's commands that have run

  /// Everything that is prepared, this group's earlier commands included.
  State state() const {
    State state = published.state_over(base);
    if (previous != nullptr) state.push(&previous->overlay);
    state.push(&group.overlay);
    return state;
  }
};

/// One caller's work, run on the shard's writer.
class Work {
 public:
  virtual ~Work() = default;
  /// Changes the group. On error the writer rolls the overlay back to where it was before.
  virtual Result<std::string> run(GroupContext& context) = 0;
  /// Must be alone in its group, with no prepared one below.
  virtual bool exclusive() const { return false; }
  /// The answer is an earlier call's (R1).
  bool repeated = false;
  LogPosition repeated_position;
};

}  // namespace clinicdb::engine
