#!/usr/bin/env python3
"""agent_test.py AGENT PROGRAMS: the program as an operator meets it: its commands, signals, exit codes and refusals."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

import harness

FAST = "--collection.interval=1s"
GOOD = "collection:\n  interval: 1s\n"
BAD = "collection:\n  interval: 1s\n  no_such_key: 1\n"
NOBODY = 65534
# The hash of the password "secret".
BCRYPT_SECRET = "$2y$10$heapfloorheapfloorhea.9qd2tcU/QqKkadJPj.aCNJwWHO16dBm"


def run(*arguments, seconds=60, **options):
    return subprocess.run([harness.AGENT, *arguments], capture_output=True, text=True, timeout=seconds, check=False,
                          stdin=subprocess.DEVNULL, **options)


class CommandTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="heapfloor-e2e-")
        self.addCleanup(shutil.rmtree, self.folder)

    def file(self, text):
        path = os.path.join(self.folder, "heapfloor.yml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    @unittest.skipUnless(shutil.which("promtool"), "promtool is not installed")
    def test_once_prints_a_page_that_promtool_accepts(self):
        page = run("once")
        self.assertEqual(page.returncode, 0, page.stderr)
        self.assertIn("heapfloor_build_info", page.stdout)
        check = subprocess.run(["promtool", "check", "metrics"], input=page.stdout, capture_output=True, text=True,
                               timeout=60, check=False)
        self.assertEqual((check.returncode, check.stdout, check.stderr), (0, "", ""))

    def test_once_names_this_host_and_its_processes(self):
        samples = harness.parse_page(run("once").stdout)
        capacity = [v for n, _, v in samples if n == "heapfloor_host_memory_capacity_bytes"]
        self.assertEqual(capacity, [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")])
        with open("/proc/self/comm", encoding="utf-8") as comm:
            ours = comm.read().rstrip("\n")
        by_name = harness.parse_page(run("once", "--grouping.default=comm").stdout)
        groups = [{l["group"] for n, l, _ in page if n == "heapfloor_group_processes"} for page in (samples, by_name)]
        self.assertIn(os.path.basename(sys.argv[0]), groups[0], "an interpreter is named by its script")
        self.assertIn(ours, groups[1])

    def test_once_replaces_a_file_for_node_exporter(self):
        path = os.path.join(self.folder, "heapfloor.prom")
        with open(path, "w", encoding="utf-8") as old:
            old.write("old\n")
        done = run("once", "--output", path)
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)
        self.assertEqual(os.listdir(self.folder), ["heapfloor.prom"])
        self.assertEqual(os.stat(path).st_mode & 0o7777, 0o644)
        with open(path, encoding="utf-8") as page:
            names = {name for name, _, _ in harness.parse_page(page.read())}
        self.assertIn("heapfloor_group_processes", names)
        # node_exporter speaks of its own process under these names.
        self.assertEqual([name for name in names if not name.startswith("heapfloor_")], [])

    def test_once_says_which_file_it_could_not_write(self):
        path = os.path.join(self.folder, "missing", "heapfloor.prom")
        done = run("once", "--output=" + path)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr.splitlines()[-1], f"heapfloor: {path}: No such file or directory")

    def test_version_says_a_version(self):
        answer = run("version")
        self.assertEqual(answer.returncode, 0)
        self.assertRegex(answer.stdout, r"heapfloor.*\d+\.\d+\.\d+")
        self.assertRegex(answer.stdout, r"\n  BPF task iterator: (not )?built in")

    def test_a_good_configuration_passes(self):
        self.assertEqual(run("check-config", self.file(GOOD)).returncode, 0)

    def test_an_unknown_key_is_refused_with_file_and_line(self):
        path = self.file(BAD)
        answer = run("check-config", path)
        self.assertEqual(answer.returncode, 2)
        self.assertIn(f"{path}:3", answer.stdout + answer.stderr)
        self.assertIn("no_such_key", answer.stdout + answer.stderr)

    def test_the_agent_does_not_start_with_a_bad_configuration(self):
        path = self.file(BAD)
        answer = run("agent", "--web.listen-address=127.0.0.1:0", "--config.file=" + path)
        self.assertEqual(answer.returncode, 2)
        self.assertIn(f"{path}:3", answer.stderr)

    def test_an_unknown_flag_is_a_usage_error(self):
        self.assertEqual(run("agent", "--no.such.flag=1").returncode, 2)

    def test_a_port_in_use_is_said_in_one_sentence(self):
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            address = "127.0.0.1:%d" % listener.getsockname()[1]
            answer = run("agent", "--web.listen-address=" + address)
        self.assertEqual(answer.returncode, 1, answer.stderr)
        self.assertIn(address, answer.stderr)
        self.assertRegex(answer.stderr, r"(?i)in use")


    def test_an_address_that_others_reach_is_refused_with_what_to_do(self):
        answer = run("agent", "--web.listen-address=0.0.0.0:0")
        self.assertEqual(answer.returncode, 2, answer.stderr)
        self.assertEqual(answer.stderr.count("\n"), 1, answer.stderr)
        for part in ("0.0.0.0:0", "--web.config.file=", "127.0.0.1", "--web.allow-insecure=true"):
            self.assertIn(part, answer.stderr)

    def test_a_plain_password_in_the_web_config_file_is_refused_by_check_config(self):
        web = os.path.join(self.folder, "web.yml")
        with open(web, "w", encoding="utf-8") as file:
            file.write("basic_auth_users:\n  prom: secret\n")
        answer = run("check-config", self.file('web:\n  config.file: "%s"\n' % web))
        self.assertEqual(answer.returncode, 2)
        self.assertIn("bcrypt", answer.stderr)


@unittest.skipUnless(shutil.which("openssl") and shutil.which("curl"), "openssl or curl is not installed")
class SecureTest(unittest.TestCase):
    """The agent with exporter-toolkit's web-config file, asked by curl."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="heapfloor-e2e-")
        self.addCleanup(shutil.rmtree, self.folder)
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
             "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", self.path("server.key"),
             "-out", self.path("server.crt")], check=True, capture_output=True, timeout=60)
        with open(self.path("web.yml"), "w", encoding="utf-8") as file:
            file.write("tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n"
                       "basic_auth_users:\n  prom: %s\n" % BCRYPT_SECRET)

    def path(self, name):
        return os.path.join(self.folder, name)

    def curl(self, address, *arguments):
        answer = subprocess.run(
            ["curl", "--silent", "--show-error", "--max-time", "20", "--cacert", self.path("server.crt"), "--write-out",
             "%{http_code} %{num_connects}\n", "--output", "/dev/null", *arguments, f"https://{address}/metrics"],
            capture_output=True, text=True, timeout=60, check=False)
        return answer.stdout.split("\n")[:-1]

    def test_it_serves_every_address_with_tls_and_a_password(self):
        with harness.Agent(FAST, "--web.config.file=" + self.path("web.yml"), listen="0.0.0.0:0") as agent:
            address = agent.address
            self.assertTrue([line for line in agent.lines if f"https://{address}/" in line])
            self.assertEqual(self.curl(address), ["401 1"])
            self.assertEqual(self.curl(address, "--user", "prom:wrong"), ["401 1"])
            self.assertEqual(self.curl(address, "--user", "prom:secret"), ["200 1"])
            twice = self.curl(address, "--user", "prom:secret", "--output", "/dev/null", f"https://{address}/metrics")
            self.assertEqual(twice, ["200 1", "200 0"], "the second request takes the same connection")


