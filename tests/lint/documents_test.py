#!/usr/bin/env python3
"""documents_test.py HEAPFLOOR ROOT: what the documents tell people to write is what the agent takes.

Every example of a configuration is accepted by check-config, and every key of it that a text names (`alerts.hold`) is one of
`--help` or of packaging/heapfloor.yml, which shows them all.
"""

import glob
import os
import re
import subprocess
import sys
import tempfile
import unittest

AGENT, ROOT = "", ""
DOCUMENTS = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "packaging/**/*.md", "dashboards/**/*.md")
KEY = re.compile(r"`(?:--)?(([a-z_]+)\.[a-z_-]+)\b[^`]*`")
EXAMPLE_HEAD = re.compile(r"(?:#[^\n]*\n)*([a-z_]+):[^\n]*\n")
LEAST_EXAMPLES = 4  # fewer found: this test has become blind


def documents():
    for pattern in DOCUMENTS:
        for path in sorted(glob.glob(os.path.join(ROOT, pattern), recursive=True)):
            with open(path, encoding="utf-8") as file:
                yield os.path.relpath(path, ROOT), file.read().split("\n")


def help_text():
    return subprocess.run([AGENT, "--help"], capture_output=True, text=True, check=True).stdout


def configuration_keys():
    """Those of a section as section.key, a section without any by its name."""
    keys = set(re.findall(r"^ +--([a-z_]+\.[a-z_-]+)", help_text(), re.MULTILINE))
    section = ""
    with open(os.path.join(ROOT, "packaging/heapfloor.yml"), encoding="utf-8") as file:
        for line in file:
            if head := re.match(r"(?:# ?)?([a-z_]+):\s*(?:#.*)?$", line):
                section = head[1]
                keys.add(section)
            elif key := re.match(r"(?:# ?)?  (?:# ?)?([a-z_-]+):", line):
                keys.add(f"{section}.{key[1]}")
    return keys


def indented_blocks(lines):
    """(number of the first line, text) of each."""
    block, start = [], 0
    for number, line in enumerate([*lines, "end"], 1):
        if line.startswith("    ") or (block and not line.strip()):
            start = start if block else number
            block.append(line[4:])
        elif block:
            yield start, "\n".join(block).rstrip() + "\n"
            block = []


def commented_examples():
    """The same of packaging/heapfloor.yml: each stands behind a line that tells what it is."""
    with open(os.path.join(ROOT, "packaging/heapfloor.yml"), encoding="utf-8") as file:
        lines = file.read().split("\n")
    uncommented = ["    " + line[2:] if re.match(r"# (?:[a-z_]+:$| )", line) else "-" for line in lines]
    return indented_blocks(uncommented)


class DocumentsTest(unittest.TestCase):
    def accept(self, path, number, text):
        with self.subTest(path=path, line=number), tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
            file.write(text)
            file.flush()
            told = subprocess.run([AGENT, "check-config", file.name], capture_output=True, text=True, check=False)
            self.assertEqual(told.returncode, 0, told.stderr)

    def test_every_example_of_a_configuration_is_accepted(self):
        sections = {key.split(".")[0] for key in configuration_keys()}
        found = 0
        for path, lines in documents():
            for number, text in indented_blocks(lines):
                head = EXAMPLE_HEAD.match(text)
                if not head or head[1] not in sections:
                    continue
                found += 1
                self.accept(path, number, text)
        self.assertGreaterEqual(found, LEAST_EXAMPLES)

    def test_every_example_in_the_shipped_file_is_accepted_once_it_is_no_comment(self):
        examples = list(commented_examples())
        self.assertGreaterEqual(len(examples), LEAST_EXAMPLES)
        for number, text in examples:
            self.accept("packaging/heapfloor.yml", number, text)

    def test_every_key_that_a_text_names_is_one(self):
        keys = configuration_keys()
        sections = {key.split(".")[0] for key in keys}
        for path, lines in documents():
            for number, line in enumerate(lines, 1):
                for key, section in KEY.findall(line):
                    with self.subTest(path=path, line=number):
                        self.assertTrue(section not in sections or key in keys, f"{key} is no key")


if __name__ == "__main__":
    AGENT, ROOT = sys.argv[1:3]
    unittest.main(argv=sys.argv[:1])
