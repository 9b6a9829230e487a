// From settings to what a server is started with: files are read and checked here, so that what is
// wrong is said with its file before anything is served, and again at each reload.
#pragma once

#include <memory>

#include "auth/authenticator.h"
#include "clinicdb/base/result.h"
#include "config/serve_settings.h"
#include "net/server.h"
#include "observe/log.h"

namespace clinicdb::server {

/// Reads the keys that the settings name. Errors name file and line.
Result<std::shared_ptr<const AuthPolicy>> load_auth_policy(const ServeSettings& settings);

/// kFailedPrecondition when nobody could ever log in, or when secrets would cross a network without
/// TLS.
Result<ServerOptions> server_options(const ServeSettings& settings);
/// What of the settings a running server takes over.
Result<ServerChanges> server_changes(const ServeSettings& settings);

/// kInvalidArgument for a word that is no level.
Result<LogLevel> parse_log_level(const std::string& word);

}  // namespace clinicdb::server
