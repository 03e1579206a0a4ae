#!/usr/bin/env python3
"""privileges_test.py HEAPFLOOR README: what each capability of heapfloor.service opens. Agents run side by side as an
ordinary user with all of them, with all but one and with none, beside programs of another user.

Exits 77, which ctest counts as skipped, where capabilities cannot be given.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, os.pardir, "e2e"))
from harness import wait_until  # noqa: E402  pylint: disable=wrong-import-position

HEAPFLOOR, README = sys.argv[1:3] if len(sys.argv) > 2 else ("", "")
AGENT_USER, OTHER_USER = 65534, 54321
LONG_ENOUGH = 4  # seconds: eight collections
CAPABILITIES = ("sys_ptrace", "dac_read_search", "checkpoint_restore", "bpf", "perfmon", "syslog")
# What is lost without each, of: executables, proportional memory (smaps), a Go program's heap, a probe's figures, its
# segment (without which nothing is kept of a program that ended), the kernel's log, the list of processes that moved (bpf).
LOST = {
    "sys_ptrace": {"exe", "go", "probe"},
    "dac_read_search": {"go", "probe"},
    "checkpoint_restore": {"segment"},
    "bpf": {"bpf"},
    "perfmon": {"bpf"},
    "syslog": {"kmsg"},
}


def kernel():
    return tuple(int(part) for part in re.match(r"(\d+)\.(\d+)", os.uname().release).groups())


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def as_user(user, capabilities, *command):
    sets = ",".join(["-all", *("+" + name for name in capabilities)])
    return subprocess.Popen(
        ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", f"--inh-caps={sets}", f"--ambient-caps={sets}",
         f"--bounding-set={sets}", "--no-new-privs", "timeout", "200", *command],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")


class Agent:
    def __init__(self, program, capabilities):
        self.port = free_port()
        self.process = as_user(AGENT_USER, capabilities, program, "agent", "--collection.interval=500ms",
                               "--collection.smaps_duty=0.2", "--collection.bpf=on", "--grouping.default=comm",
                               "--storage.path=", f"--web.listen-address=127.0.0.1:{self.port}")

    def page(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=20) as answer:
            lines = answer.read().decode().splitlines()
        return dict(line.rsplit(" ", 1) for line in lines if line and not line.startswith("#"))

    def sees(self):
        """What of `everything` it has read, of the programs of the other user."""
        page = self.page()

        def unreadable(source, group):
            return page.get(f'heapfloor_group_unreadable_processes{{source="{source}",group="{group}"}}')

        def is_open(source):
            return page.get(f'heapfloor_source_accessible{{source="{source}"}}') == "1"

        found = {name for name in ("kmsg",) if is_open(name)}
        if is_open("bpf_task_iterator"):
            found.add("bpf")
        if unreadable("exe", "probed") == "0":
            found.add("exe")
        if unreadable("smaps_rollup", "probed") == "0":
            found.add("smaps")
        if 'heapfloor_go_heap_live_bytes{group="goer"}' in page:
            found.add("go")
        if any(name.startswith("heapfloor_allocator_") and 'group="probed"' in name for name in page):
            found.add("probe")
            if is_open("probe"):
                found.add("segment")
        return found

    def last_look(self):
        return float(self.page()['heapfloor_collector_last_success_timestamp_seconds{collector="host"}'])

    def is_up(self):
        try:
            return 'heapfloor_group_processes{group="probed"}' in self.page()
        except OSError:
            return False


class PrivilegesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="heapfloor-privileges-"))
        os.chmod(folder, 0o755)
        program = shutil.copy(HEAPFLOOR, folder)
        library = shutil.copy(os.path.join(os.path.dirname(HEAPFLOOR), "../lib/libheapfloor_probe.so"), folder)
        probed = shutil.copy("/bin/sleep", os.path.join(folder, "probed"))
        cls.start(as_user(OTHER_USER, (), program, "run", f"--library={library}", "--", probed, "200"))
        cls.everything = {"exe", "smaps", "go", "probe", "segment", "kmsg", "bpf"}
        if shutil.which("go"):
            goer = os.path.join(folder, "goer")
            subprocess.run(["go", "build", "-o", goer, os.path.join(HERE, "programs/heap.go")], check=True, timeout=120,
                           env={**os.environ, "GOCACHE": os.path.join(folder, "cache"), "GO111MODULE": "off"})
            os.chmod(goer, 0o755)
            cls.start(as_user(OTHER_USER, (), goer))
        else:
            cls.everything.discard("go")
        sets = {"all": CAPABILITIES, "none": ()}
        sets.update({f"without {name}": tuple(c for c in CAPABILITIES if c != name) for name in CAPABILITIES})
        cls.agents = {name: Agent(program, capabilities) for name, capabilities in sets.items()}
        for agent in cls.agents.values():
            cls.start(agent.process)
        wait_until(lambda: all(agent.is_up() for agent in cls.agents.values()), 60, lambda: "every agent serves")
        first_namespace = "pid:[4026531836]"  # PROC_PID_INIT_INO; the iterator counts processes from there
        if not os.path.exists("/sys/kernel/btf/vmlinux") or os.readlink("/proc/self/ns/pid") != first_namespace:
            cls.everything.discard("bpf")
        if not os.access("/dev/kmsg", os.R_OK):
            cls.everything.discard("kmsg")

    @classmethod
    def start(cls, process):
        cls.addClassCleanup(process.wait, 30)
        cls.addClassCleanup(process.terminate)

    def test_each_capability_opens_what_the_readme_says(self):
        everything = self.agents["all"]
        wait_until(lambda: everything.sees() >= self.everything, 60, lambda: f"of {self.everything} seen are {everything.sees()}")
        expected = {"all": self.everything, "none": set()}
        for name, lost in LOST.items():
            lost = lost | ({"segment"} if "probe" in lost else set())
            expected[f"without {name}"] = self.everything - lost
        with open("/proc/sys/kernel/dmesg_restrict", encoding="ascii") as file:
            if file.read().strip() == "0":
                for name in ("none", "without syslog"):
                    expected[name] = expected[name] | ({"kmsg"} & self.everything)
        if kernel() < (6, 15):
            expected["without sys_ptrace"] = expected["without sys_ptrace"] - {"smaps"}
        for name, agent in self.agents.items():
            wait_until(lambda a=agent, n=name: a.sees() >= expected[n], 60,
                       lambda a=agent, n=name: f"{n}: expected {expected[n]}, seen {a.sees()}")
        # And nothing more, after as long again as it took.
        looked = time.time()
        wait_until(lambda: all(agent.last_look() > looked + LONG_ENOUGH for agent in self.agents.values()), 60,
                   lambda: "every agent looks on")
        self.assertEqual({name: agent.sees() for name, agent in self.agents.items()}, expected)

    def test_without_any_every_process_is_still_counted(self):
        page = self.agents["none"].page()
        self.assertEqual(page['heapfloor_group_processes{group="probed"}'], "1")
        self.assertGreater(float(page['heapfloor_group_resident_memory_bytes{kind="file",group="probed"}']), 0)

    def test_the_readme_names_them_all(self):
        with open(README, encoding="utf-8") as file:
            named = re.findall(r"^\| `CAP_(\w+)`", file.read(), re.M)
        self.assertEqual([name.lower() for name in named], list(CAPABILITIES))


def is_possible():
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        return False
    sets = ",".join(["-all", *("+" + name for name in CAPABILITIES)])
    return subprocess.run(["setpriv", f"--reuid={AGENT_USER}", f"--inh-caps={sets}", f"--ambient-caps={sets}", "true"],
                          check=False, timeout=30, capture_output=True).returncode == 0


if __name__ == "__main__":
    if not is_possible():
        print("skipped: capabilities cannot be given here")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1], verbosity=2)
