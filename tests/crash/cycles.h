// The two ways to die. Each object owns one store after the other and its ledger; each cycle opens
// the store, checks it against the ledger, lets four workers at it, and ends them in the middle of
// what they do.
//
//   KillCycles   a child process works on real files and is ended by SIGKILL: what it wrote stays
//   in the page cache. PowerCycles  the store works on a simulated disk whose power goes at an
//   operation chosen by chance: unsynced
//                bytes and names are lost.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ledger.h"

namespace clinicdb::crash {

class Cycles {
 public:
  virtual ~Cycles() = default;
  /// One life and death. Findings go into the ledger.
  virtual void run(std::uint64_t seed) = 0;
  /// The last check of the current store, wholly, after which a new one begins.
  virtual void finish_store(std::uint64_t seed) = 0;
  virtual const Ledger& ledger() const = 0;
  /// Deaths that came while the store was being opened or checked, not while the workers ran.
  virtual std::uint64_t early_deaths() const = 0;
};

std::unique_ptr<Cycles> make_kill_cycles();
/// `break_sync`: the commit log's syncs say OK and do nothing, which the campaign must notice.
std::unique_ptr<Cycles> make_power_cycles(bool break_sync);

}  // namespace clinicdb::crash
