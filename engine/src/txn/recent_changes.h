// RecentChanges: the overlays of the groups that were sealed last, so that the writer can tell
// whether a row is still what a caller read before it queued.
//
// Confined to the writer; the overlays are frozen.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "clinicdb/base/ids.h"
#include "txn/overlay.h"

namespace clinicdb::engine {

class RecentChanges {
 public:
  /// Changes at `floor` and below are not here.
  explicit RecentChanges(Lsn floor) : floor_(floor) {}
  /// In order of LSN.
  void add(Lsn lsn, std::shared_ptr<const Overlay> changes) {
    groups_.push_back({lsn, std::move(changes)});
  }

  /// False only when no group above `since` has touched the key.
  bool touched(std::string_view key, Lsn since) const {
    if (since < floor_) return true;  // too old to tell
    for (auto group = groups_.rbegin(); group != groups_.rend() && group->lsn > since; ++group) {
      if (group->changes->find(key) != nullptr) return true;
    }
    return false;
  }

 private:
  struct Changes {
    Lsn lsn;
    std::shared_ptr<const Overlay> changes;
  };
  Lsn floor_;
  std::vector<Changes> groups_;
};

}  // namespace clinicdb::engine
