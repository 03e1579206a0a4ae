#!/usr/bin/env python3
"""alertmanager_test.py AGENT PROGRAMS: the agent and Debian's Alertmanager.

An alert is delivered once, with the fingerprint that both sides compute; it survives an agent that is killed and started
again, and an Alertmanager that is away for a while; a silenced one is not sent; the end is told. A webhook is spoken to
over TLS only when its certificate is the right one.
"""

import contextlib
import datetime
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

from harness import PROGRAMS, Agent, wait_until
from inbox import Inbox

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


def make_certificate(folder, name):
    """A PEM file with a key and a certificate of its own for the host `name`."""
    path = os.path.join(folder, name + ".pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=" + name, "-addext", "subjectAltName=DNS:" + name, "-keyout", path, "-out", path + ".cert"],
                   check=True, capture_output=True, timeout=60)
    with open(path, "a", encoding="utf-8") as file, open(path + ".cert", encoding="utf-8") as certificate:
        file.write(certificate.read())
    return path


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
        self.log = os.path.join(folder, "alertmanager.log")
        with open(self.log, "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [ALERTMANAGER, "--config.file=" + config, "--storage.path=" + os.path.join(folder, "data"),
                 f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            wait_until(self.is_ready, 120, self.state)
        except AssertionError:
            self.__exit__()
            raise

    def state(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return f"Alertmanager is ready (it ended with {self.process.poll()} and said: {log.read()[-2000:]})"

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

    def post(self, alerts):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        with contextlib.closing(connection):
            connection.request("POST", "/api/v2/alerts", json.dumps(alerts), {"Content-Type": "application/json"})
            return connection.getresponse().status

    def is_ready(self):
        with contextlib.suppress(OSError):
            return self.get("/-/ready")[0] == 200
        return False

    def alerts(self):
        return json.loads(self.get("/api/v2/alerts")[1])

    def empty_request_status(self):
        """How a probe is answered."""
        return self.post([])


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

    def configure(self, rules, receivers=None):
        receivers = receivers or f"  alertmanagers:\n    - url: http://127.0.0.1:{self.port}\n      name: am\n"
        with open(self.config, "w", encoding="utf-8") as file:
            file.write("alerts:\n  resend: 2s\n  instance: testhost\n  external-labels: site=north\n"
                       "  external-url: https://gateway.example/testhost\n" + receivers + rules)

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
                self.assertEqual(alert["generatorURL"], "https://gateway.example/testhost")  # a host has no chart
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

    def test_after_a_day_it_knows_what_fires_and_what_has_ended(self):
        now = int(time.time())
        output = subprocess.run([os.path.join(PROGRAMS, "e2e_outage"), str(now)], check=True, capture_output=True, timeout=60,
                                text=True).stdout
        before, *after = [json.loads(line) for line in output.splitlines()]
        self.assertEqual(sorted(alert["labels"]["subject"] for alert in before), ["ended", "stays"])

        def told(status):
            return sorted((alert["labels"]["subject"], alert["startsAt"]) for message in list(self.inbox.messages)
                          for alert in message["alerts"] if alert["status"] == status)

        def at(seconds):
            return datetime.datetime.fromtimestamp(now - 86400 + seconds, datetime.timezone.utc)

        with self.alertmanager() as alertmanager:
            # It was told yesterday, and has not forgotten.
            tomorrow = (at(0) + datetime.timedelta(days=2)).isoformat()
            self.assertEqual(alertmanager.post([{**alert, "endsAt": tomorrow} for alert in before]), 200)
            wait_until(lambda: len(told("firing")) == 2, 30, lambda: f"both are told of: {self.inbox.messages}")
            for body in after:
                self.assertEqual(alertmanager.post(body), 200)
            wait_until(lambda: told("resolved") and len(told("firing")) == 3, 30, lambda: f"told: {self.inbox.messages}")
            shown = {alert["labels"]["subject"]: datetime.datetime.fromisoformat(alert["startsAt"])
                     for alert in alertmanager.alerts()}
            self.assertEqual(shown, {"stays": at(-3600), "began": at(10 * 3600)})
            self.assertEqual([subject for subject, _ in told("firing")], ["began", "ended", "stays"])
            self.assertEqual([subject for subject, _ in told("resolved")], ["ended"])

    def test_a_webhook_has_the_same_fingerprint(self):
        direct = Inbox()
        self.addCleanup(direct.server_close)
        self.addCleanup(direct.shutdown)
        self.configure(RULES, f"  alertmanagers: [http://127.0.0.1:{self.port}]\n  webhooks: [{{url: {direct.url}, name: hook}}]\n")
        with self.alertmanager() as alertmanager, self.agent():
            wait_until(lambda: direct.told("firing") and self.inbox.told("firing"), 30, "both are told")
            [alert] = alertmanager.alerts()
            self.assertEqual({fingerprint for fingerprint, _ in direct.told("firing")}, {alert["fingerprint"]})

    def test_a_webhook_is_trusted_by_its_certificate(self):
        certificate = make_certificate(self.folder.name, "hook.test")
        inbox = Inbox(certificate)
        self.addCleanup(inbox.server_close)
        self.addCleanup(inbox.shutdown)
        secret = os.path.join(self.folder.name, "secret")
        with open(secret, "w", encoding="utf-8") as file:
            file.write("floor\n")
        common = f"url: {inbox.url}, username: heap, password_file: {secret}"
        trusted = f"{common}, name: trusted, ca_file: {certificate}.cert, server_name: hook.test"
        other_name = f"{common}, name: othername, ca_file: {certificate}.cert, server_name: other.test"
        self.configure(RULES, f"  webhooks: [{{{trusted}}}, {{{other_name}}}, {{{common}, name: unknown}}]\n")
        with self.agent() as agent:
            wait_until(lambda: inbox.told("firing"), 30, "the trusted one is told")
            for name in ("othername", "unknown"):
                wait_until(lambda receiver=name: agent.metric("heapfloor_alert_notifications_failed_total",
                                                              receiver=receiver)[0] > 0, 30, name + " fails")
            self.assertEqual({message["receiver"] for message in inbox.messages}, {"trusted"})
            self.assertEqual(set(inbox.authorizations), {"Basic aGVhcDpmbG9vcg=="})

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
            # What else runs on the host may have alerts of its own.
            [alert] = wait_until(lambda: [alert for alert in agent.api("alerts")["alerts"]
                                          if alert["labels"]["alertname"] == "MemoryIsThere"], 30, "the alert fires")
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