class RunningTest(unittest.TestCase):
    def test_sigterm_and_sigint_stop_it_within_five_seconds(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(signal=number.name), harness.Agent(FAST) as agent:
                self.assertEqual(agent.request("/-/ready")[0], 200)
                agent.process.send_signal(number)
                self.assertEqual(agent.process.wait(5), 0)

    def test_a_restart_at_the_same_address_works_at_once(self):
        with harness.Agent(FAST) as first:
            address = first.address
            first.request("/metrics")
            self.assertEqual(first.stop(5), 0)
        with harness.Agent(FAST, listen=address) as second:
            self.assertEqual(second.address, address)

    def test_processes_that_come_and_go_during_scrapes_do_no_harm(self):
        with harness.Agent(FAST) as agent:
            for _ in range(200):
                children = [subprocess.Popen(["/bin/true"]) for _ in range(2)]
                self.assertEqual(agent.request("/metrics")[0], 200)
                for child in children:
                    child.wait()
            self.assertEqual(set(agent.metric("heapfloor_collector_success")), {1.0})

    @unittest.skipUnless(os.geteuid() == 0, "only root can become somebody else")
    def test_it_runs_without_privilege(self):
        reach = subprocess.run(["test", "-x", harness.AGENT], user=NOBODY, group=NOBODY, extra_groups=[], check=False)
        if reach.returncode != 0:
            self.skipTest("uid 65534 cannot reach the program where it was built")
        with harness.Agent(FAST, user=NOBODY, group=NOBODY, extra_groups=[], cwd="/") as agent:
            self.assertEqual(agent.metric("heapfloor_collector_success", collector="host"), [1])
            self.assertEqual(agent.metric("heapfloor_collector_success", collector="process"), [1])
            self.assertGreater(len(agent.metric("heapfloor_group_processes")), 1)
            self.assertEqual(agent.stop(5), 0)


class ServiceTest(unittest.TestCase):
    """The agent as systemd runs it, with Type=notify and a watchdog."""

    def test_the_service_manager_is_told_of_its_life(self):
        with tempfile.TemporaryDirectory(prefix="heapfloor-e2e-") as folder, \
                socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(os.path.join(folder, "notify"))
            manager.settimeout(30)
            environment = {**os.environ, "NOTIFY_SOCKET": os.path.join(folder, "notify"), "WATCHDOG_USEC": "2000000"}
            with harness.Agent(FAST, env=environment) as agent:
                ready = manager.recv(4096).decode().splitlines()
                self.assertEqual(ready, ["READY=1", f"STATUS=serving http://{agent.address}/", "WATCHDOG_USEC=4000000"])
                self.assertEqual(agent.request("/-/ready")[0], 200)
                self.assertEqual([manager.recv(4096) for _ in range(2)], [b"WATCHDOG=1\n"] * 2)
                agent.process.send_signal(signal.SIGHUP)
                self.assertEqual(self.next(manager), b"RELOADING=1\n")
                self.assertEqual(self.next(manager), b"READY=1\n")
                self.assertEqual(agent.stop(10), 0)
                self.assertEqual(self.next(manager), b"STOPPING=1\n")

    @staticmethod
    def next(manager):
        """What is told beside signs of life."""
        while (told := manager.recv(4096)) == b"WATCHDOG=1\n":
            pass
        return told


class ReloadTest(unittest.TestCase):
    def setUp(self):
        handle, self.path = tempfile.mkstemp(suffix=".yml")
        os.close(handle)
        self.addCleanup(os.unlink, self.path)
        self.write(GOOD)
        self.agent = harness.Agent("--config.file=" + self.path).__enter__()
        self.addCleanup(self.agent.__exit__, None, None, None)
        self.assertEqual(self.last_reload(), 1)

    def write(self, text):
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(text)

    def last_reload(self):
        return self.agent.metric("heapfloor_config_last_reload_successful")[0]

    def reload_by_post(self):
        return self.agent.request("/-/reload", "POST", {"X-Heapfloor": "1"})[0]

    def test_sighup_with_a_bad_file_keeps_the_old_configuration_and_says_so(self):
        self.write(BAD)
        self.agent.process.send_signal(signal.SIGHUP)
        harness.wait_until(lambda: self.last_reload() == 0, 10, "the failed reload is in the metrics")
        self.assertTrue([line for line in self.agent.lines if re.search(re.escape(self.path) + ":3", line)])
        self.assertEqual(self.agent.request("/-/healthy")[0], 200)
        self.write(GOOD)
        self.agent.process.send_signal(signal.SIGHUP)
        harness.wait_until(lambda: self.last_reload() == 1, 10, "the good reload is in the metrics")

    def test_a_post_reloads_and_answers_with_what_happened(self):
        self.assertEqual(self.reload_by_post(), 200)
        self.write(BAD)
        self.assertGreaterEqual(self.reload_by_post(), 400)
        harness.wait_until(lambda: self.last_reload() == 0, 10, "the failed reload is in the metrics")
        self.assertEqual(sum(self.agent.metric("heapfloor_config_reloads_failed_total")), 1)

    def test_a_get_does_not_reload(self):
        self.assertEqual(self.agent.request("/-/reload")[0], 405)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
