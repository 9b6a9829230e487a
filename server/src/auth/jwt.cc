#include "auth/jwt.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>

#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "auth/encoding.h"

namespace clinicdb::server {

namespace {

using nlohmann::json;

constexpr std::size_t kTokenBytesMax = 8 << 10;
constexpr std::size_t kSecretBytesMin = 32;
constexpr std::size_t kTenantsMax = 64;
constexpr double kSecondsMax = 4e12;  // in microseconds still far below the end of 64 bits

struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using KeyHandle = std::unique_ptr<EVP_PKEY, FreeKey>;
struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using ContextHandle = std::unique_ptr<EVP_MD_CTX, FreeContext>;
struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using BioHandle = std::unique_ptr<BIO, FreeBio>;

BioHandle bio_of(const std::string& text) {
  return BioHandle(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string hmac_sha256(std::string_view secret, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> sum{};
  unsigned int size = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), bytes_of(text), text.size(),
       sum.data(), &size);
  return std::string(reinterpret_cast<const char*>(sum.data()), size);
}

Status refuse(const std::string& why) { return unauthenticated("token: " + why); }

/// The text of a claim; empty when it is missing or something else.
std::string text_claim(const json& claims, const char* name) {
  const auto found = claims.find(name);
  return found != claims.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// Nothing when it is missing; kUnauthenticated when it is no number of seconds.
Result<std::optional<std::int64_t>> time_claim(const json& claims, const char* name) {
  const auto found = claims.find(name);
  if (found == claims.end()) return std::optional<std::int64_t>();
  if (!found->is_number()) return refuse(std::string(name) + " is no number");
  const double seconds = found->get<double>();
  if (!(std::fabs(seconds) < kSecondsMax)) return refuse(std::string(name) + " is out of range");
  return std::optional(static_cast<std::int64_t>(seconds * 1e6));
}

bool names_audience(const json& claims, const std::string& audience) {
  const auto found = claims.find("aud");
  if (found == claims.end()) return false;
  if (found->is_string()) return found->get<std::string>() == audience;
  if (!found->is_array()) return false;
  for (const json& each : *found) {
    if (each.is_string() && each.get<std::string>() == audience) return true;
  }
  return false;
}

Status check_times(const json& claims, const JwtOptions& options, Time now, Principal& principal) {
  ASSIGN_OR_RETURN(const auto expires, time_claim(claims, "exp"));
  ASSIGN_OR_RETURN(const auto not_before, time_claim(claims, "nbf"));
  ASSIGN_OR_RETURN(const auto issued, time_claim(claims, "iat"));
  if (!expires) return refuse("has no exp");
  if (*expires + options.leeway_us <= now.us) return refuse("has expired");
  if (not_before && *not_before - options.leeway_us > now.us) return refuse("is not valid yet");
  if (issued && *issued - options.leeway_us > now.us) return refuse("was issued in the future");
  const std::int64_t begun = issued.value_or(now.us);
  if (*expires - begun > options.life_us_max + options.leeway_us)
    return refuse("lives longer than is taken here");
  principal.until = Time{*expires + options.leeway_us};
  return Status();
}

Status read_tenants(const json& claims, Principal& principal) {
  if (std::string one = text_claim(claims, "tenant"); !one.empty())
    principal.tenants.push_back(std::move(one));
  if (const auto several = claims.find("tenants"); several != claims.end()) {
    if (!several->is_array() || several->size() > kTenantsMax)
      return refuse("tenants is no list of at most 64");
    for (const json& each : *several) {
      if (!each.is_string()) return refuse("tenants has something that is no slug");
      principal.tenants.push_back(each.get<std::string>());
    }
  }
  for (const std::string& slug : principal.tenants) principal.any_tenant |= slug == "*";
  if (principal.any_tenant) principal.tenants.clear();
  if (principal.tenants.empty() && !principal.any_tenant) return refuse("names no tenant");
  return Status();
}

Status read_rights(const json& claims, Principal& principal) {
  std::uint16_t bits = rights_of_scopes(text_claim(claims, "scope")).bits();
  if (const auto roles = claims.find("roles"); roles != claims.end()) {
    if (!roles->is_array() || roles->size() > kTenantsMax) return refuse("roles is no short list");
    for (const json& each : *roles) {
      if (!each.is_string()) return refuse("roles has something that is no name");
      // A role that we do not know gives nothing: its issuer has other programs, too.
      const Result<clinic::Rights> rights = rights_of_role(each.get<std::string>());
      if (rights) bits = static_cast<std::uint16_t>(bits | rights->bits());
    }
  }
  for (int right = 1; right <= clinic::AccessRight_MAX; ++right) {
    if ((bits >> right) & 1)
      principal.rights = principal.rights.with(static_cast<clinic::AccessRight>(right));
  }
  return Status();
}

std::string signing_input(std::string_view algorithm, std::string_view key_id,
                          std::string_view claims) {
  json header{{"alg", algorithm}, {"typ", "JWT"}};
  if (!key_id.empty()) header["kid"] = key_id;
  return to_base64url(header.dump()) + "." + to_base64url(claims);
}

}  // namespace

struct JwtVerifier::Key {
  std::string secret;    // HS256; or
  KeyHandle public_key;  // EdDSA

