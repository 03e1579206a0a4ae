#!/usr/bin/env python3
"""mixin_test.py ROOT [PROMTOOL]: what is checked in is what the mixin makes, its rules are those of dashboards/prometheus, and its
configuration reaches them."""

import glob
import json
import os
import subprocess
import sys
import tempfile
import unittest

import yaml

ROOT, *PROMTOOL = sys.argv[1:]
DASHBOARDS = os.path.join(ROOT, "dashboards")


def mixin(field, config="{}"):
    """A field of the mixin with this configuration."""
    source = f"((import '{DASHBOARDS}/mixin/mixin.libsonnet') + {{_config+:: {config}}}).{field}"
    done = subprocess.run(["jsonnet", "-e", source], capture_output=True, text=True, check=True, timeout=60)
    return json.loads(done.stdout)


def rules(groups, kind):
    """(group, rule) of the rules of one kind, in a fixed order."""
    found = [(group["name"], rule) for group in groups for rule in group["rules"] if kind in rule]
    return sorted(found, key=lambda pair: json.dumps(pair, sort_keys=True))


def hand_kept():
    """The groups of all files of rules."""
    groups = []
    for path in glob.glob(os.path.join(DASHBOARDS, "prometheus/*.rules.yml")):
        with open(path, encoding="utf-8") as file:
            groups += yaml.safe_load(file)["groups"]
    return groups


class MixinTest(unittest.TestCase):
    def test_what_is_checked_in_is_what_is_rendered(self):
        done = subprocess.run([os.path.join(DASHBOARDS, "render"), "--check"], capture_output=True, text=True, timeout=100)
        self.assertEqual((done.returncode, done.stdout.strip()), (0, ""), done.stderr)

    def test_rendering_says_what_is_not_as_it_would_be_written(self):
        with tempfile.TemporaryDirectory() as folder:
            copy = os.path.join(folder, "dashboards")
            subprocess.run(["cp", "-r", DASHBOARDS, copy], check=True)
            with open(os.path.join(copy, "grafana/heapfloor-jvm.json"), "a", encoding="utf-8") as file:
                file.write("\n")
            with open(os.path.join(copy, "grafana/heapfloor-old.json"), "w", encoding="utf-8") as file:
                file.write("{}\n")
            done = subprocess.run([os.path.join(copy, "render"), "--check"], capture_output=True, text=True, timeout=100)
            self.assertEqual(done.returncode, 1)
            self.assertEqual(done.stdout.splitlines(), ["dashboards/grafana/heapfloor-jvm.json is not what dashboards/render writes",
                                                        "dashboards/grafana/heapfloor-old.json is not made by dashboards/render"])

    def test_the_rules_are_those_that_are_kept_by_hand(self):
        self.assertEqual(rules(mixin("prometheusAlerts")["groups"], "alert"), rules(hand_kept(), "alert"))
        self.assertEqual(rules(mixin("prometheusRules")["groups"], "record"), rules(hand_kept(), "record"))

    def test_job_runbook_and_page_are_configured(self):
        config = "{job: 'memory', runbookPrefix: 'https://git.example.org/', pagePrefix: 'https://gateway/', dashboardTags: ['ours']}"
        alerts = {rule["alert"]: rule for _, rule in rules(mixin("prometheusAlerts", config)["groups"], "alert")}
        self.assertIn('up{job="memory"} == 0', alerts["HeapfloorAgentDown"]["expr"])
        self.assertEqual(alerts["HeapfloorLeak"]["annotations"]["runbook_url"],
                         "https://git.example.org/dashboards/runbooks/HeapfloorLeak.md")
        self.assertEqual(alerts["HeapfloorLeak"]["annotations"]["chart_url"].split("{{")[0], "https://gateway/")
        dashboard = mixin("grafanaDashboards", config)["heapfloor-overview.json"]
        self.assertEqual(dashboard["tags"], ["ours"])
        self.assertEqual([one["query"] for one in dashboard["templating"]["list"] if one["name"] == "page"], ["https://gateway/"])

    @unittest.skipUnless(PROMTOOL, "promtool is not installed")
    def test_promtool_takes_the_rules_as_json(self):
        for field in ("prometheusAlerts", "prometheusRules"):
            with self.subTest(field), tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
                json.dump(mixin(field), file)
                file.flush()
                done = subprocess.run([PROMTOOL[0], "check", "rules", file.name], capture_output=True, text=True, timeout=60)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
