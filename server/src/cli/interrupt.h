// Interrupt: SIGINT and SIGTERM ask long work to end well. Installed by the program, never by a
// library; at the second signal the process ends at once, which the store survives.
#pragma once

#include <atomic>

namespace clinicdb::server {

/// Installs the handlers. Call once, before threads are made.
void install_interrupt_handlers();

/// Set by the first signal. Of the whole process, as signals are.
const std::atomic<bool>& interrupt_requested();

}  // namespace clinicdb::server
