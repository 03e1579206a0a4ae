"""What an agent answers against agent/web/openapi.yaml. Needs python3-yaml and python3-jsonschema."""

import json
import pathlib
import re

import jsonschema
import yaml

FILE = pathlib.Path(__file__).resolve().parents[2] / "agent" / "web" / "openapi.yaml"
PARAMETER = re.compile(r"\{[a-z_]+\}")


class Description:
    """The description; `covered` has each (method, path, status) that was checked, paths as they stand there."""

    def __init__(self):
        with open(FILE, encoding="utf-8") as file:
            self.document = yaml.safe_load(file)
        self.resolver = jsonschema.RefResolver("", self.document)
        self.covered = set()

    def operations(self):
        """Every (method, path) with the operation."""
        return {(method.upper(), path): operation for path, item in self.document["paths"].items()
                for method, operation in item.items()}

    def path_of(self, path):
        """The described path that a request's path, without its query, is of; the one with most words of its own."""
        def fits(described):
            parts = PARAMETER.split(described)
            return re.fullmatch(".+".join(map(re.escape, parts)), path)
        found = sorted((len(PARAMETER.sub("", described)), described)
                       for described in self.document["paths"] if fits(described))
        return found[-1][1] if found else None

    def schema(self, method, path, status, content_type):
        """The schema of an answer. An AssertionError where it is not described."""
        described = self.path_of(path)
        operation = self.operations().get((method, described))
        if operation is None:
            raise AssertionError(f"{method} {path} is not described")
        answer = operation["responses"].get(str(status))
        if answer is None:
            raise AssertionError(f"{method} {described} is not described to answer {status}")
        if "$ref" in answer:
            answer = self.resolver.resolve(answer["$ref"])[1]
        kind = content_type.split(";")[0].strip()
        if kind not in answer["content"]:
            raise AssertionError(f"{method} {described} is described to answer {status} as {list(answer['content'])}, "
                                 f"not {kind}")
        self.covered.add((method, described, status))
        return answer["content"][kind]["schema"]

    def check(self, method, path, status, content_type, body):
        """An AssertionError where an answer is not as it is described. `path` is decoded and has no query."""
        schema = self.schema(method, path, status, content_type)
        if content_type.startswith("application/json"):
            self.check_value(json.loads(body), schema, f"{method} {path} {status}")

    def check_value(self, value, schema, what):
        validator = jsonschema.Draft202012Validator(schema, resolver=self.resolver)
        error = jsonschema.exceptions.best_match(validator.iter_errors(value))
        if error is not None:
            place = "/".join(map(str, error.absolute_path))
            raise AssertionError(f"{what}: {place}: {error.message[:400]}")
