#!/usr/bin/env python3
"""doctor_test.py AGENT PROGRAMS: what `heapfloor doctor` says as root, as a user without a capability, beside an agent,
of a bad configuration and of servers that do not answer; and that it leaves nothing behind."""

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

import harness

NOBODY = 65534
WORDS = {"works", "partly", "lost", "note"}


def can_be_nobody():
    """Whether the program can be run as a user without a capability; its folder may be closed to one."""
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        return False
    return subprocess.run(["test", "-x", harness.AGENT], user=NOBODY, group=NOBODY, extra_groups=[],
                          check=False).returncode == 0


AS_NOBODY = unittest.skipUnless(can_be_nobody(), "uid 65534 cannot run the program where it was built")


def doctor(*arguments, as_nobody=False, seconds=60, **options):
    """The finished run; with --json the parsed report as `report`."""
    prefix = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"] if as_nobody else []
    environment = {name: value for name, value in os.environ.items() if name != "STATE_DIRECTORY"}
    return subprocess.run([*prefix, harness.AGENT, "doctor", *arguments], capture_output=True, text=True,
                          timeout=seconds, check=False, stdin=subprocess.DEVNULL, env=environment, **options)


def report(*arguments, **options):
    done = doctor("--json", *arguments, **options)
    if done.returncode not in (0, 1):
        raise AssertionError(f"{done.returncode} {done.stderr}")
    found = json.loads(done.stdout)
    if (done.returncode == 1) != found["loses_something"]:
        raise AssertionError(f"exit code {done.returncode}, loses_something {found['loses_something']}")
    return {finding["name"]: finding for finding in found["findings"]}


def refused(finding, source):
    """Of how many processes a source is refused."""
    for loss in finding["losses"]:
        match = re.match(rf"{source} of (\d+) of (\d+) processes: ", loss["what"])
        if match:
            return int(match.group(1)), int(match.group(2))
    return 0, 0


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class DoctorTest(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        self.address = f"--web.listen-address=127.0.0.1:{free_port()}"

    def file(self, text):
        path = os.path.join(self.folder, "heapfloor.yml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def test_the_report_for_a_person_and_for_a_program_tell_the_same(self):
        text = doctor(self.address)
        self.assertIn(text.returncode, (0, 1), text.stderr)
        self.assertEqual(text.stderr, "")
        lines = re.findall(r"^  (works|partly|lost|note) +(\S+)", text.stdout, re.M)
        findings = report(self.address)
        self.assertEqual({name for _, name in lines}, set(findings))
        self.assertLessEqual({finding["health"] for finding in findings.values()}, WORDS)
        for collector in ("host", "process", "smaps", "cgroup", "kmsg", "self", "probe", "jvm", "go"):
            self.assertIn(collector, findings)

    @AS_NOBODY
    def test_without_a_capability_what_belongs_to_others_is_lost_and_what_would_help_is_said(self):
        child = subprocess.Popen(["sleep", "60"])
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        as_root, as_nobody = report(self.address), report(self.address, as_nobody=True)
        for name, source, needs in (
                ("process", "exe", "CAP_SYS_PTRACE"),
                ("smaps", "smaps_rollup", "CAP_PERFMON since Linux 6.15, CAP_SYS_PTRACE before")):
            mine, others = refused(as_root[name], source), refused(as_nobody[name], source)
            self.assertEqual(as_nobody[name]["health"], "partly")
            self.assertGreater(others[0], mine[0], (as_root[name], as_nobody[name]))
            self.assertGreater(others[1], 1)
            self.assertIn(needs, {loss["needs"] for loss in as_nobody[name]["losses"]})
        if as_root["kmsg"]["health"] == "works":
            with open("/proc/sys/kernel/dmesg_restrict", encoding="ascii") as restrict:
                is_restricted = restrict.read().strip() == "1" or not os.stat("/dev/kmsg").st_mode & 0o004
            if is_restricted:
                kmsg = as_nobody["kmsg"]
                self.assertEqual((kmsg["health"], kmsg["losses"][0]["needs"]), ("lost", "CAP_SYSLOG"))
        self.assertEqual(as_nobody["host"]["health"], "works", "needs nothing")

    @AS_NOBODY
    def test_an_agent_that_runs_says_what_is_closed_to_it(self):
        port = free_port()
        with contextlib.ExitStack() as stack:
            agent = stack.enter_context(harness.Agent("--collection.interval=1s", listen=f"127.0.0.1:{port}",
                                                      user=NOBODY, group=NOBODY, extra_groups=[]))
            harness.wait_until(lambda: agent.request("/-/ready")[0] == 200, 30, "not ready")
            found = report(f"--web.listen-address=127.0.0.1:{port}")[f"127.0.0.1:{port}"]
            self.assertEqual(found["health"], "partly")
            self.assertRegex(found["summary"], r"an agent runs there, version \d")
            self.assertIn("closed to it: exe", {loss["what"] for loss in found["losses"]})
        free = report(f"--web.listen-address=127.0.0.1:{port}")[f"127.0.0.1:{port}"]
        self.assertEqual((free["health"], free["summary"]), ("note", "free; no agent runs there"))

    def test_what_else_listens_there_is_in_the_way(self):
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            found = report(f"--web.listen-address=127.0.0.1:{listener.getsockname()[1]}")
        address = next(name for name in found if name.startswith("127.0.0.1:"))
        self.assertEqual(found[address]["health"], "lost")

    def test_a_bad_configuration_is_named_and_the_rest_is_still_examined(self):
        path = self.file("collection:\n  no_such_key: 1\n")
        done = doctor("--config.file=" + path)
        self.assertEqual(done.returncode, 2)
        self.assertIn(f"{path}:2: unknown key", done.stdout)
        self.assertIn("collectors\n", done.stdout)

    def test_usage(self):
        done = doctor("--no-such-flag")
        self.assertEqual((done.returncode, done.stdout), (2, ""))

    def test_servers_that_do_not_answer_are_named_in_bounded_time(self):
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen(8)
            url = f"http://127.0.0.1:{silent.getsockname()[1]}"
            targets = "".join(f"    - {{name: t{index}, url: '{url}', query: up}}\n" for index in range(20))
            path = self.file(f"targets:\n  prometheus:\n{targets}alerts:\n  alertmanagers:\n"
                             "    - {name: am, url: 'http://127.0.0.1:9'}\n"
                             f"  webhooks:\n    - {{name: hook, url: '{url}'}}\n")
            # One behind the other, 20 servers of 5 s would take longer than a minute.
            found = report("--config.file=" + path, self.address, seconds=60)
        self.assertEqual({found[name]["health"] for name in ("t0", "t19", "am")}, {"lost"})
        self.assertEqual(found["hook"]["health"], "note")

    def test_it_makes_nothing(self):
        state = os.path.join(self.folder, "state")
        found = report("--storage.path=" + state, self.address)
        self.assertEqual(found["storage.path"]["health"], "works")
        self.assertEqual(os.listdir(self.folder), [])

    def test_other_mount_points_are_looked_at(self):
        empty = os.path.join(self.folder, "nothing")
        os.mkdir(empty)
        found = report(f"--path.procfs={empty}", f"--path.sysfs={empty}", f"--path.rootfs={empty}", self.address)
        for name in ("host", "process", "pressure", "cgroups"):
            self.assertEqual(found[name]["health"], "lost", found[name])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
