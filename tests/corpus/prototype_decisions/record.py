#!/usr/bin/env python3
"""record.py PROTOTYPE EXPORTED OUTPUT: what the Python prototype of the detector says of exported series.

PROTOTYPE is the folder of its det.py (not part of the project; needs python3-numpy and python3-scipy), EXPORTED what
`score --export` wrote. The prototype runs with rings of 16 and buckets of 15 min. OUTPUT gets a line a series: when it
first suspected a leak and when it first called one, in seconds; empty where it never did.
"""

import csv
import multiprocessing
import pathlib
import sys

MIB = 1024 * 1024


def read(path):
    """(hours, MiB, collected, restarted, limit in MiB) of an exported series; collected is None where nothing marks."""
    with open(path, encoding="ascii") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    hours = [float(row["timestamp_seconds"]) / 3600 for row in rows]
    mib = [float(row["value"]) / MIB for row in rows]
    epochs = [row["epoch"] for row in rows]
    collected = None
    if epochs[0]:
        collected = [False] + [int(b) > int(a) for a, b in zip(epochs, epochs[1:])]
    births = [row["incarnation"] for row in rows]
    restarted = [False] + [a != b for a, b in zip(births, births[1:])]
    limit = float(rows[0]["limit"]) / MIB if rows[0]["limit"] else None
    return hours, mib, collected, restarted, limit


def judge(path):
    import det

    hours, mib, collected, restarted, limit = read(path)
    detector = det.Det(limit=limit, has_gc=collected is not None, B=16, D=0.25)
    for i, hour in enumerate(hours):
        if restarted[i]:
            detector.restart(hour)
        detector.add(hour, mib[i], None if collected is None else collected[i])
        if detector.alarm is not None:
            break
    name, seed, _ = path.name.split(".")
    seconds = ["" if at is None else str(round(at * 3600)) for at in (detector.susp, detector.alarm)]
    return [name, seed] + seconds


def main():
    prototype, exported, output = sys.argv[1:]
    sys.path.insert(0, prototype)
    paths = sorted(pathlib.Path(exported).glob("*.csv"))
    with multiprocessing.Pool(2) as pool:
        lines = pool.map(judge, paths, chunksize=4)
    with open(output, "w", encoding="ascii") as file:
        file.write("scenario,seed,suspected_at_seconds,leaking_at_seconds\n")
        for line in lines:
            file.write(",".join(line) + "\n")


if __name__ == "__main__":
    main()
