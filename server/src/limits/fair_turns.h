// FairTurns: whose connection works next on an I/O thread, so that a tenant that floods the server
// does not make the others wait. Without I/O: time in, decisions out.
//
//            has something to do                 next()                      worked(), then more
//   idle ──────────────────────────▶ waiting ───────────▶ working ──────────────────▶ waiting
//     └──────────── ask(): nobody waits, and the sockets were looked at lately ──▶ working ──▶ idle
//
//   T1  a tenant beside which no other worked for kOthersNs, on any thread, has all of the thread;
//   T2  beside others its connections wait by tenant, and tenants are taken in turn, for one turn
//       of some kTurnNs each, so that who comes waits for a turn a tenant and not for a queue;
//   T3  beside others a tenant that floods has `percent` of the thread's time and no more, though
//       nobody else wants it now: what it leaves free lets who comes find a processor that is
//       idle. One floods for kOthersNs from when a connection's turn ended before its work, or
//       more than kWaitingMax of its connections waited. Who does not flood has kLightPercent.
//       Its debt is what it worked, less its share of the time that went by: above kBurstNs it is
//       held until it has none, which takes kHeldNsMax at the most;
//   T4  beside others it has at most kWritesMax commits under way from this thread, for each
//       of them lengthens the commit group that everybody's writes wait for;
//   T5  who waits gets its turn: once none of its tenant's holds is left, and `next_ns` says when.
//
// Work is what the thread did between `begin` and `worked`, what the store's writer did for the
// tenant's commands, and what the pool's threads did for its calls (`charge`). The writer works on
// groups, for many tenants at once; a group's work is shared evenly by its commands.
//
// Confined to its I/O thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <memory>
#include <optional>

#include "clinicdb/base/ids.h"
#include "limits/active_tenants.h"
#include "limits/admission.h"

namespace clinicdb::server {

class Connection;

class FairTurns {
 public:
  static constexpr std::int64_t kNoEnd = std::numeric_limits<std::int64_t>::max();
  /// Others are beside a tenant for so long after they worked.
  static constexpr std::int64_t kOthersNs = 100'000'000;
  static constexpr std::int64_t kTurnNs = 50'000;
  /// Work after which the sockets are looked at, beside others and alone.
  static constexpr std::int64_t kLookNs = 50'000;
  static constexpr std::int64_t kLookAloneNs = 1'000'000;
  static constexpr std::int64_t kBurstNs = 200'000;
  static constexpr std::int64_t kHeldNsMax = 20'000'000;
  static constexpr std::size_t kWritesMax = 16;
  static constexpr std::size_t kWaitingMax = 8;
  static constexpr std::uint64_t kLightPercent = 75;
  /// How old what other threads know of a tenant may be; and who waits is looked at as often.
  static constexpr std::int64_t kExchangeNs = 1'000'000;
  static constexpr std::int64_t kAgainNs = 10'000'000;

  /// A tenant's part in this thread.
  class Account;

  explicit FairTurns(ActiveTenants& shared);
  ~FairTurns();
  FairTurns(const FairTurns&) = delete;
  FairTurns& operator=(const FairTurns&) = delete;

  /// The same for the same tenant, as long as this lives. What it used is added to `load`.
  Account& account(TenantId tenant, const std::shared_ptr<Load>& load);

  /// From now on the thread works, for whom `worked` will say.
  void begin(std::int64_t now_ns) { mark_ns_ = now_ns; }
  /// What was done since `begin`, or since the last `worked`, was for this tenant.
  void worked(Account& account, std::int64_t now_ns);
  /// So much was done for it by other threads.
  void charge(Account& account, std::int64_t worked_ns);
  /// It makes a call: others are not alone now.
  void active(const Account& account, std::int64_t now_ns);

  /// Whether a connection of the tenant that has something to do may do so at once, and until when;
  /// otherwise it is to `wait`. Begins.
  struct Turn {
    bool now = false;
    std::int64_t until_ns = kNoEnd;
  };
  Turn ask(Account& account, std::int64_t now_ns);
  /// `turn_over`: it has had a turn, which ended before its work. REQUIRES: it does not wait.
  void wait(Account& account, Connection& connection, std::int64_t now_ns, bool turn_over);
  /// It has nothing to do any more, or is gone. REQUIRES: it waits.
  void forget(Account& account, const Connection& connection);

  /// All sockets have just been looked at.
  void looked() { since_look_ns_ = 0; }
  /// Takes out who works next; nullptr: nobody may now. Begins.
  struct Next {
    Connection* connection = nullptr;
    std::int64_t until_ns = kNoEnd;
  };
  Next next(std::int64_t now_ns);
  /// When `next` is to be asked: now, or later; nothing when nobody waits.
  std::optional<std::int64_t> next_ns(std::int64_t now_ns);

  /// T4. A turn that has an end may begin another write.
  bool may_write(const Account& account) const;
  void write_began(Account& account);
  /// The writer worked so long for it. True: connections of the tenant wait, see next_ns.
  bool write_ended(Account& account, std::int64_t worked_ns);

 private:
  bool alone(const Account& account, std::int64_t now_ns) const;
  bool may_work(Account& account, std::int64_t now_ns);
  std::uint64_t share(const Account& account, std::int64_t now_ns) const;
  void pay(Account& account, std::int64_t now_ns) const;
  void exchange(std::int64_t now_ns);

  ActiveTenants& shared_;
  std::uint64_t percent_;  // shared_'s, as of the last exchange
  std::int64_t exchanged_ns_ = LastTwo::kNever;
  LastTwo seen_;       // on this thread
  LastTwo elsewhere_;  // on any, as of the last exchange
  std::map<TenantId, std::unique_ptr<Account>> accounts_;
  std::deque<Account*> waiting_;  // each once, in turn; who has a connection that waits
  std::int64_t mark_ns_ = 0;
  std::int64_t since_look_ns_ = 0;
};

}  // namespace clinicdb::server
