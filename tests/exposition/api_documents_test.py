#!/usr/bin/env python3
"""api_documents_test.py PROGRAM: each document that api_documents makes is as agent/web/openapi.yaml describes it, and
together they have every object that is described there."""

import copy
import json
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import openapi  # noqa: E402  pylint: disable=wrong-import-position

PROGRAM = sys.argv[1]
# Made where the query is read, not from a snapshot; tests/e2e/api_test.py sees them.
ELSEWHERE = {"Compaction", "CompactionAnswer", "SilenceId", "SilenceAnswer"}


class ApiDocumentsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        output = subprocess.run([PROGRAM], capture_output=True, text=True, timeout=60, check=True).stdout
        cls.lines = [json.loads(line) for line in output.splitlines()]
        cls.description = openapi.Description()

    def test_every_document_is_as_described(self):
        self.assertGreater(len(self.lines), 30)
        for line in self.lines:
            self.check(line)

    def check(self, line):
        self.description.check("GET", line["path"], line["status"], "application/json", json.dumps(line["document"]))

    def test_every_described_object_was_made(self):
        seen = set()
        for line in self.lines:
            schema = self.description.schema("GET", line["path"], line["status"], "application/json")
            self.walk(line["document"], schema, seen)
        schemas = self.description.document["components"]["schemas"]
        objects = {name for name, schema in schemas.items() if schema.get("type") == "object"}
        self.assertEqual(objects - seen - ELSEWHERE, set())

    def walk(self, value, schema, seen):
        """Adds the name of each schema that a part of `value` is of."""
        if "$ref" in schema:
            seen.add(schema["$ref"].rsplit("/", 1)[1])
            schema = self.description.resolver.resolve(schema["$ref"])[1]
        for choice in schema.get("anyOf", []) + schema.get("oneOf", []):
            if self.fits(value, choice):
                self.walk(value, choice, seen)
        if isinstance(value, list) and "items" in schema:
            for entry in value:
                self.walk(entry, schema["items"], seen)
        if isinstance(value, dict):
            for name, entry in value.items():
                self.walk(entry, schema.get("properties", {}).get(name, {}), seen)

    def fits(self, value, schema):
        try:
            self.description.check_value(value, schema, "")
        except AssertionError:
            return False
        return True

    def test_a_field_too_many_is_found(self):
        line = copy.deepcopy(next(line for line in self.lines if line["path"] == "/api/v1/suspects"
                                  and line["document"]["data"]["suspects"]))
        line["document"]["data"]["suspects"][0]["subject"]["surprise"] = 1
        with self.assertRaisesRegex(AssertionError, "surprise"):
            self.check(line)

    def test_a_field_too_few_is_found(self):
        line = copy.deepcopy(next(line for line in self.lines if line["path"] == "/api/v1/status"))
        del line["document"]["data"]["counts"]["leaking"]
        with self.assertRaisesRegex(AssertionError, "leaking"):
            self.check(line)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
