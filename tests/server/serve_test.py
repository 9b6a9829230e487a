#!/usr/bin/env python3
"""`clinicdb serve` as operators run it: start, keys, TLS, reload, stop, and the page. serve_test.py PROGRAM"""
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

PROGRAM = os.path.abspath(sys.argv.pop(1))
PATIENCE = 20


def environment(**changes):
    return {**{k: v for k, v in os.environ.items() if not k.startswith("CLINICDB_")}, **changes}


def run(*words, **changes):
    return subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, env=environment(**changes),
                          timeout=60, check=False)


def until(condition):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise TimeoutError


class Server:
    def __init__(self, directory, *words, settings=""):
        self.config = os.path.join(directory, "clinicdb.toml")
        self.log = os.path.join(directory, "server.log")
        self.write(settings)
        self.process = subprocess.Popen(
            [PROGRAM, "serve", "--json", "--data", os.path.join(directory, "data"), "--config", self.config,
             "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", *words],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment())
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(self.process.stderr.read())
        said = json.loads(line)
        self.endpoint = f"localhost:{said['port']}"
        self.port = said["port"]
        self.admin = said["admin"]

    def write(self, settings):
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(f'[log]\nfile = "{self.log}"\n' + settings)

    def events(self):
        with open(self.log, encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    def reload(self):
        told = len(self.events())
        self.process.send_signal(signal.SIGHUP)
        return until(lambda: self.events()[told:])[0]

    def get(self, path):
        try:
            with urllib.request.urlopen(f"http://{self.admin}{path}", timeout=PATIENCE) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def metric(self, name, *labels):
        """Its value now: of the one line that has the name and all these labels."""
        found = [line for line in self.get("/metrics")[1].splitlines()
                 if line.split("{")[0].split(" ")[0] == name and all(label in line for label in labels)]
        if len(found) != 1:
            raise ValueError(f"{len(found)} lines have {name} {labels}")
        return float(found[0].rsplit(" ", 1)[1])

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(PATIENCE)
        self.process.stdout.close()
        self.process.stderr.close()
        return code


class Serve(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.directory)
        self.data = self.path("data")
        self.assertEqual(run("init", "--data", self.data).returncode, 0)
        self.assertEqual(run("tenant", "create", "--data", self.data, "sorriso").returncode, 0)

    def path(self, name):
        return os.path.join(self.directory, name)

    def start(self, *words, **options):
        server = Server(self.directory, *words, **options)
        self.addCleanup(server.stop)
        return server

    def test_keys_let_in_after_a_reload_and_no_longer_after_another(self):
        keys = self.path("keys.jsonl")
        with open(keys, "w", encoding="utf-8"):
            pass
        server = self.start(settings=f'[auth]\napi_keys = "{keys}"\n')
        made = run("key", "create", "desk", "--for", "sorriso", "--role", "reception", "--file", keys)
        key = made.stdout.strip()

        def search():
            return run("patient", "search", "--connect", server.endpoint, "--tenant", "sorriso", "ana",
                       CLINICDB_API_KEY=key)
        self.assertNotEqual(search().returncode, 0)
        self.assertEqual(server.reload()["event"], "settings were read again")
        found = search()
        self.assertEqual(found.returncode, 0, found.stderr)
        self.assertNotIn(key, json.dumps(server.events()))
        with open(keys, "w", encoding="utf-8"):
            pass
        server.reload()
        self.assertNotEqual(search().returncode, 0)
        with open(keys, "w", encoding="utf-8") as file:
            file.write("no key\n")
        wrong = server.reload()
        self.assertEqual(wrong["event"], "settings were not taken over")
        self.assertIn("line 1", wrong["reason"])

    def test_tls_by_a_certificate_that_is_replaced(self):
        certificate, key = self.path("server.pem"), self.path("server.key")

        def make():
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-days", "1", "-subj",
                            "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out",
                            certificate], check=True, capture_output=True)
        make()
        settings = f'[server]\ntls_certificate = "{certificate}"\ntls_key = "{key}"\n'
        server = self.start("--open-on-loopback", settings=settings)

        def search(authority):
            return run("tenant", "list", "--connect", server.endpoint, "--tls-ca", authority)
        found = search(certificate)
        self.assertEqual(found.returncode, 0, found.stderr)
        old = self.path("old.pem")
        shutil.copy(certificate, old)
        make()
        self.assertEqual(search(old).returncode, 0)
        server.reload()
        self.assertNotEqual(search(old).returncode, 0)
        self.assertEqual(search(certificate).returncode, 0)

    def test_what_operators_see(self):
        server = self.start("--open-on-loopback")
        run("tenant", "list", "--connect", server.endpoint)
        self.assertEqual(server.get("/healthz"), (200, "ok\n"))
        self.assertEqual(server.get("/readyz"), (200, "ready\n"))
        status = json.loads(server.get("/status")[1])
        self.assertTrue(status["ready"])
        self.assertEqual(status["store"]["state"], "serving")
        self.assertIn("TenantService.List", [m["method"] for m in status["methods"]])
        metrics = server.get("/metrics")[1]
        self.assertIn('clinicdb_calls_total{method="TenantService.List",code="OK"} 1', metrics)
        self.assertIn('clinicdb_call_seconds_bucket{method="TenantService.List",le="', metrics)
        self.assertIn('clinicdb_limit{name="connections"} 20000', metrics)
        self.assertIn("clinicdb_rocksdb_compactions_running ", metrics)
        self.assertIn("clinicdb_cache_hit_ratio ", metrics)
        self.assertEqual(server.get("/secret")[0], 404)

    def test_where_a_commits_time_goes(self):
        server = self.start("--open-on-loopback")
        before = server.metric("clinicdb_commit_group_commands_count")
        for name in ("um", "dois", "tres"):
            made = run("tenant", "create", name, "--name", name, "--connect", server.endpoint)
            self.assertEqual(made.returncode, 0, made.stderr)
        groups = server.metric("clinicdb_commit_group_commands_count") - before
        self.assertGreaterEqual(groups, 3)
        stages = {"execute", "append", "sync", "gate", "publish", "apply"}
        for stage in stages:
            label = f'stage="{stage}"'
            self.assertGreaterEqual(server.metric("clinicdb_commit_stage_seconds_count", label), groups, stage)
            self.assertGreaterEqual(server.metric("clinicdb_commit_stage_seconds_bucket", label, 'le="+Inf"'), groups)
        self.assertGreater(server.metric("clinicdb_commit_stage_seconds_sum", 'stage="sync"'), 0)
        commit = json.loads(server.get("/status")[1])["commit"]
        self.assertEqual({each["stage"] for each in commit["stages"]}, stages)
        sync = next(each for each in commit["stages"] if each["stage"] == "sync")
        self.assertGreaterEqual(sync["groups"], groups)
        self.assertGreater(sync["p99_us"], 0)
        self.assertGreaterEqual(sum(each["groups"] for each in commit["group_sizes"]), groups)

    def test_the_page_in_a_browser(self):
        server = self.start("--open-on-loopback")
        page = server.get("/")[1]
        self.assertNotRegex(page, r'(src|href)\s*=')  # nothing from elsewhere
        browser = shutil.which("chromium") or shutil.which("google-chrome")
        if browser is None:
            self.skipTest("there is no Chromium here")
        run("tenant", "list", "--connect", server.endpoint)
        shown = subprocess.run(
            [browser, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=4000", "--dump-dom",
             f"http://{server.admin}/"], capture_output=True, text=True, timeout=60, check=False).stdout
        self.assertIn('class="good">ready<', shown)
        self.assertIn("TenantService.List", shown)
        self.assertIn(">sync<", shown)

    def test_a_stop_ends_well_and_a_second_server_is_refused(self):
        server = self.start("--open-on-loopback")
        second = run("serve", "--data", self.data, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0",
                     "--open-on-loopback")
        self.assertEqual(second.returncode, 6, second.stderr)
        with socket.create_connection(("127.0.0.1", server.port)):
            self.assertEqual(server.stop(), 0)
        self.assertEqual([e["event"] for e in server.events()][-2:], ["stopping", "stopped"])

    def test_what_is_unsafe_is_refused_with_the_setting_that_helps(self):
        for words, setting in ((["--listen", "127.0.0.1:0"], "auth.api_keys"),
                               (["--listen", "0.0.0.0:0", "--open-on-loopback"], "server.tls_certificate"),
                               (["--listen", "here", "--open-on-loopback"], "--listen")):
            refused = run("serve", "--data", self.data, *words)
            self.assertNotEqual(refused.returncode, 0)
            self.assertIn(setting, refused.stderr)


if __name__ == "__main__":
    unittest.main()
