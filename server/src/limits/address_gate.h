// AddressGate: who may connect, before anybody is known: so many connections in all, so many from
// one address, fewer still that have not said who they are, and a rest for addresses whose
// credentials fail again and again.
//
//   Status let_in = gate.connect(address, now_ns);     // then, exactly once each:
//   gate.logged_in(address);  or  gate.login_failed(address, now_ns);
//   gate.disconnect(address, logged_in);
//
// Bounded: an address without connections is forgotten, once its failures are. Thread-safe.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>

#include "clinicdb/base/status.h"
#include "limits/token_bucket.h"

namespace clinicdb::server {

struct AddressLimits {
  std::uint64_t connections_max = 20'000;
  std::uint64_t connections_per_address_max = 20'000;
  std::uint64_t before_login_max = 12'000;
  std::uint64_t before_login_per_address_max = 12'000;
  /// What hellos that have not come whole hold together beyond the first of each one's memory
  /// (kBeforeLoginBytes): so many that announce much and send slowly are not the server's memory.
  std::uint64_t before_login_bytes_max = std::uint64_t{24} << 20;
  /// Logins that fail, from one address, each minute; then it has to wait.
  std::uint64_t failures_per_minute = 60;
};

class AddressGate {
 public:
  static constexpr std::size_t kAddressesMax = 100'000;
  /// What any connection may hold for its hello; most hellos fit.
  static constexpr std::size_t kBeforeLoginBytes = 1024;

  explicit AddressGate(const AddressLimits& limits) : limits_(limits) {}

  /// kResourceExhausted when a limit is reached: the connection is closed without a word.
  Status connect(const std::string& address, std::int64_t now_ns);
  void logged_in(const std::string& address);
  void login_failed(const std::string& address, std::int64_t now_ns);
  void disconnect(const std::string& address, bool was_logged_in);

  /// A connection that has not logged in holds `now` bytes, where it held `before`. False: that is
  /// too much of all of them together, and nothing was changed. To be given back by now = 0.
  bool hold_before_login(std::size_t before, std::size_t now);
  void set_limits(const AddressLimits& limits);

  struct Counts {
    std::uint64_t connections = 0;
    std::uint64_t before_login = 0;
    std::uint64_t refused = 0;  ///< since the start
    std::uint64_t login_failures = 0;
  };
  Counts counts() const;
  AddressLimits limits() const;

 private:
  struct Address {
    std::uint64_t connections = 0;
    std::uint64_t before_login = 0;
    TokenBucket failures{0, 0};
    std::int64_t last_failure_ns = 0;
    bool failed = false;
  };
  void sweep(std::int64_t now_ns);

  mutable std::mutex mutex_;
  // Guarded by mutex_.
  AddressLimits limits_;
  std::unordered_map<std::string, Address> addresses_;
  Counts counts_;
  std::uint64_t held_before_login_ = 0;
};

}  // namespace clinicdb::server
