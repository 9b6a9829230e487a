#include "commit/writer_work.h"

#include <utility>

#include "clinicdb/engine/writer_work.h"

namespace clinicdb::engine {

namespace {

thread_local std::int64_t of_this_thread_ns = 0;

}  // namespace

void add_writer_work(std::int64_t worked_ns) { of_this_thread_ns += worked_ns; }
std::int64_t take_writer_work_ns() { return std::exchange(of_this_thread_ns, 0); }

}  // namespace clinicdb::engine
