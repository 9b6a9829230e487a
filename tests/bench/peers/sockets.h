// Plain sockets to this machine.
#pragma once

#include <cstdint>
#include <string_view>

#include "clinicdb/base/status.h"

namespace clinicdb::bench {

/// A connected socket without Nagle's delay, or -1.
int connect_loopback(std::uint16_t port);
Status send_all(int socket, std::string_view bytes);

}  // namespace clinicdb::bench
