#!/usr/bin/env python3
"""alertmanager_test.py AGENT PROGRAMS: the agent and Debian's Alertmanager.

An alert is delivered once, with the fingerprint that both sides compute; it survives an agent that is killed and started
again, and an Alertmanager that is away for a while; a silenced one is not sent; the end is told.
"""

import contextlib
import http.client
import http.server
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

from harness import Agent, wait_until

ALERTMANAGER = shutil.which("prometheus-alertmanager")

RULES = """
  rules:
    - name: MemoryIsThere
      scope: host
      metric: heapfloor_host_memory_available_bytes
      value: 1
      hold: 0s
      severity: critical
"""


def free_port():
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Inbox(http.server.ThreadingHTTPServer):
    """A webhook receiver that keeps what it is sent."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), InboxHandler)
        self.messages = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/"

    def told(self, status):
        """(fingerprint, startsAt) of every alert that a message brought in this status."""
        return [(alert["fingerprint"], alert["startsAt"]) for message in list(self.messages)
                for alert in message["alerts"] if alert["status"] == status]


class InboxHandler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.messages.append(json.loads(body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


class Alertmanager:
    """prometheus-alertmanager on a port of its own, which tells `inbox` everything. A context manager."""

    def __init__(self, folder, port, inbox):
        self.port = port
        config = os.path.join(folder, "alertmanager.yml")
        with open(config, "w", encoding="utf-8") as file:
            json.dump({"route": {"receiver": "inbox", "group_by": ["..."], "group_wait": "0s", "group_interval": "1s",
                                 "repeat_interval": "4h"},
                       "receivers": [{"name": "inbox", "webhook_configs": [{"url": inbox.url, "send_resolved": True}]}]},
                      file)
        with open(os.path.join(folder, "alertmanager.log"), "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [ALERTMANAGER, "--config.file=" + config, "--storage.path=" + os.path.join(folder, "data"),
                 f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(self.is_ready, 60, "Alertmanager is ready")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)

    def get(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        with contextlib.closing(connection):
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read()

    def is_ready(self):
        with contextlib.suppress(OSError):
            return self.get("/-/ready")[0] == 200
        return False

    def alerts(self):
        return json.loads(self.get("/api/v2/alerts")[1])

    def empty_request_status(self):
        """How a probe is answered."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        with contextlib.closing(connection):
            connection.request("POST", "/api/v2/alerts", "[]", {"Content-Type": "application/json"})
            return connection.getresponse().status


@unittest.skipUnless(ALERTMANAGER, "prometheus-alertmanager is not installed")
class AlertmanagerTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.inbox = Inbox()
        self.addCleanup(self.inbox.server_close)
        self.addCleanup(self.inbox.shutdown)
        self.port = free_port()
        self.config = os.path.join(self.folder.name, "heapfloor.yml")
        self.configure(RULES)

    def configure(self, rules):
        with open(self.config, "w", encoding="utf-8") as file:
            file.write("alerts:\n  resend: 2s\n  instance: testhost\n  external-labels: site=north\n"
                       f"  alertmanagers:\n    - url: http://127.0.0.1:{self.port}\n      name: am\n" + rules)

    def agent(self):
        return Agent("--config.file=" + self.config, "--collection.interval=1s")

    def alertmanager(self):
        return Alertmanager(self.folder.name, self.port, self.inbox)

    def test_an_alert_is_delivered_once_and_resolved(self):
        with self.alertmanager() as alertmanager:
            self.assertEqual(alertmanager.empty_request_status(), 200)
            with self.agent() as agent:
                wait_until(lambda: self.inbox.told("firing"), 30, "the alert is delivered")
                [alert] = alertmanager.alerts()
                self.assertEqual(alert["labels"], {
                    "alertname": "MemoryIsThere", "severity": "critical", "scope": "host", "subject": "host",
                    "signal": "heapfloor_host_memory_available_bytes", "instance": "testhost", "site": "north"})
                first_start = alert["startsAt"]
                sent = agent.metric("heapfloor_alert_notifications_total", receiver="am")[0]
                wait_until(lambda: agent.metric("heapfloor_alert_notifications_total", receiver="am")[0] >= sent + 3, 30,
                           "the alert is sent again")
                self.assertEqual(agent.metric("heapfloor_alertmanager_up", alertmanager="am"), [1])
                agent.process.kill()
            with self.agent() as agent:
                wait_until(lambda: agent.metric("heapfloor_alert_notifications_total", receiver="am")[0] >= 2, 30,
                           "the successor sends it too")
                [again] = alertmanager.alerts()
                self.assertEqual(again["fingerprint"], alert["fingerprint"])
                self.assertEqual(again["startsAt"], first_start)
                self.configure("")
                self.assertEqual(agent.request("/-/reload", "POST")[0], 200)
                wait_until(lambda: self.inbox.told("resolved"), 30, "the end is delivered")
                self.assertEqual([fingerprint for fingerprint, _ in self.inbox.told("firing")], [alert["fingerprint"]])
                self.assertEqual(alertmanager.alerts(), [])

    def test_an_alertmanager_that_was_away_is_told(self):
        with self.agent() as agent:
            wait_until(lambda: agent.metric("heapfloor_alert_notifications_failed_total", receiver="am")[0] > 0, 30,
                       "a failure")
            self.assertEqual(agent.metric("heapfloor_alertmanager_up", alertmanager="am"), [0])
            with self.alertmanager() as alertmanager:
                wait_until(alertmanager.alerts, 30, "the alert is delivered within 30 s of the return")
                wait_until(lambda: agent.metric("heapfloor_alertmanager_up", alertmanager="am") == [1], 10, "it is up")
            self.assertEqual(agent.metric("heapfloor_alert_notifications_dropped_total", receiver="am"), [0])

    def test_a_silenced_alert_is_shown_and_not_sent(self):
        header = {"X-Heapfloor": "1"}
        self.configure("  hold: 0s\n")
        with self.alertmanager() as alertmanager, self.agent() as agent:
            self.assertEqual(agent.request("/api/v1/silences?alertname=Mem*&duration=1h", "POST")[0], 403)
            self.assertEqual(agent.request("/api/v1/silences?duration=1h", "POST", header)[0], 400)
            status, _, body = agent.request("/api/v1/silences?alertname=Mem*&duration=1h&comment=known", "POST", header)
            self.assertEqual(status, 200)
            silence = json.loads(body)["data"]["id"]
            [shown] = agent.api("silences")["silences"]
            self.assertEqual((shown["id"], shown["state"], shown["comment"]), (silence, "active", "known"))
            self.configure(RULES)
            self.assertEqual(agent.request("/-/reload", "POST")[0], 200)
            [alert] = wait_until(lambda: agent.api("alerts")["alerts"], 30, "the alert fires")
            self.assertEqual((alert["silenced"], alert["silencedBy"]), (True, silence))
            [_, configured] = agent.api("rules")["groups"]
            self.assertEqual([(rule["name"], rule["state"]) for rule in configured["rules"]],
                             [("MemoryIsThere", "firing")])
            self.assertEqual(agent.metric("heapfloor_alert_notifications_total", receiver="am"), [0])
            self.assertEqual(alertmanager.alerts(), [])
            self.assertEqual(agent.request("/api/v1/silences?id=" + silence, "DELETE", header)[0], 200)
            wait_until(alertmanager.alerts, 30, "it is sent once the silence is gone")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
