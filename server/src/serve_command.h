// The commands of the server: serve, and key. They stand beside the server and not with the other
// commands, for these link no server.
#pragma once

namespace clinicdb::server {

class Commands;

void add_serve_commands(Commands& commands);

}  // namespace clinicdb::server
