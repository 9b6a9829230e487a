// clinicdb-load: load on a server that runs on this machine with --open-on-loopback, and what it
// answers in a second. One line of JSON an operation.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>

#include "bench/server_load.h"

int main(int count, char** words) {
  using namespace clinicdb;  // NOLINT
  CLI::App app("Load on a ClinicDB server of this machine: calls a second and latencies.",
               "clinicdb-load");
  bench::ServerLoadOptions options;
  std::vector<std::string> operations{"get", "cpf", "search", "day", "update", "book", "mix"};
  app.add_option("--port", options.port, "Of 127.0.0.1");
  app.add_option("--threads", options.threads, "That drive the connections");
  app.add_option("--connections", options.connections);
  app.add_option("--depth", options.depth, "Calls in flight on each connection");
  app.add_option("--seconds", options.seconds, "For each operation");
  app.add_option("--patients", options.patients);
  app.add_option("--professionals", options.professionals);
  app.add_option("OPERATION", operations,
                 "get cpf search day update book mix; fresh-get and so on: from the store");
  CLI11_PARSE(app, count, words);
  const auto figures = bench::run_server_load(options, operations);
  if (!figures) {
    std::cerr << "clinicdb-load: " << figures.error().to_string() << "\n";
    return 1;
  }
  for (const bench::ServerFigures& each : *figures) {
    std::printf(
        "{\"operation\":\"%s\",\"connections\":%d,\"depth\":%d,\"per_second\":%.0f,"
        "\"p50_us\":%.0f,\"p95_us\":%.0f,\"p99_us\":%.0f,\"errors\":%llu}\n",
        each.operation.c_str(), options.connections, options.depth, each.per_second, each.p50_us,
        each.p95_us, each.p99_us, static_cast<unsigned long long>(each.errors));
  }
  return 0;
}
