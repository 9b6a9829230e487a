#!/usr/bin/env python3
"""ClinicDB's server beside PostgreSQL 15, MariaDB 10.11 (InnoDB and, where it is there, MyRocks), Redis 7 and a bare asio
echo, on loopback of one machine. peers.py BIN_DIRECTORY [--short] [--json]; usually: ./dev bench peers [--short] [--json]

All sides hold the same clinics, get the same calls from as many callers on two threads, and answer a change only once it
is on disk. They take turns, operation by operation and round by round; every round begins with fresh copies of what was
loaded; figures are medians over the rounds. ClinicDB's booking keeps claims of professional and patient, history and
event; PostgreSQL's keeps one exclusion constraint, MariaDB's one unique slot grid.
"""
import argparse
import json
import os
import resource
import shutil
import signal
import statistics
import sys
import time

import report
from servers import ClinicDb, ClinicDbTls, Echo, MariaDb, PgBouncer, Postgres, Redis, run

OPERATIONS = ["get", "cpf", "search", "day", "slots", "update", "book", "mix"]
READS = {"get", "cpf", "search", "day", "slots"}
SHORT = {"tenants": 10, "patients": 200, "appointments": 1000, "seconds": 0.5, "warm": 0.15, "rounds": 1}
LONG = {"tenants": 100, "patients": 1000, "appointments": 5000, "seconds": 4, "warm": 0.5, "rounds": 3}
SETTLE_SECONDS = 20
SETTLE_PROBE_SECONDS = 0.3
PREFIX = "clinicdb-peers-"


class Column:
    """One way in which operations are measured: a server and the callers that it gets."""

    def __init__(self, name, server, side, connections, operations=None, **words):
        self.name = name
        self.server = server
        self.side = side
        self.connections = connections
        self.operations = operations or OPERATIONS
        self.words = [word for key, value in words.items()
                      for word in ([f"--{key.replace('_', '-')}"] + ([] if value is True else [str(value)]))]
        self.next_booking = 0

    def settle(self, options):
        """What the calls of before have left to be done behind them (flushes, compactions, vacuum) is not these calls'."""
        if options.short:
            return
        end = time.monotonic() + SETTLE_SECONDS
        while time.monotonic() < end:
            before = self.server.cpu_seconds()
            time.sleep(SETTLE_PROBE_SECONDS)
            if self.server.cpu_seconds() - before < 0.1 * SETTLE_PROBE_SECONDS:
                return

    def measure(self, operation, options):
        self.settle(options)
        server_before, callers_before = self.server.cpu_seconds(), children_seconds()
        said = run([*options.load, "run", "--side", self.side, "--port", str(self.server.port), "--connections",
                    str(self.connections), "--seconds", str(options.seconds), "--warm", str(options.warm),
                    "--first-booking", str(self.server.next_booking), *self.words, operation])
        figures = json.loads(said.splitlines()[-1])
        self.server.next_booking = max(self.server.next_booking, figures["next_booking"])
        calls = max(1.0, figures["per_second"] * (options.seconds + options.warm))
        figures["server_cpu_us"] = (self.server.cpu_seconds() - server_before) / calls * 1e6
        figures["callers_cpu_us"] = (children_seconds() - callers_before) / calls * 1e6
        return figures


class RedisColumn(Column):
    """Redis has a load generator of its own."""

    def __init__(self, name, server, connections, operation, rate):
        super().__init__(name, server, "redis", connections, [operation])
        self.rate = rate

    def measure(self, operation, options):
        return self.server.benchmark(operation, self.connections, options.seconds, self.rate)


