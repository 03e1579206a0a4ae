#!/usr/bin/env python3
"""dashboards_lint.py ROOT [PROMTOOL]: the dashboards keep the rules of Grafana's dashboard-linter and some of our own.

Of the linter: template-datasource, -job, -instance, -label-promql, -on-time-change-reload, -unused; panel-datasource,
-title-description, -units, -no-targets; target-promql, -rate-interval, -counter-agg, -job, -instance; uneditable. Ours: fixed
uids, unique ids, panels that do not lie over each other, links that lead somewhere, legends and queries that name metrics and
labels of dashboards/METRICS.md, and every metric of that table on some panel or left out below by name.
"""

import os
import re
import subprocess
import sys
import tempfile

import grafana_dashboards as grafana
import rules_metrics_test as rules

PANEL_TYPES = {"row", "timeseries", "stat", "table", "bargauge", "state-timeline"}
# Those of Grafana's list that we use.
UNITS = {"none", "short", "percentunit", "bytes", "binBps", "s", "ops", "opm", "reqps", "bool_yes_no", "dateTimeAsIso",
         "dateTimeAsIsoNoDateIfToday", "dateTimeFromNow"}
# Intervals of a test's substitution: what Grafana would put in.
BUILT_IN = {"__interval": "1m", "__rate_interval": "4m", "__range": "6h"}
LONGEST_UID, COLUMNS, FASTEST_REFRESH_SECONDS = 40, 24, 30
TYPED_ROW = re.compile(r"^\| `([a-z0-9_]+)` \| (\w+) \|", re.MULTILINE)
RANGED = re.compile(r"\b(rate|irate|increase)\s*\([^()\[\]]*\[([^\]]*)\]")
MATRIX_CALL = re.compile(r"\b(?:rate|irate|increase)\s*\(\s*$")
SHOWN = re.compile(r"\{\{\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*\}\}")
# The label that label_replace makes.
MADE_LABEL = re.compile(r',\s*"([a-zA-Z_]\w*)",\s*"[^"]*",\s*"\w*",\s*"')
DASHBOARD_LINK = re.compile(r"^/d/([a-z-]+)\?(.*)$")
LINKED_VARIABLE = re.compile(r"\bvar-(\w+)=")

OF_GROUP = "the figure of its group is shown, the process is the page's"
# Families that are on no panel, with the reason.
LEFT_OUT = {
    "heapfloor_config_reloads_failed_total": "the state after the last reload is shown; alerted by HeapfloorConfigReloadFailed",
    "heapfloor_config_reloads_total": "a reload is an action of the operator",
    "heapfloor_collector_last_success_timestamp_seconds": "success is shown over time",
    "heapfloor_exposition_samples_limit": "a setting; what is cut by it is shown",
    "heapfloor_exposition_unlisted_samples_total": "0 unless the program is wrong",
    "heapfloor_history_last_write_timestamp_seconds": "what was not written is shown",
    "heapfloor_history_rows_written_total": "the size on the disk is shown",
    "heapfloor_process_allocator_free_bytes": OF_GROUP,
    "heapfloor_process_allocator_samples_skipped_total": OF_GROUP,
    "heapfloor_process_allocator_trims_total": OF_GROUP,
    "heapfloor_process_hugetlb_memory_bytes": OF_GROUP,
    "heapfloor_process_lazy_free_memory_bytes": OF_GROUP,
    "heapfloor_process_locked_memory_bytes": OF_GROUP,
    "heapfloor_process_major_page_faults_total": OF_GROUP,
    "heapfloor_process_minor_page_faults_total": OF_GROUP,
    "heapfloor_process_page_table_bytes": OF_GROUP,
    "heapfloor_process_proportional_memory_bytes": OF_GROUP,
    "heapfloor_process_proportional_sample_timestamp_seconds": OF_GROUP,
    "heapfloor_process_proportional_swap_bytes": OF_GROUP,
    "heapfloor_process_thread_stack_bytes": "the share of stacks in the growth of a suspect is shown",
    "heapfloor_process_transparent_hugepage_bytes": OF_GROUP,
    "heapfloor_process_unique_memory_bytes": OF_GROUP,
    "heapfloor_process_unreadable": OF_GROUP,
    "process_virtual_memory_bytes": "address space of the agent limits nothing",
}


