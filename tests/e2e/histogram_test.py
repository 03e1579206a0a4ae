#!/usr/bin/env python3
"""histogram_test.py AGENT PROGRAMS: `heapfloor histogram` on real JVMs: which class grows, and what is left alone.

What must not be harmed is: a program that is no JVM, a JVM that the signal would end, one that listens to no tools.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

import harness

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "programs", "java", "Service.java")
HEAPFLOOR = sys.argv[1]
NOBODY = 65534
SECONDS = "120"


class HistogramTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # Not in /tmp: a JVM in namespaces of its own has another.
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory(dir="/var/tmp"))
        os.chmod(cls.folder, 0o755)
        subprocess.run(["javac", "-d", cls.folder, SOURCE], check=True, timeout=60)

    def java(self, *options, rate=1 << 20, before=(), **arguments):
        process = subprocess.Popen(
            [*before, "java", "-Xmx128m", "-XX:ParallelGCThreads=1", "-XX:CICompilerCount=2", *options, "-cp", self.folder, "Service",
             "map", SECONDS, str(rate), "1000"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **arguments)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def ask(self, pid, *options, **arguments):
        return subprocess.run([HEAPFLOOR, "histogram", "--pid", str(pid), *options], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=60, **arguments)

    def ready(self, pid):
        """Waits until the JVM tells of itself; what is said then, without being asked for more."""
        asked = []

        def is_ready():
            asked[:] = [self.ask(pid)]
            return "will stand still" in asked[0].stderr
        harness.wait_until(is_ready, 30, lambda: asked[0].stderr)
        return asked[0]

    def test_the_stall_is_told_first_and_nothing_is_done_without_yes(self):
        process = self.java("-XX:+UseG1GC")
        asked = self.ready(process.pid)
        self.assertEqual((asked.returncode, asked.stdout), (1, ""))
        self.assertIn("Nothing was done", asked.stderr)
        self.assertFalse(os.path.exists(f"/tmp/.java_pid{process.pid}"), "it was not even asked to listen")

    def test_the_class_that_grows_is_named_by_two_histograms(self):
        process = self.java("-XX:+UseParallelGC", "-XX:+PerfDisableSharedMem")
        self.ready(process.pid)
        before = os.path.join(self.folder, "before.json")
        first = self.ask(process.pid, "--yes", "--live", "-o", before)
        self.assertEqual(first.returncode, 0, first.stderr)
        self.assertIn("[B (java.base@", first.stdout)
        now = []

        def has_grown():
            now[:] = [self.ask(process.pid, "--yes", "--live", "--base", before, "--json")]
            return json.loads(now[0].stdout)["classes"][0]["bytes_gained"] > 1 << 20
        harness.wait_until(has_grown, 30, lambda: now[0].stderr)
        largest = json.loads(now[0].stdout)["classes"][0]
        self.assertTrue(largest["class"].startswith("[B"), largest)
        self.assertGreater(largest["instances_gained"], 100)
        self.assertEqual(self.ask(process.pid, "--yes", "--base", before).returncode, 1, "one counts garbage, the other not")

    def test_without_live_nothing_is_collected(self):
        process = self.java("-XX:+UseSerialGC", "-Xlog:gc", rate=0)
        self.ready(process.pid)
        self.assertEqual(self.ask(process.pid, "--yes").returncode, 0)
        process.kill()
        self.assertNotIn(b"Pause Full", process.stdout.read())

    def test_what_is_no_jvm_is_refused_and_lives(self):
        process = subprocess.Popen(["sleep", SECONDS], stdin=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        asked = self.ask(process.pid, "--yes")
        self.assertEqual(asked.returncode, 1)
        self.assertIn("no JVM", asked.stderr)
        self.assertIsNone(process.poll())

    def test_a_jvm_that_the_signal_would_end_does_not_get_it(self):
        process = self.java("-Xrs")
        self.ready(process.pid)
        self.assertEqual(self.ask(process.pid, "--yes").returncode, 0, "it listens from the start")
        os.unlink(f"/tmp/.java_pid{process.pid}")
        asked = self.ask(process.pid, "--yes")
        self.assertEqual(asked.returncode, 1)
        self.assertIn("-Xrs", asked.stderr)
        self.assertIsNone(process.poll())

    def test_a_jvm_that_listens_to_no_tools_is_left_alone(self):
        process = self.java("-XX:+DisableAttachMechanism")
        asked = []

        def is_refused():
            asked[:] = [self.ask(process.pid, "--yes")]
            return "DisableAttachMechanism" in asked[0].stderr
        harness.wait_until(is_refused, 30, lambda: asked[0].stderr)
        process.send_signal(signal.SIGKILL)
        self.assertNotIn(b"thread dump", process.stdout.read())

    def test_another_process_in_the_place_of_the_jvm_is_not_believed(self):
        process = self.java()
        self.ready(process.pid)
        path = f"/tmp/.java_pid{process.pid}"
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(path)
            self.addCleanup(lambda: os.path.lexists(path) and os.unlink(path))
            other.listen(1)
            asked = self.ask(process.pid, "--yes")
        self.assertEqual(asked.returncode, 1)
        self.assertIn("another process", asked.stderr)

    def test_a_link_in_the_place_of_its_socket_is_not_followed(self):
        process = self.java()
        self.ready(process.pid)
        path = f"/tmp/.java_pid{process.pid}"
        target = os.path.join(self.folder, "other")
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(target)
            other.listen(1)
            os.symlink(target, path)
            self.addCleanup(lambda: os.path.lexists(path) and os.unlink(path))
            self.assertEqual(self.ask(process.pid, "--yes").returncode, 1)
            other.setblocking(False)
            self.assertRaises(BlockingIOError, other.accept)

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_root_asks_as_the_user_of_the_jvm_and_others_may_not(self):
        process = self.java(user=NOBODY, group=NOBODY, extra_groups=[])
        self.ready(process.pid)
        asked = self.ask(process.pid, "--yes")
        self.assertEqual(asked.returncode, 0, asked.stderr)
        roots = self.java()
        self.ready(roots.pid)
        refused = self.ask(roots.pid, "--yes", user=NOBODY, group=NOBODY, extra_groups=[])
        self.assertEqual(refused.returncode, 1)
        self.assertIn("permission denied", refused.stderr)

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_a_jvm_in_namespaces_of_its_own_is_asked_where_it_listens(self):
        shell = 'mount -t tmpfs none /tmp && exec "$@"'
        unshared = self.java(before=("unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", shell, "sh"))
        children = f"/proc/{unshared.pid}/task/{unshared.pid}/children"

        def child():
            with open(children) as file:
                return file.read().split()
        harness.wait_until(lambda: child() or unshared.poll() is not None, 10, "a process in namespaces")
        if unshared.poll() is not None:
            self.skipTest("no namespaces here")
        [pid] = child()
        self.ready(pid)
        asked = self.ask(pid, "--yes")
        self.assertEqual(asked.returncode, 0, asked.stderr)
        self.assertIn("[B (java.base@", asked.stdout)


if __name__ == "__main__":
    if not shutil.which("javac"):
        sys.exit(77)
    unittest.main(argv=sys.argv[:1], verbosity=2)
