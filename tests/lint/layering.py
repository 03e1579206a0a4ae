#!/usr/bin/env python3
"""layering.py ROOT: refuses an include, a path literal or a clock that crosses the layers of the product.

The rule: `agent` may include `collectors`, never the other way round; `collectors/probe` includes nothing of ours;
inside `agent` includes follow the arrow of the data; each third-party library has one owner; only the host root opens
kernel files; only the clock asks for the time. The probe lives in other programs, without host root and clock: it may
ask for the time and read its own process. Tests are free. Prints FILE:LINE: reason and exits 1 on a crossing.
"""

import re
import sys

import source_tree

# A layer sees itself and every layer before it.
ARROW = ("series", "trend", "external", "endpoints", "alerts", "history", "profile", "evidence", "exposition", "web", "http")
# Leaves that the layers with side effects may use; series and trend are pure and may not.
LEAVES = ("agent/log.h", "agent/clock.h")
PURE = ("series", "trend")
# include prefix -> path prefixes of the product that may write it
OWNERS = {
    "prometheus/": ("agent/exposition/",),
    "civetweb": ("agent/http/",),
    "CivetServer.h": ("agent/http/",),
    "boost/": ("agent/http/",),
    "openssl/": ("agent/http/",),
    "crypt.h": ("agent/http/",),
    "yaml-cpp/": ("agent/config", "agent/cli/shipped_rules"),
    "CLI/": ("agent/cli/",),
    "spdlog/": ("agent/log",),
    "protozero/": ("agent/profile/",),
    "elfutils/": ("agent/profile/",),
    "dwarf.h": ("agent/profile/",),
    "lzma.h": ("agent/profile/",),
    "re2/": ("agent/series/group_rules",),
    "sqlite3.h": ("agent/history/",),
    "nlohmann/": ("agent/alerts/", "agent/evidence/", "agent/exposition/", "agent/endpoints/", "agent/external/",
                  "agent/cli/", "agent/top/", "collectors/parse/container_files"),
    "curses.h": ("agent/top/top_screen.cpp",),
    "curl/": ("collectors/http_client",),
    "bpf/": ("collectors/bpf/",),
    "linux/bpf.h": ("collectors/bpf/",),
    # Collectors that ration their reads by what they took, and who hands them the clock.
    "collectors/stopwatch.h": ("collectors/smaps_collector.cpp", "collectors/probe_collector.cpp",
                               "collectors/jvm_collector.cpp", "collectors/go_collector.cpp",
                               "collectors/stack_meter.cpp",
                               "agent/pipeline.h"),
}
# The door itself, and the defaults of the flags that move it.
PATH_LITERAL_OWNERS = ("collectors/host_root.h", "collectors/host_root.cpp", "agent/config.h", "agent/config.cpp")
PROBE = "collectors/probe/"
# The web server asks for the Date header, which reaches clients' caches, for deadlines and for limits of rates.
CLOCK_OWNERS = (PROBE, "agent/clock.cpp", "agent/http/http_server.cpp", "agent/http/response_head.cpp",
                "agent/http/gate.cpp", "agent/http/gate_session.cpp")

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*[<"]([^">]+)[">]', re.M)
PATH_LITERAL = re.compile(r'"[^"\s(]{0,16}\(?/(?:proc|sys)(?:/|")')
OWN_PATH_LITERAL = re.compile(r'"/proc/self/')
CLOCK = re.compile(r"\b(?:steady_clock|system_clock|high_resolution_clock)\s*::\s*now\b|\b(?:clock_gettime|gettimeofday|time)\s*\(\s*(?:CLOCK_|&|NULL|nullptr|0)")


def layer_of(path):
    """The layer of a path in agent/NAME/, or None for what lies directly in agent/ and may see everything."""
    parts = path.split("/")
    return parts[1] if len(parts) > 2 and parts[0] == "agent" and parts[1] in ARROW else None


def include_fault(path, include):
    """Why `path` may not include `include`, or None."""
    for prefix, owners in OWNERS.items():
        if include.startswith(prefix) and not path.startswith(owners):
            return f"{prefix.rstrip('/')} belongs to {' and '.join(owners)}"
    ours = include.startswith(("agent/", "collectors/", "tests/"))
    if path.startswith(PROBE):
        return "the probe includes nothing of ours outside collectors/probe" if ours and not include.startswith(
            PROBE) else None
    if include.startswith("tests/"):
        return "the product never includes tests"
    if path.startswith("collectors/"):
        return "collectors never include agent" if include.startswith("agent/") else None
    layer = layer_of(path)
    if layer is None or not include.startswith("agent/"):
        return None
    if include in LEAVES:
        return f"{layer} is pure: no log, no clock" if layer in PURE else None
    target = layer_of(include)
    if target is None:
        return f"{layer} never includes what wires the layers together"
    if ARROW.index(target) > ARROW.index(layer):
        return f"against the arrow {' → '.join(ARROW)}"
    return None


def faults(root):
    """(path, line number, reason) of every crossing in the tree at `root`."""
    found = []
    for path in source_tree.cpp_files(root):
        if not path.startswith(("agent/", "collectors/")):
            continue
        text = source_tree.without_comments(source_tree.read(root, path))

        def add(match, reason):
            found.append((path, text.count("\n", 0, match.start()) + 1, reason))

        for match in INCLUDE.finditer(text):
            reason = include_fault(path, match.group(1))
            if reason:
                add(match, f'"{match.group(1)}": {reason}')
        if path not in PATH_LITERAL_OWNERS:
            for match in PATH_LITERAL.finditer(text):
                if path.startswith(PROBE) and OWN_PATH_LITERAL.match(match.group(0) + text[match.end():match.end() + 8]):
                    continue
                add(match, "a path into /proc or /sys is written only in " + ", ".join(PATH_LITERAL_OWNERS))
        if not path.startswith(CLOCK_OWNERS):
            for match in CLOCK.finditer(text):
                add(match, f"only {CLOCK_OWNERS[1]} asks for the time")
    return found


def main():
    found = faults(sys.argv[1])
    for path, line, reason in found:
        print(f"{path}:{line}: {reason}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
