#!/usr/bin/env python3
"""api_test.py AGENT PROGRAMS: what an agent answers is what agent/web/openapi.yaml says it answers.

A service with a probe and programs without one leak beside an agent at half a second and a hundred-and-twentieth of
every time constant; every path is asked while they learn, while they are suspected and after one of them was killed. A
field that is not described, or that is described and missing, is a failure.
"""

import gzip
import io
import json
import os
import pathlib
import sys
import tarfile
import tempfile
import unittest
import urllib.parse

import harness

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import openapi  # noqa: E402  pylint: disable=wrong-import-position

CHANGING = {"X-Heapfloor": "1"}
DEADLINE_SECONDS = 200
CONFIG = """
collection: {interval: 500ms}
trend: {time_scale: 0.0083333, limit: 512MiB}
alerts:
  hold: 1s
  rules:
    - name: AnyProcess
      scope: process
      signal: rss_anon
      match: {group: "*steady_leak*"}
      op: ">"
      value: 1MiB
      hold: 1s
  silences:
    - group: batch-*
      comment: of the configuration
targets:
  prometheus:
    - name: nobody
      url: http://127.0.0.1:9
      query: up
"""
LISTS = ["/api/v1/" + name for name in
         ("status", "subjects", "suspects", "cgroups", "ooms", "alerts", "rules", "silences", "evidence", "config")]
NOBODY = "2147483647"  # a pid that no process has
REFUSED = {
    "/api/v1/subjects?sort=nonsense": 400,
    "/api/v1/subjects?limit=0": 400,
    "/api/v1/cgroups?order=up": 400,
    "/api/v1/suspects/process:1:1/rss_anon": 404,
    "/api/v1/series/process:1:1/rss_anon": 404,
    "/api/v1/series/process:1:1/rss_anon?start=x": 400,
    "/api/v1/evidence/none": 404,
    "/api/v1/evidence/none/heap.pb.gz": 404,
    "/debug/pprof/heap": 400,
    "/debug/pprof/allocs?pid=x": 400,
    "/debug/pprof/heap?pid=" + NOBODY: 404,
    "/debug/pprof/allocs?pid=" + NOBODY: 404,
    f"/processes/{NOBODY}/debug/pprof/heap": 404,
    f"/processes/{NOBODY}/debug/pprof/allocs": 404,
    "/processes/1/debug/pprof/heap?seconds=0": 400,
    "/processes/1/debug/pprof/allocs?seconds=0": 400,
    "/metrics?collect[]=nonsense": 400,
}


# What no answer and no evidence may hold: the value of a variable that the programs are started with, an argument, and what
# stands in the heap alone: one of them leaks objects with the first, backwards.
CANARY = "canary-5f0e7c1d"
ARGUMENT = "--seconds=400"
HEAP_CANARY = CANARY[::-1]
SECRETS = (CANARY, ARGUMENT, HEAP_CANARY)


def count_in_heap(pid, text):
    """How often a text stands in the heap of a process."""
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps:
        [bounds] = [line.split()[0] for line in maps if line.rstrip().endswith("[heap]")]
    begin, end = (int(bound, 16) for bound in bounds.split("-"))
    with open(f"/proc/{pid}/mem", "rb") as memory:
        memory.seek(begin)
        return memory.read(end - begin).count(text.encode())


class ApiTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.description = openapi.Description()
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        config = os.path.join(cls.folder, "heapfloor.yml")
        with open(config, "w", encoding="utf-8") as file:
            file.write(CONFIG)
        cls.agent = cls.enterClassContext(harness.Agent("--config.file=" + config, storage=cls.folder))
        os.environ["HEAPFLOOR_TEST_PASSWORD"] = CANARY  # the programs' alone: the agent has started
        cls.addClassCleanup(os.environ.pop, "HEAPFLOOR_TEST_PASSWORD")
        cls.programs = cls.enterClassContext(harness.Programs(["e2e_steady_leak", "e2e_thread_pile"], ARGUMENT))
        cls.service = None
        if os.path.exists(os.path.join(harness.PROGRAMS, "probe_service")):
            cls.service = cls.enterClassContext(harness.Programs(["probe_service"], ARGUMENT))

    def ask(self, path, method="GET", headers=None, status=200):
        """The answer's body, after it was found to be as described."""
        answered, fields, body = self.agent.request(path, method, headers)
        self.assertEqual(answered, status, (path, body[:300]))
        self.hold_no_secret(path, body)
        self.description.check(method, urllib.parse.unquote(path.split("?")[0]), answered, fields["Content-Type"], body)
        return body

    def hold_no_secret(self, name, body):
        plain = gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body
        for secret in SECRETS:
            self.assertNotIn(secret.encode(), plain, name)
        return plain

    def data(self, path):
        self.ask(path)
        return self.agent.api(path.removeprefix("/api/v1/"))

    def ask_every_list(self):
        for path in LISTS:
            self.ask(path)
        self.ask("/api/v1/subjects?limit=1000")
        self.ask("/api/v1/cgroups?limit=1000")
        for path in ("/api/v1/subjects?search=nobody-is-called-that", "/api/v1/cgroups?search=nobody-is-called-that"):
            self.ask(path)

    def suspects(self):
        """The suspects that are ours, by pid and signal."""
        ours = [programs for programs in (self.programs, self.service) if programs]
        pids = {process.pid for programs in ours for process in programs.processes.values()}
        return {(suspect["subject"]["pid"], suspect["signal"]): suspect
                for suspect in self.data("/api/v1/suspects")["suspects"] if suspect["subject"]["pid"] in pids}

    def wait_for_suspects(self):
        wanted = {(self.programs.pid("e2e_steady_leak"), "rss_anon"),
                  (self.programs.pid("e2e_thread_pile"), "threads")}
        if self.service:
            wanted |= {(self.service.pid("probe_service"), signal) for signal in ("sampled_live", "structure_bytes")}
        harness.wait_until(lambda: wanted <= self.suspects().keys(), DEADLINE_SECONDS, lambda: self.suspects().keys())

    def test_1_while_they_learn(self):
        harness.wait_until(lambda: self.agent.request("/-/ready")[0] == 200, 30, "not ready")
        self.ask_every_list()
        for path in ("/", "/runbooks/HeapfloorLeak.html", "/metrics", "/-/healthy", "/-/ready", "/api/v1/openapi.yaml"):
            self.ask(path)
        self.assertEqual(self.ask("/api/v1/openapi.yaml"), openapi.FILE.read_bytes())

    def test_2_errors(self):
        for path, status in REFUSED.items():
            with self.subTest(path=path):
                self.ask(path, status=status)

    def test_2_errors_of_the_server_have_the_same_form(self):
        for path, method, status in (("/api/v1/nothing", "GET", 404), ("/api/v1/suspects", "POST", 405)):
            answered, _, body = self.agent.request(path, method)
            self.assertEqual(answered, status)
            self.description.check_value(json.loads(body), {"$ref": "#/components/schemas/Error"}, path)

    def test_3_silences(self):
        path = "/api/v1/silences"
        self.ask(path + "?group=x&duration=1h", "POST", status=403)
        self.ask(path + "?id=x", "DELETE", status=403)
        self.ask(path + "?group=x", "POST", CHANGING, 400)
        self.ask(path, "DELETE", CHANGING, 400)
        self.ask(path + "?id=none", "DELETE", CHANGING, 404)
        for query in ("?group=x&duration=1h&comment=load%20test&created_by=%22me%22", "?group=y*&until=next_build"):
            self.ask(path + query, "POST", CHANGING)
        body = self.ask(path + "?alertname=AnyProcess&duration=1h", "POST", CHANGING)
        silence = json.loads(body)["data"]["id"]
        harness.wait_until(lambda: any(alert.get("silenced") for alert in self.data("/api/v1/alerts")["alerts"]), 60,
                           "no alert was silenced")
        self.ask("/api/v1/rules")
        self.ask(path)
        self.ask(path + "?id=" + silence, "DELETE", CHANGING)

    def test_4_a_reload(self):
        self.ask("/-/reload", "POST", CHANGING)
        self.ask("/-/reload", "PUT", CHANGING)

    def test_5_while_they_are_suspected(self):
        self.wait_for_suspects()
        self.ask_every_list()
        for suspect in self.suspects().values():
            name = urllib.parse.quote(suspect["id"], safe=":/")
            self.assertEqual(self.data("/api/v1/suspects/" + name)["suspect"]["id"], suspect["id"])
            self.ask("/api/v1/suspects/" + name.replace("/", "%2F"))
            self.ask("/api/v1/series/" + name)
            self.ask("/api/v1/series/" + name + "?start=0&end=1")

    def test_6_what_was_captured(self):
        captures = harness.wait_until(lambda: self.data("/api/v1/evidence")["evidence"], 60, "nothing was captured")
        for capture in captures:
            self.ask("/api/v1/evidence/" + capture["id"])
            for file in capture["files"]:
                body = self.ask(file["path"])
                schema = {"suspect.json": "SuspectAnswer", "series.json": "SeriesAnswer"}.get(file["name"])
                if schema:
                    reference = {"$ref": "#/components/schemas/" + schema}
                    self.description.check_value(json.loads(body), reference, file["path"])

    def test_6_the_secret_of_the_heap_is_in_what_leaks(self):
        if self.service is None:
            self.skipTest("there is no program with a probe in this build")
        pid = self.service.pid("probe_service")
        found = count_in_heap(pid, HEAP_CANARY)
        self.assertGreater(found, 1000)
        harness.wait_until(lambda: count_in_heap(pid, HEAP_CANARY) > found, 60, "it leaks no more")

    def test_6_an_archive_is_all_files_of_a_capture_and_holds_no_secret(self):
        profiles = []
        for capture in self.data("/api/v1/evidence")["evidence"]:
            with tarfile.open(fileobj=io.BytesIO(self.ask(capture["archive"])), mode="r:gz") as archive:
                self.assertEqual(archive.getnames(), [f"{capture['id']}/{file['name']}" for file in capture["files"]])
                for file in capture["files"]:
                    body = archive.extractfile(f"{capture['id']}/{file['name']}").read()
                    self.assertEqual(body, self.ask(file["path"]))
                    plain = self.hold_no_secret((capture["id"], file["name"]), body)
                    if file["name"] == "heap.pb.gz":
                        profiles.append(plain)
        self.assertTrue(self.service is None or any(b"add_user" in profile for profile in profiles), len(profiles))

    def test_7_compaction_and_profiles(self):
        stranger = f"process:{self.programs.pid('e2e_steady_leak')}:1/rss_anon"
        self.ask(f"/api/v1/subjects/{stranger}/compact", "POST", status=403)
        self.ask(f"/api/v1/subjects/{stranger}/compact", "POST", CHANGING, 503)
        self.ask("/api/v1/subjects/nobody/compact", "POST", CHANGING, 404)
        if self.service is None:
            self.skipTest("there is no program with a probe in this build")
        pid = self.service.pid("probe_service")
        suspect = next(s for (owner, _), s in self.suspects().items() if owner == pid)
        self.ask(f"/api/v1/subjects/{suspect['id']}/compact", "POST", CHANGING)
        for view in ("heap", "allocs"):
            self.ask(f"/debug/pprof/{view}?pid={pid}")
            self.ask(f"/processes/{pid}/debug/pprof/{view}")

    def test_8_after_one_was_killed(self):
        process = self.programs.processes["e2e_steady_leak"]
        process.kill()
        process.wait()
        harness.wait_until(lambda: any(s["ended_at"] for s in self.suspects().values()), 60, "nobody has ended")
        self.ask_every_list()

    def test_9_every_described_path_was_asked(self):
        asked = {(method, path) for method, path, status in self.description.covered if status == 200}
        missing = set(self.description.operations()) - asked
        if self.service is None:
            missing = {(method, path) for method, path in missing if "pprof" not in path and "compact" not in path}
        self.assertEqual(missing, set())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
