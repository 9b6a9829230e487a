// JWT: signed tokens (RFC 7519) with EdDSA (Ed25519) or HS256. A key is for one algorithm, chosen
// when it is configured: what a token's header says must fit its key and decides nothing.
//
// JwtVerifier is immutable and thread-safe.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "auth/principal.h"
#include "clinicdb/base/clock.h"
#include "clinicdb/base/result.h"

namespace clinicdb::server {

struct JwtOptions {
  /// Must be among the token's audiences ("aud"); empty: not asked.
  std::string audience = "clinicdb";
  /// Must be the token's "iss"; empty: not asked.
  std::string issuer;
  /// How far the clocks of issuer and server may differ.
  std::int64_t leeway_us = 30'000'000;
  /// The longest life ("exp" less "iat") of a token that is taken.
  std::int64_t life_us_max = std::int64_t{24} * 3600 * 1'000'000;
};

class JwtVerifier {
 public:
  explicit JwtVerifier(JwtOptions options);
  ~JwtVerifier();
  JwtVerifier(JwtVerifier&&) noexcept;
  JwtVerifier& operator=(JwtVerifier&&) noexcept;

  /// A key by its "kid"; "" is for tokens that name none. kInvalidArgument: fewer than 32 bytes of
  /// secret, or no Ed25519 public key in PEM.
  Status add_secret(const std::string& key_id, std::string secret);
  Status add_public_key(const std::string& key_id, const std::string& pem);

  /// Who the token is for. Claims: "sub" (a user's UUID, or a name), "tenant" (a slug) or "tenants"
  /// (several; "*": any), "roles" (names of principal.h), "scope" (SMART), "exp" (must be there),
  /// "nbf", "iat", "jti". kUnauthenticated, with a reason that helps its owner and names no
  /// contents, for everything that is wrong with it.
  Result<Principal> verify(std::string_view token, Time now) const;

 private:
  struct Key;
  JwtOptions options_;
  std::map<std::string, std::unique_ptr<Key>> keys_;
};

/// A token signed with a secret (HS256) or with an Ed25519 private key in PEM (EdDSA), for tools
/// and tests. `claims` is the JSON of the payload.
Result<std::string> sign_jwt_hs256(std::string_view key_id, std::string_view secret,
                                   std::string_view claims);
Result<std::string> sign_jwt_eddsa(std::string_view key_id, const std::string& private_pem,
                                   std::string_view claims);

}  // namespace clinicdb::server
