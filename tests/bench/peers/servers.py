"""The servers that are measured: each is loaded once, and begins every round with a copy of what was loaded, so that no
round meets what the one before it booked. Each runs as the account that its package made for it, on loopback only, and
ends with this process, whatever ends that."""
import ctypes
import glob
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time

START_SECONDS = 60
STOP_SECONDS = 60
PR_SET_PDEATHSIG = 1


def run(words, **options):
    done = subprocess.run(words, capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, words))}\n{done.stdout}{done.stderr}")
    return done.stdout


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def end_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def memory_bytes():
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def as_account(name):
    """What subprocess needs to run a program as that account; nothing when we are not root."""
    if os.geteuid() != 0:
        return {}
    account = pwd.getpwnam(name)
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


class Server:
    """One server program on a directory of its own."""
    name = ""
    account = None          # whose program it is; None: ours
    stop_signal = signal.SIGTERM

    def __init__(self, directory, options):
        self.options = options
        self.directory = os.path.join(directory, self.name)
        self.loaded = os.path.join(self.directory, "loaded")
        self.data = os.path.join(self.directory, "data")
        self.log = os.path.join(self.directory, "log")
        self.process = None
        self.port = 0
        self.next_booking = 0
        os.makedirs(self.directory)
        if self.account and os.geteuid() == 0:
            account = pwd.getpwnam(self.account)
            os.chown(self.directory, account.pw_uid, account.pw_gid)

    def who(self):
        return as_account(self.account) if self.account else {}

    # What each kind of server says.
    def make(self):
        """Makes an empty self.data."""

    def words(self):
        """The command that serves self.data on self.port."""
        raise NotImplementedError

    def ready(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def fill(self, rows):
        """Loads the clinics, from the folder of rows where it takes rows."""

    # What is the same for all.
    def load(self, rows):
        self.make()
        self.start()
        self.fill(rows)
        self.stop()
        os.rename(self.data, self.loaded)

    def begin(self):
        run(["cp", "-a", self.loaded, self.data])
        self.start()

    def end(self):
        self.stop()
        shutil.rmtree(self.data, ignore_errors=True)

    def start(self):
        self.port = free_port()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.words(), stdout=self.output(), stderr=log, stdin=subprocess.DEVNULL,
                                            cwd=self.directory, start_new_session=True, preexec_fn=end_with_parent,
                                            **self.who())
        until = time.monotonic() + START_SECONDS
        while not self.ready():
            if self.process.poll() is not None or time.monotonic() > until:
                with open(self.log, encoding="utf-8", errors="replace") as log:
                    sys.exit(f"{self.name} does not start:\n{log.read()[-2000:]}")
            time.sleep(0.05)

    def output(self):
        return subprocess.DEVNULL

    def stop(self):
        if self.process is None:
            return
        self.process.send_signal(self.stop_signal)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def cpu_seconds(self):
        """Of the server and of what it started, so far."""
        ticks = 0
        for path in glob.glob("/proc/[0-9]*/stat"):
            try:
                with open(path, encoding="utf-8", errors="replace") as file:
                    fields = file.read().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if self.process.pid in (int(fields[1]), int(fields[3])):  # child of it, or in the session that it leads
                ticks += int(fields[11]) + int(fields[12]) + int(fields[13]) + int(fields[14])
        return ticks / os.sysconf("SC_CLK_TCK")


class ClinicDb(Server):
    name = "clinicdb"

    def __init__(self, directory, options):
        super().__init__(directory, options)
        self.program = os.path.join(options.programs, "clinicdb")
        self.config = os.path.join(self.directory, "config.toml")
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(self.settings())

    def settings(self):
        return ""

    def make(self):
        run([self.program, "init", "--data", self.data])

    def words(self):
        return [self.program, "serve", "--data", self.data, "--config", self.config, "--listen",
                f"127.0.0.1:{self.port}", "--admin", "127.0.0.1:0", "--open-on-loopback", "--json"]

    def fill(self, rows):
        run([*self.options.load, "fill", "--port", str(self.port)])


class ClinicDbTls(ClinicDb):
    """The same data, over TLS."""
    name = "clinicdb-tls"

    def __init__(self, directory, options, plain):
        self.certificate, self.key = make_certificate(directory)
        super().__init__(directory, options)
        self.loaded = plain.loaded

    def settings(self):
        return f"[server]\ntls_certificate = \"{self.certificate}\"\ntls_key = \"{self.key}\"\n"

    def load(self, rows):
        pass


