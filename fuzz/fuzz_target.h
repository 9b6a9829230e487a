// What every file <name>_fuzz.cc defines: one function that must return, whatever bytes it is
// given.
//
// It states what must hold with CLINICDB_CHECK; round trips above all. It must not keep state
// between calls, so that a failing input fails again when it is run alone.
#pragma once

#include <string_view>

namespace clinicdb::fuzz {

/// The bytes live until it returns.
void run_one(std::string_view bytes);

}  // namespace clinicdb::fuzz
