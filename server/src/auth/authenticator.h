// Authenticator: from a hello's credential to a principal. The one place where it is decided who
// somebody is.
//
//   AuthPolicy    what the configuration says; immutable, replaced whole when it is read again
//   Authenticator the policy of now, and what has to be remembered across policies
//
// Thread-safe.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "auth/api_keys.h"
#include "auth/jwt.h"
#include "auth/principal.h"
#include "auth/replay_guard.h"
#include "clinicdb/base/clock.h"
#include "clinicdb/base/result.h"

namespace clinicdb::wire {
class Credential;
}

namespace clinicdb::server {

struct AuthPolicy {
  JwtVerifier tokens{JwtOptions{}};
  ApiKeys keys;
  /// A token is for one session (replay_guard.h).
  bool tokens_are_for_one_session = false;
  /// Who brings no credential, from this machine's own loopback, is an operator. For trying out.
  bool open_on_loopback = false;
};

/// What the connection itself says of its peer.
struct PeerFacts {
  bool loopback = false;
  /// Subject of the certificate that the peer proved in the handshake, signed by the nodes' CA;
  /// empty: none.
  std::string certificate_name;
};

class Authenticator {
 public:
  /// `clock` outlives it.
  Authenticator(const Clock& clock, std::shared_ptr<const AuthPolicy> policy);

  /// kUnauthenticated, with a reason that reveals nothing of others; kResourceExhausted when too
  /// much would have to be remembered.
  Result<Principal> authenticate(const wire::Credential& credential, const Uuid& session,
                                 const PeerFacts& peer);

  /// For connections from now on.
  void set_policy(std::shared_ptr<const AuthPolicy> policy);

 private:
  std::shared_ptr<const AuthPolicy> policy() const;

  const Clock& clock_;
  ReplayGuard replays_;
  mutable std::mutex mutex_;
  std::shared_ptr<const AuthPolicy> policy_;  // guarded by mutex_
};

}  // namespace clinicdb::server
