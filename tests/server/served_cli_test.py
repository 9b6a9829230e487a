#!/usr/bin/env python3
"""The tests of the commands on data, unchanged, against a server: over TCP and over TLS the same words give the same
output and the same exit codes as on a directory. served_cli_test.py PROGRAM [unittest arguments]"""
import json
import os
import re
import signal
import subprocess
import unittest

import cli_test


class Served:
    """Before a class of cli_test: each test's store is served, and each command connects."""
    server = None

    def setUp(self):
        super().setUp()
        self.server = subprocess.Popen(
            [cli_test.PROGRAM, "serve", "--data", self.data, "--config", self.serve_config(), "--listen", "127.0.0.1:0",
             "--admin", "127.0.0.1:0", "--open-on-loopback", "--json"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=cli_test.environment())
        self.addCleanup(lambda: self.server and self.stop(self.server))
        self.port = json.loads(self.server.stdout.readline())["port"]

    def stop(self, server):
        server.terminate()
        server.stdout.close()
        self.assertEqual(server.wait(60), cli_test.DONE)

    def serve_config(self):
        return self.config

    def connect(self):
        return ["--connect", f"127.0.0.1:{self.port}"]

    def connecting(self, words):
        """What makes these words one on the server. What a class's tests begin with is made on the directory."""
        if self.server and words[0] in ("verify", "stats"):
            # Of the directory, which the server gives back.
            self.stop(self.server)
            self.server = None
        return self.connect() if self.server and words[0] != "generate" else []

    def call(self, *words, **options):
        return super().call(*words, *self.connecting(words), **options)


class OverTls(Served):
    """The same with a certificate that the client is told to trust."""

    def serve_config(self):
        self.certificate = os.path.join(self.directory, "certificate.pem")
        key = os.path.join(self.directory, "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-days", "2",
                        "-keyout", key, "-out", self.certificate], check=True, capture_output=True)
        with open(self.config, encoding="utf-8") as file:
            settings = file.read()
        path = os.path.join(self.directory, "serve.toml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"{settings}[server]\ntls_certificate = \"{self.certificate}\"\ntls_key = \"{key}\"\n")
        return path

    def connect(self):
        return ["--connect", f"localhost:{self.port}", "--tls-ca", self.certificate]


class BookingsOverTcp(Served, cli_test.Bookings):
    def test_events_are_told_as_they_happen_until_an_interrupt(self):
        with subprocess.Popen([cli_test.PROGRAM, "events", "--tenant", "sorriso", "--follow", "--json", *self.connect()],
                              stdout=subprocess.PIPE, text=True, env=cli_test.environment()) as follower:
            self.addCleanup(follower.kill)
            told = json.loads(follower.stdout.readline())
            self.assertGreater(told["lsn"], 0, "what was before comes first")
            patient = self.tenant_json("patient", "add", "--name", "Nova")["id"]
            while told["payload"].get("id") != patient:
                told = json.loads(follower.stdout.readline())
            self.assertEqual(told["type"], "patient-registered")
            follower.send_signal(signal.SIGINT)
            self.assertEqual(follower.wait(60), cli_test.INTERRUPTED)


class BookingsOverTls(OverTls, cli_test.Bookings):
    pass


class Terminals:
    def on_terminal(self, *words, **options):
        return super().on_terminal(*words, *self.connecting(words), **options)


