// clinicdb-load: load on ClinicDB's server and on its peers, all on this machine, and what they
// answer in a second. tests/bench/peers.py starts the servers and runs it; see there.
//
//   clinicdb-load rows FOLDER          the clinics as rows, for a peer to load
//   clinicdb-load fill --port 7400     the same into a ClinicDB server
//   clinicdb-load run --side clinicdb --port 7400 get book     a line of JSON an operation
//   clinicdb-load echo                 the bare echo server
//   clinicdb-load neighbour --port 7400   a tenant's calls while another tenant floods the server
#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>

#include "bench/peers/echo.h"
#include "bench/peers/line.h"
#include "bench/peers/neighbour.h"

namespace {

using namespace clinicdb;         // NOLINT: a program of one file
using namespace clinicdb::bench;  // NOLINT

struct RunOptions {
  std::string side;
  std::uint16_t port = 0;
  bool fresh = false;
  std::string authority;
  std::string user = "clinic";
  std::string database = "clinic";
  std::size_t echo_bytes = 300;
  LoadOptions load;
  std::vector<std::string> operations;
};

int complain(const Status& status) {
  std::cerr << "clinicdb-load: " << status.to_string() << "\n";
  return 1;
}

std::optional<PostgresMode> postgres_mode(const std::string& side) {
  if (side == "postgres") return PostgresMode::kDirect;
  if (side == "postgres-rls") return PostgresMode::kRls;
  if (side == "postgres-unprepared") return PostgresMode::kUnprepared;
  return std::nullopt;
}

Result<Figures> measure(const RunOptions& options, const Clinics& clinics,
                        std::optional<Operation> operation) {
  if (options.side == "library") {
    return run_library(options.load, clinics, operation,
                       {options.port, options.fresh, options.authority});
  }
  if (options.side == "echo-callers")
    return call_echo(options.load, options.port, options.echo_bytes, options.authority);
  const bool own_tenant = options.side == "clinicdb";  // of each connection
  const auto tenant_of = [&](int index) {
    return own_tenant ? std::optional(static_cast<std::uint32_t>(index) % clinics.tenants)
                      : std::nullopt;
  };
  const auto mode = postgres_mode(options.side);
  const auto open = [&](int index) -> Result<std::unique_ptr<Line>> {
    if (own_tenant) return open_clinicdb_line(options.port, *tenant_of(index), options.fresh);
    if (mode) {
      return open_postgres_line("host=127.0.0.1 port=" + std::to_string(options.port) +
                                    " user=" + options.user + " dbname=" + options.database,
                                *mode, options.load.depth);
    }
    if (options.side == "mariadb") return open_mariadb_line(options.port, options.database);
    if (options.side == "echo") return open_echo_line(options.port, options.echo_bytes);
    return invalid_argument(options.side + " is no side");
  };
  return run_lines(options.load, clinics, operation, open, tenant_of);
}

int run(RunOptions options, const Clinics& clinics) {
  for (const std::string& name : options.operations) {
    const auto operation = parse_operation(name);
    if (!operation) return complain(operation.status());
    const auto figures = measure(options, clinics, *operation);
    if (!figures) return complain(figures.error());
    options.load.first_booking = figures->next_booking;
    const nlohmann::json line{{"operation", name},
                              {"per_second", figures->per_second},
                              {"p50_us", figures->p50_us},
                              {"p95_us", figures->p95_us},
                              {"p99_us", figures->p99_us},
                              {"errors", figures->errors},
                              {"first_error", figures->first_error},
                              {"next_booking", figures->next_booking}};
    std::cout << line.dump() << std::endl;
  }
  return 0;
}

/// Reads and changes, each beside a flood of either.
int run_neighbour(const NeighbourOptions& options, const Clinics& clinics, double ratio_max) {
  bool good = true;
  for (const Operation calls : {Operation::kGet, Operation::kUpdate}) {
    for (const Operation flood : {Operation::kGet, Operation::kUpdate}) {
      const auto figures = measure_neighbour(options, clinics, calls, flood);
      if (!figures) return complain(figures.error());
      const auto name = [](Operation each) { return each == Operation::kGet ? "get" : "update"; };
      const nlohmann::json line{{"calls", name(calls)},
                                {"flood", name(flood)},
                                {"alone_p99_us", figures->alone_p99_us},
                                {"flooded_p99_us", figures->flooded_p99_us},
                                {"ratio", figures->ratio()},
                                {"flood_per_second", figures->flood_per_second},
                                {"flood_refused_per_second", figures->flood_refused_per_second}};
      std::cout << line.dump() << std::endl;
      good = good && (ratio_max == 0 || figures->ratio() <= ratio_max);
    }
  }
  return good ? 0 : 3;
}

}  // namespace

