#!/usr/bin/env python3
"""dashboards_test.py AGENT PROGRAMS: every query of every dashboard, run by a real Prometheus that scrapes real agents.

One agent watches this host with services that leak, with and without a probe, under two allocators, in a JVM and in Go. Another reads
a recorded tree of Kubernetes' cgroups, in which processes are killed. A query that never returns anything fails, unless it is named
below with the reason for which it may.

HEAPFLOOR_DASHBOARDS_PREVIEW: a folder; what was returned is kept there as UID.json and drawn as UID.html and UID.png, for somebody to
look at. Needs chromium and HEAPFLOOR_WEB_MODULES, see dashboard_preview.py.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

import dashboard_preview
import harness
from inbox import Inbox
from prometheus_server import Prometheus, free_port

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../lint"))

import grafana_dashboards as grafana  # noqa: E402

DASHBOARDS = os.path.join(HERE, "../../dashboards/grafana")
CGROUPS = os.path.join(HERE, "../fixtures/cgroup_v2")
JAVA = os.path.join(HERE, "programs/java/Service.java")
GO = os.path.join(HERE, "programs/go")
PREVIEW = os.environ.get("HEAPFLOOR_DASHBOARDS_PREVIEW")
DEADLINE_SECONDS = 500
OPTIONS = ("--collection.interval=1s", "--trend.time_scale=0.0166667", "--trend.limit=512MiB")

# What Grafana puts in for a range of five minutes and a scrape each second.
BUILT_IN = {"__interval": "5s", "__rate_interval": "20s", "__range": "300s", "datasource": "prometheus", "page": "http://"}
STEP_SECONDS, RANGE_SECONDS = 5, 300

# (dashboard, panel or annotation, query) → why it may have nothing to return. It must still be one that Prometheus takes.
STATE_MAY_NOT_COME = "no subject of this scope must come into this state"
RECORDED = "the recorded cgroups do not have it set"
MAY_BE_EMPTY = {
    ("heapfloor-overview", "Growing without a forecast", "A"): "--trend.limit gives every process a limit",
    ("heapfloor-overview", "Growing without a forecast", "B"): "--trend.limit gives every process a limit",
    ("heapfloor-overview", "Waiting for memory", "A"): "a kernel may be without pressure stall information",
    ("heapfloor-overview", "Waiting for memory", "B"): "a kernel may be without pressure stall information",
    ("heapfloor-cgroup", "Limits and protections", "D"): RECORDED,
    ("heapfloor-cgroup", "What leaks in cgroups", "A"): STATE_MAY_NOT_COME,
    ("heapfloor-cgroup", "Leak: suspected", "annotation"): STATE_MAY_NOT_COME,
    ("heapfloor-cgroup", "Leak: leaking", "annotation"): STATE_MAY_NOT_COME,
    ("heapfloor-structures", "Room", "A"): "the service has hash maps, which have buckets",
    ("heapfloor-agent", "Connections", "C"): "no connection is refused",
    **{("heapfloor-agent", "Other servers", ref): "no other server is followed here, see external_test" for ref in "ABCD"},
    **{("heapfloor-agent", "What is not followed of them", ref): "no other server is followed here" for ref in "ABC"},
    **{(dashboard, "Leak: recovering", "annotation"): "leaks do not end within the test"
       for dashboard in ("heapfloor-overview", "heapfloor-suspect", "heapfloor-group", "heapfloor-cgroup", "heapfloor-structures",
                         "heapfloor-go", "heapfloor-jvm")},
}

# (dashboard, table) → labels that may be empty, which to Prometheus is none.
MAY_LACK = {("heapfloor-suspect", "Build"): {"version"}}


class Refused(Exception):
    """Prometheus does not take a query."""


def ask(prometheus, path, **parameters):
    """The data of an answer of Prometheus."""
    address = f"http://{prometheus.address}/api/v1/{path}?" + urllib.parse.urlencode(parameters)
    try:
        with urllib.request.urlopen(address, timeout=20) as answer:
            return json.load(answer)["data"]
    except urllib.error.HTTPError as error:
        raise Refused(f"{error.code} {error.read().decode()[:400]}") from None


class Query:
    """One query of a dashboard, with what it has returned."""

    def __init__(self, dashboard, owner, ref, target):
        self.key = (dashboard, owner, ref)
        self.expression = target["expr"]
        self.is_instant = target.get("instant", False)
        self.rows = []

    def answer(self, prometheus, values, now):
        """What is returned when asked as Grafana would with these variables; raises Refused."""
        expression = grafana.filled(self.expression, BUILT_IN | values)
        if self.is_instant:
            return ask(prometheus, "query", query=expression, time=now)["result"]
        return ask(prometheus, "query_range", query=expression, start=now - RANGE_SECONDS, end=now, step=STEP_SECONDS)["result"]

    def run(self, prometheus, values):
        """Asks, and keeps the labels of what is returned."""
        rows = [row["metric"] for row in self.answer(prometheus, values, time.time())]
        self.rows = rows or self.rows
        return bool(rows)


def queries_of(dashboard):
    """All queries of the panels and annotations of a dashboard."""
    name = dashboard["uid"]
    return ([Query(name, panel["title"], target["refId"], target) for panel in grafana.panels(dashboard) for target in panel["targets"]]
            + [Query(name, note["name"], "annotation", note) for note in grafana.annotations(dashboard)])


def label_values(prometheus, variable, values):
    """What a variable that is a query offers."""
    selector, label = grafana.label_values(variable)
    return ask(prometheus, f"label/{label}/values", **{"match[]": grafana.filled(selector, BUILT_IN | values)})


def any_of(values):
    """What Grafana puts in for all values of a variable that has no word for it, in a string of PromQL."""
    return "(" + "|".join(re.escape(value) for value in values).replace("\\", "\\\\") + ")"


def choices(prometheus, dashboard):
    """Every way to choose the variables of a dashboard: all values of one that takes many, else each value; of a hidden one, which
    hangs on those before it, the first."""
    ways = [{}]
    for name, variable in grafana.variables(dashboard).items():
        if variable["type"] != "query":
            continue
        if variable["multi"]:
            ways = [way | {name: variable["allValue"] or any_of(label_values(prometheus, variable, way))} for way in ways]
        elif variable["hide"]:
            ways = [way | {name: offered[0]} for way in ways if (offered := label_values(prometheus, variable, way))]
        else:
            ways = [way | {name: value} for way in ways for value in label_values(prometheus, variable, way)]
    return ways


class DashboardsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dashboards = grafana.load(DASHBOARDS)
        cls.queries = {name: queries_of(dashboard) for name, dashboard in cls.dashboards.items()}
        cls.refused = {}
        cls.start()

        def complete():
            cls.run_queries()
            return not cls.missing()

        try:
            harness.wait_until(complete, DEADLINE_SECONDS, "every query returns something")
        except AssertionError:
            # Which of them is what a test says.
            cls.agent.print_log()
        if PREVIEW:
            cls.preview()

    @classmethod
    def start(cls):
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        inbox = Inbox()
        cls.addClassCleanup(inbox.server_close)
        cls.addClassCleanup(inbox.shutdown)
        config = os.path.join(cls.folder, "heapfloor.yml")
        nobody = {"name": "nobody", "url": f"http://127.0.0.1:{free_port()}"}
        with open(config, "w", encoding="utf-8") as file:
            json.dump({"targets": {"go_discovery": "listening", "go": [nobody]}, "alerts": {
                "hold": "0s",
                "alertmanagers": [{"url": inbox.url, "name": "inbox"}],
                "rules": [{"name": "MemoryIsThere", "scope": "host", "metric": "heapfloor_host_memory_available_bytes", "value": 1}],
            }}, file)
        cls.agent = cls.enterClassContext(
            harness.Agent("--config.file=" + config, *OPTIONS, storage=os.path.join(cls.folder, "state")))
        cls.tree = os.path.join(cls.folder, "host")
        shutil.copytree(os.path.join(CGROUPS, "t00"), cls.tree)
        recorded = cls.enterClassContext(harness.Agent(
            f"--path.procfs={cls.tree}/proc", f"--path.sysfs={cls.tree}/sys", "--collection.interval=1s"))
        cls.enterClassContext(harness.Programs(("e2e_steady_leak",), "--seconds=600"))
        cls.run_program(["prlimit", f"--as={4 << 30}", f"--data={2 << 30}", os.path.join(harness.PROGRAMS, "e2e_flat"), "--seconds=600"])
        cls.run_program([os.path.join(harness.PROGRAMS, "probe_service"), "--seconds=600"], HEAPFLOOR_ARENAS="1")
        cls.run_program([os.path.join(harness.PROGRAMS, "probe_service"), "--seconds=600"], LD_PRELOAD="libjemalloc.so.2")
        subprocess.run(["javac", "-d", cls.folder, JAVA], check=True, timeout=60)
        cls.run_program(["java", "-XX:+UseSerialGC", "-Xms64m", "-Xmx256m", "-cp", cls.folder, "Service", "map", "600", str(512 << 10), "3"])
        service = os.path.join(cls.folder, "goservice")
        environment = dict(os.environ, GOFLAGS="-mod=mod", GOCACHE=os.path.join(cls.folder, "cache"))
        subprocess.run(["go", "build", "-o", service, "."], cwd=GO, env=environment, check=True, timeout=120)
        cls.run_program([service, "users", "600", str(512 << 10), "1"], GOMEMLIMIT=str(256 << 20), GOMAXPROCS="2")
        unread = os.path.join(cls.folder, "unread")
        subprocess.run(["go", "build", "-ldflags=-s -w", "-o", unread, "."], cwd=GO, env=environment, check=True, timeout=120)
        harness.forge_go_version(unread)
        cls.run_program([unread, "lru", "600", str(512 << 10), "1"], SERVICE_PAGES="metrics")
        cls.prometheus = cls.enterClassContext(Prometheus(cls.agent.address, recorded.address))
        harness.wait_until(lambda: [v for _, v in cls.prometheus.query("up")] == [1, 1], 60, "both agents are scraped")
        # On the recorded host processes of a slice are killed.
        shutil.copytree(os.path.join(CGROUPS, "t01"), cls.tree, dirs_exist_ok=True)

    @classmethod
    def run_program(cls, command, **environment):
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env={**os.environ, **environment})
        cls.addClassCleanup(process.wait)
        cls.addClassCleanup(process.kill)

    @classmethod
    def run_queries(cls):
        """Runs once more what has not returned anything yet."""
        for name, dashboard in cls.dashboards.items():
            pending = [query for query in cls.queries[name] if not query.rows and query.key not in cls.refused]
            ways = choices(cls.prometheus, dashboard) if pending else []
            for query in pending:
                try:
                    any(query.run(cls.prometheus, way) for way in ways)
                except Refused as error:
                    cls.refused[query.key] = str(error)

    @classmethod
    def preview(cls):
        """Draws every dashboard with those of its variables by which most queries return something."""
        now = time.time()

        def answers(name, way):
            found = {}
            for query in cls.queries[name]:
                if query.key not in cls.refused:
                    _, owner, ref = query.key
                    found.setdefault(owner, {})[ref] = query.answer(cls.prometheus, way, now)
            return found

        for name, dashboard in cls.dashboards.items():
            ways = [(way, answers(name, way)) for way in choices(cls.prometheus, dashboard)]
            way, best = max(ways, key=lambda one: sum(bool(rows) for owner in one[1].values() for rows in owner.values()))
            dashboard_preview.record(PREVIEW, dashboard, way, best, now)
        dashboard_preview.draw(PREVIEW)

    @classmethod
    def missing(cls):
        """The queries that had to return something, and have not."""
        return [query for queries in cls.queries.values() for query in queries
                if not query.rows and query.key not in MAY_BE_EMPTY and query.key not in cls.refused]

    def test_prometheus_takes_every_query(self):
        self.assertEqual(self.refused, {})

    def test_every_query_returns_something(self):
        self.assertEqual([query.key for query in self.missing()], [])

    def test_every_variable_offers_something(self):
        for name, dashboard in self.dashboards.items():
            way = choices(self.prometheus, dashboard)[0]
            for variable in grafana.variables(dashboard).values():
                if variable["type"] == "query":
                    with self.subTest(dashboard=name, variable=variable["name"]):
                        self.assertTrue(label_values(self.prometheus, variable, way))

    def test_what_may_be_empty_is_there(self):
        keys = {query.key for queries in self.queries.values() for query in queries}
        self.assertEqual(sorted(set(MAY_BE_EMPTY) - keys), [])

    def test_a_table_has_its_columns_and_one_row_for_each_name(self):
        """Grafana joins the queries of a table by the labels that all of them have: together they must tell rows apart."""
        for name, dashboard in self.dashboards.items():
            for panel in grafana.panels(dashboard):
                if panel["type"] != "table":
                    continue
                with self.subTest(dashboard=name, panel=panel["title"]):
                    self.ask_again(dashboard, panel)
                    answers = [query.rows for query in self.queries[name] if query.key[1] == panel["title"] and query.rows]
                    self.assert_rows(panel, answers, MAY_LACK.get((dashboard["uid"], panel["title"]), set()))

    def ask_again(self, dashboard, panel):
        """What was first returned may have lacked a label that came later."""
        ways = choices(self.prometheus, dashboard)
        for query in self.queries[dashboard["uid"] + ".json"]:
            if query.key[1] == panel["title"]:
                any(query.run(self.prometheus, way) for way in ways)

    def assert_rows(self, panel, answers, may_lack):
        if not answers:
            return
        names = set.intersection(*(set(row) for rows in answers for row in rows))
        for rows in answers:
            keys = [tuple(row[label] for label in sorted(names - {"__name__"})) for row in rows]
            self.assertEqual(len(keys), len(set(keys)), "two rows of one name")
        columns = set(next(step for step in panel["transformations"] if step["id"] == "organize")["options"]["indexByName"])
        labels = {label for rows in answers for row in rows for label in row}
        self.assertEqual({column for column in columns if not column.startswith("Value #")} - labels - may_lack, set())


if __name__ == "__main__":
    if not (shutil.which("javac") and shutil.which("go") and os.path.exists(os.path.join(harness.PROGRAMS, "probe_service"))):
        sys.exit(77)
    unittest.main(argv=sys.argv[:1], verbosity=2)
