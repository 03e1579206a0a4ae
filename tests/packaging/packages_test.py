#!/usr/bin/env python3
"""packages_test.py BUILD CACHE: the Debian packages of a build, in a clean Debian tree with systemd: installed, scraped,
reloaded, killed by the watchdog, upgraded, removed and purged.

Exits 77, which ctest counts as skipped, where no tree can be made or booted.
"""

import glob
import gzip
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import debian_tree

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "e2e"))
import harness  # noqa: E402  pylint: disable=wrong-import-position

BUILD, CACHE = sys.argv[1:3] if len(sys.argv) > 2 else ("", "")
PAGE = "http://127.0.0.1:4327"
FAST = "collection:\n  interval: 1s\ngrouping:\n  default: comm\n"
# What apt and dpkg write about themselves, what a running system does, and what libcurl's certificates leave.
OF_THE_SYSTEM = re.compile(r"^/(var/lib/(dpkg|apt|systemd|pam)|var/cache|var/log|tmp|var/tmp|etc/ld.so.cache|etc/(passwd|group|shadow|gshadow)-"
                           r"|etc/machine-id|root|packages|etc/ssl|etc/ca-certificates(.conf)?|usr/local/share/ca-certificates)(/|$)")
AGENT = "CPACK_COMPONENTS_ALL=agent;service;agent_documents"


def make_packages(folder, *settings):
    """The .deb files by package name."""
    debian_tree.run("cpack", "-G", "DEB", "-B", folder, *[part for setting in settings for part in ("-D", setting)], cwd=BUILD)
    shutil.rmtree(os.path.join(folder, "_CPack_Packages"))
    return {os.path.basename(path).split("_")[0]: path for path in glob.glob(os.path.join(folder, "*.deb"))}


def needed_by(packages):
    """What they depend on or recommend beside each other, the first of alternatives."""
    names = set()
    for path in packages.values():
        for field in ("Depends", "Recommends"):
            text = debian_tree.run("dpkg-deb", "-f", path, field).stdout.strip()
            names |= {entry.split("|")[0].split("(")[0].strip() for entry in text.split(",") if entry.strip()}
    return sorted(names - packages.keys())


def samples(page):
    return dict(line.rsplit(" ", 1) for line in page.splitlines() if line and not line.startswith("#"))


def wait_until(condition, seconds, what):
    """As of the end-to-end tests; what the condition cannot say yet it may raise."""
    def value():
        try:
            return condition()
        except AssertionError:
            return None
    return harness.wait_until(value, seconds, what)


class PackagesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="heapfloor-packages-"))
        cls.packages = make_packages(os.path.join(folder, "now"))
        version = debian_tree.run("dpkg-deb", "-f", cls.packages["heapfloor"], "Version").stdout.strip()
        cls.versions = (version, version + "+next")
        cls.next = make_packages(os.path.join(folder, "next"), AGENT, "CPACK_PACKAGE_VERSION=" + cls.versions[1])
        tree = debian_tree.base_tree(CACHE, needed_by(cls.packages))
        cls.tree = cls.enterClassContext(debian_tree.BootedTree(tree))
        os.mkdir(cls.tree.path("/packages"))
        for path in [*cls.packages.values(), *cls.next.values()]:
            shutil.copy(path, cls.tree.path("/packages"))

    def install(self, *paths):
        self.tree.run("apt-get", "install", "-q", "-y", *["/packages/" + os.path.basename(path) for path in paths])

    def show(self, name):
        return self.tree.run("systemctl", "show", "--value", "-p", name, "heapfloor.service").stdout.strip()

    def page(self):
        return samples(self.tree.fetch(PAGE + "/metrics"))

    def log(self):
        return self.tree.run("journalctl", "-u", "heapfloor", "--no-pager", "-o", "cat").stdout

    def test_the_life_of_an_installation(self):
        """One way through it, in the order of an operator."""
        before = self.tree.files()
        for step in (self.it_installs, self.it_runs_as_the_unit_says, self.it_sees_programs_of_other_users, self.it_reloads,
                     self.the_watchdog_starts_it_again, self.an_upgrade_keeps_its_state, self.removal_keeps_what_is_the_users):
            began = time.monotonic()
            step()
            print(f"{step.__name__}: {time.monotonic() - began:.1f} s", flush=True)
        self.purge_leaves_nothing(before)

    def it_installs(self):
        self.install(*self.packages.values())
        self.assertEqual(self.show("ActiveState"), "active", self.log())
        self.assertEqual(self.tree.run("systemctl", "is-enabled", "heapfloor").stdout.strip(), "enabled")
        self.assertIn("heapfloor_build_info", self.tree.fetch(PAGE + "/metrics"))
        for path in ("/usr/lib/heapfloor/libheapfloor_probe.so", "/usr/share/man/man1/heapfloor.1.gz",
                     "/usr/share/heapfloor/prometheus/heapfloor.rules.yml", "/usr/include/heapfloor/probe.h"):
            self.tree.run("test", "-e", path)
        self.tree.run("heapfloor", "check-config", "/etc/heapfloor/heapfloor.yml")
        self.tree.run("heapfloor", "check-config", "/usr/share/doc/heapfloor/examples/heapfloor.yml")

    def it_runs_as_the_unit_says(self):
        self.assertEqual(self.show("StatusText"), f"serving {PAGE}/")
        score = self.tree.run("systemd-analyze", "security", "--no-pager", "--threshold=25", "heapfloor.service").stdout
        print(score.strip().splitlines()[-1])
        faults = self.tree.run("systemd-analyze", "verify", "--man=no", "heapfloor.service")
        self.assertEqual(faults.stderr, "")
        with open(f"/proc/{self.outer_pid()}/status", encoding="utf-8") as file:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        user = self.tree.run("id", "-u", "heapfloor").stdout.strip()
        self.assertEqual(set(status["Uid"].split()), {user})
        self.assertEqual(status["NoNewPrivs"], "1")
        self.assertEqual(status["CapEff"], status["CapBnd"])
        state = self.tree.run("stat", "-c", "%U %a", "/var/lib/heapfloor").stdout.strip()
        self.assertEqual(state, "heapfloor 700")

    def outer_pid(self):
        """The agent's pid as this process sees it."""
        inner = self.show("MainPID")
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/status", encoding="utf-8") as file:
                    text = file.read()
                same = os.readlink(f"/proc/{pid}/ns/pid") == os.readlink(f"/proc/{self.tree.first}/ns/pid")
            except OSError:
                continue
            if same and re.search(rf"^NSpid:.*\t{inner}$", text, re.M):
                return int(pid)
        raise AssertionError(f"no process {inner} in the tree")

    def it_sees_programs_of_other_users(self):
        """Through all of the unit's hardening: what each capability is there for."""
        with open(self.tree.path("/etc/heapfloor/heapfloor.yml"), "w", encoding="utf-8") as file:
            file.write(FAST)
        self.tree.run("systemctl", "restart", "heapfloor")
        self.tree.run("systemd-run", "--uid=nobody", "--gid=nogroup", "--unit=other", "/usr/bin/heapfloor", "run", "--sample=4KiB",
                      "--", "/usr/bin/perl", "-e", 'my @kept; push @kept, "x" x 100000 for 1..200; sleep 600')
        wait_until(lambda: any(name.startswith("heapfloor_allocator_") and '"perl"' in name for name in self.page()), 60,
                   "the probe of another user's program is read")
        pid = self.tree.run("systemctl", "show", "--value", "-p", "MainPID", "other").stdout.strip()
        profile = self.tree.fetch_bytes(f"{PAGE}/processes/{pid}/debug/pprof/heap")
        self.assertIn(b"Perl_", gzip.decompress(profile), "its functions have names: the child that reads symbols works")
        page = self.page()
        sources = {name: value for name, value in page.items() if name.startswith("heapfloor_source_accessible")}
        self.assertTrue(sources)
        self.assertEqual({name for name, value in sources.items() if value != "1"}, set(), self.log())
        for source in ("exe", "kmsg", "maps", "probe", "smaps_rollup"):
            self.assertIn(f'heapfloor_source_accessible{{source="{source}"}}', sources)

    def it_reloads(self):
        reloads = "heapfloor_config_last_reload_success_timestamp_seconds"
        first = self.page()[reloads]
        self.tree.run("systemctl", "reload", "heapfloor")
        wait_until(lambda: self.page()[reloads] != first, 20, "the configuration is read again")
        self.assertEqual(self.show("ActiveState"), "active")

    def the_watchdog_starts_it_again(self):
        os.makedirs(self.tree.path("/run/systemd/system/heapfloor.service.d"), exist_ok=True)
        with open(self.tree.path("/run/systemd/system/heapfloor.service.d/watchdog.conf"), "w", encoding="utf-8") as file:
            file.write("[Service]\nWatchdogSec=5s\nRestartSec=0\n")
        self.tree.run("systemctl", "daemon-reload")
        self.tree.run("systemctl", "restart", "heapfloor")
        pid = self.show("MainPID")
        os.kill(self.outer_pid(), signal.SIGSTOP)
        wait_until(lambda: self.show("MainPID") not in ("0", pid) and self.show("ActiveState") == "active", 40,
                   "an agent that hangs is started again")
        self.assertEqual(self.show("NRestarts"), "1")

    def an_upgrade_keeps_its_state(self):
        silence = self.tree.fetch(PAGE + "/api/v1/silences?group=perl&duration=2h&comment=kept", "POST")
        self.assertEqual(json.loads(silence)["status"], "success")
        pid = self.show("MainPID")
        self.install(*self.next.values())
        self.assertEqual(self.tree.run("dpkg-query", "-W", "-f", "${Version}", "heapfloor").stdout, self.versions[1])
        self.assertNotEqual(self.show("MainPID"), pid, "the new program runs")
        self.assertEqual(self.show("ActiveState"), "active", self.log())
        silences = json.loads(self.tree.fetch(PAGE + "/api/v1/silences"))["data"]["silences"]
        self.assertEqual([entry["comment"] for entry in silences], ["kept"])
        with open(self.tree.path("/etc/heapfloor/heapfloor.yml"), encoding="utf-8") as file:
            self.assertEqual(file.read(), FAST)

    def removal_keeps_what_is_the_users(self):
        self.tree.run("systemctl", "stop", "other")
        self.tree.run("apt-get", "remove", "-q", "-y", "heapfloor")
        self.assertEqual(self.show("ActiveState"), "inactive")
        for path in ("/etc/heapfloor/heapfloor.yml", "/var/lib/heapfloor"):
            self.tree.run("test", "-e", path)

    def owned(self):
        """The files of what is installed, dependencies that came along too; /lib is /usr/lib."""
        names = self.tree.run("dpkg-query", "-W", "-f", "${binary:Package}\n").stdout.split()
        listed = self.tree.run("dpkg-query", "-L", *names).stdout.splitlines()
        return {re.sub(r"^/(s?bin|lib(64)?)/", r"/usr/\1/", path) for path in listed}

    def purge_leaves_nothing(self, before):
        self.tree.run("apt-get", "purge", "-q", "-y", *self.packages)
        left = {path for path in self.tree.files() - before - self.owned() if not OF_THE_SYSTEM.match(path)}
        self.assertEqual(sorted(left), [])
        for path in sorted(self.tree.files()):
            self.assertNotRegex(path, r"^/(?!packages|run|tmp|var/lib/(dpkg|apt)|var/cache|var/log).*heapfloor")
        for path in ("/etc/passwd", "/etc/group"):
            with open(self.tree.path(path), encoding="utf-8") as file:
                self.assertNotIn("heapfloor", file.read())


@unittest.skipUnless(shutil.which("lintian"), "lintian is not installed")
class LintianTest(unittest.TestCase):
    def test_it_has_nothing_to_say(self):
        with tempfile.TemporaryDirectory(prefix="heapfloor-packages-") as folder:
            packages = make_packages(folder)
            # Who publishes the packages names himself: HEAPFLOOR_MAINTAINER.
            done = subprocess.run(["lintian", "--allow-root", "--fail-on=error,warning",
                                   "--suppress-tags=bogus-mail-host,bogus-mail-host-in-debian-changelog", *packages.values()],
                                  capture_output=True, text=True, timeout=300, check=False)
            self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)


if __name__ == "__main__":
    try:
        unittest.main(argv=sys.argv[:1], verbosity=2)
    except debian_tree.Unavailable as reason:
        print(f"skipped: {reason}")
        sys.exit(77)
