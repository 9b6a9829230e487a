// ServeSettings: what an operator may set about serving a store, as it stands in the file of
// settings. Plain numbers and texts with their defaults; ranges and meanings are in
// cli/settings.cc.
#pragma once

#include <cstdint>
#include <string>

namespace clinicdb::server {

struct ServeSettings {
  // [server]
  std::string address = "127.0.0.1";
  std::uint64_t port = 7400;
  std::uint64_t io_threads = 0;
  std::uint64_t pool_threads = 8;
  std::uint64_t drain_seconds = 30;
  std::string tls_certificate;
  std::string tls_key;
  std::string node_ca;
  std::uint64_t slow_ms = 100;

  // [auth]
  std::string token_keys;
  std::string token_audience = "clinicdb";
  std::string token_issuer;
  bool token_one_session = false;
  std::string api_keys;
  bool open_on_loopback = false;

  // [limits]
  std::uint64_t calls_in_flight = 16'384;
  std::uint64_t bytes_in_flight = std::uint64_t{256} << 20;
  std::uint64_t tenant_share_percent = 50;
  std::uint64_t tenant_processor_percent = 0;
  std::uint64_t tenant_calls_per_second = 0;
  std::uint64_t user_calls_per_second = 0;
  std::uint64_t connections = 20'000;
  std::uint64_t connections_per_address = 20'000;
  std::uint64_t before_login = 12'000;
  std::uint64_t before_login_per_address = 12'000;
  std::uint64_t failed_logins_per_minute = 60;

  // [admin]
  std::string admin_address = "127.0.0.1";
  std::uint64_t admin_port = 7401;
  bool admin_enabled = true;

  // [log]
  std::string log_file;
  std::string log_level = "info";
};

}  // namespace clinicdb::server
