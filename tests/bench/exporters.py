#!/usr/bin/env python3
"""exporters.py --bin DIR [--agent heapfloor]: what one collection and one page cost, side by side, over herds of processes.

Rows: the system calls alone (bench_floor), prometheus-process-exporter by name without smaps, heapfloor without and heapfloor
with its BPF task iterator (where it may use it). Everything listens on loopback. CPU is what the kernel charged to the exporter's threads, in nanoseconds. Only rows of one run are
comparable: the machine is shared with others, and Markdown with the ratios is printed at the end.
"""

import argparse
import http.client
import itertools
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

PEER = "prometheus-process-exporter"
PEER_CONFIG = "process_names:\n  - name: \"{{.Comm}}\"\n    cmdline:\n    - '.+'\n"
PEER_GAP_SECONDS = 0.15  # long enough for a garbage collector's tail to be charged to its own scrape
AGENT_INTERVAL_SECONDS = 1  # one collection and one scrape in each interval
WARM_SCRAPES = 3  # warm caches are not what is measured
DISCOVERY_SCRAPES = 40  # in which heapfloor meets a herd: a bounded part of it a tick (mappings, probes); told beside the row
FLOORS = (("list", ""), ("statm", ""), ("stat,statm", ""), ("stat,statm", "keep"))
CPU_RATIO = {5000: 30}  # process-exporter's CPU over heapfloor's, at least
FLOOR_NAME = "system calls only: stat,statm kept open"
FLOOR_RATIO = {5000: 1.5}  # heapfloor's CPU over that of the system calls alone, at most
RSS_MIB = {500: 24, 5000: 32}
WITH_BPF = "heapfloor with the BPF task iterator"
BPF_IS_USED = b'heapfloor_source_accessible{source="bpf_task_iterator"} 1'
HERD_END_SECONDS = 60  # after which what is left of a herd belongs to somebody else


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def cpu_seconds(pid):
    """What all living threads of a process have run, user and system."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as file:
            total += int(file.read().split()[0])
    return total / 1e9


def memory_mib(pid):
    """(resident, peak) of a process."""
    with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
        kib = {key: value.split()[0] for key, _, value in (line.partition(":") for line in file) if key in ("VmRSS", "VmHWM")}
    return int(kib["VmRSS"]) / 1024, int(kib["VmHWM"]) / 1024


def scrape(port):
    """(wall seconds, page)."""
    started = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    connection.request("GET", "/metrics")
    response = connection.getresponse()
    page = response.read()
    connection.close()
    if response.status != 200:
        raise RuntimeError(f"HTTP {response.status}: {page[:200]!r}")
    return time.perf_counter() - started, page


def wait_for_port(port, process):
    for _ in range(600):
        if process.poll() is not None:
            raise RuntimeError(f"{process.args[0]} ended with {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"{process.args[0]} does not listen")


def cpu_of_scrapes(process, port, gap, scrapes):
    """(CPU seconds, wall seconds, page) of each scrape."""
    before = cpu_seconds(process.pid)
    for _ in range(scrapes):
        wall, page = scrape(port)
        time.sleep(max(0.0, gap - wall) if gap >= AGENT_INTERVAL_SECONDS else gap)
        after = cpu_seconds(process.pid)
        yield after - before, wall, page
        before = after


def measure_exporter(name, command, port, gap, scrapes, discovery=0):
    """One exporter's row over the herd that is there."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for_port(port, process)
        row = {"name": name}
        if discovery:
            row["discovery_ms"] = statistics.mean(cpu for cpu, _, _ in cpu_of_scrapes(process, port, gap, discovery)) * 1e3
        else:
            list(cpu_of_scrapes(process, port, gap, WARM_SCRAPES))
        costs, walls, pages = zip(*cpu_of_scrapes(process, port, gap, scrapes))
        page = pages[-1]
        resident, peak = memory_mib(process.pid)
        series = sum(1 for line in page.splitlines() if line and not line.startswith(b"#"))
        return {**row, "cpu_ms": statistics.median(costs) * 1e3, "cpu_least_ms": min(costs) * 1e3,
                "cpu_mean_ms": statistics.mean(costs) * 1e3, "wall_ms": statistics.median(walls) * 1e3,
                "resident_mib": resident, "peak_mib": peak, "page_kb": len(page) / 1e3, "series": series,
                "uses_bpf": BPF_IS_USED in page}
    finally:
        process.terminate()
        process.wait()


