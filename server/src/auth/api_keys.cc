#include "auth/api_keys.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "auth/encoding.h"
#include "clinicdb/base/bytes.h"

namespace clinicdb::server {

namespace {

using nlohmann::json;

constexpr std::string_view kPrefix = "cdb_";
constexpr std::size_t kIdBytesMax = 32;
constexpr std::size_t kSecretBytes = 32;
constexpr std::size_t kHashBytes = 32;

bool is_id(std::string_view id) {
  return !id.empty() && id.size() <= kIdBytesMax &&
         id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
}

Result<std::vector<std::string>> text_list(const json& object, const char* name) {
  std::vector<std::string> list;
  const auto found = object.find(name);
  if (found == object.end()) return list;
  if (!found->is_array()) return invalid_argument(std::string(name) + " is no list");
  for (const json& each : *found) {
    if (!each.is_string())
      return invalid_argument(std::string(name) + " has something that is no text");
    list.push_back(each.get<std::string>());
  }
  return list;
}

Result<Principal> principal_of(const ApiKey& key) {
  Principal principal;
  principal.name = "key:" + key.id;
  for (const std::string& slug : key.tenants) {
    if (slug == "*") {
      principal.any_tenant = true;
    } else {
      principal.tenants.push_back(slug);
    }
  }
  std::uint16_t bits = 0;
  for (const std::string& role : key.roles) {
    ASSIGN_OR_RETURN(const clinic::Rights rights, rights_of_role(role));
    bits = static_cast<std::uint16_t>(bits | rights.bits());
  }
  for (int right = 1; right <= clinic::AccessRight_MAX; ++right) {
    if ((bits >> right) & 1)
      principal.rights = principal.rights.with(static_cast<clinic::AccessRight>(right));
  }
  if (key.until_us != 0) principal.until = Time{key.until_us};
  return principal;
}

Result<ApiKey> parse_line(std::string_view line) {
  const json object = json::parse(line.begin(), line.end(), nullptr, false);
  if (!object.is_object()) return invalid_argument("is no JSON object");
  ApiKey key;
  const auto id = object.find("id");
  if (id == object.end() || !id->is_string() || !is_id(id->get_ref<const std::string&>()))
    return invalid_argument("id is not 1 to 32 of a-z, 0-9 and -");
  key.id = id->get<std::string>();
  const auto hash = object.find("sha256");
  if (hash != object.end() && hash->is_string())
    key.secret_hash = from_hex(hash->get_ref<const std::string&>()).value_or("");
  if (key.secret_hash.size() != kHashBytes)
    return invalid_argument("sha256 is not 64 hexadecimal digits");
  ASSIGN_OR_RETURN(key.tenants, text_list(object, "tenants"));
  ASSIGN_OR_RETURN(key.roles, text_list(object, "roles"));
  if (const auto until = object.find("until_us"); until != object.end()) {
    if (!until->is_number_integer()) return invalid_argument("until_us is no number");
    key.until_us = until->get<std::int64_t>();
  }
  return key;
}

}  // namespace

Result<ApiKeys> ApiKeys::parse(std::string_view text) {
  ApiKeys keys;
  for (int number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos || line.front() == '#') continue;
    const std::string where = "line " + std::to_string(number);
    Result<ApiKey> key = parse_line(line);
    if (!key) return std::move(key).error().with_context(where);
    Result<Principal> principal = principal_of(*key);
    if (!principal) return std::move(principal).error().with_context(where);
    const std::string id = key->id;
    if (!keys.keys_.emplace(id, Entry{std::move(*key), std::move(*principal)}).second)
      return invalid_argument(where + ": the id " + id + " is there twice");
  }
  return keys;
}

Result<Principal> ApiKeys::verify(std::string_view key, Time now) const {
  const Status refused = unauthenticated("the API key is not valid");
  if (key.substr(0, kPrefix.size()) != kPrefix) return refused;
  key.remove_prefix(kPrefix.size());
  const std::size_t bar = key.find('_');
  if (bar == std::string_view::npos || bar > kIdBytesMax) return refused;
  const auto found = keys_.find(key.substr(0, bar));
  const auto secret = from_base64url(key.substr(bar + 1));
  if (!secret || secret->size() != kSecretBytes) return refused;
  // Hashed also for an id that is not known, so that time does not tell.
  const std::string hash = sha256(*secret);
  if (found == keys_.end() || !equal_in_constant_time(hash, found->second.key.secret_hash))
    return refused;
  const ApiKey& known = found->second.key;
  if (known.until_us != 0 && known.until_us <= now.us) return refused;
  return found->second.principal;
}

Result<NewApiKey> make_api_key(ApiKey key, Random& random) {
  if (!is_id(key.id)) return invalid_argument("a key's id is 1 to 32 of a-z, 0-9 and -");
  if (key.tenants.empty())
    return invalid_argument("a key is for one tenant or more; \"*\" is for all");
  RETURN_IF_ERROR(principal_of(key).status());
  std::string secret(kSecretBytes, '\0');
  for (std::size_t i = 0; i < kSecretBytes; i += 8) store_le64(secret.data() + i, random.next());
  json line{{"id", key.id},
            {"sha256", to_hex(sha256(secret))},
            {"tenants", key.tenants},
            {"roles", key.roles}};
  if (key.until_us != 0) line["until_us"] = key.until_us;
  return NewApiKey{std::string(kPrefix) + key.id + "_" + to_base64url(secret), line.dump()};
}

}  // namespace clinicdb::server