def types(page):
    """Metric → its type, from the table of metrics."""
    return dict(TYPED_ROW.findall(page))


def known_names(page):
    """Metric → its labels; a histogram has its series."""
    known = rules.families(page)
    for name, kind in types(page).items():
        if kind == "histogram":
            known |= {name + "_bucket": known[name] | {"le"}, name + "_count": known[name], name + "_sum": known[name]}
    return known


def values_of(dashboard):
    """A value for every variable, so that expressions can be read as PromQL."""
    return BUILT_IN | {name: "x" for name in grafana.variables(dashboard)}


def seconds_of(interval):
    return int(interval[:-1]) * {"s": 1, "m": 60, "h": 3600}[interval[-1]]


def faults_of_head(name, dashboard):
    """Fields of the dashboard itself."""
    if dashboard["uid"] + ".json" != name or len(dashboard["uid"]) > LONGEST_UID:
        yield f"the uid {dashboard['uid']!r} is not the file's name"
    if dashboard["id"] is not None:
        yield "id is not null: it is another server's"
    if dashboard["editable"]:
        yield "it is editable: changes would be lost at the next provisioning"
    if not dashboard["title"] or not dashboard["description"].endswith("."):
        yield "it has no title or no description"
    if "heapfloor" not in dashboard["tags"]:
        yield "it lacks the tag by which the dashboards link each other"
    if "__inputs" in dashboard or "__requires" in dashboard:
        yield "__inputs are for uploads by hand, provisioning does not resolve them"
    if seconds_of(dashboard["refresh"]) < FASTEST_REFRESH_SECONDS:
        yield f"refresh {dashboard['refresh']} is faster than {FASTEST_REFRESH_SECONDS} s"
    if not any(link["type"] == "dashboards" and link["includeVars"] and link["keepTime"] for link in dashboard["links"]):
        yield "no link to the other dashboards that keeps time and variables"


def faults_of_variables(dashboard):
    """Data source, job, instance, and each variable that is a query."""
    variables = grafana.variables(dashboard)
    sources = [one for one in variables.values() if one["type"] == "datasource"]
    if [(one["name"], one["label"], one["query"]) for one in sources] != [("datasource", "Data source", "prometheus")]:
        yield "the one variable for the data source is not datasource, 'Data source', of the type prometheus"
    for name in ("job", "instance"):
        one = variables.get(name, {})
        if (one.get("type"), one.get("multi"), one.get("allValue"), one.get("label")) != ("query", True, ".+", name.title()):
            yield f"the variable {name} is not a query for many values with allValue .+ and the label {name.title()}"
    text = "\n".join(expr for _, expr in grafana.expressions(dashboard))
    for name, one in variables.items():
        if one["type"] != "query":
            continue
        if one["datasource"]["uid"] != "${datasource}":
            yield f"the variable {name} has a data source of its own"
        if one["refresh"] != 2:
            yield f"the variable {name} is not read again when the time range changes"
        if not grafana.label_values(one):
            yield f"the variable {name} is not label_values(selector, label)"
        if not re.search(rf"\${name}\b", text):
            yield f"the variable {name} is used nowhere"


def faults_of_panel(panel):
    """What a panel says of itself."""
    if panel["type"] not in PANEL_TYPES:
        yield f"its type {panel['type']} is not one of {', '.join(sorted(PANEL_TYPES))}"
    if "libraryPanel" in panel:
        yield "a library panel needs an object on the server"
    if not panel.get("title") or not panel.get("description", "").endswith((".", "?")):
        yield "it has no title or no description"
    if panel["datasource"] != {"type": "prometheus", "uid": "${datasource}"}:
        yield "its data source is not ${datasource}"
    if not panel["targets"]:
        yield "it asks nothing"
    properties = [one for override in panel["fieldConfig"]["overrides"] for one in override["properties"]]
    for unit in [panel["fieldConfig"]["defaults"].get("unit")] + [one["value"] for one in properties if one["id"] == "unit"]:
        if unit not in UNITS:
            yield f"its unit {unit!r} is none that we know"
    refs = [target["refId"] for target in panel["targets"]]
    if len(refs) != len(set(refs)):
        yield "two queries have one refId"
    for target in panel["targets"]:
        if target["datasource"] != {"type": "prometheus", "uid": "${datasource}"}:
            yield f"the data source of query {target['refId']} is not ${{datasource}}"


