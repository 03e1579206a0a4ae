#!/usr/bin/env python3
"""openmetrics_test.py AGENT PROGRAMS: a running agent, asked as different servers ask, read by Prometheus's Python client."""

import gzip
import sys
import unittest

from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics_parser

import harness

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
# Accept header -> Content-Type of the answer
ASKED = {
    None: TEXT,
    "": TEXT,
    "*/*": TEXT,
    "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8": TEXT,
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2": OPENMETRICS,
    "application/openmetrics-text;version=1.0.0": OPENMETRICS,
    "application/openmetrics-text;q=0,text/plain;q=0": TEXT,
    "application/openmetrics-text;version=9.9.9": TEXT,
    "application/json": TEXT,
    "text/plain;q=0.5,application/openmetrics-text;q=0.4": TEXT,
}
READERS = {TEXT: parser.text_string_to_metric_families, OPENMETRICS: openmetrics_parser.text_string_to_metric_families}


class LivePageTest(unittest.TestCase):
    def test_every_accept_header_gets_a_page_that_its_parser_reads(self):
        with harness.Agent("--collection.interval=1s") as agent:
            for accept, content_type in ASKED.items():
                with self.subTest(accept=accept):
                    status, headers, body = agent.request("/metrics", headers={} if accept is None else {"Accept": accept})
                    self.assertEqual((status, headers["Content-Type"]), (200, content_type))
                    self.assertIn("Accept", headers["Vary"])
                    self.assertEqual(body.endswith(b"\n# EOF\n"), content_type == OPENMETRICS)
                    names = {family.name for family in READERS[content_type](body.decode())}
                    self.assertIn("heapfloor_host_memory_capacity_bytes", names)
                    self.assertIn("heapfloor_group_resident_memory_bytes", names)

    def test_a_compressed_page_of_chosen_collectors_is_whole(self):
        with harness.Agent("--collection.interval=1s") as agent:
            status, headers, body = agent.request(
                "/metrics?collect[]=host", headers={"Accept": OPENMETRICS, "Accept-Encoding": "gzip;q=0.5, *;q=0"})
            self.assertEqual((status, headers["Content-Encoding"]), (200, "gzip"))
            families = list(READERS[OPENMETRICS](gzip.decompress(body).decode()))
            self.assertEqual([family.name for family in families if not family.name.startswith("heapfloor_host_")], [])

    def test_the_page_says_how_large_it_was_in_each_format(self):
        with harness.Agent("--collection.interval=1s") as agent:
            sizes = {format: len(agent.request("/metrics", headers={"Accept": accept})[2])
                     for format, accept in (("text", TEXT), ("openmetrics", OPENMETRICS))}
            for format, size in sizes.items():
                said = harness.wait_until(lambda: agent.metric("heapfloor_exposition_size_bytes", format=format), 20, format)
                self.assertGreater(said[0], size / 2)
                self.assertLess(said[0], size * 2)
            self.assertEqual(agent.metric("heapfloor_exposition_unlisted_samples_total"), [0])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
