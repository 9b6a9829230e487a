// What the store's writer worked for whom, for hosts that share a processor between tenants.
#pragma once

#include <cstdint>

namespace clinicdb::engine {

/// How long the writer worked for the commands of this thread since the last call of this, in
/// nanoseconds: of each command's group an even share, for the writer works for all of a group at
/// once. Counted are commands that waited by a CommitWait (caller.h); others work themselves. A
/// host that switches stacks takes it before each switch.
std::int64_t take_writer_work_ns();

}  // namespace clinicdb::engine