class TransfersOverTcp(Served, cli_test.Transfers):
    def at_hand(self, *words):
        """The same on a directory of its own."""
        return cli_test.run(*words, CLINICDB_DATA=self.path("at-hand"), CLINICDB_CONFIG=self.config)

    def test_in_and_out_it_is_as_at_hand_word_for_word(self):
        self.write("fhir/mixed.ndjson", {"resourceType": "Nonsense", "id": "bad-1"}, "{\"resourceType\": \"Patient\", ",
                   {"resourceType": "Bundle", "type": "transaction", "entry": [
                       {"resource": {"resourceType": "Patient", "id": "all-or-nothing"},
                        "request": {"method": "PUT", "url": "Patient/all-or-nothing"}},
                       {"resource": {"resourceType": "Patient", "id": "x", "gender": 5},
                        "request": {"method": "PUT", "url": "Patient/x"}}]})
        self.write("fhir/a-file-that-is-none.json.gz", "\x1f")
        for words in (["init"], ["tenant", "create", "sorriso"]):
            self.assertEqual(self.at_hand(*words).returncode, cli_test.DONE)
        for words in (["import", self.path("fhir"), "--json"], ["import", self.path("fhir")],
                      ["export", "--output", self.path("OUT"), "--json"],
                      ["export", "--output", self.path("OUT"), "--format", "bundle", "--gzip"]):
            words[1:1] = ["--tenant", "sorriso"]
            here, there = (each(*(word.replace("OUT", folder) for word in words))
                           for each, folder in ((self.at_hand, "out-here"), (self.call, "out-there")))
            self.assertEqual(here.returncode, there.returncode, there.stderr)
            self.assertEqual(here.stderr, there.stderr)
            # But for how long it took.
            if "--json" in words:
                reports = [{k: v for k, v in json.loads(each.stdout).items() if "second" not in k}
                           for each in (here, there)]
                self.assertEqual(*reports)
            else:
                self.assertEqual(*(re.sub(r" in [^(]*\([\d,]+/s\)", "", each.stdout) for each in (here, there)))
        self.refused(cli_test.NOT_FOUND, "patient", "get", "--tenant", "sorriso", "all-or-nothing")
        contents = []
        for folder in ("out-here", "out-there"):
            contents.append({})
            for name in os.listdir(self.path(folder)):
                with open(os.path.join(self.path(folder), name), "rb") as file:
                    contents[-1][name] = file.read()
        self.assertGreater(len(contents[0]), 5)
        self.assertEqual(*contents)


class TransfersOverTls(OverTls, cli_test.Transfers):
    pass


class TerminalOverTcp(Terminals, Served, cli_test.Terminal):
    test_an_interrupted_generate_ends_at_once = None  # of no store


class TenantsOverTcp(Served, cli_test.Tenants):
    test_on_a_terminal_deleting_asks = None  # names the directory itself


class WithoutTls(OverTls, cli_test.Bookings):
    """A client that does not speak TLS, or does not trust the certificate, gets nothing."""

    def test_who_does_not_trust_the_certificate_is_told(self):
        for connect in (["--connect", f"localhost:{self.port}", "--tls"], ["--connect", f"localhost:{self.port}"]):
            done = cli_test.run("patient", "search", "ana", "--tenant", "sorriso", *connect)
            self.assertEqual(done.returncode, cli_test.INPUT_OUTPUT, done.stderr)
            self.assertNotIn("Ana", done.stdout)


# What is run over the network. A signature is a user's, so it takes a credential that names one.
SERVED = {
    "test_patients_are_found_by_every_key", "test_a_patient_who_is_there_twice_is_found_merged_and_taken_apart",
    "test_an_invoice_from_its_draft_to_the_last_cent", "test_a_packet_is_sold_and_used_up", "test_events_are_followed",
    "test_a_recall_finds_whom_a_lot_was_used_on", "test_a_file_goes_in_and_comes_out", "test_a_patient_by_id_and_by_cpf",
    "test_a_wrong_field_is_named", "test_a_booking_a_refused_one_the_day_and_a_cancellation",
    "test_wrong_times_and_days_are_usage", "test_a_clinic_has_a_calendar_of_its_own"}
for name in dir(cli_test.Bookings):
    if name.startswith("test_"):
        setattr(WithoutTls, name, None)
        if name not in SERVED:
            setattr(BookingsOverTcp, name, None)
            setattr(BookingsOverTls, name, None)

if __name__ == "__main__":
    unittest.main()
