// How fast an answer that is kept in the client is found.
#include <benchmark/benchmark.h>

#include "clinicdb/base/clock.h"
#include "clinicdb/clinic/schema/patient.pb.h"
#include "near_cache.h"

namespace clinicdb::client {
namespace {

/// What Client::call does for a hit: the request's bytes, the time, the look-up, a shared answer.
void near_cache_hit(benchmark::State& state) {
  NearCache cache(std::size_t{64} << 20, 3'600'000'000'000);
  const auto source = std::make_shared<Source>();
  source->marks = std::make_shared<Marks>();
  source->heard_all_until_ns = system_clock().monotonic_ns();
  std::vector<clinic::GetPatientRequest> requests(1000);
  for (std::size_t i = 0; i < requests.size(); ++i) {
    requests[i].set_id("0123456789ab" + std::to_string(1000 + i));
    cache.keep(98, requests[i].SerializeAsString(),
               std::make_shared<const clinic::GetPatientResponse>(), 1000, source, 5, {i, i + 1});
  }
  std::string bytes;
  std::size_t next = 0;
  std::int64_t hits = 0;
  for (auto _ : state) {
    const clinic::GetPatientRequest& request = requests[next++ % requests.size()];
    bytes.resize(request.ByteSizeLong());
    request.SerializeWithCachedSizesToArray(reinterpret_cast<std::uint8_t*>(bytes.data()));
    const auto answer = cache.find(98, bytes, system_clock().monotonic_ns());
    hits += answer.has_value();
    benchmark::DoNotOptimize(answer);
  }
  if (hits != static_cast<std::int64_t>(state.iterations())) state.SkipWithError("a miss");
  state.SetItemsProcessed(hits);
}
BENCHMARK(near_cache_hit);

}  // namespace
}  // namespace clinicdb::client
