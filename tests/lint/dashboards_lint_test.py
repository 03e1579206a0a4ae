#!/usr/bin/env python3
"""dashboards_lint_test.py ROOT [PROMTOOL]: dashboards_lint.py says what is wrong with a dashboard. Each case spoils one thing of a
dashboard that we ship, and names the words that must be said."""

import copy
import os
import sys
import unittest

import dashboards_lint as lint
import grafana_dashboards as grafana

ROOT, *PROMTOOL = sys.argv[1:]
NAME = "heapfloor-group.json"


def first(dashboard, kind):
    return next(panel for panel in grafana.panels(dashboard) if panel["type"] == kind)


def variable(dashboard, name):
    return grafana.variables(dashboard)[name]


def ask(dashboard, expression):
    first(dashboard, "timeseries")["targets"][0]["expr"] = expression


MATCHED = 'job=~"$job",instance=~"$instance"'
# words that must be said → what is done to the dashboard
SPOILT = {
    "is not the file's name": lambda d: d.update(uid="another"),
    "id is not null": lambda d: d.update(id=7),
    "it is editable": lambda d: d.update(editable=True),
    "no title or no description": lambda d: d.update(description=""),
    "lacks the tag": lambda d: d.update(tags=[]),
    "__inputs": lambda d: d.update(__inputs=[]),
    "faster than": lambda d: d.update(refresh="5s"),
    "no link to the other": lambda d: d.update(links=[]),
    "the one variable for the data source": lambda d: variable(d, "datasource").update(name="DS_PROMETHEUS"),
    "the variable job is not a query": lambda d: variable(d, "job").update(allValue=None),
    "the variable instance is not a query": lambda d: variable(d, "instance").update(label="Host"),
    "has a data source of its own": lambda d: variable(d, "group").update(datasource={"uid": "abc"}),
    "is not read again": lambda d: variable(d, "group").update(refresh=1),
    "is not label_values": lambda d: variable(d, "group").update(query={"query": "query_result(up)"}),
    "the variable pod is used nowhere": lambda d: d["templating"]["list"].append(variable(d, "group") | {"name": "pod"}),
    "its type graph": lambda d: first(d, "timeseries").update(type="graph"),
    "a library panel": lambda d: first(d, "timeseries").update(libraryPanel={"uid": "x"}),
    "has no title or no description": lambda d: first(d, "stat").update(description=""),
    "its data source is not": lambda d: first(d, "stat").update(datasource={"type": "prometheus", "uid": "abc"}),
    "it asks nothing": lambda d: first(d, "stat").update(targets=[]),
    "its unit 'KiB'": lambda d: first(d, "stat")["fieldConfig"]["defaults"].update(unit="KiB"),
    "its unit None": lambda d: first(d, "timeseries")["fieldConfig"]["defaults"].pop("unit"),
    "have one refId": lambda d: [target.update(refId="A") for target in first(d, "table")["targets"]],
    "the data source of query A": lambda d: first(d, "stat")["targets"][0].update(datasource={"type": "prometheus", "uid": "abc"}),
    "there is no variable pod": lambda d: ask(d, 'heapfloor_group_threads{%s,group=~"$pod"}' % MATCHED),
    "heapfloor_group_thread is not a metric": lambda d: ask(d, "heapfloor_group_thread{%s}" % MATCHED),
    "heapfloor_group_threads has no label kind": lambda d: ask(d, 'heapfloor_group_threads{%s,kind="anon"}' % MATCHED),
    "no metric of this expression has the label kind": lambda d: ask(d, "sum by (kind) (heapfloor_group_threads{%s})" % MATCHED),
    "heapfloor_group_threads has no matcher": lambda d: ask(d, "heapfloor_group_threads"),
    "heapfloor_group_swap_bytes has no matcher": lambda d: ask(
        d, 'heapfloor_group_threads{%s} + heapfloor_group_swap_bytes{job=~"$job"}' % MATCHED),
    "is read without rate": lambda d: ask(d, "sum(heapfloor_group_cpu_seconds_total{%s})" % MATCHED),
    "rate over [5m]": lambda d: ask(d, "rate(heapfloor_group_cpu_seconds_total{%s}[5m])" % MATCHED),
    "rate over [$__range]": lambda d: ask(d, "rate(heapfloor_group_cpu_seconds_total{%s}[$__range])" % MATCHED),
    "shows the label pod": lambda d: first(d, "timeseries")["targets"][0].update(legendFormat="{{pod}}"),
    "has no legend": lambda d: first(d, "timeseries")["targets"][0].update(legendFormat=""),
    "two panels have one id": lambda d: first(d, "stat").update(id=first(d, "table")["id"]),
    "two panels are called": lambda d: first(d, "stat").update(title=first(d, "table")["title"]),
    "wider than the page": lambda d: first(d, "table")["gridPos"].update(x=12),
    "lie over each other": lambda d: first(d, "table")["gridPos"].update(y=0),
    "goes to a dashboard that is not there": lambda d: d["links"].append({"url": "/d/heapfloor-other?a=b", "type": "link"}),
    "which heapfloor-group does not have": lambda d: d["links"].append({"url": "/d/heapfloor-group?var-pod=b", "type": "link"}),
    "goes neither to a dashboard": lambda d: d["links"].append({"url": "https://example.org/", "type": "link"}),
}


class DashboardsLintTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dashboards = grafana.load(os.path.join(ROOT, "dashboards/grafana"))
        with open(os.path.join(ROOT, "dashboards/METRICS.md"), encoding="utf-8") as file:
            cls.page = file.read()

    def faults(self, dashboard):
        return list(lint.faults(NAME, dashboard, list(self.dashboards.values()), self.page))

    def test_what_we_ship_has_no_fault(self):
        self.assertEqual(self.faults(self.dashboards[NAME]), [])

    def test_each_fault_is_said(self):
        for words, spoil in SPOILT.items():
            with self.subTest(words):
                dashboard = copy.deepcopy(self.dashboards[NAME])
                spoil(dashboard)
                self.assertTrue([fault for fault in self.faults(dashboard) if words in fault], self.faults(dashboard))

    def test_a_legend_may_show_the_label_that_its_query_makes_and_no_other(self):
        dashboard = copy.deepcopy(self.dashboards[NAME])
        ask(dashboard, 'label_replace(heapfloor_group_threads{%s}, "part", "$1", "group", "(.*)")' % MATCHED)
        target = first(dashboard, "timeseries")["targets"][0]
        for label, faults in {"part": 0, "group": 0, "pod": 1}.items():
            target["legendFormat"] = "{{%s}}" % label
            found = [fault for fault in self.faults(dashboard) if "the legend of query" in fault]
            self.assertEqual(len(found), faults, found)

    def test_a_metric_on_no_panel_is_said(self):
        page = self.page + "| `heapfloor_new_bytes` | gauge | group | New. | agent |\n"
        found = list(lint.faults_of_coverage(self.dashboards.values(), page))
        self.assertEqual(found, ["heapfloor_new_bytes is on no panel; show it, or leave it out by name with a reason"])

    def test_a_metric_that_is_gone_is_said_where_it_was_left_out(self):
        name = next(iter(lint.LEFT_OUT))
        page = "\n".join(line for line in self.page.splitlines() if f"`{name}`" not in line)
        self.assertIn(f"{name} is left out by name, and no metric", list(lint.faults_of_coverage(self.dashboards.values(), page)))

    @unittest.skipUnless(PROMTOOL, "promtool is not installed")
    def test_promql_that_cannot_be_parsed_is_said_with_its_place(self):
        dashboard = copy.deepcopy(self.dashboards[NAME])
        ask(dashboard, "sum by (group (heapfloor_group_threads{%s})" % MATCHED)
        found = list(lint.faults_of_syntax([dashboard], PROMTOOL[0]))
        title = first(dashboard, "timeseries")["title"]
        self.assertTrue(any(title in fault and "parse error" in fault for fault in found), found)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
