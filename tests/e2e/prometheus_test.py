#!/usr/bin/env python3
"""prometheus_test.py AGENT PROGRAMS: a real Prometheus scrapes the agent, loads the rules that we ship, and their alerts fire."""

import sys
import unittest

import harness
from prometheus_server import Prometheus, shipped_rules

RULE_FILES = ("heapfloor.rules.yml", "fleet.rules.yml")
DEADLINE_SECONDS = 360


class PrometheusTest(unittest.TestCase):
    def test_the_leak_alert_fires_in_prometheus(self):
        with harness.Agent("--collection.interval=1s", "--trend.time_scale=0.0166667", "--trend.limit=512MiB") as agent, \
                harness.Programs(("e2e_steady_leak", "e2e_flat"), "--seconds=600") as programs, \
                harness.Programs(("e2e_steady_leak",), "--seconds=600"), \
                Prometheus(agent.address, rules={name: shipped_rules(name) for name in RULE_FILES}) as prometheus:
            harness.wait_until(lambda: [v for _, v in prometheus.query('up{job="heapfloor"}')] == [1], 60, "up == 1")
            leak = programs.pid("e2e_steady_leak")

            def fires():
                alerts = (prometheus.get("alerts") or {"alerts": []})["alerts"]
                return [alert for alert in alerts
                        if alert["labels"]["alertname"] == "HeapfloorLeak" and alert["state"] == "firing"
                        and harness.subject_pid(alert["labels"]["subject"]) == leak]

            alert = harness.wait_until(fires, DEADLINE_SECONDS, "HeapfloorLeak fires in Prometheus")[0]
            self.assertEqual(alert["labels"]["severity"], "warning")
            self.assertEqual(alert["labels"]["job"], "heapfloor")
            self.assertRegex(alert["annotations"]["description"], r"floor rises by .*B/s and stands at .*B\. It meets its limit in .*s\.$")
            self.assertEqual(alert["annotations"]["chart_url"],
                             f"http://{agent.address}/#/suspect/{alert['labels']['subject'].replace(':', '%3A')}/rss_anon")
            self.assert_fleet_alert(prometheus)
            self.assert_scraping_is_clean(prometheus)
            self.assert_quiet(prometheus, programs.pid("e2e_flat"))

    def assert_fleet_alert(self, prometheus):
        """Both replicas of the leaking program are one alert of the fleet, which names the build that both run."""

        def fires():
            alerts = (prometheus.get("alerts") or {"alerts": []})["alerts"]
            return [alert for alert in alerts
                    if alert["labels"]["alertname"] == "HeapfloorFleetLeak" and alert["state"] == "firing"
                    and alert["labels"]["group"] == group and alert["labels"].get("build") == build]

        group = harness.comm_of("e2e_steady_leak")
        build = harness.build_id_of("e2e_steady_leak")
        alerts = harness.wait_until(fires, DEADLINE_SECONDS, "HeapfloorFleetLeak fires in Prometheus")
        self.assertEqual(len(alerts), 1)
        # The agent sees the whole host: another run of these tests may have replicas of its own there.
        self.assertRegex(alerts[0]["annotations"]["description"],
                         rf"^([2-9]|[1-9]\d+) replicas of {group}, build {build}, leak of \d+, on 1 hosts, each by .*B/s\.$")

    def assert_scraping_is_clean(self, prometheus):
        targets = prometheus.get("targets")["activeTargets"]
        self.assertEqual([(t["health"], t["lastError"]) for t in targets], [("up", "")])
        self.assertEqual(prometheus.query('min_over_time(up{job="heapfloor"}[10m])')[0][1], 1)
        scraped = prometheus.query('scrape_samples_scraped{job="heapfloor"}')[0][1]
        self.assertGreater(scraped, 100)
        self.assertEqual(prometheus.query('scrape_samples_post_metric_relabeling{job="heapfloor"}')[0][1], scraped)
        for group in prometheus.get("rules")["groups"]:
            for rule in group["rules"]:
                self.assertEqual((rule["name"], rule["health"], rule.get("lastError", "")), (rule["name"], "ok", ""))

    def assert_quiet(self, prometheus, flat):
        ever = prometheus.query('max_over_time(heapfloor_leak_state{state="leaking"}[10m]) == 1')
        self.assertNotIn(flat, [harness.subject_pid(labels["subject"]) for labels, _ in ever])
        for name in ("HeapfloorAgentDown", "HeapfloorCollectorFailing", "HeapfloorSeriesDropped",
                     "HeapfloorConfigReloadFailed"):
            self.assertEqual(prometheus.query(f'ALERTS{{alertname="{name}",alertstate="firing"}}'), [])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
