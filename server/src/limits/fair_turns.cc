#include "limits/fair_turns.h"

#include <algorithm>

#include "clinicdb/base/check.h"

namespace clinicdb::server {

namespace {

/// Counts that other threads read are brought up to date so often and not at each call.
constexpr std::int64_t kReportNs = 1'000'000;

}  // namespace

class FairTurns::Account {
 public:
  Account(TenantId its_tenant, std::shared_ptr<Load> its_load)
      : tenant(its_tenant), load(std::move(its_load)) {}

  struct Waiting {
    Connection* connection;
    std::int64_t since_ns;
  };
  const TenantId tenant;
  const std::shared_ptr<Load> load;
  std::deque<Waiting> waiting;
  std::int64_t flooded_ns = LastTwo::kNever;
  std::size_t writes = 0;
  // T3, as of paid_ns.
  std::int64_t debt_ns = 0;
  std::int64_t paid_ns = 0;
  bool held_by_debt = false;
  bool held = false;
  std::int64_t freed_ns = LastTwo::kNever;  // the last hold's end
  std::int64_t unreported_ns = 0;

  void forgive() {
    debt_ns = 0;
    held_by_debt = false;
  }
};

FairTurns::FairTurns(ActiveTenants& shared) : shared_(shared), percent_(shared.percent()) {}
FairTurns::~FairTurns() = default;

FairTurns::Account& FairTurns::account(TenantId tenant, const std::shared_ptr<Load>& load) {
  std::unique_ptr<Account>& account = accounts_[tenant];
  if (account == nullptr) account = std::make_unique<Account>(tenant, load);
  return *account;
}

void FairTurns::worked(Account& account, std::int64_t now_ns) {
  const std::int64_t worked_ns = now_ns - mark_ns_;
  if (worked_ns <= 0) return;
  mark_ns_ = now_ns;
  since_look_ns_ += worked_ns;
  charge(account, worked_ns);
}

void FairTurns::charge(Account& account, std::int64_t worked_ns) {
  account.unreported_ns += worked_ns;
  if (account.unreported_ns >= kReportNs) {
    account.load->worked_ns.fetch_add(static_cast<std::uint64_t>(account.unreported_ns),
                                      std::memory_order_relaxed);
    account.unreported_ns = 0;
  }
  if (alone(account, mark_ns_)) return account.forgive();
  pay(account, mark_ns_);
  // Of a debt that is paid back at `percent`, no more than kHeldNsMax.
  const auto debt_most = kHeldNsMax * static_cast<std::int64_t>(percent_) / 100;
  account.debt_ns = std::min(account.debt_ns + worked_ns, debt_most);
  if (account.debt_ns > std::min(kBurstNs, debt_most / 2)) account.held_by_debt = true;
}

void FairTurns::active(const Account& account, std::int64_t now_ns) {
  seen_.saw(account.tenant, now_ns);
}

bool FairTurns::alone(const Account& account, std::int64_t now_ns) const {
  if (percent_ == 0) return true;
  const std::int64_t others_ns =
      std::max(seen_.other_than(account.tenant), elsewhere_.other_than(account.tenant));
  return now_ns - others_ns >= kOthersNs;
}

std::uint64_t FairTurns::share(const Account& account, std::int64_t now_ns) const {
  return now_ns - account.flooded_ns < kOthersNs ? percent_ : std::max(percent_, kLightPercent);
}

void FairTurns::pay(Account& account, std::int64_t now_ns) const {
  const std::int64_t passed_ns = std::max<std::int64_t>(0, now_ns - account.paid_ns);
  account.paid_ns = std::max(account.paid_ns, now_ns);
  const auto percent = static_cast<std::int64_t>(share(account, now_ns));
  // Whoever was idle for so long has no debt, and any time times a percentage is no number.
  account.debt_ns = passed_ns >= kHeldNsMax
                        ? 0
                        : std::max<std::int64_t>(0, account.debt_ns - passed_ns * percent / 100);
  if (account.debt_ns == 0) account.held_by_debt = false;
}

// T1, T3, T4.
bool FairTurns::may_work(Account& account, std::int64_t now_ns) {
  bool may = true;
  if (alone(account, now_ns)) {
    account.forgive();
  } else {
    pay(account, now_ns);
    may = !(account.held_by_debt && share(account, now_ns) < 100) && may_write(account);
  }
  if (account.held && may) account.freed_ns = now_ns;
  account.held = !may;
  return may;
}

bool FairTurns::may_write(const Account& account) const { return account.writes < kWritesMax; }

void FairTurns::exchange(std::int64_t now_ns) {
  if (now_ns - exchanged_ns_ < kExchangeNs) return;
  exchanged_ns_ = now_ns;
  elsewhere_ = shared_.exchange(seen_);
  percent_ = shared_.percent();
}

FairTurns::Turn FairTurns::ask(Account& account, std::int64_t now_ns) {
  begin(now_ns);
  exchange(now_ns);
  if (percent_ == 0) return {true, kNoEnd};
  const bool is_alone = alone(account, now_ns);
  const bool looks = since_look_ns_ >= (is_alone ? kLookAloneNs : kLookNs);
  if (looks || !waiting_.empty() || !may_work(account, now_ns)) return {};
  return {true, is_alone ? kNoEnd : now_ns + kTurnNs};
}

void FairTurns::wait(Account& account, Connection& connection, std::int64_t now_ns,
                     bool turn_over) {
  if (account.waiting.empty()) waiting_.push_back(&account);
  account.waiting.push_back({&connection, now_ns});
  if (turn_over || account.waiting.size() > kWaitingMax) account.flooded_ns = now_ns;
}

void FairTurns::forget(Account& account, const Connection& connection) {
  const auto found =
      std::find_if(account.waiting.begin(), account.waiting.end(),
                   [&](const Account::Waiting& each) { return each.connection == &connection; });
  CLINICDB_CHECK(found != account.waiting.end());
  account.waiting.erase(found);
  if (account.waiting.empty()) std::erase(waiting_, &account);
}

FairTurns::Next FairTurns::next(std::int64_t now_ns) {
  begin(now_ns);
  exchange(now_ns);
  for (std::size_t i = waiting_.size(); i > 0; --i) {
    Account& account = *waiting_.front();
    waiting_.pop_front();
    if (!may_work(account, now_ns)) {
      waiting_.push_back(&account);
      continue;
    }
    const Account::Waiting first = account.waiting.front();
    account.waiting.pop_front();
    if (!account.waiting.empty()) waiting_.push_back(&account);
    if (first.since_ns < account.freed_ns) {
      account.load->turns_held.fetch_add(1, std::memory_order_relaxed);
      account.load->held_ns.fetch_add(static_cast<std::uint64_t>(now_ns - first.since_ns),
                                      std::memory_order_relaxed);
    }
    return {first.connection, alone(account, now_ns) ? kNoEnd : now_ns + kTurnNs};
  }
  return {};
}

std::optional<std::int64_t> FairTurns::next_ns(std::int64_t now_ns) {
  if (waiting_.empty()) return std::nullopt;
  // Whether others are still there changes without a word, and so does what is set.
  std::int64_t next_ns = now_ns + kAgainNs;
  for (Account* account : waiting_) {
    if (may_work(*account, now_ns)) return now_ns;
    if (!may_write(*account)) continue;
    const auto percent = static_cast<std::int64_t>(share(*account, now_ns));
    next_ns = std::min(next_ns, now_ns + account->debt_ns * 100 / percent + 1);
  }
  return next_ns;
}

void FairTurns::write_began(Account& account) { ++account.writes; }

bool FairTurns::write_ended(Account& account, std::int64_t worked_ns) {
  CLINICDB_CHECK(account.writes > 0);
  --account.writes;
  charge(account, worked_ns);
  return !account.waiting.empty();
}

}  // namespace clinicdb::server
