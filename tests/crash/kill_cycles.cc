#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <thread>

#include "checker.h"
#include "cycles.h"
#include "small_store.h"
#include "support/temporary_directory.h"
#include "workload.h"

namespace clinicdb::crash {

using engine::Store;

namespace {

constexpr int kExitFound = 3;
constexpr std::uint64_t kLifeUsMax = 20'000;
constexpr auto kHangTime = std::chrono::seconds(300);

void sleep_us(std::uint64_t us) { std::this_thread::sleep_for(std::chrono::microseconds(us)); }

enum class Death { kKilledWorking, kKilledEarly, kClosed, kLastCheck };

/// The child's whole life. Never returns.
[[noreturn]] void live(Ledger& ledger, const std::string& directory, std::uint64_t seed,
                       Death death) {
  // A campaign that is itself ended takes its child along.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  SeededRandom random(seed);
  Result<std::unique_ptr<Store>> store = Store::open(directory, schema(), small_store(random));
  if (!store) {
    add_problem(ledger, "open after a kill: " + store.error().to_string());
    _exit(kExitFound);
  }
  const engine::StoreStats stats = (*store)->stats();
  ledger.open_us = stats.open_us;
  ledger.replay_us = stats.replay_us;
  ledger.replayed_entries = stats.replayed_entries;
  const bool last = death == Death::kLastCheck;
  const Tenants tenants = check_store(**store, ledger, {.full = last, .seed = seed});
  if (ledger.problem_count == 0 && !last) {
    ledger.hammering.store(1);
    Workers workers(**store, ledger, tenants, [] { return false; });
    workers.run(seed, death == Death::kClosed ? 20 : ~std::uint64_t{0});
  }
  if (const Status closed = (*store)->close(); !closed.ok())
    add_problem(ledger, "close: " + closed.to_string());
  _exit(ledger.problem_count == 0 ? 0 : kExitFound);
}

class KillCycles final : public Cycles {
 public:
  KillCycles() {
    void* memory =
        mmap(nullptr, sizeof(Ledger), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
      std::perror("cannot map the ledger");
      std::abort();
    }
    ledger_ = new (memory) Ledger();
    directory_ = std::make_unique<test::TemporaryDirectory>();
  }
  ~KillCycles() override { munmap(ledger_, sizeof(Ledger)); }

  void run(std::uint64_t seed) override {
    SeededRandom random(seed);
    const std::uint64_t roll = random.below(10);
    run_child(seed,
              roll == 0   ? Death::kClosed
              : roll <= 2 ? Death::kKilledEarly
                          : Death::kKilledWorking,
              random.below(kLifeUsMax));
  }

  void finish_store(std::uint64_t seed) override {
    run_child(seed, Death::kLastCheck, 0);
    if (ledger_->problem_count != 0) return;
    directory_ = std::make_unique<test::TemporaryDirectory>();
    forget_store(*ledger_);
  }

  const Ledger& ledger() const override { return *ledger_; }
  std::uint64_t early_deaths() const override { return early_deaths_; }

 private:
  void run_child(std::uint64_t seed, Death death, std::uint64_t life_us) {
    ledger_->hammering.store(0);
    std::fflush(nullptr);
    const pid_t child = fork();
    if (child < 0) {
      add_problem(*ledger_, std::string("fork: ") + std::strerror(errno));
      return;
    }
    if (child == 0) live(*ledger_, directory_->path("store"), seed, death);
    const bool kill_it = death == Death::kKilledWorking || death == Death::kKilledEarly;
    int state = 0;
    bool ended = death != Death::kKilledEarly && wait_for_work(child, state, !kill_it);
    if (!ended && kill_it) {
      sleep_us(life_us);
      kill(child, SIGKILL);
    }
    if (!ended) waitpid(child, &state, 0);
    if (kill_it && ledger_->hammering.load() == 0) ++early_deaths_;
    judge(state, kill_it);
  }

  /// Waits until the workers run, or (`to_the_end`) until the child ended. True when it ended.
  bool wait_for_work(pid_t child, int& state, bool to_the_end) {
    const auto deadline = std::chrono::steady_clock::now() + kHangTime;
    while (to_the_end || ledger_->hammering.load() == 0) {
      if (waitpid(child, &state, WNOHANG) == child) return true;
      if (std::chrono::steady_clock::now() > deadline) {
        add_problem(*ledger_, "the store hangs: no work within 300 s");
        kill(child, SIGKILL);
        return false;
      }
      sleep_us(100);
    }
    return false;
  }

  void judge(int state, bool kill_it) {
    if (WIFSIGNALED(state)) {
      if (kill_it && WTERMSIG(state) == SIGKILL) return;
      if (ledger_->problem_count == 0) {
        add_problem(*ledger_, "the process died of signal " + std::to_string(WTERMSIG(state)));
      }
      return;
    }
    if (ledger_->problem_count != 0) return;
    if (WEXITSTATUS(state) != 0 || kill_it) {
      add_problem(*ledger_,
                  "the process ended by itself with code " + std::to_string(WEXITSTATUS(state)));
    }
  }

  Ledger* ledger_ = nullptr;
  std::unique_ptr<test::TemporaryDirectory> directory_;
  std::uint64_t early_deaths_ = 0;
};

}  // namespace

std::unique_ptr<Cycles> make_kill_cycles() { return std::make_unique<KillCycles>(); }

}  // namespace clinicdb::crash
