"""Debian's Prometheus on loopback, for the drivers that ask it something."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request

RULES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../dashboards/prometheus")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def shipped_rules(name):
    """The text of a file of rules that we ship, with hold times cut to two seconds."""
    with open(os.path.join(RULES, name), encoding="utf-8") as file:
        return re.sub(r"^( +for:).*$", r"\1 2s", file.read(), flags=re.M)


class Prometheus:
    """A server that scrapes `targets` once a second as the job heapfloor and evaluates `rules` (file name → text) as often.
    A context manager: leaving it ends the server and removes what it stored."""

    def __init__(self, *targets, rules=None, alertmanagers=()):
        rules = rules or {}
        self.folder = tempfile.mkdtemp(prefix="heapfloor-prometheus-")
        for name, text in rules.items():
            self.write(name, text)
        # JSON is YAML.
        self.write("prometheus.yml", json.dumps({
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": list(rules),
            "scrape_configs": [{"job_name": "heapfloor", "static_configs": [{"targets": list(targets)}]}],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": list(alertmanagers)}]}]},
        }))
        self.address = f"127.0.0.1:{free_port()}"
        self.log = open(os.path.join(self.folder, "log"), "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            ["prometheus", "--config.file=" + os.path.join(self.folder, "prometheus.yml"),
             "--storage.tsdb.path=" + os.path.join(self.folder, "data"), "--web.listen-address=" + self.address],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
            file.write(text)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.process.terminate()
        self.process.wait()
        if kind is not None:
            self.log.seek(0)
            print("Prometheus said:", self.log.read()[-4000:], sep="\n", file=sys.stderr)
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def get(self, path):
        """The data of an answer of its API; None while it does not serve yet, or refuses."""
        try:
            with urllib.request.urlopen(f"http://{self.address}/api/v1/{path}", timeout=10) as answer:
                return json.load(answer)["data"]
        except OSError:
            if self.process.poll() is not None:
                raise AssertionError("Prometheus has ended") from None
            return None

    def query(self, expression):
        """(labels, value) of an instant vector."""
        data = self.get("query?" + urllib.parse.urlencode({"query": expression}))
        return [(row["metric"], float(row["value"][1])) for row in data["result"]] if data else []
