// The program but for its main function: arguments in, exit code out.
#pragma once

#include "cli/session.h"

namespace clinicdb::server {

/// Reads the arguments and does what they say. `arguments[0]` is the program's name.
int run_program(int argument_count, const char* const* arguments, Session& session);

}  // namespace clinicdb::server
