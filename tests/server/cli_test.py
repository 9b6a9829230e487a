#!/usr/bin/env python3
"""The program as its users run it: words, output, exit codes, terminals. cli_test.py PROGRAM [unittest arguments]"""
import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import unittest

PROGRAM = os.path.abspath(sys.argv.pop(1))

DONE, FINDINGS, USAGE, NOT_FOUND, CONFLICT, DATA_LOSS, IN_USE, INPUT_OUTPUT = range(8)
INTERRUPTED = 130
ESCAPE = "\x1b"


def environment(**changes):
    kept = {k: v for k, v in os.environ.items() if not k.startswith("CLINICDB_") and k != "NO_COLOR"}
    return {**kept, "TERM": "xterm", **changes}


def run(*words, stdin=None, cwd=None, **changes):
    return subprocess.run([PROGRAM, *map(str, words)], input=stdin, capture_output=True, text=True, cwd=cwd,
                          env=environment(**changes), timeout=300, check=False)


def run_on_terminal(*words, stdin=None, signal_when=None, after_signal=None, **changes):
    """Runs with standard output and error on a terminal; returns exit status and all that was shown. Interrupts the
    program once `signal_when` was shown, and calls `after_signal` then."""
    child, terminal = pty.fork()
    if child == 0:
        if stdin is not None:
            os.dup2(stdin, 0)
        os.execve(PROGRAM, [PROGRAM, *map(str, words)], environment(**changes))
    shown = b""
    while True:
        ready, _, _ = select.select([terminal], [], [], 300)
        if not ready:
            os.kill(child, signal.SIGKILL)
            raise TimeoutError(shown.decode(errors="replace"))
        try:
            chunk = os.read(terminal, 65536)
        except OSError:  # the other side is closed
            chunk = b""
        if not chunk:
            break
        shown += chunk
        if signal_when and signal_when in shown:
            os.kill(child, signal.SIGINT)
            signal_when = None
            if after_signal:
                after_signal()
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown.decode()


class OnTerminal:
    """A program on a terminal of its own, to be pressed keys. Use as a context."""

    def __init__(self, *words, columns=120, lines=30, **changes):
        self.child, self.terminal = pty.fork()
        if self.child == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
            os.execve(PROGRAM, [PROGRAM, *map(str, words)], environment(**changes))
        self.shown = ""
        self.status = None

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if self.status is None:
            os.kill(self.child, signal.SIGKILL)
            os.waitpid(self.child, 0)
        os.close(self.terminal)

    def read(self):
        ready, _, _ = select.select([self.terminal], [], [], 60)
        if not ready:
            raise TimeoutError(self.shown)
        try:
            chunk = os.read(self.terminal, 65536)
        except OSError:  # the other side is closed
            chunk = b""
        self.shown += chunk.decode(errors="replace")
        return chunk

    def until(self, text):
        """What was shown up to that."""
        while text not in self.shown:
            if not self.read():
                raise EOFError(f"{text!r} was not shown: {self.shown}")
        at = self.shown.index(text) + len(text)
        before, self.shown = self.shown[:at], self.shown[at:]
        return before

    def press(self, keys):
        os.write(self.terminal, keys.encode())

    def modes(self):
        return termios.tcgetattr(self.terminal)

    def end(self):
        """The exit status; what was shown last is kept."""
        while self.read():
            pass
        self.status = os.waitstatus_to_exitcode(os.waitpid(self.child, 0)[1])
        return self.status


class Store(unittest.TestCase):
    """Each test has a directory of its own; where the class names a tenant, with a store that has it."""
    tenant = None

    @classmethod
    def setUpClass(cls):
        cls.made = tempfile.TemporaryDirectory(prefix="clinicdb-cli-")
        cls.addClassCleanup(cls.made.cleanup)
        cls.at(cls.made.name)
        # Small files, so that a test writes little.
        with open(cls.config, "w", encoding="utf-8") as file:
            file.write("[store]\nlog_segment = \"1 MiB\"\ndisk_reserve = \"64 KiB\"\n")
        if cls.tenant:
            cls.fill(cls())

    @classmethod
    def at(cls, directory):
        cls.directory = directory
        cls.data = os.path.join(directory, "data")
        cls.config = os.path.join(directory, "clinicdb.toml")

    def fill(self):
        """What a class's tests begin with; made once and copied."""
        self.ok("init")
        self.ok("tenant", "create", self.tenant)

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="clinicdb-cli-")
        self.addCleanup(directory.cleanup)
        shutil.copytree(self.made.name, directory.name, dirs_exist_ok=True)
        self.at(directory.name)

    def call(self, *words, **options):
        """A command on the test's store and tenant."""
        words = list(words)
        return run(*words, **{"CLINICDB_DATA": self.data, "CLINICDB_CONFIG": self.config, **options})

    def ok(self, *words, **options):
        done = self.call(*words, **options)
        self.assertEqual(done.returncode, DONE, done.stderr + done.stdout)
        return done.stdout

    def json(self, *words, **options):
        out = self.ok(*words, "--json", **options)
        self.assertEqual(out.count("\n"), 1, "JSON is one line")
        return json.loads(out)

    def refused(self, code, *words, says="", **options):
        done = self.call(*words, **options)
        self.assertEqual(done.returncode, code, done.stderr + done.stdout)
        self.assertTrue(done.stderr.startswith("clinicdb: "), done.stderr)
        self.assertIn(says, done.stderr)
        return done


def commands():
    """Every command, by the completion script: what the program itself says that it has."""
    script = run("completion", "bash").stdout
    return re.findall(r"^    '([^']+)'\) words='' ", script, re.MULTILINE)


class Words(unittest.TestCase):
    def test_each_command_has_help_with_an_example_and_takes_json(self):
        self.assertGreater(len(commands()), 15)
        for command in commands():
            with self.subTest(command):
                done = run(*command.split(), "--help")
                self.assertEqual(done.returncode, DONE)
                self.assertRegex(done.stdout, "(?m)^Examples?:\n  .*clinicdb")
                self.assertIn("--json", done.stdout)
                self.assertIn(f"clinicdb {command}", done.stdout)
                self.assertEqual(done.stderr, "")

    def test_the_fixed_words_are_there(self):
        for command in ("init", "tenant create", "tenant list", "tenant show", "tenant delete", "import", "export",
                        "generate", "patient get",
                        "patient search", "patient timeline", "appointment book", "appointment cancel",
                        "appointment list", "verify", "backup", "restore", "stats", "bench", "completion", "version"):
            self.assertIn(command, commands())

    def test_the_help_of_the_program_lists_exit_codes(self):
        out = run("--help").stdout
        for code in (0, 1, 2, 3, 4, 5, 6, 7, 130):
            self.assertRegex(out, rf"(?m)^  {code} ")

    def test_usage_errors_say_what_is_wrong_and_where_to_look(self):
        for words, says in ((["nothing-such"], "nothing-such"), (["init", "--nothing"], "--nothing"),
                            (["tenant", "create"], "SLUG"), (["patient", "get", "x"], "--tenant"),
                            (["verify", "--problems", "0"], "--problems"),
                            (["completion", "tcsh"], "tcsh")):
            with self.subTest(words):
                done = run(*words)
                self.assertEqual(done.returncode, USAGE)
                self.assertEqual(done.stdout, "")
                self.assertTrue(done.stderr.startswith("clinicdb: "), done.stderr)
                self.assertIn(says, done.stderr)
                self.assertRegex(done.stderr, "See: clinicdb .*--help")

    def test_a_word_that_only_has_words_below_it_shows_them(self):
        for words in ([], ["tenant"]):
            done = run(*words)
            self.assertEqual(done.returncode, USAGE)
            self.assertIn("Usage: clinicdb", done.stderr)
        self.assertIn("create", done.stderr)

    def test_version(self):
        self.assertRegex(run("version").stdout, r"^clinicdb \d+\.\d+\.\d+\n$")
        self.assertEqual(run("--version").stdout, run("version").stdout)
        self.assertEqual(json.loads(run("version", "--json").stdout)["version"],
                         run("version").stdout.split()[1])

    def test_output_that_cannot_be_written_is_an_error(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([PROGRAM, "version"], stdout=full, stderr=subprocess.PIPE, text=True,
                                  env=environment(), check=False)
        self.assertEqual(done.returncode, INPUT_OUTPUT)
        self.assertIn("standard output", done.stderr)


class Completion(unittest.TestCase):
    def complete(self, line):
        """What bash offers at the end of the line."""
        script = f"source <('{PROGRAM}' completion bash)\n" \
                 f"COMP_WORDS=({line}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _clinicdb; echo \"${{COMPREPLY[@]}}\""
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True, env=environment())
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    def test_bash_completes_words_below_words_and_options(self):
        top = {command.split()[0] for command in commands()}
        self.assertEqual(set(self.complete("clinicdb ''")), top)
        self.assertEqual(self.complete("clinicdb ten"), ["tenant"])
        self.assertEqual(set(self.complete("clinicdb tenant ''")), {"create", "list", "show", "update", "delete"})
        self.assertIn("--start", self.complete("clinicdb appointment book --tenant sorriso --"))
        self.assertIn("--help", self.complete("clinicdb --"))
        self.assertEqual(self.complete("clinicdb tenant create --na"), ["--name"])

    def test_zsh_and_fish_know_every_command_and_option(self):
        bash = run("completion", "bash").stdout
        options = set(re.findall(r"--[a-z][a-z-]+", bash))
        for shell in ("zsh", "fish"):
            script = run("completion", shell).stdout
            for command in commands():
                self.assertIn(f"'{command}'", script.replace("'\\''", "'"))
            for option in options:
                self.assertIn(option if shell == "zsh" else f"-l '{option[2:]}'", script)


