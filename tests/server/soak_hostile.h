// HostileLoad: clients that a server has to bear: half frames, wrong ones, connections that are
// left open and say nothing, calls whose caller is gone, streams that nobody reads. Each is drawn
// from a seed, and expects nothing.
//
// Confined to one thread.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>

#include "clinicdb/base/random.h"
#include "peer.h"

namespace clinicdb::server {

class HostileLoad {
 public:
  /// Against a server on this port that lets operators in; those who log in work on `tenant`.
  HostileLoad(std::uint16_t port, std::string tenant, std::uint64_t seed)
      : port_(port), tenant_(std::move(tenant)), random_(seed) {}

  /// One client more, and what it does. False when it cannot connect, or is not understood.
  bool act();

 private:
  void before_login(Peer& peer);
  void after_login(Peer& peer);
  void wrong_frame(Peer& peer);
  /// Sends what is pending with some of it cut off, or one bit of it changed.
  void send_spoilt(Peer& peer);
  std::string random_bytes(std::size_t bytes_max);

  const std::uint16_t port_;
  const std::string tenant_;
  SeededRandom random_;
  std::deque<std::unique_ptr<Peer>> left_open_;
};

}  // namespace clinicdb::server
