#!/usr/bin/env python3
"""rules_metrics_test.py HEAPFLOOR RULES.yml: the rules read metrics and labels that the agent exposes, and no others.

Checked are the names of metrics and the labels in selectors {…}, in on, ignoring, by, without, group_left and
group_right, in $labels.NAME of annotations, and in queries inside annotations. A series that a rule records has the labels
of the first `by` of its expression.
"""

import re
import subprocess
import sys

import yaml

ROW = re.compile(r"^\| `([a-z0-9_]+)` \| \w+ \| ([a-z0-9_, ]*) \|", re.MULTILINE)
METRIC = re.compile(r"\b(?:heapfloor|process)_[a-z0-9_]+")
STRING = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'')
QUOTED = re.compile(r'"([^"]*)"')
# A name directly before a brace is read with those labels; `{{` belongs to a template.
SELECTOR = re.compile(r"\b([a-zA-Z_:][a-zA-Z0-9_:]*)?\s*(?<!\{)\{(?!\{)([^{}]*)\}")
MATCHER = re.compile(r"([a-zA-Z_][a-zA-Z0-9_]*)\s*(?:=~|!~|!=|=)")
CLAUSE = re.compile(r"\b(?:on|ignoring|by|without|group_left|group_right)\s*\(([^()]*)\)")
NOTED = re.compile(r"\$labels\.([a-zA-Z_][a-zA-Z0-9_]*)")
RECORDED = re.compile(r"\b[a-zA-Z_][a-zA-Z0-9_]*:[a-zA-Z0-9_:]*[a-zA-Z0-9_]")
MADE = re.compile(r'label_replace\(.*?,\s*"([a-zA-Z_][a-zA-Z0-9_]*)",\s*"\$', re.DOTALL)
BY = re.compile(r"\bby\s*\(([^()]*)\)")
ANYWHERE = {"job", "instance", "build"}  # added by the scrape; build where its job sets one
OF_ALERTS = ANYWHERE | {"alertname", "severity"}


def families(listing):
    """Metric → its labels, from the table that `once --list-metrics` prints."""
    return {name: {label for label in labels.split(", ") if label} for name, labels in ROW.findall(listing)}


def recorded(rules):
    """Series that rules record → their labels."""
    return {rule["record"]: {label.strip() for label in BY.search(rule["expr"])[1].split(",")}
            for rule in rules if "record" in rule}


def read_by(bare):
    """The metrics and recorded series that an expression without its strings reads."""
    return sorted(set(METRIC.findall(bare)) | set(RECORDED.findall(bare)))


def faults_of_expression(text, known):
    """What a PromQL expression, or a template that holds one, reads and the agent does not expose."""
    bare = STRING.sub('""', text)
    used = read_by(bare)
    for name in used:
        if name not in known:
            yield f"{name} is not a metric of the agent"
    for name, inside in SELECTOR.findall(bare):
        allowed = known.get(name, set()) | ANYWHERE
        for label in MATCHER.findall(inside):
            if label not in allowed:
                yield f"{name or 'a selector'} has no label {label}"
    labels = set().union(*(known.get(name, set()) for name in used)) | ANYWHERE | set(MADE.findall(text))
    for clause in CLAUSE.findall(bare):
        for label in filter(None, map(str.strip, clause.split(","))):
            if label not in labels:
                yield f"no metric of this expression has the label {label}"


def faults_of_rule(rule, known):
    """What is wrong with one rule: its expression, and its annotations' labels and queries."""
    yield from faults_of_expression(rule["expr"], known)
    used = read_by(STRING.sub('""', rule["expr"]))
    labels = set().union(*(known.get(name, set()) for name in used)) | OF_ALERTS
    for text in rule.get("annotations", {}).values():
        for label in NOTED.findall(text):
            if label not in labels:
                yield f"$labels.{label} is not there"
        for name in sorted(set(METRIC.findall(QUOTED.sub("", text))) - set(known)):
            yield f"{name} is not a metric of the agent"
        for query in QUOTED.findall(text):
            yield from faults_of_expression(query, known)


def main():
    program, path = sys.argv[1:3]
    listed = subprocess.run([program, "once", "--list-metrics"], capture_output=True, text=True, timeout=60, check=True)
    known = families(listed.stdout)
    with open(path, encoding="utf-8") as file:
        rules = [rule for group in yaml.safe_load(file)["groups"] for rule in group["rules"]]
    if not known or not rules:
        print(f"nothing to compare: {len(known)} metrics listed, {len(rules)} rules")
        return 1
    known |= recorded(rules)
    found = [f"{path}: {rule.get('alert') or rule['record']}: {fault}" for rule in rules
             for fault in faults_of_rule(rule, known)]
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
