#!/usr/bin/env python3
"""overview_test.py ROOT PROMTOOL: the tables of the Overview have the rows that they promise, of series that are written here."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

import grafana_dashboards as grafana

ROOT, PROMTOOL = sys.argv[1:]
VALUES = {"job": ".+", "instance": ".+", "datasource": "x", "page": "x", "__range": "1h", "__rate_interval": "5m", "__interval": "1m"}
HOUR = 3600

# (scope, subject, signal) → seconds until its end or None, growth in bytes a second, state
SIGNALS = {
    # One process, of which the JVM ends first; its parts are no rows of their own.
    ("process", "process:1:2", "rss_anon"): (4 * HOUR, 100, "suspected"),
    ("jvm", "jvm:1:2", "gc_live"): (2 * HOUR, 90, "leaking"),
    ("structure", "structure:1:2:cache", "structure_bytes"): (1 * HOUR, 80, "leaking"),
    # Two signals of one process.
    ("process", "process:5:6", "rss_anon"): (6 * HOUR, 70, "leaking"),
    ("process", "process:5:6", "sampled_live"): (5 * HOUR, 60, "leaking"),
    ("cgroup", "cgroup:/a.slice", "cgroup_anon"): (9 * HOUR, 50, "suspected"),
    ("go", "go:11:12", "gc_live"): (11 * HOUR, 45, "leaking"),
    ("external", "external:pod=a", "external"): (12 * HOUR, 42, "suspected"),
    # It grows, and no limit of it is known; the last one has stopped.
    ("process", "process:7:8", "rss_anon"): (None, 40, "leaking"),
    ("process", "process:9:10", "rss_anon"): (None, 30, "stable"),
}
STATES = ("stable", "suspected", "leaking")


def labels_of(scope, subject, signal, **more):
    return {"job": "heapfloor", "instance": "h:4327", "scope": scope, "subject": subject, "group": "shop", "signal": signal, **more}


def selector(name, labels):
    return name + "{" + ",".join(f"{key}={json.dumps(value)}" for key, value in sorted(labels.items())) + "}"


def input_series():
    for key, (end, growth, state) in SIGNALS.items():
        if end is not None:
            yield selector("heapfloor_trend_predicted_exhaustion_timestamp_seconds", labels_of(*key)), end
        yield selector("heapfloor_trend_growth_bytes_per_second", labels_of(*key)), growth
        for one in STATES:
            yield selector("heapfloor_leak_state", labels_of(*key, state=one)), int(one == state)
    for structure, share in (("cache", 0.8), ("queue", 0.1)):
        labels = labels_of("process", "process:5:6", "") | {"structure": structure}
        yield selector("heapfloor_leak_structure_share_ratio", {k: v for k, v in labels.items() if k != "signal"}), share


class OverviewTest(unittest.TestCase):
    def assert_rows(self, title, ref, expected):
        """`expected`: (labels, value) of what the query returns at the time 0."""
        dashboard = grafana.load(os.path.join(ROOT, "dashboards/grafana"))["heapfloor-overview.json"]
        panel = next(one for one in grafana.panels(dashboard) if one["title"] == title)
        expr = next(target["expr"] for target in panel["targets"] if target["refId"] == ref)
        test = {"evaluation_interval": "1m", "tests": [{
            "interval": "1m",
            "input_series": [{"series": series, "values": str(value)} for series, value in input_series()],
            "promql_expr_test": [{"expr": grafana.filled(expr, VALUES), "eval_time": "0m", "exp_samples": [
                {"labels": selector("", labels), "value": value} for labels, value in expected]}]}]}
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
            json.dump(test, file)
            file.flush()
            done = subprocess.run([PROMTOOL, "test", "rules", file.name], capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_each_process_has_one_row_with_its_first_end(self):
        self.assert_rows("What dies first", "A", [
            (labels_of("jvm", "jvm:1:2", "gc_live", dies="1:2", state="leaking"), 2 * HOUR),
            (labels_of("process", "process:5:6", "sampled_live", dies="5:6", state="leaking"), 5 * HOUR),
            (labels_of("cgroup", "cgroup:/a.slice", "cgroup_anon", dies="cgroup:/a.slice", state="suspected"), 9 * HOUR),
            (labels_of("go", "go:11:12", "gc_live", dies="11:12", state="leaking"), 11 * HOUR),
            (labels_of("external", "external:pod=a", "external", dies="external:pod=a", state="suspected"), 12 * HOUR),
        ])

    def test_the_pace_in_a_row_is_that_of_its_signal(self):
        rows = {("jvm", "jvm:1:2", "gc_live"): 90, ("process", "process:5:6", "sampled_live"): 60,
                ("cgroup", "cgroup:/a.slice", "cgroup_anon"): 50, ("go", "go:11:12", "gc_live"): 45,
                ("external", "external:pod=a", "external"): 42}
        self.assert_rows("What dies first", "C", [
            (labels_of(*key) | {"__name__": "heapfloor_trend_growth_bytes_per_second"}, pace) for key, pace in rows.items()])

    def test_the_structure_in_a_row_is_the_one_that_explains_most(self):
        self.assert_rows("What dies first", "F", [
            (labels_of("process", "process:5:6", "sampled_live", dies="5:6", structure="cache"), 0.8)])

    def test_what_grows_without_a_forecast_has_a_table_of_its_own(self):
        self.assert_rows("Growing without a forecast", "A", [
            (labels_of("process", "process:7:8", "rss_anon") | {"__name__": "heapfloor_trend_growth_bytes_per_second"}, 40)])

    def test_the_first_end_is_that_of_the_first_row(self):
        self.assert_rows("First end", "A", [({}, 2 * HOUR)])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
