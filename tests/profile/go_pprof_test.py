#!/usr/bin/env python3
"""go_pprof_test.py HEAPFLOOR SERVICE: heap profiles of Go programs, read from outside, beside those that they serve.

SERVICE is the folder of a Go program that can be built without anything that refers to runtime.MemProfile. Without Go
nothing is tested; exit code 77 says so.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import urllib.request

from profiling_agent import Agent, pprof

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "e2e"))
import harness  # noqa: E402  pylint: disable=wrong-import-position

HEAPFLOOR, SERVICE = sys.argv[1:3]
SOURCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "programs", "go")
BUILDS = {"plain": (), "pie": ("-buildmode=pie",), "no_debug_info": ("-ldflags=-w",),
          "cgo_linked": ("-ldflags=-linkmode=external",), "stripped": ("-ldflags=-s",),
          "stripped_pie": ("-ldflags=-s -w", "-buildmode=pie"), "unknown": ("-ldflags=-s",)}
# The last says that it is of a version that is not known.
READABLE = [name for name in BUILDS if name != "unknown"]


def top(path, view="inuse_space"):
    """Bytes or objects by function, and the sum."""
    text = pprof("-top", "-nodefraction=0", f"-sample_index={view}", "-unit=" + ("B" if "space" in view else "count"), path)
    total = float(re.search(r"of ([\d.]+)\w* total", text).group(1))
    flat = {line.split(None, 5)[5].removesuffix(" (inline)"): float(re.match(r"\s*([\d.]+)", line).group(1))
            for line in text.splitlines() if re.match(r"\s*[\d.]+\w*\s+[\d.]+%\s+[\d.]+%", line)}
    return flat, total


class GoPprofTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.processes, cls.ports = {}, {}
        # All are built before the first is started: they end by themselves, and a busy machine takes minutes to build them.
        programs = {name: cls.build(name, SOURCES, options) for name, options in BUILDS.items()}
        unsampled = cls.build("unsampled", SERVICE, ("-tags=noprofile",))
        for name, program in programs.items():
            process = cls.start(program)
            cls.processes[name], cls.ports[name] = process, int(process.stdout.readline())
        cls.unsampled = cls.start(unsampled, "users", "300", "300000", "1")
        cls.agent = Agent(HEAPFLOOR)  # knows those that run when it starts
        cls.addClassCleanup(cls.agent.end)

    @classmethod
    def build(cls, name, sources, options):
        program = os.path.join(cls.folder, name)
        environment = dict(os.environ, GOFLAGS="-mod=mod", GOCACHE=os.path.join(cls.folder, "cache"))
        subprocess.run(["go", "build", *options, "-o", program, "."], cwd=sources, env=environment, check=True, timeout=180)
        if name == "unknown":
            harness.forge_go_version(program)
        return program

    @classmethod
    def start(cls, *command):
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

        def end():
            process.stdin.close()
            process.kill()
            process.wait()
            process.stdout.close()
        cls.addClassCleanup(end)
        return process

    def own(self, name):
        """The profile that the program serves of itself."""
        path = os.path.join(self.folder, f"{name}.own.pb.gz")
        url = f"http://127.0.0.1:{self.ports[name]}/debug/pprof/heap"
        with urllib.request.urlopen(url, timeout=30) as answer, open(path, "wb") as file:
            file.write(answer.read())
        return path

    def read(self, name):
        path = os.path.join(self.folder, f"{name}.pb.gz")
        subprocess.run([HEAPFLOOR, "pprof", "--pid", str(self.processes[name].pid), "-o", path], check=True, timeout=60)
        return path

    def test_the_profile_is_that_which_the_program_serves(self):
        for name in READABLE:
            ours, theirs = self.read(name), self.own(name)
            for view in ("inuse_space", "alloc_space", "inuse_objects", "alloc_objects"):
                with self.subTest(build=name, view=view):
                    (flat, total), (true_flat, true_total) = top(ours, view), top(theirs, view)
                    self.assertGreater(true_total, 1000)
                    self.assertLess(abs(total - true_total), 0.05 * true_total)
                    largest = max(true_flat, key=true_flat.get)
                    self.assertEqual(max(flat, key=flat.get), largest)
                    self.assertLess(abs(flat[largest] - true_flat[largest]), 0.05 * true_flat[largest])

    def test_functions_have_their_lines_and_what_they_allocated_for(self):
        for name in READABLE:
            with self.subTest(build=name):
                path = self.read(name)
                self.assertRegex(pprof("-top", "-lines", path), r"main\.addBlob .*programs/go/holder\.go:\d+")
                tags = pprof("-tags", path)
                for container in ("map", "slice", "interface", r"sync\.Map"):
                    self.assertRegex(tags, rf"%\): {container}\n")
                boxed = pprof("-top", "-tagfocus=container=interface", path)
                self.assertRegex(boxed, r"main\.box")

    def test_what_cannot_be_read_is_said_with_its_reason(self):
        for process, reason in ((self.processes["unknown"], "-ldflags=-s"), (self.unsampled, "runtime.MemProfile")):
            done = subprocess.run([HEAPFLOOR, "pprof", "--pid", str(process.pid), "-o", "-"], capture_output=True,
                                  text=True, timeout=60, check=False)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn(reason, done.stderr)
            status, body = self.agent.get(f"/debug/pprof/heap?pid={process.pid}")
            self.assertEqual(status, 503)
            self.assertIn(reason, body.decode())

    def test_an_agent_serves_the_same(self):
        for name in READABLE:
            with self.subTest(build=name):
                status, body = self.agent.get(f"/debug/pprof/heap?pid={self.processes[name].pid}")
                self.assertEqual(status, 200, body[:300])
                path = os.path.join(self.folder, "served.pb.gz")
                with open(path, "wb") as file:
                    file.write(body)
                (_, total), (_, true_total) = top(path), top(self.own(name))
                self.assertLess(abs(total - true_total), 0.05 * true_total)
        status, body = self.agent.get(f"/processes/{self.processes['plain'].pid}/debug/pprof/allocs")
        self.assertEqual(status, 200, body[:300])


if __name__ == "__main__":
    if not shutil.which("go"):
        sys.exit(77)
    unittest.main(argv=sys.argv[:1], verbosity=2)
