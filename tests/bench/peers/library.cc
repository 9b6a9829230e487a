// Callers as coroutines of ClinicDB's client library.
#include <asio/co_spawn.hpp>
#include <asio/use_future.hpp>
#include <chrono>
#include <future>

#include "bench/peers/echo.h"
#include "bench/peers/requests.h"
#include "clinicdb/client/async.h"
#include "clinicdb/client/client.h"

namespace clinicdb::bench {

namespace {

using SteadyClock = std::chrono::steady_clock;

template <class Response>
Status told(const Result<std::shared_ptr<const Response>>& answer) {
  if (!answer) return answer.status();
  return *answer == nullptr ? not_found("a record that was loaded is not there") : Status();
}

asio::awaitable<Status> make_call(client::Client& client, Call call, client::CallOptions options) {
  const client::AsyncServices services(client);
  switch (call.operation) {
    case Operation::kGet: {
      const auto answer = co_await services.patients().get(get_request(call), options);
      co_return told(answer);
    }
    case Operation::kCpf: {
      const auto answer = co_await services.patients().find_by_cpf(cpf_request(call), options);
      co_return told(answer);
    }
    case Operation::kSearch: {
      const auto answer = co_await services.patients().search(search_request(call), options);
      co_return told(answer);
    }
    case Operation::kDay: {
      const auto answer = co_await services.scheduling().list_day(day_request(call), options);
      co_return told(answer);
    }
    case Operation::kSlots: {
      const auto answer = co_await services.availability().find_slots(slots_request(call), options);
      co_return told(answer);
    }
    case Operation::kUpdate: {
      const auto answer = co_await services.patients().update(update_request(call), options);
      co_return answer.status();
    }
    case Operation::kBook: {
      const auto answer = co_await services.scheduling().book(book_request(call), options);
      co_return answer.status();
    }
  }
  co_return Status();
}

asio::awaitable<void> keep_calling(client::Client& client, CallStream stream, bool fresh,
                                   SteadyClock::time_point from, SteadyClock::time_point until,
                                   Seen& seen) {
  client::CallOptions options;
  options.fresh = fresh;
  while (true) {
    const Call call = stream.next();
    const SteadyClock::time_point began = SteadyClock::now();
    const Status status = co_await make_call(client, call, options);
    const SteadyClock::time_point now = SteadyClock::now();
    if (!status.ok()) seen.error(status);
    if (now >= until) co_return;
    if (now >= from)
      seen.latencies_us.push_back(std::chrono::duration<float, std::micro>(now - began).count());
  }
}

}  // namespace

Result<Figures> run_library(const LoadOptions& options, const Clinics& clinics,
                            std::optional<Operation> operation, const LibraryOptions& library) {
  std::vector<std::unique_ptr<client::Client>> clients;
  const int threads = std::min(options.threads, options.connections);
  for (int t = 0; t < threads; ++t) {
    client::ClientOptions to;
    to.endpoints = {"localhost:" + std::to_string(library.port)};
    to.tenant = tenant_slug(static_cast<std::uint32_t>(t) % clinics.tenants);
    to.tls.enabled = !library.authority.empty();
    to.tls.authority_file = library.authority;
    ASSIGN_OR_RETURN(std::unique_ptr<client::Client> client, client::Client::connect(to));
    clients.push_back(std::move(client));
  }
  Bookings bookings(clinics, options.first_booking);
  const auto seconds_of = [](double seconds) {
    return std::chrono::duration_cast<SteadyClock::duration>(
        std::chrono::duration<double>(seconds));
  };
  const auto from = SteadyClock::now() + seconds_of(options.warm_seconds);
  const auto until = from + seconds_of(options.seconds);
  std::vector<Seen> parts(static_cast<std::size_t>(options.connections));
  std::vector<std::future<void>> callers;
  for (int i = 0; i < options.connections; ++i) {
    client::Client& client = *clients[static_cast<std::size_t>(i % threads)];
    const std::uint32_t tenant = static_cast<std::uint32_t>(i % threads) % clinics.tenants;
    callers.push_back(asio::co_spawn(
        client::executor(client, 0),
        keep_calling(
            client,
            CallStream(clinics, bookings, operation, tenant, static_cast<std::uint64_t>(i) + 77),
            library.fresh, from, until, parts[static_cast<std::size_t>(i)]),
        asio::use_future));
  }
  for (std::future<void>& caller : callers) caller.get();
  return figures_of(parts, options.seconds, bookings);
}

}  // namespace clinicdb::bench
