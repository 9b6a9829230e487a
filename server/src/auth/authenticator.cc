#include "auth/authenticator.h"

#include <utility>

#include "clinicdb/wire/schema/protocol.pb.h"

namespace clinicdb::server {

namespace {

Principal operator_named(std::string name) {
  Principal principal;
  principal.name = std::move(name);
  principal.any_tenant = true;
  principal.rights = clinic::Rights::all();
  return principal;
}

}  // namespace

Authenticator::Authenticator(const Clock& clock, std::shared_ptr<const AuthPolicy> policy)
    : clock_(clock), policy_(std::move(policy)) {}

std::shared_ptr<const AuthPolicy> Authenticator::policy() const {
  const std::lock_guard lock(mutex_);
  return policy_;
}

void Authenticator::set_policy(std::shared_ptr<const AuthPolicy> policy) {
  const std::lock_guard lock(mutex_);
  policy_ = std::move(policy);
}

Result<Principal> Authenticator::authenticate(const wire::Credential& credential,
                                              const Uuid& session, const PeerFacts& peer) {
  const std::shared_ptr<const AuthPolicy> rules = policy();
  const Time now = clock_.now();
  switch (credential.kind_case()) {
    case wire::Credential::kToken: {
      ASSIGN_OR_RETURN(Principal principal, rules->tokens.verify(credential.token(), now));
      if (rules->tokens_are_for_one_session) {
        RETURN_IF_ERROR(
            replays_.admit(principal.token_id, session, principal.until.value_or(now), now));
      }
      return principal;
    }
    case wire::Credential::kApiKey:
      return rules->keys.verify(credential.api_key(), now);
    case wire::Credential::kCertificate:
      if (peer.certificate_name.empty())
        return unauthenticated("the connection brought no certificate of a node");
      return operator_named("node:" + peer.certificate_name);
    case wire::Credential::kNone:
      if (rules->open_on_loopback && peer.loopback) return operator_named("loopback");
      return unauthenticated("this server lets nobody in without a credential");
    case wire::Credential::KIND_NOT_SET:
      break;
  }
  return unauthenticated("the hello has no credential");
}

}  // namespace clinicdb::server
