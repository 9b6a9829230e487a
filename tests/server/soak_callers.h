// SoakLoad: callers of a server who come and go: each makes a client, calls a while, now and then
// leaves a stream unread, and makes another. Half of them are behind a line that splits, delays and
// cuts; the others are to see no failure at all.
//
// Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "bench/peers/calls.h"
#include "clinicdb/base/random.h"
#include "clinicdb/client/client.h"
#include "support/line_proxy.h"

namespace clinicdb::server {

struct SoakCounts {
  std::atomic<std::uint64_t> clients{0};
  std::atomic<std::uint64_t> calls{0};
  std::atomic<std::uint64_t> cut{0};  ///< calls and clients that a cut line or a stop ended
  std::atomic<std::uint64_t> events{0};
  std::atomic<std::uint64_t> export_parts{0};
  std::atomic<std::uint64_t> hostile{0};
};

class SoakLoad {
 public:
  /// `authority`: the certificate to trust; empty: no TLS. `clinics` are what the server was filled
  /// with. The last of the tenants is the hostile clients', whose streams fill what one tenant may
  /// have of them.
  SoakLoad(const bench::Clinics& clinics, std::uint16_t port, std::string authority)
      : clinics_(clinics), port_(port), authority_(std::move(authority)), bookings_(clinics, 0) {}
  ~SoakLoad() { end(); }
  SoakLoad(const SoakLoad&) = delete;
  SoakLoad& operator=(const SoakLoad&) = delete;

  void begin(int callers, int hostile);
  /// From now on the server may refuse new calls; one that it took is answered all the same.
  void server_stops() { stopping_ = true; }
  /// Returns when all have left.
  void end();

  const SoakCounts& counts() const { return counts_; }
  std::uint64_t cuts() const { return cuts_; }
  /// Bookings that were acknowledged: the tenant's number, the id.
  const std::vector<std::pair<std::uint32_t, std::string>>& booked() const { return booked_; }
  /// The first that should not have been; empty: nothing.
  std::string wrong() const;

 private:
  struct Caller {
    std::uint16_t port;
    bool is_cut;
    std::uint32_t tenant;
    std::uint64_t seed;
  };
  std::uint32_t hostile_tenant() const { return clinics_.tenants - 1; }
  void keep_calling(Caller caller);
  void call_a_while(client::Client& client, const Caller& caller, SeededRandom& random,
                    bench::CallStream& calls);
  void leave_streams(client::Client& client, const Caller& caller, SeededRandom& random);
  Status make_call(client::Client& client, const bench::Call& call);
  /// False when the caller is to leave.
  bool told(const Status& status, const Caller& caller);

  const bench::Clinics clinics_;
  const std::uint16_t port_;
  const std::string authority_;
  bench::Bookings bookings_;
  SoakCounts counts_;
  std::atomic<bool> ends_{false};
  std::atomic<bool> stopping_{false};
  std::uint64_t begun_ = 0;  // seeds that were used
  std::uint64_t cuts_ = 0;
  std::unique_ptr<test::LineProxy> proxy_;
  std::vector<std::thread> threads_;

  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::vector<std::pair<std::uint32_t, std::string>> booked_;
  std::string wrong_;
};

}  // namespace clinicdb::server
