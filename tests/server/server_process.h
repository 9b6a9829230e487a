// ServerProcess: `clinicdb serve` as a child of a test: on loopback, open to whoever is there.
//
// Confined to one thread, but for the ports, which are constant once it has started.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "clinicdb/base/result.h"

namespace clinicdb::server {

class ServerProcess {
 public:
  /// `words` follow those that say the store and where to listen; what it says on standard error is
  /// added to `said`.
  ServerProcess(std::string program, std::string data, std::vector<std::string> words = {},
                std::string said = "/dev/null");
  /// Kills one that still runs.
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  /// Returns once it serves. The first start chooses the port, which later ones keep.
  Status start();
  void kill_now();
  void tell(int signal) const;
  /// SIGTERM, and waits for its end: an error when that is not exit code 0, or takes minutes.
  Status stop();
  /// An error when it has ended by itself.
  Status check_alive();

  std::uint16_t port() const { return port_; }
  std::uint16_t admin_port() const { return admin_port_; }
  /// Memory that it has in fact.
  Result<std::uint64_t> resident_bytes() const;

 private:
  Status ended(int status);

  const std::string program_;
  const std::string data_;
  const std::vector<std::string> words_;
  const std::string said_;
  pid_t pid_ = 0;  // 0: it does not run
  std::uint16_t port_ = 0;
  std::uint16_t admin_port_ = 0;
};

}  // namespace clinicdb::server
