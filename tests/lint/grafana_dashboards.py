"""What the dashboards under dashboards/grafana ask Prometheus, for the tests that read and run it."""

import glob
import json
import os
import re

STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
# "$1" of label_replace is none.
VARIABLE = re.compile(r"\$(?:\{([a-zA-Z_]\w*)(?::\w+)?\}|([a-zA-Z_]\w*))")
LABEL_VALUES = re.compile(r"^label_values\((.*), ([a-zA-Z_][a-zA-Z0-9_]*)\)$", re.DOTALL)


def load(folder):
    """File name → dashboard."""
    found = {}
    for path in sorted(glob.glob(os.path.join(folder, "*.json"))):
        with open(path, encoding="utf-8") as file:
            found[os.path.basename(path)] = json.load(file)
    return found


def panels(dashboard):
    """The panels that are not headings of rows."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def variables(dashboard):
    return {variable["name"]: variable for variable in dashboard["templating"]["list"]}


def annotations(dashboard):
    """The annotations that are asked of Prometheus."""
    return [one for one in dashboard["annotations"]["list"] if not one.get("builtIn")]


def label_values(variable):
    """(selector, label) of a variable that is a query; None where it is no such query."""
    match = LABEL_VALUES.match(variable["query"]["query"])
    return (match.group(1), match.group(2)) if match else None


def expressions(dashboard):
    """(where, PromQL) of all panels, annotations and variables; where names the place in words."""
    for panel in panels(dashboard):
        for target in panel["targets"]:
            yield f"panel {panel['title']!r} query {target['refId']}", target["expr"]
    for annotation in annotations(dashboard):
        yield f"annotation {annotation['name']!r}", annotation["expr"]
    for name, variable in variables(dashboard).items():
        if variable["type"] == "query" and label_values(variable):
            yield f"variable {name!r}", label_values(variable)[0]


def filled(text, values):
    """`text` with $name and ${name} replaced; a name that is not in `values` is a KeyError."""
    return VARIABLE.sub(lambda match: values[match.group(1) or match.group(2)], text)