def faults_of_expression(expression, counters, known, values):
    """What one PromQL expression reads, and how. `counters`: names of the counters that there are."""
    try:
        filled = grafana.filled(expression, values)
    except KeyError as error:
        yield f"there is no variable {error.args[0]}"
        return
    yield from rules.faults_of_expression(filled, known)
    bare = grafana.STRING.sub('""', expression)
    for match in re.finditer(r"\b(?:heapfloor_[a-z0-9_]+|process_[a-z0-9_]+|up|ALERTS)\b(?!\s*[(,)])", bare):
        rest = expression_after(expression, bare, match.end())
        name = match.group()
        if not rest.startswith("{") or not re.search(r'\bjob=~"\$job"', rest) or not re.search(r'\binstance=~"\$instance"', rest):
            yield f"{name} has no matcher of job or instance"
        if name in counters and not MATRIX_CALL.search(bare[:match.start()]):
            yield f"the counter {name} is read without rate or increase"
    for function, interval in RANGED.findall(bare):
        if interval not in ("$__rate_interval", "$__range") or (interval == "$__range" and function != "increase"):
            yield f"{function} over [{interval}], not over [$__rate_interval]"


def expression_after(expression, bare, position):
    """The selector that follows the `position` of `bare`, which is `expression` without the contents of its strings, with them."""
    braces = bare.count("{", 0, position)
    if not bare[position:].startswith("{"):
        return ""
    start = [match.start() for match in re.finditer(r"\{", grafana.STRING.sub(lambda m: '"' + "_" * (len(m[0]) - 2) + '"', expression))][braces]
    return expression[start:expression.index("}", start) + 1]


def faults_of_legend(target, known):
    """Labels in a legend that no metric of the query has."""
    used = rules.read_by(grafana.STRING.sub('""', target["expr"]))
    labels = set().union(*(known.get(name, set()) for name in used)) | rules.ANYWHERE | {"le"} | set(MADE_LABEL.findall(target["expr"]))
    for label in SHOWN.findall(target["legendFormat"]):
        if label not in labels:
            yield f"the legend of query {target['refId']} shows the label {label}, which no metric of it has"
    if target["format"] != "table" and not target["legendFormat"]:
        yield f"query {target['refId']} has no legend"


def faults_of_layout(dashboard):
    """Ids and places."""
    everything = dashboard["panels"]
    ids = [panel["id"] for panel in everything]
    if len(ids) != len(set(ids)):
        yield "two panels have one id"
    titles = [panel["title"] for panel in grafana.panels(dashboard)]
    for title in sorted({title for title in titles if titles.count(title) > 1}):
        yield f"two panels are called {title!r}"
    taken = {}
    for panel in everything:
        place = panel["gridPos"]
        if place["x"] + place["w"] > COLUMNS:
            yield f"panel {panel['title']!r} is wider than the page"
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                other = taken.setdefault((x, y), panel["title"])
                if other != panel["title"]:
                    yield f"panels {panel['title']!r} and {other!r} lie over each other"
                    return


def links_of(value):
    """Every address of a link within a dashboard."""
    if isinstance(value, dict):
        if isinstance(value.get("url"), str) and value["url"]:
            yield value["url"]
        for child in value.values():
            yield from links_of(child)
    elif isinstance(value, list):
        for child in value:
            yield from links_of(child)


