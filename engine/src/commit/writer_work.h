// The other side of clinicdb/engine/writer_work.h.
#pragma once

#include <cstdint>

namespace clinicdb::engine {

/// The writer worked so long for a command of this thread.
void add_writer_work(std::int64_t worked_ns);

}  // namespace clinicdb::engine
