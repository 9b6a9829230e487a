// The commit log's reader, over what LogMap says.
#pragma once

#include <memory>

#include "log/commit_log.h"
#include "log/log_map.h"

namespace clinicdb::engine {

/// REQUIRES: map's first LSN <= from <= its tail's + 1.
std::unique_ptr<LogReader> make_log_reader(FileSystem& file_system, std::shared_ptr<LogMap> map,
                                           Lsn from);

}  // namespace clinicdb::engine
