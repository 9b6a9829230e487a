// AdminHttp: what operators and their tools see of a server, over HTTP on a port of its own:
//
//   /healthz   200 as long as the process answers
//   /readyz    200 while calls are taken; 503 with the reason otherwise
//   /status    everything, as JSON
//   /metrics   the same for Prometheus
//   /          a page that shows it live
//
// It has threads of its own, so that a busy server still tells why. It answers nothing about
// patients, takes no commands, and belongs on an address that only operators reach.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "clinicdb/base/clock.h"
#include "clinicdb/base/result.h"

namespace clinicdb::clinic {
class Clinic;
}

namespace clinicdb::server {

class Server;

struct AdminOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 7401;  ///< 0: any that is free
};

class AdminHttp {
 public:
  /// `server`, `clinic` and `clock` outlive it. Errors name the address.
  static Result<std::unique_ptr<AdminHttp>> start(Server& server, clinic::Clinic& clinic,
                                                  const AdminOptions& options, const Clock& clock);
  virtual ~AdminHttp() = default;
  virtual std::uint16_t port() const = 0;
};

}  // namespace clinicdb::server
