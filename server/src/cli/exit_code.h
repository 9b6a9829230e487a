// What the program's exit status says. The table stands in `clinicdb --help` and
// docs/operations.md.
#pragma once

#include <string>
#include <string_view>

#include "clinicdb/base/status.h"

namespace clinicdb::server {

enum class ExitCode : int {
  kDone = 0,
  kFindings = 1,        ///< some input was refused; verify found something
  kUsage = 2,           ///< a word, an option or a value was wrong
  kNotFound = 3,        ///< no such store, tenant, record or file
  kConflict = 4,        ///< taken, there already, or not in a state for it
  kDataLoss = 5,        ///< what is on disk is damaged
  kInUse = 6,           ///< another process has the store
  kInputOutput = 7,     ///< disk full, no permission, an I/O error
  kInternal = 8,        ///< a fault of the program
  kUnknownOutcome = 9,  ///< neither done nor refused: look before doing it again
  kInterrupted = 130,   ///< SIGINT or SIGTERM; what was finished before is kept
};

/// REQUIRES: !status.ok().
ExitCode exit_code_of(const Status& status);

/// What to do about an error of this kind, as a sentence; empty where the message says it.
std::string advice_for(const Status& status);

/// The table for --help.
std::string exit_code_table();

}  // namespace clinicdb::server