class Directory(Store):
    def test_init_makes_a_store_and_leaves_one_alone(self):
        self.assertEqual(self.json("init"), {"data": self.data, "made": True})
        self.assertEqual(self.json("init")["made"], False)
        self.assertIn("already", self.ok("init"))

    def test_init_refuses_a_directory_of_other_things(self):
        self.refused(CONFLICT, "init", "--data", self.directory, says="holds something")
        self.refused(CONFLICT, "init", "--data", self.config, says="is a file")

    def test_without_a_store_it_says_how_to_make_one(self):
        for words in (["verify"], ["stats"], ["tenant", "list"], ["tenant", "create", "sorriso"]):
            with self.subTest(words):
                self.refused(NOT_FOUND, *words, says=f"clinicdb init --data {self.data}")
        self.assertFalse(os.path.exists(self.data))

    def test_the_option_goes_before_the_environment(self):
        other = os.path.join(self.directory, "other")
        self.ok("init", "--data", other)
        self.assertFalse(os.path.exists(self.data))
        self.assertTrue(os.path.isdir(other))

    def test_the_default_is_below_the_working_directory(self):
        done = run("init", cwd=self.directory, CLINICDB_CONFIG=self.config)
        self.assertEqual(done.returncode, DONE, done.stderr)
        self.assertTrue(os.path.isdir(os.path.join(self.directory, "clinicdb-data")))

    def test_a_place_where_nothing_may_be_made(self):
        self.refused(INPUT_OUTPUT, "init", "--data", "/sys/clinicdb")

    def test_errors_are_json_too(self):
        done = self.call("stats", "--json")
        self.assertEqual(done.returncode, NOT_FOUND)
        error = json.loads(done.stdout)["error"]
        self.assertEqual((error["code"], error["exit_code"]), ("NOT_FOUND", NOT_FOUND))
        self.assertIn("clinicdb init", error["message"])
        self.assertTrue(done.stderr.startswith("clinicdb: "))


class Settings(Store):
    def test_show_lists_every_setting_with_its_range(self):
        settings = {each["name"]: each for each in self.json("config", "show")["settings"]}
        self.assertEqual(settings["store.log_segment"]["value"], 1 << 20)
        self.assertEqual(settings["store.log_segment"]["default"], 64 << 20)
        self.assertLessEqual(set(settings["store.log_segment"]),
                             {"name", "value", "default", "minimum", "maximum", "unit", "meaning"})
        self.assertIn("1 MiB", self.ok("config", "show"))

    def test_check_and_every_command_refuse_a_wrong_file(self):
        self.assertIn("valid", self.ok("config", "check", self.config))
        with open(self.config, "a", encoding="utf-8") as file:
            file.write("blok_cache = 1\n")
        self.refused(USAGE, "config", "check", self.config, says="store.blok_cache")
        self.refused(USAGE, "init", says="store.blok_cache")
        self.refused(NOT_FOUND, "config", "check", self.config + ".not", says="no such settings file")


class Tenants(Store):
    tenant = "sorriso"

    def test_create_list_show_delete(self):
        made = self.json("tenant", "create", "--name", "Grupo Água", "--zone", "America/Manaus", "agua")
        self.assertEqual((made["slug"], made["profile"]["zone"]), ("agua", "America/Manaus"))
        self.assertRegex(made["uuid"], "^[0-9a-f-]{36}$")
        slugs = [tenant["slug"] for tenant in self.json("tenant", "list")["tenants"]]
        self.assertEqual(sorted(slugs), ["agua", "sorriso"])
        self.assertEqual(self.json("tenant", "show", "agua")["profile"]["display_name"], "Grupo Água")
        self.assertIn("Grupo Água", self.ok("tenant", "list"))
        self.assertIn("America/Manaus", self.ok("tenant", "show", "agua"))
        self.assertEqual(self.json("tenant", "delete", "agua")["deleted"], "agua")
        self.refused(NOT_FOUND, "tenant", "show", "agua", says="agua")

    def test_a_slug_is_taken_once_and_has_its_syntax(self):
        self.refused(CONFLICT, "tenant", "create", "sorriso", says="sorriso")
        self.refused(USAGE, "tenant", "create", "Sorriso!", says="slug")
        self.refused(NOT_FOUND, "tenant", "delete", "nobody", says="nobody")
        self.refused(NOT_FOUND, "patient", "search", "--tenant", "nobody", "ana", says="nobody")

    def test_on_a_terminal_deleting_asks(self):
        status, shown = run_on_terminal("tenant", "delete", "--yes", "sorriso", CLINICDB_DATA=self.data,
                                        CLINICDB_CONFIG=self.config)
        self.assertEqual(status, DONE, shown)