def measure_floor(program, files, keep, rounds):
    """The system calls alone; the first round is left out."""
    output = subprocess.run([program, files, str(rounds + 1), *([keep] if keep else [])], capture_output=True, text=True,
                            check=True).stdout
    rows = [[float(field) for field in line.split()] for line in output.splitlines()[1:]]
    return {"name": f"system calls only: {files}{' kept open' if keep else ''}",
            "cpu_ms": statistics.median(r[0] for r in rows) * 1e3, "cpu_least_ms": min(r[0] for r in rows) * 1e3,
            "cpu_mean_ms": statistics.mean(r[0] for r in rows) * 1e3,
            "wall_ms": statistics.median(r[1] for r in rows) * 1e3, "processes_seen": int(rows[-1][2])}


def count_processes():
    return sum(name.isdigit() for name in os.listdir("/proc"))


def measure_agent(options, name, bpf):
    port = free_port()
    with tempfile.TemporaryDirectory() as history:
        return measure_exporter(name, [
            options.agent, "agent", f"--collection.interval={AGENT_INTERVAL_SECONDS}s", f"--collection.bpf={bpf}",
            f"--storage.path={history}", f"--web.listen-address=127.0.0.1:{port}"], port, AGENT_INTERVAL_SECONDS, options.scrapes,
            DISCOVERY_SCRAPES)


def measure(options, processes, active, config):
    """Every row over one herd."""
    before = count_processes()
    herd = subprocess.Popen([os.path.join(options.bin, "bench_herd"), str(processes), str(int(processes * active)),
                             str(int(processes * options.awake))],
                            stdout=subprocess.PIPE, text=True)
    try:
        ready = herd.stdout.readline().strip()
        if ready != f"ready {processes}":
            raise RuntimeError(f"the herd is not complete: {ready!r}")
        for files, keep in FLOORS:
            yield measure_floor(os.path.join(options.bin, "bench_floor"), files, keep, options.scrapes)
        if shutil.which(PEER) and not options.no_peer:
            port = free_port()
            yield measure_exporter("process-exporter, by name, no smaps", [
                PEER, f"-web.listen-address=127.0.0.1:{port}", "-children=false", "-threads=false", "-gather-smaps=false",
                f"-config.path={config}"], port, PEER_GAP_SECONDS, options.scrapes)
        if options.agent:
            yield measure_agent(options, "heapfloor", "off")
            row = measure_agent(options, WITH_BPF, "on")
            if row["uses_bpf"]:
                yield row
            else:
                print("the BPF task iterator cannot be used here: its row is left out", file=sys.stderr)
    finally:
        herd.kill()
        herd.wait()
        herd.stdout.close()
        end = time.monotonic() + HERD_END_SECONDS
        while count_processes() > before + processes // 50 and time.monotonic() < end:
            time.sleep(0.1)


def markdown(rows):
    def cell(row, key, digits):
        return f"{row[key]:.{digits}f}" if key in row else ""

    yield "| processes | active | who | CPU ms a scrape (median) | least | page ms | RSS MiB | peak RSS MiB | page kB | series |"
    yield "|---|---|---|---|---|---|---|---|---|---|"
    for row in rows:
        yield "| " + " | ".join([
            str(row["processes"]), f"{row['active']:.0%}", row["name"], cell(row, "cpu_ms", 2), cell(row, "cpu_least_ms", 2), cell(row, "wall_ms", 1),
            cell(row, "resident_mib", 1), cell(row, "peak_mib", 1), cell(row, "page_kb", 1), cell(row, "series", 0)]) + " |"