def make_certificate(directory):
    certificate, key = (os.path.join(directory, name) for name in ("certificate.pem", "key.pem"))
    run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj",
         "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-days", "2", "-keyout", key, "-out",
         certificate])
    return certificate, key


class Echo(Server):
    name = "echo"

    def __init__(self, directory, options, tls=None):
        self.name = "echo-tls" if tls else "echo"
        super().__init__(directory, options)
        self.tls = ["--certificate", tls.certificate, "--key", tls.key] if tls else []

    def load(self, rows):
        pass

    def begin(self):
        self.start()

    def words(self):
        return [*self.options.load, "echo", *self.tls]

    def output(self):
        return subprocess.PIPE

    def ready(self):
        self.port = json.loads(self.process.stdout.readline())["port"]
        return True


POSTGRES_SETTINGS = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{directory}'
max_connections = 200
superuser_reserved_connections = 3
shared_buffers = {cache_mb}MB
effective_cache_size = {cache_all_mb}MB
work_mem = 16MB
maintenance_work_mem = 256MB
huge_pages = try
fsync = on
synchronous_commit = on
full_page_writes = on
wal_level = minimal
max_wal_senders = 0
wal_buffers = 64MB
wal_compression = lz4
min_wal_size = 256MB
max_wal_size = 16GB
checkpoint_timeout = 30min
checkpoint_completion_target = 0.9
random_page_cost = 1.1
effective_io_concurrency = 200
max_parallel_workers_per_gather = 0
jit = off
logging_collector = off
log_min_messages = fatal
timezone = 'UTC'
"""

# Every table begins with the tenant, as ours do. An update of phone and street touches no indexed column, so that it
# can stay on its page; the day's list is answered by its index alone.
POSTGRES_SCHEMA = """
CREATE EXTENSION btree_gist;
CREATE TABLE patients (
  tenant_id int NOT NULL, id bigint NOT NULL, name text NOT NULL, name_key text COLLATE "C" NOT NULL,
  birth_date date NOT NULL, cpf text COLLATE "C" NOT NULL, phone text NOT NULL, email text NOT NULL,
  street text NOT NULL, version int NOT NULL DEFAULT 1, updated_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 80);
CREATE TABLE appointments (
  tenant_id int NOT NULL, id bigint GENERATED BY DEFAULT AS IDENTITY (CACHE 100), patient_id bigint NOT NULL,
  professional smallint NOT NULL, starts_at timestamptz NOT NULL, ends_at timestamptz NOT NULL,
  status smallint NOT NULL DEFAULT 0, CHECK (ends_at > starts_at));
\\copy patients (tenant_id, id, name, name_key, birth_date, cpf, phone, email, street) from '{rows}/patients.tsv'
\\copy appointments (tenant_id, patient_id, professional, starts_at, ends_at) from '{rows}/appointments.tsv'
ALTER TABLE patients ADD PRIMARY KEY (tenant_id, id);
CREATE UNIQUE INDEX ON patients (tenant_id, cpf);
CREATE INDEX ON patients (tenant_id, name_key);
ALTER TABLE appointments ADD PRIMARY KEY (tenant_id, id);
CREATE INDEX ON appointments (tenant_id, professional, starts_at) INCLUDE (ends_at, patient_id, status, id);
ALTER TABLE appointments ADD FOREIGN KEY (tenant_id, patient_id) REFERENCES patients (tenant_id, id);
ALTER TABLE appointments ADD CONSTRAINT apart EXCLUDE USING gist
  (tenant_id WITH =, professional WITH =, tstzrange(starts_at, ends_at) WITH &&) WHERE (status <> 2);
