// ServedClinic: a clinic in a temporary directory with a server on it, and the credentials that get
// a test in: two tenants, a secret that signs tokens, and one API key.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "clinicdb/base/clock.h"
#include "clinicdb/clinic/clinic.h"
#include "net/server.h"
#include "peer.h"
#include "support/temporary_directory.h"

namespace clinicdb::server {

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().to_string());
  return std::move(result).value();
}

/// Keeps nothing.
class SilentLog final : public Log {
 public:
  void write(LogLevel, std::string_view, std::initializer_list<LogField>) override {}
  void set_least(LogLevel) override {}
};

class ServedClinic {
 public:
  /// `adjust` may change the options before the server starts. `log`, where there is one, and
  /// `clock` outlive it.
  explicit ServedClinic(const std::function<void(ServerOptions&)>& adjust = {}, Log* log = nullptr,
                        const Clock& clock = system_clock());
  ~ServedClinic();

  clinic::Clinic& clinic() { return *clinic_; }
  Server& server() { return *server_; }
  std::uint16_t port() const { return server_->port(); }
  TenantId tenant() const { return tenant_; }

  /// A token for `claims`, with exp, aud and tenant "sorriso" where they are not among them.
  std::string token(const std::string& roles = "[\"owner\"]",
                    const std::string& more_claims = {}) const;
  /// A peer that has logged in as the owner of a tenant.
  std::unique_ptr<Peer> owner(const std::string& tenant = "sorriso");
  /// A patient of the tenant; the id.
  std::string patient(TenantId tenant, std::string_view name);
  TenantId other_tenant() const { return other_; }

  static constexpr std::string_view kSecret = "a secret of at least thirty-two bytes";

 private:
  test::TemporaryDirectory directory_;
  SilentLog log_;
  std::unique_ptr<clinic::Clinic> clinic_;
  std::unique_ptr<Server> server_;
  TenantId tenant_;
  TenantId other_;
};

}  // namespace clinicdb::server
