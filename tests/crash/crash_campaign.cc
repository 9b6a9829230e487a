// clinicdb_crash: breaks the store on purpose, again and again, and checks after each death that
// everything acknowledged is there and nothing is half done. What is checked stands in checker.h,
// how it dies in cycles.h.
//
//   clinicdb_crash --cycles 500                  half of them by SIGKILL, half by a simulated power
//   cut clinicdb_crash --mode power --break sync     the control: without the log's sync it must
//   find losses
//
// Exit: 0 nothing found, 1 something found, 2 wrong arguments.
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cycles.h"

namespace clinicdb::crash {
namespace {

constexpr std::uint64_t kCyclesPerStore = 20;

constexpr const char* kUsage =
    "Usage: clinicdb_crash [--cycles N] [--seed S] [--mode kill|power|both] [--break sync] "
    "[--json]\n"
    "  --cycles N   lives and deaths in all (default 500)\n"
    "  --seed S     the first cycle's seed; a cycle's seed is S plus its number (default 1)\n"
    "  --mode M     kill: SIGKILL a process on real files; power: lose what was not synced on a "
    "simulated disk;\n"
    "               both: half of the cycles each (default)\n"
    "  --break sync leave the commit log's sync out; with --mode power the campaign must then find "
    "losses\n"
    "  --json       one line of JSON at the end\n"
    "Exit: 0 nothing found, 1 something found, 2 wrong arguments.\n";

struct Options {
  std::uint64_t cycles = 500;
  std::uint64_t seed = 1;
  std::string mode = "both";
  bool break_sync = false;
  bool json = false;
};

std::optional<Options> parse(int count, char** arguments) {
  Options options;
  for (int i = 1; i < count; ++i) {
    const std::string_view name = arguments[i];
    if (name == "--json") {
      options.json = true;
      continue;
    }
    if (i + 1 == count) return std::nullopt;
    const std::string_view value = arguments[++i];
    if (name == "--cycles" || name == "--seed") {
      std::uint64_t& number = name == "--seed" ? options.seed : options.cycles;
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
      if (error != std::errc() || end != value.data() + value.size()) return std::nullopt;
    } else if (name == "--mode" && (value == "kill" || value == "power" || value == "both")) {
      options.mode = value;
    } else if (name == "--break" && value == "sync") {
      options.break_sync = true;
    } else {
      return std::nullopt;
    }
  }
  return options;
}

struct Outcome {
  std::string mode;
  std::uint64_t cycles = 0;
  std::uint64_t failed_seed = 0;
  double seconds = 0;
  std::vector<std::uint64_t> replay_us;  ///< sorted
  std::uint64_t replayed_entries = 0;
};

void show_progress(const Outcome& outcome, std::uint64_t cycles, const Ledger& ledger) {
  if (isatty(STDERR_FILENO) == 0) return;
  std::fprintf(stderr, "\r%s %" PRIu64 " of %" PRIu64 " cycles, %" PRIu64 " calls acknowledged ",
               outcome.mode.c_str(), outcome.cycles, cycles, ledger.acknowledged.load());
}

Outcome run(const std::string& mode, Cycles& cycles, std::uint64_t count, std::uint64_t seed) {
  Outcome outcome;
  outcome.mode = mode;
  const auto start = std::chrono::steady_clock::now();
  const Ledger& ledger = cycles.ledger();
  for (std::uint64_t cycle = 0; cycle < count && ledger.problem_count == 0; ++cycle) {
    cycles.run(seed + cycle);
    ++outcome.cycles;
    outcome.replay_us.push_back(ledger.replay_us);
    outcome.replayed_entries += ledger.replayed_entries;
    const bool last = (cycle + 1) % kCyclesPerStore == 0 || cycle + 1 == count;
    if (last && ledger.problem_count == 0) cycles.finish_store(seed + cycle);
    outcome.failed_seed = seed + cycle;
    show_progress(outcome, count, ledger);
  }
  outcome.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::sort(outcome.replay_us.begin(), outcome.replay_us.end());
  if (isatty(STDERR_FILENO) != 0) std::fprintf(stderr, "\r%79s\r", "");
  return outcome;
}

std::uint64_t quantile(const std::vector<std::uint64_t>& sorted, double at) {
  if (sorted.empty()) return 0;
  return sorted[static_cast<std::size_t>(at * static_cast<double>(sorted.size() - 1))];
}

void report(const Outcome& outcome, const Cycles& cycles) {
  const Ledger& ledger = cycles.ledger();
  const double cycle_ms =
      outcome.cycles == 0 ? 0 : outcome.seconds * 1000 / static_cast<double>(outcome.cycles);
  std::printf("%s: %" PRIu64 " cycles in %.1f s (%.1f ms each), %" PRIu64
              " of them died opening or checking\n",
              outcome.mode.c_str(), outcome.cycles, outcome.seconds, cycle_ms,
              cycles.early_deaths());
  std::printf("  calls: %" PRIu64 " acknowledged, %" PRIu64
              " refused; in flight at a death: %" PRIu64 " done, %" PRIu64 " not; %" PRIu64
              " request ids asked again\n",
              ledger.acknowledged.load(), ledger.refused.load(), ledger.resolved_done.load(),
              ledger.resolved_undone.load(), ledger.repeated.load());
  std::printf("  replay: p50 %" PRIu64 " us, p99 %" PRIu64 " us, longest %" PRIu64 " us; %" PRIu64
              " entries in all\n",
              quantile(outcome.replay_us, 0.5), quantile(outcome.replay_us, 0.99),
              quantile(outcome.replay_us, 1), outcome.replayed_entries);
  if (ledger.problem_count == 0) return;
  std::printf("  FOUND %" PRIu32 " problems at seed %" PRIu64 ":\n%s", ledger.problem_count,
              outcome.failed_seed, ledger.problems);
}

void report_json(const Outcome& outcome, const Cycles& cycles) {
  const Ledger& ledger = cycles.ledger();
  std::printf(
      "{\"mode\":\"%s\",\"cycles\":%" PRIu64 ",\"seconds\":%.3f,\"early_deaths\":%" PRIu64
      ",\"acknowledged\":%" PRIu64 ",\"refused\":%" PRIu64 ",\"in_flight_done\":%" PRIu64
      ",\"in_flight_undone\":%" PRIu64 ",\"request_ids_repeated\":%" PRIu64
      ",\"replay_us_p50\":%" PRIu64 ",\"replay_us_max\":%" PRIu64 ",\"problems\":%" PRIu32 "}\n",
      outcome.mode.c_str(), outcome.cycles, outcome.seconds, cycles.early_deaths(),
      ledger.acknowledged.load(), ledger.refused.load(), ledger.resolved_done.load(),
      ledger.resolved_undone.load(), ledger.repeated.load(), quantile(outcome.replay_us, 0.5),
      quantile(outcome.replay_us, 1), ledger.problem_count);
}

bool run_mode(const Options& options, const std::string& mode, std::uint64_t count) {
  const std::unique_ptr<Cycles> cycles =
      mode == "kill" ? make_kill_cycles() : make_power_cycles(options.break_sync);
  const Outcome outcome = run(mode, *cycles, count, options.seed);
  report(outcome, *cycles);
  if (options.json) report_json(outcome, *cycles);
  return cycles->ledger().problem_count == 0;
}

int run_all(const Options& options) {
  std::printf("seed %" PRIu64 "%s\n", options.seed,
              options.break_sync ? ", the log's sync left out" : "");
  bool good = true;
  // Kills first: they fork, which must happen while this process has no threads of RocksDB's.
  if (options.mode != "power") {
    good =
        run_mode(options, "kill", options.mode == "both" ? options.cycles / 2 : options.cycles) &&
        good;
  }
  if (options.mode != "kill") {
    good =
        run_mode(options, "power",
                 options.mode == "both" ? options.cycles - options.cycles / 2 : options.cycles) &&
        good;
  }
  return good ? 0 : 1;
}

}  // namespace
}  // namespace clinicdb::crash

int main(int count, char** arguments) {
  const auto options = clinicdb::crash::parse(count, arguments);
  if (!options) {
    std::fputs(clinicdb::crash::kUsage, stderr);
    return 2;
  }
  return clinicdb::crash::run_all(*options);
}
