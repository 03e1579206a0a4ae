#!/usr/bin/env python3
"""reference_parser_test.py HOSTILE_PAGE GOLDEN_FOLDER: the pages, read by the parsers of Prometheus's Python client.

Both formats of one snapshot hold the same samples; what random names and values went in comes out again.
"""

import collections
import json
import os
import re
import subprocess
import sys
import unittest

from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics_parser

HOSTILE_PAGE, GOLDEN = sys.argv[1:3]
SEEDS = range(1, 21)
ESCAPED = re.compile(rb"\\x([0-9A-F]{2})")


def read_text(page):
    return list(parser.text_string_to_metric_families(page))


def read_openmetrics(page):
    return list(openmetrics_parser.text_string_to_metric_families(page))


def samples(families):
    """Every sample as {(name, labels): value}; none comes twice."""
    found = collections.Counter()
    values = {}
    for family in families:
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            found[key] += 1
            values[key] = sample.value
    twice = [key for key, count in found.items() if count > 1]
    if twice:
        raise AssertionError(f"written twice: {twice}")
    return values


def bytes_of(shown):
    """The bytes of a name that a page shows."""
    return ESCAPED.sub(lambda match: bytes([int(match.group(1), 16)]), shown.encode())


def golden(name):
    with open(os.path.join(GOLDEN, name), encoding="utf-8", newline="") as file:
        return file.read()


def hostile(seed):
    done = subprocess.run([HOSTILE_PAGE, str(seed)], capture_output=True, text=True, check=True, timeout=60)
    return json.loads(done.stdout)


class GoldenPagesTest(unittest.TestCase):
    def test_the_openmetrics_page_is_read_strictly(self):
        families = {family.name: family for family in read_openmetrics(golden("metrics.openmetrics"))}
        self.assertEqual(families["heapfloor_host_oom_kills"].type, "counter")
        self.assertEqual(families["heapfloor_build"].type, "info")
        self.assertEqual(families["heapfloor_host_memory_capacity_bytes"].unit, "bytes")
        self.assertEqual(families["heapfloor_trend_growth_bytes_per_second"].unit, "bytes_per_second")
        self.assertEqual(families["heapfloor_leak_state"].unit, "")

    def test_every_family_has_help_and_its_unit(self):
        for family in read_openmetrics(golden("metrics.openmetrics")):
            self.assertTrue(family.documentation, family.name)
            for unit in ("bytes_per_second", "bytes", "seconds", "ratio"):
                if family.name.endswith("_" + unit):
                    self.assertEqual(family.unit, unit, family.name)

    def test_the_count_of_leaks_has_the_last_one_as_exemplar(self):
        exemplars = {(sample.name, sample.labels["scope"]): sample.exemplar
                     for family in read_openmetrics(golden("metrics.openmetrics"))
                     for sample in family.samples if sample.exemplar}
        self.assertEqual(list(exemplars), [("heapfloor_leaks_detected_total", "process")])
        exemplar = exemplars["heapfloor_leaks_detected_total", "process"]
        self.assertEqual(exemplar.labels, {"subject": "process:103:30000", "pid": "103"})
        self.assertEqual((exemplar.value, float(exemplar.timestamp)), (1, 1700009000.125))

    def test_both_formats_hold_the_same_samples(self):
        self.assertEqual(samples(read_text(golden("metrics.prom"))),
                         samples(read_openmetrics(golden("metrics.openmetrics"))))

    def test_both_formats_name_the_same_families_types_and_help(self):
        plain = {family.name: family for family in read_text(golden("metrics.prom"))}
        for family in read_openmetrics(golden("metrics.openmetrics")):
            # Text 0.0.4 has no info: the family is a gauge named as its sample.
            name = family.name + "_info" if family.type == "info" else family.name
            self.assertEqual(plain[name].documentation, family.documentation)
            self.assertEqual(plain[name].type, "gauge" if family.type == "info" else family.type)

    def test_no_created_samples_are_written_unless_they_are_asked_for(self):
        self.assertNotIn("_created", golden("metrics.openmetrics"))
        with_created = samples(read_openmetrics(golden("metrics_created.openmetrics")))
        created = {key: value for key, value in with_created.items() if key[0].endswith("_created")}
        self.assertGreater(len(created), 20)
        self.assertTrue(all(1.7e9 <= value < 1.8e9 for value in created.values()), created)
        rest = {key: value for key, value in with_created.items() if key not in created}
        self.assertEqual(rest, samples(read_openmetrics(golden("metrics.openmetrics"))))


class HostilePagesTest(unittest.TestCase):
    def test_what_was_put_in_comes_out_of_both_formats(self):
        for seed in SEEDS:
            document = hostile(seed)
            for read, page in ((read_text, "text"), (read_openmetrics, "openmetrics")):
                found = {(name, tuple((label, bytes_of(value)) for label, value in labels)): value
                         for (name, labels), value in samples(read(document[page])).items()}
                for sample in document["expected"]:
                    labels = tuple(sorted((label, bytes.fromhex(value)) for label, value in sample["labels"].items()))
                    key = (sample["name"], labels)
                    self.assertIn(key, found, (seed, page))
                    self.assertEqual(found[key], sample["value"], (seed, page, key))

    def test_both_formats_hold_the_same_samples(self):
        for seed in SEEDS:
            document = hostile(seed)
            self.assertEqual(samples(read_text(document["text"])), samples(read_openmetrics(document["openmetrics"])), seed)

    def test_an_exemplar_of_a_hostile_subject_is_read(self):
        for seed in SEEDS:
            exemplars = [sample.exemplar for family in read_openmetrics(hostile(seed)["openmetrics"])
                         for sample in family.samples if sample.exemplar]
            self.assertEqual(len(exemplars), 1, seed)
            self.assertEqual(exemplars[0].labels["pid"], "7")


class ParserTest(unittest.TestCase):
    """The parser is as strict as the tests above take it to be."""

    def test_it_refuses_what_openmetrics_forbids(self):
        page = golden("metrics.openmetrics")
        for name, broken in {
                "no end": page.removesuffix("# EOF\n"),
                "something behind the end": page + "x 1\n",
                "a counter without _total": page.replace("heapfloor_host_oom_kills_total 0", "heapfloor_host_oom_kills 0"),
                "a unit that is no suffix": page.replace("capacity_bytes bytes\n", "capacity_bytes seconds\n"),
                "an unescaped quote": page.replace('group="gone"', 'group="go"ne"'),
        }.items():
            self.assertNotEqual(broken, page, name)
            with self.assertRaises(ValueError, msg=name):
                read_openmetrics(broken)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
