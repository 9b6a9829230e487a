"""What was measured, as tables and as JSON."""

# What issue 4 of the project asks of each operation: so many times the best PostgreSQL.
BARS = {"get": 2.5, "cpf": 2, "search": 2, "day": 2.5, "slots": 3, "update": 1.5, "book": 2.5, "mix": 2.5}


def best(figures, operation, beginning):
    """The fastest column whose name begins so, and its name."""
    found = [(value["per_second"], name) for (name, of), value in figures.items()
             if of == operation and name.startswith(beginning) and "deep" not in name and "one caller" not in name]
    if not found:
        return None, ""
    name = max(found)[1]
    return figures[name, operation], name


def postgres_best(figures, operation):
    found = [best(figures, operation, f"PostgreSQL {clients}")
             for clients in (16, 64)]
    found = [each for each in found if each[0]]
    return max(found, key=lambda each: each[0]["per_second"]) if found else (None, "")


def rate(figure):
    return f"{figure['per_second']:,.0f}" if figure else "-"


def part(figure, other):
    return f"{figure['per_second'] / other['per_second']:.2f}" if figure and other else "-"


def latencies(figure):
    return "{:,.0f} {:,.0f} {:,.0f}".format(*(figure[key] for key in ("p50_us", "p95_us", "p99_us"))) if figure else "-"


def processor(figure):
    return f"{figure['server_cpu_us']:.0f}+{figure['callers_cpu_us']:.0f}" if figure and "server_cpu_us" in figure else "-"


def table(title, head, rows):
    print(f"\n{title}")
    widths = [max(len(str(row[i])) for row in [head, *rows]) for i in range(len(head))]
    for row in [head, *rows]:
        print("  ".join(str(cell).ljust(width) if i == 0 else str(cell).rjust(width)
                        for i, (cell, width) in enumerate(zip(row, widths))).rstrip())


def print_tables(figures, operations):
    operations = [name for name in operations if ("ClinicDB", name) in figures]
    rows, delays = [], []
    for name in operations:
        ours = figures["ClinicDB", name]
        uncached, lines = figures.get(("ClinicDB uncached", name)), figures.get(("ClinicDB 64 lines", name))
        peer, _ = postgres_best(figures, name)
        rls, bouncer, innodb, myrocks = (best(figures, name, each)[0]
                                         for each in ("PostgreSQL RLS", "PgBouncer", "InnoDB", "MyRocks"))
        rows.append([name, rate(ours), rate(uncached), rate(lines), rate(peer), part(ours, peer), part(lines, peer),
                     BARS[name], rate(rls), rate(bouncer), rate(innodb), rate(myrocks)])
        delays.append([name, latencies(ours), latencies(lines), latencies(peer), latencies(innodb), processor(ours),
                       processor(lines), processor(peer)])
    table("Calls a second, 64 callers; of the databases the better of 16 and 64. Ratios to PostgreSQL: callers as "
          "coroutines, one request a connection, bar",
          ["", "ClinicDB", "uncached", "64 lines", "PostgreSQL", "ratio", "lines", "bar", "RLS", "PgBouncer", "InnoDB",
           "MyRocks"], rows)
    table("p50 p95 p99 in µs; processor µs a call, server + callers",
          ["", "ClinicDB", "64 lines", "PostgreSQL", "InnoDB", "ClinicDB cpu", "64 lines cpu", "PostgreSQL cpu"], delays)
    limits = [[name, of, rate(value), latencies(value), processor(value)] for (name, of), value in figures.items()
              if any(word in name for word in ("deep", "50 lines", "on disk", "one caller"))]
    table("Against the limits", ["", "", "a second", "p50 p95 p99 µs", "cpu µs"], limits)
    print_shares(figures)
    for (name, of), value in figures.items():
        if value["errors"]:
            print(f"{name}, {of}: {value['errors']:.0f} calls failed: {value['first_error']}")


def print_shares(figures):
    """What the bars of issue 4 ask beside PostgreSQL."""
    def share(of, name, to, other, key="per_second"):
        if (of, name) not in figures or (to, other) not in figures:
            return "-"
        return f"{figures[of, name][key] / figures[to, other][key]:.2f}"
    innodb, _ = best(figures, "book", "InnoDB")
    deep = figures.get(("ClinicDB 64 lines, 16 deep", "book"))
    print(f"\nget, 50 lines: {share('ClinicDB 50 lines', 'get', 'Redis 50 lines', 'get')} x Redis (bar 1), "
          f"{share('ClinicDB 50 lines', 'get', 'echo 50 lines', 'get')} x echo (bar 0.5); bookings, pipelined: "
          f"{part(deep, innodb)} x InnoDB (bar 1)")
    print("one caller's p50 of get: "
          f"{share('one caller, ClinicDB TCP', 'get', 'one caller, echo TCP', 'get', 'p50_us')} x the echo's over TCP, "
          f"{share('one caller, ClinicDB TLS', 'get', 'one caller, echo TLS', 'get', 'p50_us')} x over TLS (bar 1.4)")


def as_json(figures, options):
    return {"clinics": {key: getattr(options, key) for key in ("tenants", "patients", "appointments")},
            "seconds": options.seconds, "rounds": options.rounds,
            "figures": [{"column": name, "operation": of, **value} for (name, of), value in figures.items()]}