int main(int count, char** words) {
  CLI::App app("Load on ClinicDB's server and on its peers, on this machine.", "clinicdb-load");
  app.require_subcommand(1);
  Clinics clinics;
  app.add_option("--tenants", clinics.tenants);
  app.add_option("--patients", clinics.patients, "Of each tenant");
  app.add_option("--appointments", clinics.appointments, "Of each tenant");
  app.add_option("--professionals", clinics.professionals, "Of each tenant");

  std::string folder;
  CLI::App* rows = app.add_subcommand("rows", "The clinics as rows");
  rows->add_option("FOLDER", folder)->required();

  std::uint16_t port = 0;
  CLI::App* fill = app.add_subcommand("fill", "The clinics into a ClinicDB server");
  fill->add_option("--port", port)->required();

  EchoTls tls;
  int echo_threads = 2;
  CLI::App* echo = app.add_subcommand("echo", "A server that sends back what it gets");
  echo->add_option("--certificate", tls.certificate, "TLS");
  echo->add_option("--key", tls.key, "TLS");
  echo->add_option("--threads", echo_threads);

  RunOptions options;
  CLI::App* load = app.add_subcommand("run", "Load, and how it was answered");
  load->add_option("--side", options.side,
                   "clinicdb, library, postgres, postgres-rls, postgres-unprepared, mariadb, echo, "
                   "echo-callers")
      ->required();
  load->add_option("--port", options.port, "Of 127.0.0.1")->required();
  load->add_flag("--fresh", options.fresh, "Reads are from the store, not from its cache");
  load->add_option("--authority", options.authority, "TLS: the certificate to trust");
  load->add_option("--user", options.user);
  load->add_option("--database", options.database);
  load->add_option("--echo-bytes", options.echo_bytes);
  load->add_option("--threads", options.load.threads, "That drive the connections");
  load->add_option("--connections", options.load.connections);
  load->add_option("--depth", options.load.depth, "Calls in flight on each connection");
  load->add_option("--seconds", options.load.seconds, "For each operation");
  load->add_option("--warm", options.load.warm_seconds, "Before it, not counted");
  load->add_option("--first-booking", options.load.first_booking,
                   "Bookings of before have the numbers below");
  load->add_option("OPERATION", options.operations, "get cpf search day slots update book mix")
      ->required();
  NeighbourOptions beside;
  double ratio_max = 0;
  CLI::App* neighbour = app.add_subcommand("neighbour", "A tenant beside another one's flood");
  neighbour->add_option("--port", beside.port, "Of 127.0.0.1")->required();
  neighbour->add_option("--seconds", beside.neighbour.seconds, "For each measurement");
  neighbour->add_option("--rounds", beside.rounds);
  neighbour->add_option("--flood-connections", beside.flood.connections);
  neighbour->add_option("--flood-depth", beside.flood.depth, "Calls in flight on each");
  neighbour->add_option("--ratio-max", ratio_max,
                        "Exit with 3 when a p99 grows by more; 0: whatever it is");
  CLI11_PARSE(app, count, words);

  if (rows->parsed()) {
    const Status status = write_rows(clinics, folder);
    return status.ok() ? 0 : complain(status);
  }
  if (fill->parsed()) {
    const Status status = fill_server(clinics, port);
    return status.ok() ? 0 : complain(status);
  }
  if (neighbour->parsed()) return run_neighbour(beside, clinics, ratio_max);
  if (echo->parsed()) return serve_echo(tls, echo_threads);
  return run(options, clinics);
}
