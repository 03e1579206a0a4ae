#!/usr/bin/env python3
"""dashboard_preview.py FOLDER: draws what dashboards_test.py has recorded in the folder, each UID.json, as UID.html and UID.png.

It is no Grafana: it knows the kinds of panels, units and transformations that our dashboards have, to show how much room there is, what
legends and columns say, and which colours states have. Needs chromium, and HEAPFLOOR_WEB_MODULES: the folder whose node_modules holds
uplot and playwright-core (agent/web/package-lock.json). HEAPFLOOR_NODE: node, where it is not in PATH.
"""

import glob
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def record(folder, dashboard, variables, answers, end):
    """Keeps what the queries of one dashboard returned: `answers` by title of the panel, or name of the annotation, and by refId."""
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, dashboard["uid"] + ".json"), "w", encoding="utf-8") as file:
        json.dump({"dashboard": dashboard, "variables": variables, "answers": answers, "end": end}, file)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def draw(folder):
    """Writes the page and the picture of each record."""
    template = read(os.path.join(HERE, "dashboard_preview.html"))
    library = os.path.join(os.environ["HEAPFLOOR_WEB_MODULES"], "node_modules/uplot/dist/uPlot")
    libraries = f"<style>{read(library + '.min.css')}</style><script>{read(library + '.iife.min.js')}</script>"
    pages = []
    for path in sorted(glob.glob(os.path.join(folder, "*.json"))):
        # "</" would end the script.
        data = '<script id="data" type="application/json">' + read(path).replace("</", r"<\/") + "</script>"
        pages.append(path.removesuffix("json") + "html")
        with open(pages[-1], "w", encoding="utf-8") as file:
            file.write(template.replace("<!--LIBRARIES-->", libraries + data))
    node = os.environ.get("HEAPFLOOR_NODE", "node")
    subprocess.run([node, os.path.join(HERE, "dashboard_preview.mjs"), *pages], check=True, timeout=120)


if __name__ == "__main__":
    draw(sys.argv[1])
