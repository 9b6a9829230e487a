#include "config/server_options.h"

#include <algorithm>
#include <asio/ip/address.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace clinicdb::server {

namespace {

namespace fs = std::filesystem;

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file.is_open() || file.bad()) return not_found(path + ": cannot be read");
  return text;
}

/// "default.pem" is for tokens that name no key.
std::string key_id_of(const fs::path& path) {
  const std::string stem = path.stem().string();
  return stem == "default" ? std::string() : stem;
}

Status add_token_keys(const std::string& directory, JwtVerifier& tokens) {
  std::error_code error;
  std::vector<fs::path> files;
  for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error))
    files.push_back(at->path());
  if (error) return not_found(directory + ": " + error.message()).with_field("auth.token_keys");
  std::sort(files.begin(), files.end());
  for (const fs::path& path : files) {
    const bool secret = path.extension() == ".secret";
    if (!secret && path.extension() != ".pem") continue;
    ASSIGN_OR_RETURN(std::string text, read_file(path.string()));
    if (secret) text.erase(text.find_last_not_of("\r\n") + 1);
    Status added = secret ? tokens.add_secret(key_id_of(path), std::move(text))
                          : tokens.add_public_key(key_id_of(path), text);
    if (!added.ok()) return std::move(added).with_context(path.string());
  }
  return Status();
}

AdmissionLimits admission_limits(const ServeSettings& settings) {
  AdmissionLimits limits;
  limits.calls_in_flight_max = settings.calls_in_flight;
  limits.bytes_in_flight_max = settings.bytes_in_flight;
  limits.tenant_share_percent = settings.tenant_share_percent;
  limits.tenant_processor_percent = settings.tenant_processor_percent;
  limits.tenant_calls_per_second = settings.tenant_calls_per_second;
  limits.user_calls_per_second = settings.user_calls_per_second;
  return limits;
}

AddressLimits address_limits(const ServeSettings& settings) {
  AddressLimits limits;
  limits.connections_max = settings.connections;
  limits.connections_per_address_max = settings.connections_per_address;
  limits.before_login_max = settings.before_login;
  limits.before_login_per_address_max = settings.before_login_per_address;
  limits.failures_per_minute = settings.failed_logins_per_minute;
  return limits;
}

}  // namespace

Result<std::shared_ptr<const AuthPolicy>> load_auth_policy(const ServeSettings& settings) {
  auto policy = std::make_shared<AuthPolicy>();
  JwtOptions tokens;
  tokens.audience = settings.token_audience;
  tokens.issuer = settings.token_issuer;
  policy->tokens = JwtVerifier(std::move(tokens));
  if (!settings.token_keys.empty())
    RETURN_IF_ERROR(add_token_keys(settings.token_keys, policy->tokens));
  if (!settings.api_keys.empty()) {
    ASSIGN_OR_RETURN(const std::string text, read_file(settings.api_keys));
    Result<ApiKeys> keys = ApiKeys::parse(text);
    if (!keys) return std::move(keys).error().with_context(settings.api_keys);
    policy->keys = std::move(*keys);
  }
  policy->tokens_are_for_one_session = settings.token_one_session;
  policy->open_on_loopback = settings.open_on_loopback;
  return std::shared_ptr<const AuthPolicy>(std::move(policy));
}

Result<ServerOptions> server_options(const ServeSettings& settings) {
  if (settings.token_keys.empty() && settings.api_keys.empty() && settings.node_ca.empty() &&
      !settings.open_on_loopback) {
    return failed_precondition(
               "nobody could log in: set auth.token_keys, auth.api_keys or server.node_ca, or "
               "auth.open_on_loopback for trying out")
        .with_field("auth");
  }
  asio::error_code error;
  const asio::ip::address address = asio::ip::make_address(settings.address, error);
  if (error)
    return invalid_argument(settings.address + " is no IP address").with_field("server.address");
  if (!address.is_loopback() && settings.tls_certificate.empty()) {
    return failed_precondition(
               "records and credentials would cross the network in the clear: set "
               "server.tls_certificate, or listen on 127.0.0.1")
        .with_field("server.tls_certificate");
  }
  ServerOptions options;
  ASSIGN_OR_RETURN(const ServerChanges changes, server_changes(settings));
  options.address = settings.address;
  options.port = static_cast<std::uint16_t>(settings.port);
  options.io_threads = settings.io_threads;
  options.pool_threads = settings.pool_threads;
  options.tls = changes.tls;
  options.admission = changes.admission;
  options.addresses = changes.addresses;
  options.auth = changes.auth;
  options.slow_us = changes.slow_us;
  options.drain_us_max = static_cast<std::int64_t>(settings.drain_seconds) * 1'000'000;
  // What this server does not do is not offered.
  options.session.offer.features =
      wire::FEATURE_COMPRESSION | wire::FEATURE_STREAMS | wire::FEATURE_INVALIDATION;
  return options;
}

Result<ServerChanges> server_changes(const ServeSettings& settings) {
  ServerChanges changes;
  changes.tls = {settings.tls_certificate, settings.tls_key, settings.node_ca};
  changes.admission = admission_limits(settings);
  changes.addresses = address_limits(settings);
  changes.slow_us = static_cast<std::int64_t>(settings.slow_ms) * 1000;
  ASSIGN_OR_RETURN(changes.auth, load_auth_policy(settings));
  return changes;
}

Result<LogLevel> parse_log_level(const std::string& word) {
  if (word == "debug") return LogLevel::kDebug;
  if (word == "info") return LogLevel::kInfo;
  if (word == "warning") return LogLevel::kWarning;
  if (word == "error") return LogLevel::kError;
  return invalid_argument("\"" + word + "\" is not debug, info, warning or error")
      .with_field("log.level");
}

}  // namespace clinicdb::server
