#!/usr/bin/env python3
"""documents_test.py HEAPFLOOR: the manual pages say all that --help says, without a complaint of those who set them, and
completion offers it in a real bash."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

HEAPFLOOR = sys.argv[1] if len(sys.argv) > 1 else ""
# The script in $1, then the words of the command line, the last one to be completed; prints what is offered.
COMPLETE = r"""
source "$1"; shift
complete -p heapfloor >/dev/null || exit 3
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=${#COMP_LINE}
_heapfloor heapfloor "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\n' "${COMPREPLY[@]}"
"""


def output(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **options)
    if done.returncode != 0:
        raise AssertionError(f"{command}: exit code {done.returncode}: {done.stderr}")
    return done.stdout


def document(form):
    return output(HEAPFLOOR, "document", form, "--date=2026-11-29")


def help_of(*command):
    """(options, sub-commands) that --help shows."""
    text = output(HEAPFLOOR, *command, "--help")
    options = [name for line in re.findall(r"^  (-\S+)", text, re.M)
               for name in re.sub(r"\{\w+\}", "", line).split(",")]
    commands = re.findall(r"^  ([a-z][a-z-]*)", text.partition("\nSubcommands:\n")[2], re.M)
    return options, commands


def plain(roff):
    return roff.replace("\\-", "-")


class ManualTest(unittest.TestCase):
    def test_every_command_and_option_of_help_is_in_the_manual(self):
        page = plain(document("heapfloor.1"))
        options, commands = help_of()
        self.assertGreater(len(options), 90)
        self.assertGreater(len(commands), 8)
        for command in commands:
            self.assertIn(f"\n.SS {command}\n", page)
            part = page.partition(f"\n.SS {command}\n")[2].partition("\n.SS ")[0].partition("\n.SH ")[0]
            for option in set(help_of(command)[0]) - {"-h", "--help"}:
                self.assertIn(f"\\fB{option}\\fR", part, command)
        part = page.partition("\n.SH OPTIONS\n")[2]
        for option in options:
            self.assertIn(f"\\fB{option}\\fR", part)

    def test_what_is_hidden_is_not_in_the_manual(self):
        self.assertNotIn(".SS document", document("heapfloor.1"))
        self.assertNotIn("document", document("bash-completion"))

    def test_every_key_of_the_documented_defaults_is_in_the_manual(self):
        page = plain(document("heapfloor.yml.5"))
        section = ""
        keys = 0
        for line in output(HEAPFLOOR, "check-config", "--defaults").splitlines():
            if re.match(r"[a-z]+:$", line):
                section = line[:-1]
            elif match := re.match(r"  ([a-z][\w.-]*):", line):
                self.assertIn(f"\\fB{section}.{match.group(1)}\\fR", page)
                keys += 1
        self.assertGreater(keys, 80)

    def check(self, *command):
        for form in ("heapfloor.1", "heapfloor.yml.5"):
            done = subprocess.run(command, input=document(form), capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""), form)

    @unittest.skipUnless(shutil.which("groff"), "groff is not installed")
    def test_groff_sets_them_without_a_warning(self):
        self.check("groff", "-k", "-ww", "-man", "-Tutf8", "-z")

    @unittest.skipUnless(shutil.which("mandoc"), "mandoc is not installed")
    def test_mandoc_finds_nothing_to_warn_of(self):
        self.check("mandoc", "-Tlint", "-Wwarning")


class CompletionTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.script = os.path.join(cls.folder.name, "heapfloor")
        with open(cls.script, "w", encoding="utf-8") as file:
            file.write(document("bash-completion"))
        with open(os.path.join(cls.folder.name, "a file.yml"), "w", encoding="utf-8"):
            pass
        os.mkdir(os.path.join(cls.folder.name, "a folder"))

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def offers(self, *words):
        done = subprocess.run(["bash", "--norc", "-c", COMPLETE, "bash", self.script, "heapfloor", *words],
                              capture_output=True, text=True, timeout=60, check=False, cwd=self.folder.name)
        self.assertEqual((done.returncode, done.stderr), (0, ""), words)
        return done.stdout.splitlines() if done.stdout != "\n" else []

    def test_commands(self):
        self.assertEqual(self.offers(""), help_of()[1])
        self.assertEqual(self.offers("check"), ["check-rules", "check-config"])
        self.assertEqual(self.offers("--log.level", "=", "debug", "ver"), ["version"])
        self.assertEqual(self.offers("--config.file", "once", "rep"), ["replay"], "a value is no command")

    def test_every_option_of_every_command(self):
        options, commands = help_of()
        self.assertEqual(sorted(self.offers("-")), sorted(options))
        for command in commands:
            expected = set(options) | set(help_of(command)[0])
            self.assertEqual(set(self.offers(command, "-")), expected, command)

    def test_values_of_which_there_are_few(self):
        self.assertEqual(self.offers("--log.level", ""), ["debug", "info", "warn", "error"])
        self.assertEqual(self.offers("agent", "--log.level", "=", "w"), ["warn"])
        self.assertEqual(self.offers("agent", "--log.level", "="), ["debug", "info", "warn", "error"])
        self.assertEqual(self.offers("replay", "--format", "=", "t"), ["table"])
        self.assertEqual(self.offers("replay", "--signal", "=", "cgroup_"), ["cgroup_anon", "cgroup_shmem", "cgroup_slab"])
        self.assertEqual(self.offers("--web.allow-insecure", "=", ""), ["true", "false"])
        self.assertEqual(self.offers("once", "--format", "=", "t"), [], "another command's option")

    def test_files_and_folders(self):
        self.assertEqual(self.offers("--config.file", "a"), ["a folder", "a file.yml"])
        self.assertEqual(self.offers("check-config", "a f"), ["a folder", "a file.yml"])
        self.assertEqual(self.offers("--storage.path", "=", "a"), ["a folder"])
        self.assertEqual(self.offers("--collection.interval", ""), [], "no file is a duration")

    def test_the_program_that_is_run(self):
        self.assertIn("bash", self.offers("run", "--", "bas"))
        self.assertEqual(self.offers("run", "--", "cat", "a f"), ["a folder", "a file.yml"])

    @unittest.skipUnless(shutil.which("shellcheck"), "shellcheck is not installed")
    def test_shellcheck_finds_nothing(self):
        output("shellcheck", self.script)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
