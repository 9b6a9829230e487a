// CommitGate: what must hold before a prepared entry is committed (C1). Standalone it is the local
// sync, which the pipeline does anyway; replication supplies its own. Nothing else in the engine
// knows.
#pragma once

#include <string_view>

#include "clinicdb/base/ids.h"
#include "clinicdb/base/status.h"

namespace clinicdb::engine {

/// Called by one thread at a time, in LSN order.
class CommitGate {
 public:
  virtual ~CommitGate() = default;
  /// An entry was appended and its sync begins: the moment to send it, in parallel (C2).
  virtual void prepared(LogPosition position, std::string_view operations) = 0;
  /// The entry is durable here. Blocks until it is committed. Anything but OK is an unknown outcome
  /// for its commands (R2) and stops the shard: what follows stands on it.
  virtual Status committed(LogPosition position) = 0;
};

}  // namespace clinicdb::engine
