// The file STORE: which store a directory holds, and in which format. Text, so that a person can
// read it.
#pragma once

#include <string>

#include "clinicdb/base/clock.h"
#include "clinicdb/base/ids.h"
#include "clinicdb/base/random.h"
#include "clinicdb/engine/file.h"

namespace clinicdb::engine {

Result<bool> store_exists(FileSystem& files, const std::string& directory);
/// Makes what stands in a store's directory, and the directory itself where it is missing; all
/// names durable.
Status make_store_directories(FileSystem& files, const std::string& directory);
/// kDataLoss when the file is damaged, kUnimplemented for a format of a later program.
Result<Uuid> read_identity(FileSystem& files, const std::string& directory);
/// Written whole, synced and named last: a directory either holds a store or does not.
Result<Uuid> make_identity(FileSystem& files, const std::string& directory, const Clock& clock,
                           Random& random);

/// As make_identity, for an id that was chosen before.
Status write_identity(FileSystem& files, const std::string& directory, const Uuid& id);

}  // namespace clinicdb::engine
