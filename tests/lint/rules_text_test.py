#!/usr/bin/env python3
"""rules_text_test.py ROOT RULES.yml...: every alert says what monitoring-mixins ask for, and its runbook exists."""

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
    if "$labels.signal" in notes.get("description", "") and not notes.get("chart_url", "").startswith("http://{{ $labels.instance }}/#/suspect/"):
        yield "a series of the detector has a chart, and chart_url does not lead to it"
    if notes.get("runbook_url") != f"dashboards/runbooks/{name}.md":
        yield "runbook_url does not follow dashboards/runbooks/NAME.md"
    elif not os.path.isfile(os.path.join(root, notes["runbook_url"])):
        yield "the runbook does not exist"


def alerts_of(path):
    """The alerting rules of a file."""
    with open(path, encoding="utf-8") as file:
        return [rule for group in yaml.safe_load(file)["groups"] for rule in group["rules"] if "alert" in rule]


def main():
    root, *paths = sys.argv[1:]
    files = {path: alerts_of(path) for path in paths}
    found = [f"{path}: {rule['alert']}: {fault}" for path, rules in files.items() for rule in rules
             for fault in faults(rule, root)]
    found += [f"{path}: no alerts" for path, rules in files.items() if not rules]
    named = {rule["alert"] + ".md" for rules in files.values() for rule in rules}
    present = {name for name in os.listdir(os.path.join(root, "dashboards/runbooks")) if name.startswith("Heapfloor")}
    found += [f"dashboards/runbooks/{name}: no alert has this name" for name in sorted(present - named)]
    print("\n".join(found))
    return 1 if found or not files else 0


if __name__ == "__main__":
    sys.exit(main())