def faults_of_links(dashboard, all_dashboards):
    """Links to dashboards or variables that are not there; others go to the page of an agent."""
    for url in sorted(set(links_of(dashboard))):
        match = DASHBOARD_LINK.match(url)
        if not match:
            if not url.startswith("${page:raw}"):
                yield f"the link {url} goes neither to a dashboard nor to the page of an agent"
            continue
        targets = [one for one in all_dashboards if one["uid"] == match.group(1)]
        if not targets:
            yield f"the link {url} goes to a dashboard that is not there"
            continue
        for name in LINKED_VARIABLE.findall(match.group(2)):
            if name not in grafana.variables(targets[0]):
                yield f"the link {url} sets {name}, which {match.group(1)} does not have"


def faults(name, dashboard, all_dashboards, page):
    """Everything that is wrong with one dashboard, as sentences."""
    known = known_names(page)
    counters = {metric for metric, kind in types(page).items() if kind == "counter"}
    values = values_of(dashboard)
    yield from faults_of_head(name, dashboard)
    yield from faults_of_variables(dashboard)
    yield from faults_of_layout(dashboard)
    yield from faults_of_links(dashboard, all_dashboards)
    for panel in grafana.panels(dashboard):
        where = f"panel {panel['title']!r}: "
        yield from (where + fault for fault in faults_of_panel(panel))
        yield from (where + fault for target in panel["targets"] for fault in faults_of_legend(target, known))
    for where, expression in grafana.expressions(dashboard):
        if where == "variable 'job'" or where == "variable 'instance'":
            continue
        yield from (f"{where}: {fault}" for fault in faults_of_expression(expression, counters, known, values))


def faults_of_coverage(dashboards, page):
    """Metrics that no panel or annotation shows and are not left out by name, and names that are left out for nothing."""
    text = "\n".join(expr for dashboard in dashboards for where, expr in grafana.expressions(dashboard) if "variable" not in where)
    shown = {re.sub(r"_bucket$", "", name) for name in rules.METRIC.findall(grafana.STRING.sub('""', text))}
    present = set(types(page))
    for name in sorted(present - shown - set(LEFT_OUT)):
        yield f"{name} is on no panel; show it, or leave it out by name with a reason"
    for name in sorted(set(LEFT_OUT) & shown):
        yield f"{name} is left out by name, and shown"
    for name in sorted(set(LEFT_OUT) - present):
        yield f"{name} is left out by name, and no metric"


def faults_of_syntax(dashboards, promtool):
    """What promtool says of all expressions, as a file of recording rules."""
    groups = []
    for dashboard in dashboards:
        exprs = [(where, grafana.filled(expression, values_of(dashboard))) for where, expression in grafana.expressions(dashboard)]
        groups.append((dashboard["uid"], exprs))
    with tempfile.TemporaryDirectory() as folder:
        for uid, exprs in groups:
            for number, (where, expression) in enumerate(exprs):
                path = os.path.join(folder, f"{uid}-{number}.yml")
                with open(path, "w", encoding="utf-8") as file:
                    file.write("groups: [{name: one, rules: [{record: one, expr: " + repr_yaml(expression) + "}]}]\n")
        paths = sorted(os.path.join(folder, name) for name in os.listdir(folder))
        done = subprocess.run([promtool, "check", "rules", *paths], capture_output=True, text=True, timeout=100)
    if done.returncode == 0:
        return
    told = done.stdout + done.stderr
    for uid, exprs in groups:
        for number, (where, _) in enumerate(exprs):
            match = re.search(rf"{uid}-{number}\.yml.*?: (.*parse error.*)", told)
            if match:
                yield f"{uid}: {where}: {match.group(1)}"
    yield f"promtool check rules: {done.returncode}"


def repr_yaml(text):
    """A string of YAML on one line."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") + '"'


def main():
    root, *promtool = sys.argv[1:]
    dashboards = grafana.load(os.path.join(root, "dashboards/grafana"))
    with open(os.path.join(root, "dashboards/METRICS.md"), encoding="utf-8") as file:
        page = file.read()
    everything = list(dashboards.values())
    found = [f"{name}: {fault}" for name, dashboard in dashboards.items() for fault in faults(name, dashboard, everything, page)]
    found += faults_of_coverage(everything, page)
    if promtool:
        found += faults_of_syntax(everything, promtool[0])
    if not dashboards:
        found.append("there are no dashboards")
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
