// The client's TLS: version 1.3 only, the server's certificate always checked.
#pragma once

#include <memory>

#include "clinicdb/base/result.h"
#include "clinicdb/client/client.h"

namespace asio::ssl {
class context;
}

namespace clinicdb::client {

/// nullptr when it is off. kInvalidArgument, with field(), when a file cannot be used.
Result<std::shared_ptr<asio::ssl::context>> make_tls(const TlsOptions& options);

}  // namespace clinicdb::client
