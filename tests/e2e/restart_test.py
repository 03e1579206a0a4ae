#!/usr/bin/env python3
"""restart_test.py AGENT PROGRAMS: an agent with a state directory is killed while a program leaks, and started again.

What it knew is there: the state and since when, the floors, every reading but those of the last interval, the alert; and
whoever is told is told of no other alert.
"""

import os
import sys
import tempfile
import time
import unittest

from harness import Agent, Programs, subject_pid, suspect_of, wait_until
from inbox import Inbox

INTERVAL_SECONDS = 1
READINGS_AFTER = 15
LEAK = "e2e_steady_leak"


class RestartTest(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        self.inbox = Inbox()
        self.addCleanup(self.inbox.server_close)
        self.addCleanup(self.inbox.shutdown)
        self.config = os.path.join(self.folder, "heapfloor.yml")
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(f"alerts:\n  hold: 5s\n  resolve_hold: 5s\n  webhooks: [{{url: {self.inbox.url}, name: inbox}}]\n")
        self.pid = self.enterContext(Programs([LEAK], "--seconds=600")).pid(LEAK)

    def agent(self):
        return Agent("--config.file=" + self.config, f"--collection.interval={INTERVAL_SECONDS}s",
                     "--trend.time_scale=0.0166667", "--trend.limit=512MiB", storage=os.path.join(self.folder, "state"))

    def leaking(self, agent):
        suspect = suspect_of(agent, self.pid)
        return suspect if suspect and suspect["state"] == "leaking" else None

    def told(self):
        """(status, fingerprint, startsAt) of every time that somebody was told of the leak."""
        return [(alert["status"], alert["fingerprint"], alert["startsAt"]) for message in list(self.inbox.messages)
                for alert in message["alerts"] if alert["labels"]["alertname"] == "HeapfloorLeak"
                and subject_pid(alert["labels"]["subject"]) == self.pid]

    def readings_since(self, agent, unix_seconds):
        points = agent.api("series/" + suspect_of(agent, self.pid)["id"])["points"]
        return len([point for point in points if point[0] > unix_seconds])

    def test_a_killed_agent_goes_on_where_it_stood(self):
        with self.agent() as agent:
            wait_until(lambda: self.leaking(agent), 360, "the leak is found")
            wait_until(self.told, 60, "the leak is told of")
            told_at = time.time()
            # What happened in an interval is written at its end, and an agent that is killed before begins it anew.
            wait_until(lambda: self.readings_since(agent, told_at) >= 3, 30, "what was told is written down")
            before = self.leaking(agent)
            series = agent.api("series/" + before["id"])
            told = self.told()
            agent.process.kill()
            agent.process.wait()
        killed_at = time.time()
        self.assertEqual([status for status, *_ in told], ["firing"])
        with self.agent() as agent:
            after = wait_until(lambda: suspect_of(agent, self.pid), 30, "the suspect is known")
            self.assertEqual(after["id"], before["id"])
            self.assertEqual(after["state"], "leaking")
            self.assertAlmostEqual(after["since"], before["since"], delta=0.1)
            self.assertEqual([change["state"] for change in after["changes"]], [change["state"] for change in before["changes"]])
            self.check_points(series, agent.api("series/" + after["id"]), killed_at)
            # Longer than an alert's hold and its resolution take.
            wait_until(lambda: self.readings_since(agent, killed_at) >= READINGS_AFTER, 60, "the successor goes on reading")
            # A successor tells again what fires: the same alert, since the same time.
            self.assertEqual(set(self.told()), set(told))
            [alert] = [alert for alert in agent.api("alerts")["alerts"]
                       if alert["labels"]["alertname"] == "HeapfloorLeak" and subject_pid(alert["labels"]["subject"]) == self.pid]
            self.assertEqual(alert["state"], "firing")

    def check_points(self, before, after, killed_at):
        """Both are answers of the API about one series; what was read an interval before the end may be lost."""
        kept = [point[0] for point in after["points"]]
        for time_seconds, *_ in before["points"]:
            if time_seconds < killed_at - 3 * INTERVAL_SECONDS:
                self.assertTrue(any(abs(other - time_seconds) < 0.1 for other in kept), f"the reading of {time_seconds} is lost")
        self.assertGreaterEqual(len(after["floors"]), len(before["floors"]) - 1)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