def goal_words(bound, goal):
    return "no goal at this size" if goal is None else f"goal {bound} {goal}"


def verdicts(rows):
    """(sentence, held) of each goal that the rows can decide."""
    by_size = {}
    for row in rows:
        name = row["name"] if row["name"].startswith("system calls") else row["name"].split(",")[0]
        by_size.setdefault((row["processes"], row["active"]), {})[name] = row
    for (size, active), named in by_size.items():
        processes = f"{size} processes, {active:.0%} active"
        ours, peer = named.get("heapfloor"), named.get("process-exporter")
        if ours and peer:
            ratio = peer["cpu_ms"] / ours["cpu_ms"]
            goal = CPU_RATIO.get(size) if active == 0 else None
            yield (f"{processes}: process-exporter uses {ratio:.1f} times heapfloor's CPU ({goal_words('at least', goal)})",
                   goal is None or ratio >= goal)
        floor = named.get(FLOOR_NAME)
        if ours and floor:
            ratio = ours["cpu_ms"] / floor["cpu_ms"]
            goal = FLOOR_RATIO.get(size) if active == 0 else None
            yield (f"{processes}: heapfloor uses {ratio:.2f} times the CPU of the {FLOOR_NAME} ({goal_words('at most', goal)})",
                   goal is None or ratio <= goal)
        with_bpf = named.get(WITH_BPF)
        if ours and with_bpf:
            yield (f"{processes}: with the BPF task iterator it is {with_bpf['cpu_ms'] / ours['cpu_ms']:.2f} times the CPU of without",
                   True)
        for row in (ours, with_bpf):
            if not row:
                continue
            yield (f"{processes}: while it meets them (the first {DISCOVERY_SCRAPES} ticks) {row['name']} uses "
                   f"{row['discovery_ms'] / row['cpu_ms']:.2f} times as much", True)
            if size not in RSS_MIB:
                continue
            yield (f"{processes}: RSS of {row['name']} is {row['resident_mib']:.1f} MiB (goal at most {RSS_MIB[size]})",
                   row["resident_mib"] <= RSS_MIB[size])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True, help="folder of bench_herd and bench_floor")
    parser.add_argument("--agent", default="", help="the heapfloor program; without it only the peers are measured")
    parser.add_argument("--processes", default="500,2000,5000", help="sizes of the herd")
    parser.add_argument("--active", default="0", help="shares of the herd that change their memory all the time: 0,0.1")
    parser.add_argument("--awake", type=float, default=0.0, help="share of the herd that wakes twice a second and does nothing")
    parser.add_argument("--no-peer", action="store_true", help="leave process-exporter out")
    parser.add_argument("--scrapes", type=int, default=20)
    parser.add_argument("--output", default="", help="also write the rows as JSON to this file")
    parser.add_argument("--check", action="store_true", help="exit 1 when a goal is missed")
    options = parser.parse_args()
    rows = []
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as config:
        config.write(PEER_CONFIG)
        config.flush()
        for processes, active in itertools.product(map(int, options.processes.split(",")), map(float, options.active.split(","))):
            for row in measure(options, processes, active, config.name):
                rows.append({"processes": processes, "active": active, **row})
                print(f"{processes:6d} {active:5.0%}  {row['cpu_ms']:9.2f} ms  {row['name']}", file=sys.stderr, flush=True)
    if options.output:
        with open(options.output, "w", encoding="utf-8") as file:
            json.dump(rows, file, indent=1)
    print("\n".join(markdown(rows)))
    results = list(verdicts(rows))
    others = max(row["processes_seen"] - row["processes"] for row in rows if row.get("processes_seen"))
    print(f"\n{others} other processes were there at most.\n")
    if not shutil.which(PEER):
        print(f"- {PEER} is not installed: nothing to compare with")
    for sentence, held in results:
        print(f"- {sentence}{'' if held else ': MISSED'}")
    return 1 if options.check and not all(held for _, held in results) else 0


if __name__ == "__main__":
    sys.exit(main())
