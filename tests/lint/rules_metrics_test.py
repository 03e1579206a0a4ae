#!/usr/bin/env python3
"""rules_metrics_test.py HEAPFLOOR RULES.yml: every metric that the rules read is one that the agent can expose."""

import re
import subprocess
import sys

import yaml

METRIC = re.compile(r"\bheapfloor_[a-z0-9_]+")


def expressions(rules):
    """Everything in a rule file that Prometheus evaluates: expressions, and queries inside annotations."""
    for group in rules["groups"]:
        for rule in group["rules"]:
            yield rule["expr"]
            yield from rule.get("annotations", {}).values()


def main():
    program, path = sys.argv[1:3]
    listed = subprocess.run([program, "once", "--list-metrics"], capture_output=True, text=True, timeout=60, check=True)
    known = set(METRIC.findall(listed.stdout))
    with open(path, encoding="utf-8") as file:
        used = {name for text in expressions(yaml.safe_load(file)) for name in METRIC.findall(text)}
    if not known or not used:
        print(f"nothing to compare: {len(known)} metrics listed, {len(used)} used")
        return 1
    for name in sorted(used - known):
        print(f"{path}: {name} is not a metric of the agent")
    return 1 if used - known else 0


if __name__ == "__main__":
    sys.exit(main())