CREATE ROLE desk LOGIN;
GRANT SELECT, INSERT, UPDATE ON patients, appointments TO desk;
ALTER TABLE patients ENABLE ROW LEVEL SECURITY;
ALTER TABLE appointments ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON patients USING (tenant_id = current_setting('app.tenant')::int);
CREATE POLICY own ON appointments USING (tenant_id = current_setting('app.tenant')::int);
VACUUM (ANALYZE) patients;
VACUUM (ANALYZE) appointments;
CHECKPOINT;
"""


class Postgres(Server):
    name = "postgresql"
    account = "postgres"
    stop_signal = signal.SIGINT  # its fast shutdown

    def __init__(self, directory, options):
        super().__init__(directory, options)
        found = sorted(glob.glob("/usr/lib/postgresql/15/bin/initdb")) or sys.exit("PostgreSQL 15 is not installed")
        self.programs = os.path.dirname(found[-1])

    def make(self):
        run([os.path.join(self.programs, "initdb"), "-D", self.data, "-A", "trust", "-U", "clinic", "-E", "UTF8",
             "--locale=C.UTF-8"], cwd=self.directory, **self.who())

    def words(self):
        cache = min(memory_bytes() // 6, 4 << 30)
        settings = os.path.join(self.data, "postgresql.auto.conf")
        with open(settings, "w", encoding="utf-8") as file:
            file.write(POSTGRES_SETTINGS.format(port=self.port, directory=self.directory, cache_mb=cache >> 20,
                                                cache_all_mb=memory_bytes() * 6 // 10 >> 20))
        return [os.path.join(self.programs, "postgres"), "-D", self.data]

    def psql(self, database, *words):
        return run([os.path.join(self.programs, "psql"), "-h", "127.0.0.1", "-p", str(self.port), "-U", "clinic", "-d",
                    database, "-X", "-q", "-v", "ON_ERROR_STOP=1", *words])

    def ready(self):
        return subprocess.run([os.path.join(self.programs, "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)],
                              check=False).returncode == 0

    def fill(self, rows):
        script = os.path.join(rows, "postgresql.sql")
        with open(script, "w", encoding="utf-8") as file:
            file.write(POSTGRES_SCHEMA.format(rows=rows))
        self.psql("postgres", "-c", "CREATE DATABASE clinic")
        self.psql("clinic", "-f", script)


class PgBouncer(Server):
    """Before PostgreSQL: transactions share sixteen connections."""
    name = "pgbouncer"
    account = "postgres"

    def __init__(self, directory, options, postgres):
        self.postgres = postgres  # who keeps what is booked through this
        super().__init__(directory, options)
        self.program = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin") or sys.exit("pgbouncer is not installed")

    @property
    def next_booking(self):
        return self.postgres.next_booking

    @next_booking.setter
    def next_booking(self, number):
        if number:
            self.postgres.next_booking = number

    def load(self, rows):
        pass

    def begin(self):
        self.start()

    def words(self):
        config = os.path.join(self.directory, "pgbouncer.ini")
        with open(config, "w", encoding="utf-8") as file:
            file.write(f"[databases]\nclinic = host=127.0.0.1 port={self.postgres.port} dbname=clinic user=clinic\n"
                       f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {self.port}\nunix_socket_dir =\n"
                       "auth_type = any\npool_mode = transaction\ndefault_pool_size = 16\nmax_client_conn = 500\n"
                       "server_reset_query =\nlog_connections = 0\nlog_disconnections = 0\n")
        return [self.program, "-q", config]


MARIADB_SCHEMA = """
CREATE DATABASE clinic CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
USE clinic;
CREATE TABLE patients (
  tenant_id int NOT NULL, id bigint NOT NULL, name varchar(120) NOT NULL, name_key varchar(120) NOT NULL,
  birth_date date NOT NULL, cpf char(11) CHARACTER SET ascii COLLATE ascii_bin NOT NULL, phone varchar(24) NOT NULL,
  email varchar(120) NOT NULL, street varchar(160) NOT NULL, version int NOT NULL DEFAULT 1,
  updated_at datetime(6) NOT NULL DEFAULT now(6),
  PRIMARY KEY (tenant_id, id), UNIQUE KEY (tenant_id, cpf), KEY (tenant_id, name_key)) ENGINE={engine};
CREATE TABLE appointments (
  tenant_id int NOT NULL, id bigint NOT NULL AUTO_INCREMENT, patient_id bigint NOT NULL, professional smallint NOT NULL,
  starts_at datetime NOT NULL, ends_at datetime NOT NULL, status smallint NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant_id, id), UNIQUE KEY slot (tenant_id, professional, starts_at), KEY (id){foreign}) ENGINE={engine};
LOAD DATA LOCAL INFILE '{rows}/patients.tsv' INTO TABLE patients CHARACTER SET utf8mb4
  (tenant_id, id, name, name_key, birth_date, cpf, phone, email, street);
LOAD DATA LOCAL INFILE '{rows}/appointments.tsv' INTO TABLE appointments
  (tenant_id, patient_id, professional, starts_at, ends_at);