def children_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main_columns(options, sides):
    """Every operation, with 64 callers; the databases also with 16, where they may do better."""
    ours, postgres, bouncer = sides["clinicdb"], sides.get("postgresql"), sides.get("pgbouncer")
    columns = [Column("ClinicDB", ours, "library", 64),
               Column("ClinicDB uncached", ours, "library", 64, sorted(READS, key=OPERATIONS.index), fresh=True),
               Column("ClinicDB 64 lines", ours, "clinicdb", 64)]
    if postgres is None:
        return columns
    for clients in (16, 64):
        columns.append(Column(f"PostgreSQL {clients}", postgres, "postgres", clients))
    for clients in ((64,) if options.short else (16, 64)):
        columns += [Column(f"PostgreSQL RLS {clients}", postgres, "postgres-rls", clients, user="desk"),
                    Column(f"PgBouncer {clients}", bouncer, "postgres-unprepared", clients,
                           ["get", "book", "mix"] if options.short else OPERATIONS)]
        columns += [Column(f"{title} {clients}", sides[name], "mariadb", clients)
                    for name, title in (("mariadb", "InnoDB"), ("myrocks", "MyRocks")) if name in sides]
    return columns


def limit_columns(options, sides):
    """Against the limits: Redis, the echo, pipelines, and one caller alone."""
    ours, tls = sides["clinicdb"], sides["clinicdb-tls"]
    deep, one = ["get", "day", "update", "book"], ["get", "update", "book"]
    columns = [
        Column("ClinicDB 50 lines", ours, "clinicdb", 50, ["get"]),
        Column("echo 50 lines", sides["echo"], "echo", 50, ["get"]),
        Column("ClinicDB 64 lines, 16 deep", ours, "clinicdb", 64, deep, depth=16),
        Column("one caller, echo TCP", sides["echo"], "echo-callers", 1, ["get"]),
        Column("one caller, ClinicDB TCP", ours, "library", 1, one),
        Column("one caller, echo TLS", sides["echo-tls"], "echo-callers", 1, ["get"], authority=tls.certificate),
        Column("one caller, ClinicDB TLS", tls, "library", 1, ["get"], authority=tls.certificate)]
    if options.own:
        return columns
    postgres = sides["postgresql"]
    return columns + [RedisColumn("Redis 50 lines", sides["redis"], 50, "get", 60_000),
                      RedisColumn("Redis 64 lines, on disk", sides["redis-durable"], 64, "set", 20_000),
                      Column("PostgreSQL 16 lines, 16 deep", postgres, "postgres", 16, deep, depth=16),
                      Column("one caller, PostgreSQL", postgres, "postgres", 1, one)]


def make_sides(directory, options):
    ours = ClinicDb(directory, options)
    tls = ClinicDbTls(directory, options, ours)
    sides = [ours, tls, Echo(directory, options), Echo(directory, options, tls)]
    if options.own:
        return {side.name: side for side in sides}
    postgres = Postgres(directory, options)
    sides += [postgres, PgBouncer(directory, options, postgres), MariaDb(directory, options, "InnoDB"),
              Redis(directory, options, False), Redis(directory, options, True)]
    if MariaDb.has_rocksdb():
        sides.append(MariaDb(directory, options, "ROCKSDB"))
    else:
        note("mariadb-plugin-rocksdb is not installed: without MyRocks")
    return {side.name: side for side in sides}


def note(text):
    print(text, file=sys.stderr, flush=True)


def measure_all(options, sides):
    rows = os.path.join(options.directory, "rows")
    os.makedirs(rows)
    run([*options.load, "rows", rows])
    for side in sides.values():
        began = time.monotonic()
        side.load(rows)
        if time.monotonic() - began > 1:
            note(f"   loaded {side.name} in {time.monotonic() - began:.0f} s")
    columns = main_columns(options, sides)
    limits = limit_columns(options, sides)
    figures = {}
    for number in range(options.rounds):
        for side in sides.values():
            side.next_booking = 0
            side.begin()
        for each in (columns, limits):
            for operation in dict.fromkeys(name for column in each for name in column.operations):
                if options.operations and operation not in options.operations:
                    continue
                note(f"   round {number + 1} of {options.rounds}: {operation}")
                for column in each:
                    if operation in column.operations:
                        figures.setdefault((column.name, operation), []).append(column.measure(operation, options))
        for side in sides.values():
            side.end()
    return {key: median_of(values) for key, values in figures.items()}


def measure_neighbour(options, server):
    """One tenant's calls alone and beside another's flood: prints what clinicdb-load says."""
    rows = os.path.join(options.directory, "rows")
    os.makedirs(rows)
    run([*options.load, "rows", rows])
    server.load(rows)
    for percent in (0, 25):
        measure_neighbour_at(options, server, percent)