  std::string_view algorithm() const { return public_key ? "EdDSA" : "HS256"; }
  bool verifies(std::string_view text, std::string_view signature) const {
    if (!public_key) return equal_in_constant_time(hmac_sha256(secret, text), signature);
    const ContextHandle context(EVP_MD_CTX_new());
    return EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, public_key.get()) == 1 &&
           EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(text),
                            text.size()) == 1;
  }
};

JwtVerifier::JwtVerifier(JwtOptions options) : options_(std::move(options)) {}
JwtVerifier::~JwtVerifier() = default;
JwtVerifier::JwtVerifier(JwtVerifier&&) noexcept = default;
JwtVerifier& JwtVerifier::operator=(JwtVerifier&&) noexcept = default;

Status JwtVerifier::add_secret(const std::string& key_id, std::string secret) {
  if (secret.size() < kSecretBytesMin) {
    return invalid_argument("a secret for HS256 has at least 32 bytes, not " +
                            std::to_string(secret.size()));
  }
  auto key = std::make_unique<Key>();
  key->secret = std::move(secret);
  if (!keys_.emplace(key_id, std::move(key)).second)
    return invalid_argument("two keys have the id \"" + key_id + "\"");
  return Status();
}

Status JwtVerifier::add_public_key(const std::string& key_id, const std::string& pem) {
  const BioHandle bio = bio_of(pem);
  auto key = std::make_unique<Key>();
  key->public_key.reset(PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr));
  if (!key->public_key || EVP_PKEY_id(key->public_key.get()) != EVP_PKEY_ED25519)
    return invalid_argument("is no Ed25519 public key in PEM");
  if (!keys_.emplace(key_id, std::move(key)).second)
    return invalid_argument("two keys have the id \"" + key_id + "\"");
  return Status();
}

Result<Principal> JwtVerifier::verify(std::string_view token, Time now) const {
  if (token.size() > kTokenBytesMax) return refuse("is longer than 8 KiB");
  const std::size_t first = token.find('.');
  const std::size_t second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos)
    return refuse("has not three parts");
  const auto header_text = from_base64url(token.substr(0, first));
  const auto signature = from_base64url(token.substr(second + 1));
  if (!header_text || !signature) return refuse("is not base64url");
  const json header = json::parse(*header_text, nullptr, false);
  if (!header.is_object()) return refuse("has a header that is no JSON object");
  // An extension that must be understood is not.
  if (header.contains("crit")) return refuse("has critical extensions");
  const auto key = keys_.find(text_claim(header, "kid"));
  if (key == keys_.end()) return refuse("is signed with a key that is not known here");
  if (text_claim(header, "alg") != key->second->algorithm())
    return refuse("names another algorithm than its key is for");
  if (!key->second->verifies(token.substr(0, second), *signature))
    return refuse("has a wrong signature");

  const auto claims_text = from_base64url(token.substr(first + 1, second - first - 1));
  if (!claims_text) return refuse("is not base64url");
  const json claims = json::parse(*claims_text, nullptr, false);
  if (!claims.is_object()) return refuse("has claims that are no JSON object");
  Principal principal;
  RETURN_IF_ERROR(check_times(claims, options_, now, principal));
  if (!options_.issuer.empty() && text_claim(claims, "iss") != options_.issuer)
    return refuse("is of another issuer");
  if (!options_.audience.empty() && !names_audience(claims, options_.audience))
    return refuse("is for another audience");
  RETURN_IF_ERROR(read_tenants(claims, principal));
  RETURN_IF_ERROR(read_rights(claims, principal));
  const std::string subject = text_claim(claims, "sub");
  if (const Result<Uuid> user = Uuid::parse(subject); user) {
    principal.user = *user;
    principal.name = "user:" + user->to_string();
  } else {
    // A subject that is no id may be a name, and is not for logs.
    principal.name = "subject:" + to_hex(sha256(subject)).substr(0, 16);
  }
  principal.token_id = text_claim(claims, "jti");
  return principal;
}

Result<std::string> sign_jwt_hs256(std::string_view key_id, std::string_view secret,
                                   std::string_view claims) {
  const std::string text = signing_input("HS256", key_id, claims);
  return text + "." + to_base64url(hmac_sha256(secret, text));
}

Result<std::string> sign_jwt_eddsa(std::string_view key_id, const std::string& private_pem,
                                   std::string_view claims) {
  const BioHandle bio = bio_of(private_pem);
  const KeyHandle key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
  if (!key || EVP_PKEY_id(key.get()) != EVP_PKEY_ED25519)
    return invalid_argument("is no Ed25519 private key in PEM");
  const std::string text = signing_input("EdDSA", key_id, claims);
  std::array<unsigned char, 64> signature{};
  std::size_t size = signature.size();
  const ContextHandle context(EVP_MD_CTX_new());
  if (EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get()) != 1 ||
      EVP_DigestSign(context.get(), signature.data(), &size, bytes_of(text), text.size()) != 1) {
    return internal_error("signing failed");
  }
  return text + "." +
         to_base64url(std::string_view(reinterpret_cast<const char*>(signature.data()), size));
}

}  // namespace clinicdb::server