class Stats(Store):
    tenant = "sorriso"

    def test_stats_and_verify(self):
        stats = self.json("stats")
        self.assertGreater(stats["last_committed"]["lsn"], 0)
        self.assertIn("last commit", self.ok("stats"))
        report = self.json("verify")
        self.assertEqual((report["clean"], report["tenants"], report["problems"]), (True, 1, []))
        self.assertIn("no problem", self.ok("verify"))

    def test_reading_takes_no_lock_and_writing_does(self):
        with open(os.path.join(self.data, "LOCK"), "r+", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # as another program that has the store
            lock.truncate()
            lock.write(f"{os.getpid()}\n")
            lock.flush()
            for words in (["verify"], ["init"], ["tenant", "create", "other"]):
                self.refused(IN_USE, *words, says=f"in use by pid {os.getpid()}")
            self.assertEqual(len(self.json("tenant", "list")["tenants"]), 1)
            self.assertEqual(self.json("stats")["state"], "read-only")

    def test_a_directory_is_not_followed(self):
        self.refused(CONFLICT, "events", "--tenant", self.tenant, "--follow", says="give --connect")

    def test_a_damaged_log_is_data_loss(self):
        log = os.path.join(self.data, "log")
        segments = [os.path.join(log, name) for name in os.listdir(log)
                    if os.path.getsize(os.path.join(log, name)) >= 1 << 20]
        self.assertTrue(segments)
        for segment in segments:
            with open(segment, "r+b") as file:
                file.write(b"\xff" * 8192)
        done = self.refused(DATA_LOSS, "verify", says="log/")
        self.assertIn("restore", done.stderr)


class Bookings(Store):
    """From nothing to a booked day."""
    tenant = "sorriso"

    def fill(self):
        super().fill()
        self.tenant_ok("clinic", "add", "--name", "Centro", "centro")
        type(self).patient = self.tenant_json(
            "patient", "add", "--name", "Ana Conceição Souza", "--born", "1980-05-02", "--cpf", "529.982.247-25",
            "--phone", "(11) 98765-4321", "--gender", "female")["id"]
        type(self).professional = self.tenant_json(
            "professional", "add", "--name", "Dra. Inês Prado", "--council", "CRO 4321/SP", "--specialty",
            "Ortodontia")["id"]

    def tenant_call(self, *words, **options):
        return self.call(*words[:2], "--tenant", "sorriso", *words[2:], **options)

    def tenant_json(self, *words):
        return self.json(*words[:2], "--tenant", "sorriso", *words[2:])

    def tenant_ok(self, *words):
        return self.ok(*words[:2], "--tenant", "sorriso", *words[2:])

    def book(self, start, *more):
        return self.tenant_call("appointment", "book", "--professional", self.professional, "--patient",
                                self.patient, "--start", start, *more)

    def test_patients_are_found_by_every_key(self):
        for words in (["conceicao", "ANA"], ["--phone", "4321"], ["--born", "1980-05", "sou"],
                      ["--cpf", "52998224725"]):
            with self.subTest(words):
                found = self.tenant_json("patient", "search", *words)
                self.assertEqual([patient["id"] for patient in found["patients"]], [self.patient])
                self.assertEqual(found["cursor"], "")
        self.assertIn("Ana Conceição Souza", self.tenant_ok("patient", "search", "souza"))
        self.assertIn("No patient found", self.tenant_ok("patient", "search", "zzz"))
        self.assertEqual(self.tenant_call("patient", "search").returncode, USAGE)

    def test_a_patient_who_is_there_twice_is_found_merged_and_taken_apart(self):
        first = self.tenant_json("patient", "add", "--name", "Zilda Prado", "--born", "1931-04-09")["id"]
        second = self.tenant_json("patient", "add", "--name", "Zylda Prado", "--born", "1931-04-09")["id"]
        found = self.tenant_json("patient", "duplicates", first)["duplicates"]
        self.assertEqual([each["patient"]["id"] for each in found], [second])
        self.assertEqual(found[0]["certainty"], "probable")
        self.assertEqual({field["field"] for field in found[0]["fields"]},
                         {"given name", "family name", "birth date"})
        self.assertIn("birth date same +10.0", self.tenant_ok("patient", "duplicates", first))
        pairs = self.tenant_json("patient", "duplicates")["pairs"]
        self.assertIn({first, second}, [{p["patient"]["id"], p["duplicate"]["patient"]["id"]} for p in pairs])

        merge = self.tenant_json("patient", "merge", first, second, "--reason", "twice")["result"]["id"]
        self.assertIn("merged into", self.tenant_ok("patient", "get", second))
        self.refused(CONFLICT, "patient", "merge", "--tenant", "sorriso", first, second, says=first)
        self.assertEqual([each["id"] for each in self.tenant_json("patient", "merges", second)["merges"]], [merge])
        self.assertIn("Nobody else", self.tenant_ok("patient", "duplicates", first))
        self.assertIn("Taken apart", self.tenant_ok("patient", "unmerge", merge))
        self.assertNotIn("merged into", self.tenant_ok("patient", "get", second))
        self.refused(CONFLICT, "patient", "unmerge", "--tenant", "sorriso", merge, says="undone before")

    def test_an_invoice_from_its_draft_to_the_last_cent(self):
        price = self.tenant_json("price", "add", "--name", "Limpeza", "--amount", "150.00", "--code", "LIMP")["id"]
        self.assertIn("150.00", self.tenant_ok("price", "list", "limp"))
        draft = self.tenant_json("invoice", "draft", "--patient", self.patient, "--item", price + "*2", "--professional",
                                 self.professional, "--discount", "0.01")
        self.assertEqual(draft["total_cents"], 29999)
        invoice = draft["result"]["id"]
        issued = self.tenant_json("invoice", "issue", invoice, "--instalments", "3", "--first-due", "2026-01-31")
        self.assertEqual((issued["series"], issued["number"]), ("1", 1))
        shown = self.tenant_ok("invoice", "show", "1/1")
        self.assertIn("2026-02-28", shown)
        self.assertIn("299.99 BRL", shown)
        payment = self.tenant_json("invoice", "pay", invoice, "--amount", "100,00", "--method", "cash")
        self.assertEqual(payment["open_cents"], 19999)
        self.refused(USAGE, "invoice", "pay", "--tenant", "sorriso", invoice, "--amount", "1.234", says="--amount")
        self.assertNotEqual(self.tenant_call("invoice", "pay", invoice, "--amount", "200.00").returncode, DONE)
        self.assertEqual(self.tenant_json("invoice", "refund", payment["result"]["id"])["open_cents"], 29999)
        ageing = self.tenant_json("billing", "ageing", "--day", "2026-03-05")
        self.assertEqual([bucket.get("cents", 0) for bucket in ageing["overdue"]], [10000, 10000, 0, 0])
        self.assertEqual(ageing["not_due"]["cents"], 9999)
        self.assertIn("not due", self.tenant_ok("billing", "ageing"))
        self.assertIn("issued", self.tenant_ok("invoice", "list", "--patient", self.patient))
        self.tenant_ok("invoice", "cancel", invoice, "--reason", "a mistake")
        self.assertIn("no commissions", self.tenant_ok("billing", "commissions", "--from", "2020-01-01", "--to",
                                                       "2099-01-01"))

    def test_a_packet_is_sold_and_used_up(self):
        price = self.tenant_json("price", "add", "--name", "Laser", "--amount", "100", "--sessions", "2")["id"]
        invoice = self.tenant_json("invoice", "draft", "--patient", self.patient, "--item", price)["result"]["id"]
        packet = self.tenant_json("invoice", "issue", invoice)["packet_ids"][0]
        use = self.tenant_json("packet", "use", packet)
        self.assertEqual(use["left"], 1)
        self.tenant_ok("packet", "use", packet)
        self.refused(CONFLICT, "packet", "use", "--tenant", "sorriso", packet, says="all 2 sessions")
        self.assertEqual(self.tenant_json("packet", "return", use["result"]["id"])["left"], 1)
        self.assertIn("Laser", self.tenant_ok("packet", "list", self.patient))

    def test_a_note_is_signed_amended_and_checked(self):
        note = "ClinicalImpression/" + self.tenant_json("record", "note", "--patient", self.patient, "--text",
                                                        "Sem queixas.")["result"]["id"]
        user = "0190b3c1-7b1c-7d0e-8a51-2f7d1f0c9a11"
        self.assertIn("Not signed", self.tenant_ok("record", "check", note))
        self.tenant_ok("record", "sign", note, "--user", user)
        self.refused(CONFLICT, "record", "sign", "--tenant", "sorriso", note, "--user", user, says="signed already")
        self.tenant_ok("record", "amend", note, "--user", user, "--text", "Retorno em 30 dias.")
        self.assertIn("with 1 addenda", self.tenant_ok("record", "check", note))
        self.assertIn("Retorno em 30 dias.", self.tenant_ok("record", "show", note))
        events = self.json("events", "--tenant", "sorriso", "--type", "record-signed")["events"]
        self.assertEqual([event["payload"]["id"] for event in events], [note.split("/")[1]])
        history = self.json("history", "--tenant", "sorriso", "record", note)["versions"]
        self.assertEqual([version["version"] for version in history], [3, 2, 1])
        self.assertIn("addenda[0].text", [field["field"] for field in history[0]["fields"]])
        self.assertIn("Nothing is known", self.tenant_ok("record", "current", self.patient))

    def test_a_consent_is_given_and_withdrawn(self):
        self.assertIn("never given", self.tenant_ok("consent", "check", self.patient, "photographs"))
        consent = self.tenant_json("consent", "give", self.patient, "photographs", "--text", "Autorizo.")["id"]
        self.assertTrue(self.tenant_json("consent", "check", self.patient, "photographs")["allowed"])
        self.assertIn("photographs", self.tenant_ok("consent", "list", self.patient))
        self.tenant_ok("consent", "withdraw", consent, "--reason", "x")
        self.assertIn("withdrawn", self.tenant_ok("consent", "check", self.patient, "photographs"))
        self.refused(CONFLICT, "consent", "withdraw", "--tenant", "sorriso", consent, says="before")
        self.refused(USAGE, "consent", "give", "--tenant", "sorriso", self.patient, "No!", says="consent.purpose")

    def test_events_are_followed(self):
        first = self.json("events", "--tenant", "sorriso", "--limit", "1")
        self.assertEqual(len(first["events"]), 1)
        rest = self.json("events", "--tenant", "sorriso", "--limit", "1000", "--cursor", first["cursor"])
        self.assertEqual(rest.get("cursor", ""), "")
        after = rest["next_after_lsn"]
        self.assertIn("Nothing has happened", self.ok("events", "--tenant", "sorriso", "--after", after))
        self.tenant_ok("patient", "add", "--name", "Nova")
        self.assertEqual([event["type"] for event in self.json("events", "--tenant", "sorriso", "--after", after)["events"]],
                         ["patient-registered"])

    def test_a_recall_finds_whom_a_lot_was_used_on(self):
        self.tenant_ok("lot", "add", "Botox", "C1", "--quantity", "100", "--unit", "U", "--expiry", "2090-01-01")
        plan = self.tenant_json("plan", "add", "--patient", self.patient, "--name", "Toxina", "--sessions",
                                "2")["result"]["id"]
        self.assertEqual(self.tenant_json("treatment", "add", "--plan", plan, "--lot", "botox|c1|20.5")["left"], 1)
        self.assertIn("79.5", self.tenant_ok("lot", "list", "Botox"))
        self.assertIn("1 patients", self.tenant_ok("lot", "recall", "Botox", "C1", "--reason", "x"))
        found = self.tenant_json("lot", "patients", "BOTOX", "c1")["patients"]
        self.assertEqual([patient["patient_id"] for patient in found], [self.patient])
        self.refused(CONFLICT, "treatment", "add", "--tenant", "sorriso", "--plan", plan, "--lot", "Botox|C1|1",
                     says="recalled")
        self.assertIn("Toxina", self.tenant_ok("plan", "list", self.patient))
        self.assertIn("botox c1", self.tenant_ok("treatment", "list", self.patient))

    def test_a_file_goes_in_and_comes_out(self):
        path = os.path.join(self.directory, "before.jpg")
        with open(path, "wb") as file:
            file.write(bytes(range(256)) * 3000)
        added = self.tenant_json("attachment", "add", self.patient, path, "--type", "image/jpeg")
        self.assertEqual((added["size"], added["chunks"], added["known_chunks"]), (768000, 2, 0))
        self.assertEqual(self.tenant_json("attachment", "add", self.patient, path)["known_chunks"], 2)
        self.assertIn("before.jpg", self.tenant_ok("attachment", "list", self.patient))
        out = os.path.join(self.directory, "out.jpg")
        self.tenant_ok("attachment", "get", added["id"], "--output", out)
        with open(path, "rb") as was, open(out, "rb") as now:
            self.assertEqual(was.read(), now.read())
        self.assertEqual(self.tenant_call("attachment", "add", self.patient, "/nowhere").returncode, NOT_FOUND)

    def test_a_patient_by_id_and_by_cpf(self):
        shown = self.tenant_json("patient", "get", self.patient)
        self.assertEqual(shown["patient"]["names"], [{"text": "Ana Conceição Souza"}])
        self.assertEqual(shown["patient"]["birth_date"], "1980-05-02")
        self.assertEqual(shown["meta"]["version"], 1)
        self.assertEqual(self.tenant_json("patient", "get", "--cpf", "529.982.247-25"), shown)
        self.assertEqual(self.tenant_json("patient", "get", "Patient/" + self.patient), shown)
        text = self.tenant_ok("patient", "get", self.patient)
        self.assertIn("529.982.247-25", text)
        missing = "0190b3c1-7b1c-7d0e-8a51-2f7d1f0c9a11"
        self.assertEqual(self.tenant_call("patient", "get", missing).returncode, NOT_FOUND)
        self.assertEqual(self.tenant_call("patient", "get", "not an id").returncode, USAGE)
        self.assertEqual(self.tenant_call("patient", "get").returncode, USAGE)
        self.assertEqual(self.tenant_call("patient", "get", "--cpf", "1", "--cns", "2").returncode, USAGE)
        self.assertEqual(self.tenant_call("patient", "timeline", missing).returncode, NOT_FOUND)
        self.assertEqual(self.tenant_json("patient", "timeline", self.patient)["items"], [])

    def test_a_wrong_field_is_named(self):
        done = self.call("patient", "add", "--tenant", "sorriso", "--name", "X Y", "--cpf", "111.111.111-11", "--json")
        self.assertEqual(done.returncode, USAGE)
        self.assertEqual(json.loads(done.stdout)["error"]["field"], "patient.cpf")
        done = self.tenant_call("patient", "add", "--name", "X Y", "--cpf", "52998224725")
        self.assertEqual(done.returncode, CONFLICT, done.stderr)

    def test_a_booking_a_refused_one_the_day_and_a_cancellation(self):
        room = self.tenant_json("room", "add", "--name", "Sala 1")["id"]
        self.assertIn("Sala 1", self.tenant_ok("room", "list", "sala"))
        self.assertIn("CRO 4321/SP", self.tenant_ok("professional", "list", "prado"))
        booked = self.book("2026-12-01T09:00", "--room", room, "--title", "Limpeza", "--json")
        self.assertEqual(booked.returncode, DONE, booked.stderr)
        booked = json.loads(booked.stdout)
        self.assertEqual((booked["start"], booked["end"]), ("2026-12-01T12:00:00Z", "2026-12-01T12:30:00Z"))

        taken = self.book("2026-12-01T12:15Z", "--json")
        self.assertEqual(taken.returncode, CONFLICT)
        self.assertEqual(json.loads(taken.stdout)["error"]["code"], "FAILED_PRECONDITION")
        self.assertIn(booked["id"], taken.stderr)
        self.assertEqual(self.book("2026-12-01T09:30").returncode, DONE, "what touches does not overlap")

        day = self.tenant_json("appointment", "list", "--day", "2026-12-01", "--professional", self.professional)
        self.assertEqual([each["start"] for each in day["appointments"]],
                         ["2026-12-01T12:00:00Z", "2026-12-01T12:30:00Z"])
        self.assertEqual(day["appointments"][0]["status"], "booked")
        of_room = self.tenant_json("appointment", "list", "--day", "2026-12-01", "--room", room)
        self.assertEqual([each["appointment_id"] for each in of_room["appointments"]], [booked["id"]])
        text = self.tenant_ok("appointment", "list", "--day", "2026-12-01", "--patient", self.patient)
        self.assertRegex(text, "09:00 +09:30 +booked +Limpeza")

        self.assertIn("Cancelled", self.tenant_ok("appointment", "cancel", booked["id"], "--by", "patient"))
        self.assertEqual(self.tenant_call("appointment", "cancel", booked["id"]).returncode, CONFLICT)
        self.assertEqual(self.tenant_json("appointment", "get", booked["id"])["appointment"]["status"], "cancelled")
        self.assertEqual(self.book("2026-12-01T09:00", "--room", room).returncode, DONE, "its time is free again")
        self.assertTrue(self.json("verify")["clean"])

    def test_wrong_times_and_days_are_usage(self):
        self.assertEqual(self.book("tomorrow").returncode, USAGE)
        self.assertEqual(self.book("2026-12-01T09:00", "--end", "2026-12-01T08:00").returncode, USAGE)
        self.assertEqual(self.book("2026-12-01T09:00", "--minutes", "0").returncode, USAGE)
        self.assertEqual(self.book("2026-12-01T09:00", "--minutes", "5", "--end",
                                   "2026-12-01T10:00").returncode, USAGE)
        done = self.tenant_call("appointment", "list", "--day", "2026-02-30", "--patient", self.patient)
        self.assertEqual(done.returncode, USAGE)
        self.assertEqual(self.tenant_call("appointment", "list", "--patient", self.patient, "--room",
                                          self.patient).returncode, USAGE)
        self.assertIn("no appointment", self.tenant_ok("appointment", "list", "--patient", self.patient))

    def test_a_clinic_has_a_calendar_of_its_own(self):
        self.assertEqual(self.book("2026-12-01T09:00").returncode, DONE, "the only clinic is meant")
        site = self.tenant_json("clinic", "add", "--zone", "America/Manaus", "manaus")["id"]
        self.assertIn("America/Manaus", self.tenant_ok("clinic", "list"))
        self.assertEqual(self.book("2026-12-01T10:00").returncode, USAGE, "which of the two?")
        self.assertEqual(self.book("2026-12-01T10:00", "--clinic", "nowhere").returncode, NOT_FOUND)
        self.assertEqual(self.book("2026-12-01T10:00", "--clinic", "manaus").returncode, DONE)
        text = self.tenant_ok("appointment", "list", "--clinic", site, "--day", "2026-12-01")
        self.assertRegex(text, "America/Manaus")
        self.assertRegex(text, "(?m)^09:00 +09:30")

    def calendar_on_terminal(self, *words):
        return OnTerminal("calendar", "--week", "--tenant", "sorriso", "--from", "2026-12-02", *words,
                          CLINICDB_DATA=self.data, CLINICDB_CONFIG=self.config)

    def test_a_week_is_browsed_by_keys(self):
        self.assertEqual(self.book("2026-12-01T09:00", "--title", "Botox").returncode, DONE)
        self.assertEqual(self.book("2026-12-08T14:00", "--title", "Retorno").returncode, DONE)
        with self.calendar_on_terminal() as browser:
            week = browser.until("q: quit")
            self.assertIn("Week of 2026-11-30", week)
            self.assertIn("Tue 12-01", week)
            self.assertIn("09:00 Botox", week)
            self.assertNotIn("Retorno", week)
            self.assertFalse(browser.modes()[3] & (termios.ECHO | termios.ICANON), "keys are read one by one")
            browser.press("\x1b[C")
            week = browser.until("q: quit")
            self.assertIn("Week of 2026-12-07", week)
            self.assertIn("14:00 Retorno", week)
            browser.press("\x1b[D")
            self.assertIn("Week of 2026-11-30", browser.until("q: quit"))
            browser.press("d")
            self.assertIn("Wed 2026-12-02", browser.until("q: quit"))
            browser.press("h")
            day = browser.until("q: quit")
            self.assertIn("Tue 2026-12-01", day)
            self.assertRegex(day, "09:00-09:30 +booked +Botox")
            browser.press("\t")
            self.assertIn("Prado", browser.until("q: quit").split("TIME")[0], "a professional's")
            browser.press("w")
            self.assertIn("Week of", browser.until("q: quit"))
            browser.press("q")
            browser.until(ESCAPE + "[?1049l")
            self.assertEqual(browser.end(), DONE)

    def test_the_terminal_is_as_before_after_each_end(self):
        def interrupt(browser):
            os.kill(browser.child, signal.SIGINT)

        def terminate(browser):
            os.kill(browser.child, signal.SIGTERM)

        for end in (interrupt, terminate, lambda browser: browser.press("\x03")):
            with self.calendar_on_terminal() as browser:
                browser.until("q: quit")
                end(browser)
                browser.until(ESCAPE + "[?25h" + ESCAPE + "[?1049l")
                browser.until("\n")  # what it says is on the screen that was there before
                modes = browser.modes()[3]
                self.assertTrue(modes & termios.ECHO and modes & termios.ICANON and modes & termios.ISIG)
                self.assertEqual(browser.end(), INTERRUPTED)

    def test_a_week_that_nobody_looks_at_is_text(self):
        self.assertEqual(self.book("2026-12-01T09:00", "--title", "Botox").returncode, DONE)
        text = self.tenant_ok("calendar", "--week", "--from", "2026-11-30")
        self.assertNotIn(ESCAPE, text)
        self.assertIn("09:00 Botox", text)
        days = self.tenant_json("calendar", "--week", "--from", "2026-11-30")["days"]
        self.assertEqual(len(days), 7)

    def free(self, day):
        found = self.tenant_json("slots", "--days=1", "--professional", self.professional, "--from", day + "T00:00",
                                 "--step", "30")
        return [each["start"][11:16] for each in found.get("slots", [])]

    def test_hours_are_set_shown_and_taken_back(self):
        whose = ("--professional", self.professional)
        self.assertIn("No hours", self.tenant_ok("hours", "list", *whose))
        hours = self.tenant_json("hours", "set", *whose, "--days", "1-5", "--hours", "09:00-11:00", "--break",
                                 "10:00-10:30")["result"]["id"]
        off = self.tenant_json("hours", "off", *whose, "--from", "2027-03-01T09:00", "--until", "2027-03-01T09:30",
                               "--reason", "congresso")["id"]
        opened = self.tenant_json("hours", "open", *whose, "--from", "2027-03-01T14:00", "--until",
                                  "2027-03-01T14:30")["id"]
        self.assertEqual(self.free("2027-03-01"), ["12:30", "13:30", "17:00"])
        text = self.tenant_ok("hours", "list", *whose, "--from", "2027-03-01T00:00")
        self.assertIn("5 09:00-11:00, less 10:00-10:30", text)
        self.assertRegex(text, "off +2027-03-01 09:00 .*congresso")
        self.assertRegex(text, "open +2027-03-01 14:00")
        listed = self.tenant_json("hours", "list", *whose, "--from", "2027-03-01T00:00")
        self.assertEqual([each["id"] for each in listed["hours"]], [hours])
        self.assertEqual([each["id"] for each in listed["exceptions"]], [off, opened])
        self.assertEqual(self.tenant_call("hours", "remove", off).returncode, NOT_FOUND, "it is no hours")
        self.assertEqual(self.tenant_call("hours", "remove", off, "--what", "lunch").returncode, USAGE)
        self.tenant_ok("hours", "remove", off, "--what", "exception")
        self.assertEqual(self.free("2027-03-01"), ["12:00", "12:30", "13:30", "17:00"])
        self.tenant_ok("hours", "remove", hours)
        self.assertEqual(self.free("2027-03-01"), ["17:00"])
        self.tenant_json("clinic", "add", "manaus")
        self.tenant_ok("hours", "set", *whose, "--hours", "09:00-10:00", "--clinic", "manaus")
        found = self.tenant_json("slots", "--days=1", *whose, "--clinic", "manaus", "--from", "2027-03-02T00:00")
        self.assertTrue(found["slots"])
        centro = self.tenant_json("clinic", "list")["clinics"][0]["slug"]
        self.assertNotEqual(centro, "manaus")
        found = self.tenant_json("slots", "--days=1", *whose, "--clinic", centro, "--from", "2027-03-02T00:00")
        self.assertFalse(found.get("slots"))

    def test_a_series_is_moved_from_one_on(self):
        booked = self.tenant_json("series", "book", "--professional", self.professional, "--patient", self.patient,
                                  "--start", "2027-03-01T09:00", "--rule", "FREQ=DAILY;COUNT=3")["occurrences"]
        second = booked[1]["appointment_id"]
        moved = self.tenant_json("series", "move", second, "--at", "10:30", "--later", "1")["occurrences"]
        self.assertEqual([each["start"] for each in moved], ["2027-03-03T13:30:00Z", "2027-03-04T13:30:00Z"])
        self.assertIn("2027-03-02 10:30", self.tenant_ok("series", "move", second, "--scope", "one", "--earlier", "1"))
        first = self.tenant_json("appointment", "get", booked[0]["appointment_id"])["appointment"]
        self.assertEqual(first["start"], "2027-03-01T12:00:00Z")
        for wrong in (("--at", "1030"), ("--at", ":0:00"), ("--scope", "none"), ("--later", "1", "--earlier", "1")):
            self.assertEqual(self.tenant_call("series", "move", second, *wrong).returncode, USAGE, wrong)

    def test_who_waits_no_more_is_off_the_list(self):
        entry = self.tenant_json("waitlist", "add", "--patient", self.patient)["id"]
        self.assertIn(entry, self.tenant_ok("waitlist", "list"))
        self.tenant_ok("waitlist", "withdraw", entry)
        self.assertIn("Nobody waits", self.tenant_ok("waitlist", "list"))
        self.assertEqual(self.tenant_call("waitlist", "withdraw", entry).returncode, CONFLICT)

    def test_time_is_offered_to_who_waits_for_it(self):
        offer = ("waitlist", "offer", "--professional", self.professional, "--start", "2036-03-03T09:00")
        self.tenant_ok("hours", "set", "--professional", self.professional, "--hours", "08:00-18:00")
        self.assertIn("suits nobody", self.tenant_ok(*offer))
        entry = self.tenant_json("waitlist", "add", "--patient", self.patient, "--priority", "5")["id"]
        offered = self.tenant_json(*offer)
        self.assertEqual(offered["result"]["id"], entry)
        shown = self.tenant_json("waitlist", "get", entry)["entry"]
        self.assertEqual((shown["status"], shown["hold_id"]), ("offered", offered["hold_id"]))
        self.assertRegex(self.tenant_ok("waitlist", "get", entry), r"(?m)^priority +5$")
        self.tenant_ok("waitlist", "accept", entry)
        booked = self.tenant_json("appointment", "get", offered["hold_id"])["appointment"]
        self.assertEqual((booked["status"], booked["start"]), ("booked", "2036-03-03T12:00:00Z"))
        self.refused(NOT_FOUND, "waitlist", "get", "--tenant", "sorriso", self.patient, says="no such record")

    def test_a_booking_takes_what_its_service_takes(self):
        laser = self.tenant_json("equipment", "add", "Laser", "--units", "2")["result"]["id"]
        self.assertRegex(self.tenant_ok("equipment", "list"), f"Laser +2 +{laser}")
        self.assertEqual(self.tenant_json("equipment", "list")["equipment"][0]["id"], laser)
        self.assertRegex(self.tenant_ok("equipment", "get", laser), r"(?m)^units +2$")
        service = self.tenant_json("service", "add", "Depilacao", "--minutes", "45", "--after", "15", "--equipment",
                                   laser, "--cents", "9900")["result"]["id"]
        text = self.tenant_ok("service", "get", service)
        self.assertRegex(text, rf"(?m)^equipment_ids +{laser}$")
        self.assertRegex(text, r"(?m)^price\.cents +9900$")
        self.assertRegex(text, r"(?m)^version +1, of ")
        self.assertEqual(self.tenant_json("service", "get", service)["service"]["duration_minutes"], 45)
        booked = json.loads(self.book("2036-03-03T09:00", "--service", service, "--json").stdout)
        shown = self.tenant_json("appointment", "get", booked["id"])["appointment"]
        self.assertEqual((shown["end"], shown["service_id"]), ("2036-03-03T12:45:00Z", service))
        other = self.tenant_json("patient", "add", "--name", "Rui Lima")["id"]
        again = ("appointment", "book", "--professional", self.professional, "--patient", other, "--start",
                 "2036-03-03T09:50")
        self.assertEqual(self.tenant_call(*again).returncode, CONFLICT, "the buffer is taken, too")
        self.assertEqual(self.tenant_call(*again, "--overbook").returncode, DONE)
        self.assertEqual(self.book("2036-03-03T22:00", "--within-hours").returncode, CONFLICT)
        hold = self.tenant_json("hold", "add", "--professional", self.professional, "--start", "2036-03-04T09:00")["id"]
        held = self.book("2036-03-04T09:00", "--hold", hold, "--json")
        self.assertEqual(json.loads(held.stdout)["id"], hold, held.stderr)

    def test_holidays_are_listed_and_taken_back(self):
        self.assertIn("No holiday", self.tenant_ok("hours", "holidays"))
        natal = self.tenant_json("hours", "holiday", "2036-12-25", "--name", "Natal")["result"]["id"]
        year = ("--from", "2036-01-01", "--until", "2036-12-31")
        self.assertRegex(self.tenant_ok("hours", "holidays", *year), f"2036-12-25 +Natal +all +{natal}")
        listed = self.tenant_json("hours", "holidays", *year, "--clinic", "centro")["holidays"]
        self.assertEqual([each["id"] for each in listed], [natal])
        self.assertIn("Natal", self.tenant_ok("hours", "holidays", "--from", "2036-02-29"), "a year of a leap day")
        self.assertIn("No holiday", self.tenant_ok("hours", "holidays", "--from", "2036-12-26"))
        self.tenant_ok("hours", "remove", natal, "--what", "holiday")
        self.assertIn("No holiday", self.tenant_ok("hours", "holidays", *year))

    def test_a_patient_is_changed_and_removed(self):
        changed = self.tenant_json("patient", "update", self.patient, "--phone", "(21) 3333-4444", "--note", "alergia",
                                   "--inactive")
        self.assertEqual(changed["version"], 2)
        shown = self.tenant_json("patient", "get", self.patient)["patient"]
        self.assertEqual([each["value"] for each in shown["telecom"]], ["+552133334444"])
        self.assertEqual((shown["cpf"], shown["names"][0]["text"], shown["inactive"]),
                         ("52998224725", "Ana Conceição Souza", True))
        self.assertTrue(self.tenant_json("patient", "update", self.patient, "--note", "alergia")["unchanged"])
        self.tenant_ok("patient", "update", self.patient, "--active", "--name", "Ana Lima")
        self.assertIn("Ana Lima", self.tenant_ok("patient", "search", "lima"))
        self.assertEqual(self.tenant_call("patient", "update", self.patient, "--active", "--inactive").returncode, USAGE)
        history = self.tenant_json("patient", "history", self.patient)["versions"]
        self.assertEqual([each["meta"]["version"] for each in history], [3, 2, 1])
        gone = self.tenant_json("patient", "add", "--name", "Engano")["id"]
        self.tenant_ok("patient", "remove", gone)
        self.refused(NOT_FOUND, "patient", "get", "--tenant", "sorriso", gone)
        self.assertRegex(self.tenant_ok("patient", "history", gone), r"(?m)^ +2 .* removed$")
        self.refused(NOT_FOUND, "patient", "history", "--tenant", "sorriso", "0190b3c1-7b1c-7d0e-8a51-2f7d1f0c9a11",
                     says="never")

    def test_people_and_places_are_shown(self):
        by_council = self.tenant_json("professional", "get", "--council", "cro-sp 4321")["professional"]
        self.assertEqual(by_council["id"], self.professional)
        self.assertRegex(self.tenant_ok("professional", "get", self.professional), r"(?m)^council\.number +4321$")
        self.refused(USAGE, "professional", "get", "--tenant", "sorriso", says="--council")
        self.refused(NOT_FOUND, "professional", "get", "--tenant", "sorriso", "--council", "CRO 1/SP")
        user = self.tenant_json("user", "add", "bia", "--role", "reception")["id"]
        self.assertEqual(self.tenant_json("user", "get", "--login", "BIA")["user"]["id"], user)
        self.assertRegex(self.tenant_ok("user", "get", user), r"(?m)^roles +reception$")
        self.assertRegex(self.tenant_ok("clinic", "get", "centro"), r"(?m)^name +Centro$")
        room = self.tenant_json("room", "add", "--name", "Sala 1")["id"]
        self.assertRegex(self.tenant_ok("room", "get", room), r"(?m)^bookable +yes$")
        hospital = self.tenant_json("organization", "add", "Hospital Lucas", "--cnpj", "11.222.333/0001-81")["id"]
        self.tenant_ok("organization", "add", "Ala Norte", "--part-of", hospital)
        self.assertEqual([each["id"] for each in self.tenant_json("organization", "list", "lucas")["organizations"]],
                         [hospital])
        self.assertIn("Ala Norte", self.tenant_ok("organization", "list"))
        self.assertEqual(self.tenant_json("organization", "get", hospital)["organization"]["cnpj"], "11222333000181")
        self.ok("tenant", "update", "sorriso", "--zone", "America/Manaus")
        self.assertEqual(self.json("tenant", "update", "sorriso", "--name", "Grupo Sorriso")["version"], 3)
        profile = self.json("tenant", "show", "sorriso")["profile"]
        self.assertEqual((profile["display_name"], profile["zone"]), ("Grupo Sorriso", "America/Manaus"))
        self.assertEqual(self.call("tenant", "update", "sorriso", "--zone", "Nowhere/At_All").returncode, USAGE)

    def test_records_are_listed_by_type_code_time_and_identifier(self):
        note = self.tenant_json("record", "note", "--patient", self.patient, "--text", "Bem.")["result"]["id"]
        record = "ClinicalImpression/" + note
        self.assertIn(record, self.tenant_ok("record", "list", "--patient", self.patient, "--type", "ClinicalImpression"))
        self.assertIn("None found", self.tenant_ok("record", "list", "--patient", self.patient, "--type", "Condition"))
        of_time = self.tenant_json("record", "list", "--type", "ClinicalImpression", "--from", "2026-01-01T00:00")
        self.assertEqual([each["id"] for each in of_time["records"]], [note])
        before = self.tenant_json("record", "list", "--type", "ClinicalImpression", "--until", "2026-01-01T00:00")
        self.assertEqual(before["records"], [])
        for wrong in ((), ("--patient", self.patient), ("--code", "x"), ("--type", "Nothing"),
                      ("--patient", self.patient, "--type", "Condition", "--code", "x")):
            self.assertEqual(self.tenant_call("record", "list", *wrong).returncode, USAGE, wrong)
        self.assertIn("No record", self.tenant_ok("record", "find", "http://lab|1"))
        self.assertEqual(self.tenant_json("record", "history", record)["versions"][0]["meta"]["version"], 1)
        path = os.path.join(self.directory, "in.ndjson")
        with open(path, "w", encoding="utf-8") as file:
            for line in (
                    {"resourceType": "Encounter", "id": "e1", "status": "finished", "class": {"code": "AMB"},
                     "subject": {"reference": f"Patient/{self.patient}"}},
                    {"resourceType": "Observation", "id": "o1", "status": "final",
                     "identifier": [{"system": "http://lab", "value": "1"}],
                     "code": {"coding": [{"system": "http://loinc.org", "code": "8302-2", "display": "Height"}]},
                     "subject": {"reference": f"Patient/{self.patient}"}}):
                file.write(json.dumps(line) + "\n")
        self.ok("import", "--tenant", "sorriso", path)
        self.assertIn("Observation/o1", self.tenant_ok("record", "list", "--patient", self.patient, "--code",
                                                       "http://loinc.org|8302-2"))
        found = self.tenant_json("record", "find", "http://lab|1", "--type", "Observation")["records"]
        self.assertEqual([each["fhir_id"] for each in found], ["o1"])
        self.assertFalse(self.tenant_json("record", "find", "http://lab|1", "--type", "Condition").get("records"))
        self.assertIn("None found", self.tenant_ok("record", "notes", "e1"))
        note = self.tenant_json("record", "note", "--patient", self.patient, "--encounter", "e1", "--text",
                                "Alta.")["result"]["id"]
        self.assertEqual([each["id"] for each in self.tenant_json("record", "notes", "Encounter/e1")["records"]], [note])

    def test_what_is_listed_is_shown_in_full(self):
        price = self.tenant_json("price", "add", "--name", "Laser", "--amount", "100", "--sessions", "2")["id"]
        self.assertRegex(self.tenant_ok("price", "get", price), r"(?m)^cents +10000$")
        self.assertIn("No invoice", self.tenant_ok("billing", "series"))
        invoice = self.tenant_json("invoice", "draft", "--patient", self.patient, "--item", price)["result"]["id"]
        packet = self.tenant_json("invoice", "issue", invoice)["packet_ids"][0]
        self.assertEqual(self.tenant_json("billing", "series")["series"], [{"series": "1", "last_number": 1}])
        self.assertIn("No session", self.tenant_ok("packet", "uses", packet))
        use = self.tenant_json("packet", "use", packet)["result"]["id"]
        self.assertRegex(self.tenant_ok("packet", "uses", packet), rf"(?m)^ +1 .*{use}$")
        paid = self.tenant_json("invoice", "pay", invoice, "--amount", "60", "--method", "cash")["result"]["id"]
        self.assertRegex(self.tenant_ok("invoice", "payments", invoice), rf"payment +cash +60\.00 +{invoice} +{paid}")
        period = self.tenant_json("invoice", "payments", "--from", "2020-01-01", "--to", "2099-01-01")["payments"]
        self.assertEqual([each["id"] for each in period], [paid])
        self.refused(USAGE, "invoice", "payments", "--tenant", "sorriso", invoice, "--from", "2020-01-01", says="ID")
        self.assertEqual(len(self.tenant_json("invoice", "history", invoice)["versions"]), 3)
        lot = self.tenant_json("lot", "add", "Botox", "C1", "--quantity", "1.5", "--unit", "ml")["result"]["id"]
        for which in (["Botox", "C1"], [lot]):
            self.assertRegex(self.tenant_ok("lot", "get", *which), r"(?m)^stock +1\.5 ml$")
        self.refused(NOT_FOUND, "lot", "get", "--tenant", "sorriso", "Botox", "C2")
        plan = self.tenant_json("plan", "add", "--patient", self.patient, "--name", "Toxina")["result"]["id"]
        self.assertRegex(self.tenant_ok("plan", "get", plan), r"(?m)^name +Toxina$")
        treatment = self.tenant_json("treatment", "add", "--plan", plan, "--lot", "Botox|C1|0.5")["result"]["id"]
        self.assertRegex(self.tenant_ok("treatment", "get", treatment), r"(?m)^lot +Botox C1: 0\.5$")
        consent = self.tenant_json("consent", "give", self.patient, "fotos", "--text", "Autorizo.")["id"]
        self.assertRegex(self.tenant_ok("consent", "get", consent), r"(?m)^text +Autorizo\.$")
        path = os.path.join(self.directory, "a.txt")
        with open(path, "w", encoding="utf-8") as file:
            file.write("a")
        attachment = self.tenant_json("attachment", "add", self.patient, path)["id"]
        self.refused(CONFLICT, "attachment", "remove", "--tenant", "sorriso", attachment, says="the file is complete")
        self.assertIn("a.txt", self.tenant_ok("attachment", "list", self.patient))
        series = self.tenant_json("series", "book", "--professional", self.professional, "--patient", self.patient,
                                  "--start", "2036-03-01T09:00", "--rule", "FREQ=DAILY;COUNT=3")
        text = self.tenant_ok("series", "get", series["result"]["id"])
        self.assertRegex(text, r"(?m)^rule +FREQ=DAILY;COUNT=3$")
        self.assertIn("2036-03-03 09:00", text)
        one = series["occurrences"][0]["appointment_id"]
        self.assertIn(series["result"]["id"], self.tenant_ok("appointment", "get", one))
        self.tenant_ok("appointment", "status", one, "confirmed")
        self.assertRegex(self.tenant_ok("appointment", "history", one), r"(?m)^ +2 ")
        other = self.tenant_json("patient", "add", "--name", "Ana C. Souza")["id"]
        merge = self.tenant_json("patient", "merge", self.patient, other)["result"]["id"]
        self.assertRegex(self.tenant_ok("patient", "merges", "--merge", merge), rf"(?m)^merged_id +{other}$")
        self.refused(USAGE, "patient", "merges", "--tenant", "sorriso", says="--merge")

    def test_users_have_roles(self):
        user = self.tenant_json("user", "add", "bia", "--name", "Bia Reis", "--role", "reception", "--role", "billing",
                                "--professional", self.professional)["id"]
        listed = self.tenant_json("user", "list")["users"]
        self.assertEqual([(each["id"], each["roles"]) for each in listed if each["login"] == "bia"],
                         [(user, ["reception", "billing"])])
        self.assertRegex(self.tenant_ok("user", "list"), user + " +bia +Bia Reis +reception, billing")
        self.assertEqual(self.tenant_call("user", "add", "BIA").returncode, CONFLICT)
        self.assertEqual(self.tenant_call("user", "add", "eva", "--role", "queen").returncode, USAGE)

    def test_appointments_are_counted_and_listed_by_patient(self):
        past = self.book("2026-03-02T09:00", "--json")
        self.assertEqual(past.returncode, DONE, past.stderr)
        past = json.loads(past.stdout)["id"]
        self.tenant_ok("appointment", "status", past, "no-show")
        self.assertEqual(self.book("2036-03-03T09:00", "--title", "Retorno").returncode, DONE)
        text = self.tenant_ok("appointment", "counts", "--from", "2026-03-02", "--days", "7")
        self.assertRegex(text, r"(?m)^all +1 +0 +0 +0 +1 +100\.0 %")
        self.assertRegex(text, "(?m)^Monday +1 ")
        self.assertRegex(text, "(?m)^professional " + self.professional + " +1 ")
        counted = self.tenant_json("appointment", "counts", "--from", "2026-03-02", "--days", "7")
        self.assertEqual(counted["total"]["missed"], 1)
        to_come = self.tenant_ok("patient", "appointments", self.patient)
        self.assertIn("Retorno", to_come)
        self.assertNotIn(past, to_come)
        before = self.tenant_json("patient", "appointments", self.patient, "--past")
        self.assertEqual([each["appointment_id"] for each in before["entries"]], [past])

    def test_what_was_typed_cannot_steer_a_terminal(self):
        done = self.tenant_call("room", "add", "--name", "Sala \x1b[31m vermelha")
        if done.returncode == DONE:
            self.assertNotIn(ESCAPE, self.tenant_ok("room", "list"))
        else:
            self.assertEqual(done.returncode, USAGE)
            self.assertNotIn(ESCAPE, done.stderr)


class Transfers(Store):
    """In, out and made up."""
    tenant = "sorriso"

    def fill(self):
        super().fill()
        type(self).made_up = self.json("generate", "--output", self.path("fhir"), "--patients", "3", "--years", "2")

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, name, *resources):
        with open(self.path(name), "w", encoding="utf-8") as file:
            for resource in resources:
                file.write((resource if isinstance(resource, str) else json.dumps(resource)) + "\n")
        return self.path(name)

    def import_json(self, *paths, **options):
        return self.json("import", "--tenant", "sorriso", *paths, **options)

    def test_the_same_seed_makes_the_same_and_nothing_is_replaced(self):
        self.assertEqual(self.made_up["resources"], sum(self.made_up["by_type"].values()))
        again = self.json("generate", "--output", self.path("again"), "--patients", "3", "--years", "2", "--seed", "1")
        other = self.json("generate", "--output", self.path("other"), "--patients", "3", "--years", "2", "--seed", "2")
        self.assertEqual(again["by_type"], self.made_up["by_type"])
        contents = []
        for folder in ("fhir", "again", "other"):
            with open(os.path.join(self.path(folder), "Patient.ndjson"), encoding="utf-8") as file:
                contents.append(file.read())
        self.assertEqual(contents[0], contents[1])
        self.assertNotEqual(contents[0], contents[2])
        self.assertEqual(len(contents[0].splitlines()), 3)
        self.assertGreater(other["bytes"], 0)
        self.refused(CONFLICT, "generate", "--output", self.path("fhir"), says="is there already")

    def test_resources_say_how_many_and_exclude_patients(self):
        made = self.json("generate", "--output", self.path("more"), "--resources", "500")
        self.assertGreaterEqual(made["resources"], 500)
        self.refused(USAGE, "generate", "--output", self.path("x"), "--resources", "5", "--patients", "5")

    def test_import_says_what_it_did_and_again_changes_nothing(self):
        first = self.import_json(self.path("fhir"))
        self.assertEqual(list(first)[:7],
                         ["files", "resources", "imported", "unchanged", "failed", "seconds", "resources_per_second"])
        resources = self.made_up["resources"]
        self.assertEqual((first["files"], first["resources"], first["imported"], first["unchanged"], first["failed"]),
                         (self.made_up["files"], resources, resources, 0, 0))
        self.assertAlmostEqual(first["resources_per_second"], resources / first["seconds"],
                               delta=first["resources_per_second"] / 100)
        again = self.import_json(self.path("fhir"))
        self.assertEqual((again["imported"], again["unchanged"]), (0, resources))
        out = self.ok("import", "--tenant", "sorriso", self.path("fhir/Patient.ndjson"))
        self.assertRegex(out, "(?m)^Patient +0 +3 +0$")
        self.assertRegex(out, "3 resources of 1 files in .*/s\\): 0 imported, 3 unchanged, 0 failed")
        self.assertTrue(self.json("verify")["clean"])

    def test_standard_input_too(self):
        with open(self.path("fhir/Patient.ndjson"), encoding="utf-8") as file:
            report = self.import_json("-", stdin=file.read())
        self.assertEqual((report["files"], report["imported"]), (1, 3))

    def test_what_is_wrong_is_said_line_by_line_and_the_rest_goes_on(self):
        path = self.write("mixed.ndjson", {"resourceType": "Patient", "id": "good-1", "name": [{"text": "Rui"}]},
                          {"resourceType": "Nonsense", "id": "bad-1"}, "{\"resourceType\": \"Patient\", ",
                          {"resourceType": "Patient", "id": "good-2", "birthDate": "1980"})
        done = self.call("import", "--tenant", "sorriso", "--json", path)
        self.assertEqual(done.returncode, FINDINGS, done.stderr)
        report = json.loads(done.stdout)
        self.assertEqual((report["resources"], report["imported"], report["failed"]), (4, 2, 2))
        lines = done.stderr.splitlines()
        self.assertEqual(len(lines), 2)
        for number, line in zip((2, 3), lines):
            self.assertTrue(line.startswith(f"{path}:{number}: "), line)
        self.assertEqual(self.json("patient", "get", "--tenant", "sorriso", "good-1")["patient"]["fhir_id"], "good-1")

    def test_paths_and_tenants_that_are_not_there(self):
        self.refused(NOT_FOUND, "import", "--tenant", "sorriso", self.path("nothing"), says="nothing")
        self.refused(NOT_FOUND, "import", "--tenant", "nobody", self.path("fhir"), says="nobody")
        self.refused(NOT_FOUND, "export", "--tenant", "nobody", "--output", self.path("out"), says="nobody")
        self.assertFalse(os.path.exists(self.path("out")))
        self.refused(INPUT_OUTPUT, "export", "--tenant", "sorriso", "--output", "/sys/clinicdb")
        self.refused(USAGE, "export", "--tenant", "sorriso", "--output", self.path("out"), "--format", "xml")
        self.refused(USAGE, "import", "--tenant", "sorriso")

    def test_export_gives_back_what_came_in(self):
        self.import_json(self.path("fhir"))
        exported = self.json("export", "--tenant", "sorriso", "--output", self.path("out"))
        self.assertEqual({k: v for k, v in self.made_up["by_type"].items() if v}, exported["by_type"])
        for name in os.listdir(self.path("out")):
            lines = []
            for folder in ("fhir", "out"):
                with open(os.path.join(self.path(folder), name), encoding="utf-8") as file:
                    lines.append(sorted((json.loads(line) for line in file), key=lambda each: each["id"]))
            self.assertEqual(lines[0], lines[1], name)
        self.assertRegex(self.ok("export", "--tenant", "sorriso", "--output", self.path("out")), "(?m)^Patient +3$")

    def test_bundles_and_gzip_go_into_another_store(self):
        self.import_json(self.path("fhir"))
        self.ok("export", "--tenant", "sorriso", "--output", self.path("out"), "--format", "bundle", "--gzip",
                "--bundle-resources", "50")
        names = sorted(os.listdir(self.path("out")))
        self.assertEqual(names[0], "bundle-000001.json.gz")
        self.assertEqual(len(names), -(-self.made_up["resources"] // 50))
        self.ok("tenant", "create", "other")
        report = self.json("import", "--tenant", "other", self.path("out"))
        self.assertEqual((report["imported"], report["failed"]), (self.made_up["resources"], 0))

    def test_an_imported_patient_has_a_timeline(self):
        self.import_json(self.path("fhir"))
        with open(self.path("fhir/Patient.ndjson"), encoding="utf-8") as file:
            patient = json.loads(file.readline())["id"]
        page = self.json("patient", "timeline", "--tenant", "sorriso", "--limit", "5", patient)
        self.assertEqual(len(page["items"]), 5)
        times = [item["time"] for item in page["items"]]
        self.assertEqual(times, sorted(times, reverse=True))
        rest = self.json("patient", "timeline", "--tenant", "sorriso", "--limit", "5", "--cursor", page["cursor"],
                         patient)
        self.assertLessEqual(rest["items"][0]["time"], times[-1])
        self.assertFalse({item["id"] for item in page["items"]} & {item["id"] for item in rest["items"]})
        self.assertIn("Encounter", self.ok("patient", "timeline", "--tenant", "sorriso", "--limit", "200", patient))


class Backups(Store):
    tenant = "sorriso"

    def fill(self):
        super().fill()
        self.ok("patient", "add", "--tenant", "sorriso", "--name", "Ana Souza", "--cpf", "529.982.247-25")
        self.ok("patient", "add", "--tenant", "sorriso", "--name", "Rui Lima")

    def path(self, name):
        return os.path.join(self.directory, name)

    def names(self, tenant, **options):
        found = self.json("patient", "search", "--tenant", tenant, "--cpf", "52998224725", **options)
        return [patient["name"] for patient in found["patients"]]

    def test_a_store_is_restored_and_verified(self):
        made = self.json("backup", "--output", self.path("backup"))
        self.assertGreater(made["files"], 0)
        self.assertEqual(made["position"]["lsn"], self.json("stats")["last_committed"]["lsn"])
        self.ok("tenant", "create", "later")
        self.assertEqual(self.json("verify", "--backup", self.path("backup"))["files"], made["files"])
        self.assertIn("whole", self.ok("verify", "--backup", self.path("backup")))
        restored = self.json("restore", "--data", self.path("restored"), "--from", self.path("backup"))
        self.assertEqual(restored["tenants"], 1)
        self.assertNotEqual(restored["store_id"], made["store_id"])
        self.assertEqual(self.names("sorriso", CLINICDB_DATA=self.path("restored")), ["Ana Souza"])
        self.assertEqual(len(self.json("tenant", "list", CLINICDB_DATA=self.path("restored"))["tenants"]), 1)

    def test_nothing_is_written_over(self):
        self.ok("backup", "--output", self.path("backup"))
        self.refused(CONFLICT, "backup", "--output", self.path("backup"))
        self.refused(CONFLICT, "restore", "--from", self.path("backup"))
        self.refused(NOT_FOUND, "restore", "--data", self.path("new"), "--from", self.path("nothing"))
        self.assertFalse(os.path.exists(self.path("new")))

    def test_a_damaged_backup_is_data_loss(self):
        self.ok("backup", "--output", self.path("backup"))
        largest = max((os.path.join(folder, name) for folder, _, names in os.walk(self.path("backup"))
                       for name in names), key=os.path.getsize)
        with open(largest, "r+b") as file:
            file.seek(os.path.getsize(largest) // 2)
            byte = file.read(1)
            file.seek(-1, os.SEEK_CUR)
            file.write(bytes([byte[0] ^ 1]))
        self.refused(DATA_LOSS, "verify", "--backup", self.path("backup"), says=os.path.basename(largest))
        self.refused(DATA_LOSS, "restore", "--data", self.path("new"), "--from", self.path("backup"))
        self.assertFalse(os.path.exists(self.path("new")))

    def test_a_tenant_is_restored_beside_the_living_one(self):
        file = self.path("sorriso.backup")
        made = self.json("backup", "--tenant", "sorriso", "--output", file)
        self.assertEqual(made["tenant"], "sorriso")
        self.assertGreater(made["entries"], 1)
        self.assertIn("whole", self.ok("verify", "--backup", file))
        restored = self.json("restore", "--tenant", "sorriso-november", "--from", file)
        self.assertEqual(restored["tenant"], "sorriso-november")
        self.assertEqual(self.names("sorriso-november"), self.names("sorriso"))
        self.refused(CONFLICT, "restore", "--tenant", "sorriso", "--from", file)
        self.refused(NOT_FOUND, "backup", "--tenant", "nobody", "--output", self.path("x"))
        self.assertTrue(self.json("verify")["clean"])


class Terminal(Store):
    tenant = "sorriso"

    def on_terminal(self, *words, **options):
        return run_on_terminal(*words, **{"CLINICDB_DATA": self.data, "CLINICDB_CONFIG": self.config, **options})

    def test_colours_on_a_terminal_alone_and_not_with_no_color(self):
        self.assertNotIn(ESCAPE, self.ok("tenant", "list"))
        self.assertIn(ESCAPE + "[1m", self.on_terminal("tenant", "list")[1])
        self.assertNotIn(ESCAPE, self.on_terminal("tenant", "list", NO_COLOR="1")[1])
        self.assertNotIn(ESCAPE, self.on_terminal("tenant", "list", TERM="dumb")[1])
        status, shown = self.on_terminal("tenant", "show", "nobody")
        self.assertEqual(status, NOT_FOUND)
        self.assertIn(ESCAPE + "[31mclinicdb:" + ESCAPE + "[0m", shown)
        self.assertNotIn(ESCAPE, self.call("tenant", "show", "nobody").stderr)

    def test_a_bar_on_a_terminal_alone(self):
        folder = os.path.join(self.directory, "fhir")
        status, shown = self.on_terminal("generate", "--output", folder, "--patients", "5")
        self.assertEqual(status, DONE, shown)
        self.assertIn("\rgenerate [", shown)
        status, shown = self.on_terminal("import", "--tenant", "sorriso", folder)
        self.assertEqual(status, DONE, shown)
        self.assertRegex(shown, r"\rimport \[[#.]+\] \d+ %  [\d,]+ resources")
        self.assertRegex(shown, r"\r +\r", "the line is taken away")
        self.assertIn("\rverify ", self.on_terminal("verify")[1])
        again = self.call("import", "--tenant", "sorriso", folder)
        self.assertEqual((again.returncode, again.stderr), (DONE, ""))
        self.assertNotIn("\r", again.stdout)

    def test_an_interrupted_generate_ends_at_once(self):
        status, shown = self.on_terminal("generate", "--output", os.path.join(self.directory, "fhir"), "--resources",
                                         "100000000", signal_when=b"generate [")
        self.assertEqual(status, INTERRUPTED, shown[-300:])

    def test_an_interrupted_import_keeps_what_was_committed(self):
        # The input has no end until the program was interrupted, and goes on then.
        lines = "".join(json.dumps({"resourceType": "Patient", "id": f"p{n}", "name": [{"text": "Rui " * 20}]}) + "\n"
                        for n in range(10_000)).encode()
        reader, writer = os.pipe()
        interrupted = threading.Event()

        def feed():
            with os.fdopen(writer, "wb") as pipe:
                try:
                    pipe.write(lines)
                    pipe.flush()
                    interrupted.wait(300)
                    pipe.write(lines)
                except BrokenPipeError:
                    pass

        feeder = threading.Thread(target=feed)
        feeder.start()
        status, shown = self.on_terminal("import", "--tenant", "sorriso", "-", stdin=reader,
                                         signal_when=b"resources", after_signal=interrupted.set)
        os.close(reader)
        feeder.join()
        self.assertEqual(status, INTERRUPTED, shown[-300:])
        self.assertIn("what was committed stays", shown)
        report = self.json("verify")
        self.assertTrue(report["clean"])
        self.assertGreater(report["records"], 1)


if __name__ == "__main__":
    unittest.main()
