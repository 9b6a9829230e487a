// run_program: the program's words and options, and what each word does.
#pragma once

#include <initializer_list>

#include "cli/session.h"

namespace clinicdb::server {

class Commands;
using AddCommands = void (*)(Commands&);

/// Reads the arguments, runs what they say, and returns the exit code. `more` adds commands that
/// live elsewhere.
int run_program(int argument_count, const char* const* arguments, Session& session,
                std::initializer_list<AddCommands> more = {});

}  // namespace clinicdb::server
