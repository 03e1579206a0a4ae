#!/usr/bin/env python3
"""rules_text_test.py RULES.yml ROOT: every alert says what monitoring-mixins ask for, and its runbook exists."""

import os
import re
import sys

import yaml

SEVERITIES = ("critical", "warning", "info")


def faults(rule, root):
    """What is wrong with one alerting rule."""
    name, notes = rule["alert"], rule.get("annotations", {})
    if not re.fullmatch(r"Heapfloor[A-Z][A-Za-z]+", name):
        yield "the name is not CamelCase that starts with Heapfloor"
    if rule.get("labels", {}).get("severity") not in SEVERITIES:
        yield f"severity is none of {', '.join(SEVERITIES)}"
    if "for" not in rule:
        yield "no `for`"
    summary = notes.get("summary", "")
    if not summary.endswith(".") or "{{" in summary or ". " in summary:
        yield "the summary is not one static sentence"
    if "{{" not in notes.get("description", ""):
        yield "the description names nothing"
    if notes.get("runbook_url") != f"dashboards/runbooks/{name}.md":
        yield "runbook_url does not follow dashboards/runbooks/NAME.md"
    elif not os.path.isfile(os.path.join(root, notes["runbook_url"])):
        yield "the runbook does not exist"


def main():
    path, root = sys.argv[1:3]
    with open(path, encoding="utf-8") as file:
        groups = yaml.safe_load(file)["groups"]
    rules = [rule for group in groups for rule in group["rules"] if "alert" in rule]
    found = [f"{path}: {rule['alert']}: {fault}" for rule in rules for fault in faults(rule, root)]
    named = {rule["alert"] + ".md" for rule in rules}
    present = {name for name in os.listdir(os.path.join(root, "dashboards/runbooks")) if name.startswith("Heapfloor")}
    found += [f"dashboards/runbooks/{name}: no alert has this name" for name in sorted(present - named)]
    print("\n".join(found))
    return 1 if found or not rules else 0


if __name__ == "__main__":
    sys.exit(main())