ANALYZE TABLE patients, appointments;
CREATE USER 'clinic'@'127.0.0.1' IDENTIFIED BY 'clinic';
GRANT SELECT, INSERT, UPDATE ON clinic.* TO 'clinic'@'127.0.0.1';
"""


class MariaDb(Server):
    """A unique slot grid keeps bookings apart: less than intervals, and the fastest that it offers."""
    account = "mysql"

    def __init__(self, directory, options, engine):
        self.engine = engine
        self.name = {"InnoDB": "mariadb", "ROCKSDB": "myrocks"}[engine]
        super().__init__(directory, options)
        self.program = shutil.which("mariadbd", path="/usr/sbin:/usr/bin") or sys.exit("mariadbd is not installed")

    @staticmethod
    def has_rocksdb():
        return bool(glob.glob("/usr/lib/mysql/plugin/ha_rocksdb.so"))

    def make(self):
        os.makedirs(self.data)
        if os.geteuid() == 0:
            account = pwd.getpwnam(self.account)
            os.chown(self.data, account.pw_uid, account.pw_gid)
        run(["mariadb-install-db", "--no-defaults", f"--datadir={self.data}", "--skip-test-db",
             "--auth-root-authentication-method=normal"], cwd=self.directory, **self.who())

    def words(self):
        cache = min(memory_bytes() // 6, 4 << 30)
        words = [self.program, "--no-defaults", f"--datadir={self.data}", f"--port={self.port}",
                 "--bind-address=127.0.0.1", f"--socket={self.directory}/socket", "--skip-name-resolve",
                 "--skip-log-bin", "--max-connections=200", "--transaction-isolation=READ-COMMITTED", "--local-infile=1",
                 "--performance-schema=OFF", "--table-open-cache=2000", "--default-time-zone=+00:00"]
        if self.engine == "ROCKSDB":
            return words + ["--plugin-load-add=ha_rocksdb.so", "--default-storage-engine=ROCKSDB",
                            "--rocksdb-flush-log-at-trx-commit=1",
                            # its loading is one transaction a table, of which every row is a lock
                            "--rocksdb-max-row-locks=100000000", f"--rocksdb-block-cache-size={cache}",
                            "--innodb-buffer-pool-size=64M"]
        return words + [f"--innodb-buffer-pool-size={cache}", "--innodb-log-file-size=512M",
                        "--innodb-flush-log-at-trx-commit=1", "--innodb-flush-method=O_DIRECT", "--innodb-doublewrite=1",
                        "--innodb-log-buffer-size=64M", "--innodb-autoinc-lock-mode=2"]

    def sql(self, text):
        return run(["mariadb", "--no-defaults", f"--socket={self.directory}/socket", "-u", "root", "--local-infile=1"],
                   input=text)

    def fill(self, rows):
        foreign = ", FOREIGN KEY (tenant_id, patient_id) REFERENCES patients (tenant_id, id)"
        self.sql(MARIADB_SCHEMA.format(engine=self.engine, rows=rows,
                                       foreign=foreign if self.engine == "InnoDB" else ""))


class Redis(Server):
    account = "redis"

    def __init__(self, directory, options, durable):
        self.durable = durable
        self.name = "redis-durable" if durable else "redis"
        super().__init__(directory, options)

    def load(self, rows):
        pass

    def begin(self):
        os.makedirs(self.data)
        if os.geteuid() == 0:
            account = pwd.getpwnam(self.account)
            os.chown(self.data, account.pw_uid, account.pw_gid)
        self.start()
        if not self.durable:
            self.benchmark("set", 50, 1, 200_000, pipeline=64)

    def words(self):
        return ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", self.data,
                "--daemonize", "no", "--appendonly", "yes" if self.durable else "no", "--appendfsync", "always",
                "--auto-aof-rewrite-percentage", "0"]

    def benchmark(self, operation, connections, seconds, rate, pipeline=1):
        """Its own load generator, for as many calls as take about so many seconds at that rate."""
        said = run(["redis-benchmark", "-h", "127.0.0.1", "-p", str(self.port), "-t", operation, "-d", "300", "-r",
                    "100000", "-c", str(connections), "-P", str(pipeline), "-n", str(int(rate * seconds)), "--csv"])
        row = [each.strip('"') for each in said.strip().splitlines()[-1].split(",")]
        return {"per_second": float(row[1]), "p50_us": float(row[4]) * 1000, "p95_us": float(row[5]) * 1000,
                "p99_us": float(row[6]) * 1000, "errors": 0}
