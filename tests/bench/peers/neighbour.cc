#include "bench/peers/neighbour.h"

#include <algorithm>
#include <thread>

namespace clinicdb::bench {

namespace {

constexpr std::uint32_t kNeighbour = 0;
constexpr std::uint32_t kFlooder = 1;

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// Where none was answered, p99 is at least the time that was given.
double p99_of(const Figures& figures, const LoadOptions& load) {
  return figures.per_second > 0 ? figures.p99_us : load.seconds * 1e6;
}

Result<Figures> run_tenant(const LoadOptions& load, std::uint16_t port, const Clinics& clinics,
                           Operation operation, std::uint32_t tenant) {
  const auto open = [&](int) { return open_clinicdb_line(port, tenant, false); };
  return run_lines(load, clinics, operation, open, [&](int) { return std::optional(tenant); });
}

}  // namespace

Result<NeighbourFigures> measure_neighbour(const NeighbourOptions& options, const Clinics& clinics,
                                           Operation calls, Operation flood) {
  if (clinics.tenants < 2) return invalid_argument("a neighbour needs another tenant beside it");
  std::vector<double> alone;
  std::vector<double> flooded;
  std::vector<double> flood_answers;
  std::vector<double> flood_refusals;
  LoadOptions flood_load = options.flood;
  // From before the neighbour's calls are counted until behind them.
  flood_load.warm_seconds = 0;
  flood_load.seconds = options.neighbour.warm_seconds + options.neighbour.seconds + 0.1;
  for (int round = 0; round < options.rounds; ++round) {
    ASSIGN_OR_RETURN(const Figures quiet,
                     run_tenant(options.neighbour, options.port, clinics, calls, kNeighbour));
    if (quiet.errors > 0) return internal_error("the neighbour alone: " + quiet.first_error);
    alone.push_back(p99_of(quiet, options.neighbour));
    Result<Figures> loud{Figures()};
    std::thread flooder(
        [&] { loud = run_tenant(flood_load, options.port, clinics, flood, kFlooder); });
    const Result<Figures> disturbed =
        run_tenant(options.neighbour, options.port, clinics, calls, kNeighbour);
    flooder.join();
    if (!disturbed) return disturbed.error();
    if (!loud) return loud.error();
    if (disturbed->errors > 0)
      return internal_error("the neighbour beside a flood: " + disturbed->first_error);
    flooded.push_back(p99_of(*disturbed, options.neighbour));
    flood_answers.push_back(loud->per_second);
    flood_refusals.push_back(static_cast<double>(loud->errors) / flood_load.seconds);
  }
  return NeighbourFigures{median(alone), median(flooded), median(flood_answers),
                          median(flood_refusals)};
}

}  // namespace clinicdb::bench