def measure_neighbour_at(options, server, percent):
    with open(server.config, "w", encoding="utf-8") as file:
        file.write(f"[limits]\ntenant_processor_percent = {percent}\n")
    if not options.json:
        print(f"limits.tenant_processor_percent = {percent}" + (" (the default)" if percent == 0 else ""))
    server.begin()
    for line in run([*options.load, "neighbour", "--port", str(server.port), "--seconds", str(options.seconds),
                     "--rounds", str(options.rounds)]).splitlines():
        said = json.loads(line)
        print(json.dumps({"tenant_processor_percent": percent, **said}) if options.json else
              f"{said['calls']:>6} beside a flood of {said['flood']:<6}  p99 {said['alone_p99_us']:9.0f} us alone, "
              f"{said['flooded_p99_us']:9.0f} us beside it: {said['ratio']:6.2f} x   (the flood: "
              f"{said['flood_per_second']:.0f}/s, {said['flood_refused_per_second']:.0f}/s of them refused)")
    server.end()


def median_of(values):
    middle = {key: statistics.median(each[key] for each in values) for key in values[0]
              if isinstance(values[0][key], (int, float))}
    middle["rates"] = [each["per_second"] for each in values]
    middle["first_error"] = next((each["first_error"] for each in values if each.get("first_error")), "")
    return middle


def remove_leftovers(parent):
    """Of runs that were killed: directories whose process is gone. Their servers ended with them."""
    for name in os.listdir(parent):
        pid = name[len(PREFIX):]
        if name.startswith(PREFIX) and pid.isdigit() and not os.path.exists(f"/proc/{pid}"):
            shutil.rmtree(os.path.join(parent, name), ignore_errors=True)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", help="where clinicdb and clinicdb-load are")
    parser.add_argument("--short", action="store_true", help="a minute or two, on small clinics: that all of it works")
    parser.add_argument("--own", action="store_true", help="ClinicDB and the echo only: the peers need not be installed")
    parser.add_argument("--neighbour", action="store_true",
                        help="instead: what a tenant's flood does to another tenant's calls")
    parser.add_argument("--json", action="store_true", help="print all figures as JSON instead of the tables")
    parser.add_argument("--directory", default="/var/tmp", help="where the servers keep their data while it runs")
    for name, kind in (("tenants", int), ("patients", int), ("appointments", int), ("seconds", float), ("warm", float),
                       ("rounds", int)):
        parser.add_argument(f"--{name}", type=kind, help=f"default: {LONG[name]}, short: {SHORT[name]}")
    parser.add_argument("operations", nargs="*", metavar="OPERATION", help=" ".join(OPERATIONS))
    options = parser.parse_intermixed_args()
    unknown = set(options.operations) - set(OPERATIONS)
    if unknown:
        parser.error(f"no operation: {' '.join(sorted(unknown))}")
    for name, value in (SHORT if options.short else LONG).items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    options.programs = os.path.abspath(options.programs)
    options.load = [os.path.join(options.programs, "clinicdb-load"), "--tenants", str(options.tenants), "--patients",
                    str(options.patients), "--appointments", str(options.appointments)]
    return options


def main():
    options = arguments()
    remove_leftovers(options.directory)
    options.directory = os.path.join(options.directory, f"{PREFIX}{os.getpid()}")
    os.makedirs(options.directory, mode=0o755)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    sides = {}
    try:
        if options.neighbour:
            ours = ClinicDb(options.directory, options)
            sides[ours.name] = ours
            measure_neighbour(options, ours)
            return
        sides = make_sides(options.directory, options)
        figures = measure_all(options, sides)
    finally:
        for side in sides.values():
            side.stop()
        shutil.rmtree(options.directory, ignore_errors=True)
    if options.json:
        print(json.dumps(report.as_json(figures, options), indent=1))
    else:
        report.print_tables(figures, OPERATIONS)
    if any(value["errors"] for (name, _), value in figures.items() if "ClinicDB" in name or "echo" in name):
        sys.exit("calls on ClinicDB failed")


if __name__ == "__main__":
    main()
