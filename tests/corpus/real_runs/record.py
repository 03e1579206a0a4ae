#!/usr/bin/env python3
"""Runs small real programs and records their memory in the replay format. README.md says more."""

import argparse
import asyncio
import csv
import fcntl
import math
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import runs

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
MIB = 1024 * 1024
DAY_SECONDS = 24 * 60.0
TICK_SECONDS = 0.1
MAX_REQUESTS_A_TICK = 64
LABEL_COLUMNS = ["series", "label", "number", "language", "onset_seconds", "rate_mib_per_minute", "limit_bytes",
                 "signal", "load", "restarts", "seed", "seconds"]


def sine(seconds, _):
    """A day from its lowest rate on."""
    return 1 - 0.6 * math.cos(2 * math.pi * seconds / DAY_SECONDS)


def business(seconds, _):
    return 1.0 if 9 * 60 <= seconds % DAY_SECONDS < 17 * 60 else 0.0


def hump(seconds, length):
    return 1 + 1.2 * math.exp(-(((seconds - length / 2) / (length / 6)) ** 2))


def ramp(seconds, _):
    """A tenth more every day."""
    return 1 + 0.1 * seconds / DAY_SECONDS


PROFILES = {"constant": lambda seconds, length: 1.0, "sine": sine, "business": business, "hump": hump, "ramp": ramp}


class Program:
    """One start of a program, with what it says on its standard output."""

    def __init__(self, run, command, environment, began):
        self.run = run
        self.command = command
        self.environment = environment
        self.began = began
        self.process = None
        self.port = asyncio.get_running_loop().create_future()
        self.onset = None
        self.leaked = 0
        self.leaked_at = 0.0
        self.mark = None  # collections so far, live bytes after the last
        self.used = None

    async def start(self):
        self.process = await asyncio.create_subprocess_exec(
            *self.command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, env=self.environment)
        self.reader = asyncio.create_task(self.listen())
        await asyncio.wait_for(asyncio.shield(self.port), 30)

    async def listen(self):
        async for line in self.process.stdout:
            words = line.decode("ascii", "replace").split()
            if not words:
                continue
            if words[0] == "port":
                self.port.set_result(int(words[1]))
            elif words[0] == "onset":
                self.onset = time.monotonic() - self.began
            elif words[0] == "leaked":
                self.leaked = int(words[1])
                self.leaked_at = time.monotonic() - self.began
            elif words[0] == "mark":
                self.mark = (int(words[1]), int(words[2]))
            elif words[0] == "used":
                self.used = int(words[1])

    async def end(self):
        if self.process.returncode is None:
            try:
                self.process.terminate()
            except ProcessLookupError:
                pass
        await self.process.wait()
        await self.reader


def anonymous_bytes(pid):
    """RssAnon and VmSwap, what the agent reads; None when the process is gone."""
    total = 0
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as status:
            for line in status:
                if line.startswith(("RssAnon:", "VmSwap:")):
                    total += int(line.split()[1]) * 1024
    except (FileNotFoundError, ProcessLookupError):
        return None
    return total or None


def file_bytes(directory):
    return sum(entry.stat().st_blocks * 512 for entry in os.scandir(directory))


class Recording:
    """One run from start to end."""

    def __init__(self, run, seed, build, folder):
        self.run = run
        self.seed = seed
        self.build = build
        self.folder = folder
        self.length = run.minutes * 60.0
        self.answered = 0
        self.rows = []
        self.restarts = []
        self.onset = None
        self.leaked = 0
        self.leaked_at = 0.0
        self.program = None
        self.ended = False
        self.epoch = None

    def command(self, seconds):
        options = [f"--scenario={self.run.scenario}", f"--seconds={seconds:.0f}", f"--seed={self.seed}",
                   f"--directory={self.directory}"]
        if self.run.language == "java":
            return ["java", *self.run.jvm, "-cp", str(self.build / "java"), "Workload", *options]
        return [str(self.build / self.run.language), *options]

    async def drive(self):
        """Sends requests until the connection or the run ends: the driver of the load, and its bound."""
        port = self.program.port.result()
        random_ = random.Random(self.seed)
        profile = PROFILES[self.run.load]
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return
        answers = asyncio.create_task(self.count_answers(reader))
        owed = 0.0
        try:
            while not self.ended and not answers.done():
                now = time.monotonic() - self.began
                rate = self.run.requests_per_second * profile(now, self.length)
                owed += random_.gauss(rate * TICK_SECONDS, math.sqrt(rate * TICK_SECONDS) / 2)
                count = max(0, min(MAX_REQUESTS_A_TICK, int(owed)))
                owed -= count
                if count:
                    writer.write(b"r" * count)
                await asyncio.sleep(TICK_SECONDS)
        finally:
            answers.cancel()
            writer.close()

    async def count_answers(self, reader):
        try:
            while answer := await reader.read(4096):
                self.answered += len(answer)
        except OSError:
            pass

    async def keep_driving(self):
        """A program that replaces itself drops its connection."""
        while not self.ended:
            await self.drive()
            await asyncio.sleep(0.2)

    def reading(self):
        """The value now and the collections so far."""
        if self.run.signal == "shmem":
            return file_bytes(self.directory), None
        if self.run.signal == "gc_live":
            if self.program.mark is None or self.program.used is None:
                return None, None
            epoch, live = self.program.mark
            new = epoch != self.epoch
            self.epoch = epoch
            return (live if new else self.program.used), epoch
        return anonymous_bytes(self.program.process.pid), None

    async def sample(self):
        gaps = random.Random(self.seed + 1)
        blind_from, blind_until = (120.0, 180.0) if self.run.gaps else (math.inf, math.inf)
        answered = 0
        tick = 0
        limit = self.run.limit_mib * MIB
        while not self.ended:
            tick += 1
            await asyncio.sleep(max(0.0, self.began + tick - time.monotonic()))
            now = time.monotonic() - self.began
            load, answered = self.answered - answered, self.answered
            if now >= self.length - 0.5:
                return
            if now >= blind_until:
                blind_from = now + gaps.uniform(60, 240)
                blind_until = blind_from + gaps.uniform(10, 90)
            if blind_from <= now < blind_until:
                continue
            value, epoch = self.reading()
            if value is None:
                continue
            if self.run.percent:
                value = round(100 * value / limit) * limit // 100
            self.rows.append((now, value, epoch, load))
            if value >= limit:
                return

    async def restart_at_times(self):
        every = self.run.restart_minutes * 60
        while every and not self.ended:
            await asyncio.sleep(every)
            if self.ended or time.monotonic() - self.began > self.length - 60:
                return
            await self.program.end()
            self.take_over()
            self.seed += 1000
            await self.start_program()
            self.restarts.append(time.monotonic() - self.began)

    def take_over(self):
        if self.onset is None:
            self.onset = self.program.onset
        self.leaked += self.program.leaked
        self.leaked_at = self.program.leaked_at

    async def start_program(self):
        environment = dict(os.environ)
        if self.run.preload:
            environment["LD_PRELOAD"] = self.run.preload
        left = self.length - (time.monotonic() - self.began)
        program = Program(self.run, self.command(left), environment, self.began)
        await program.start()
        self.program = program

    async def record(self):
        first_seed = self.seed
        with tempfile.TemporaryDirectory(prefix="real-run-", dir="/dev/shm") as directory:
            self.directory = directory
            self.began = time.monotonic()
            await self.start_program()
            helpers = [asyncio.create_task(self.keep_driving()), asyncio.create_task(self.restart_at_times())]
            try:
                await self.sample()
            finally:
                self.ended = True
                for helper in helpers:
                    helper.cancel()
                await asyncio.gather(*helpers, return_exceptions=True)
                await self.program.end()
        self.seed = first_seed
        self.take_over()
        self.write()
        return self.label()

    def write(self):
        marked = self.run.signal == "gc_live"
        loaded = self.run.load != "constant"
        with open(self.folder / f"{self.run.name}.csv", "w", encoding="ascii", newline="\n") as out:
            out.write("timestamp_seconds,value" + (",epoch" if marked else "") + (",load" if loaded else "") + "\n")
            for seconds, value, epoch, load in self.rows:
                stamp = f"{seconds:.1f}".removesuffix(".0")
                out.write(f"{stamp},{value}" + (f",{epoch}" if marked else "") + (f",{load}" if loaded else "") + "\n")

    def label(self):
        run = self.run
        end = self.rows[-1][0] if self.rows else 0
        rate = ""
        if run.paced and self.onset is not None and self.leaked_at > self.onset:
            rate = f"{self.leaked / MIB / (self.leaked_at - self.onset) * 60:.3f}"
        if run.leaks and self.onset is None:
            raise RuntimeError(f"{run.name} never began to leak")
        return {
            "series": f"recordings/{run.name}", "label": "leak" if run.leaks else "no_leak", "number": run.number,
            "language": run.language, "onset_seconds": f"{self.onset:.0f}" if run.leaks else "",
            "rate_mib_per_minute": rate, "limit_bytes": run.limit_mib * MIB, "signal": run.signal, "load": run.load,
            "restarts": " ".join(f"{at:.1f}" for at in self.restarts), "seed": self.seed, "seconds": f"{end:.0f}"}


def build_programs(folder, languages):
    """Compiles what is needed into `folder`."""
    if "cpp" in languages:
        subprocess.run(["g++", "-std=c++20", "-O2", "-pthread", f"-I{ROOT}", "-o", str(folder / "cpp"),
                        *map(str, sorted((HERE / "cpp").glob("*.cpp")))], check=True)
    if "go" in languages:
        subprocess.run(["go", "build", "-o", str(folder / "go"), "."], check=True, cwd=HERE / "go",
                       env={**os.environ, "GOFLAGS": "-mod=mod", "GO111MODULE": "on", "GOPROXY": "off",
                            "GOCACHE": str(folder / "go-cache")})
    if "java" in languages:
        subprocess.run(["javac", "-d", str(folder / "java"), *map(str, sorted((HERE / "java").glob("*.java")))],
                       check=True)


def write_labels(path, labels):
    """Replaces the lines of what was recorded anew and keeps the others."""
    with open(path, "a+", encoding="ascii", newline="") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # several recorders may write into one folder
        file.seek(0)
        kept = {row["series"]: row for row in csv.DictReader(file)}
        kept.update({label["series"]: label for label in labels})
        file.truncate(0)
        writer = csv.DictWriter(file, LABEL_COLUMNS, lineterminator="\n")
        writer.writeheader()
        for row in sorted(kept.values(), key=lambda row: (row["language"], int(row["number"]), row["series"])):
            writer.writerow(row)


async def record_all(chosen, arguments, build):
    folder = arguments.output / "recordings"
    folder.mkdir(parents=True, exist_ok=True)
    failed = []

    async def one(place, run):
        await asyncio.sleep(place * 0.37)  # so that they do not all work in the same moment
        try:
            label = await Recording(run, arguments.seed + run.number, build, folder).record()
        except (OSError, RuntimeError, asyncio.TimeoutError) as error:
            failed.append(run.name)
            print(f"record.py: {run.name}: {error}", file=sys.stderr)
            return
        write_labels(arguments.output / "labels.csv", [label])
        print(f"{run.name}: {label['label']}, {label['seconds']} s", flush=True)

    whole = asyncio.gather(*(one(place, run) for place, run in enumerate(chosen)))
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, whole.cancel)
    try:
        await whole
    except asyncio.CancelledError:
        failed.append("interrupted")
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=pathlib.Path, default=HERE, help="where labels.csv and recordings/ go")
    parser.add_argument("--only", default="", help="names, comma separated; all by default")
    parser.add_argument("--language", choices=["cpp", "go", "java"])
    parser.add_argument("--quick", action="store_true", help="those that are decided within twenty minutes")
    parser.add_argument("--minutes", type=int, default=0, help="no run longer than this")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--list", action="store_true")
    arguments = parser.parse_args()
    chosen = [run for run in runs.RUNS if arguments.language in (None, run.language)]
    if arguments.quick:
        chosen = [run for run in chosen if run.quick]
    if arguments.only:
        names = arguments.only.split(",")
        unknown = set(names) - {run.name for run in chosen}
        if unknown:
            parser.error("no run " + ", ".join(sorted(unknown)))
        chosen = [run for run in chosen if run.name in names]
    if arguments.minutes:
        chosen = [runs.shortened(run, arguments.minutes) for run in chosen]
    if arguments.list:
        for run in chosen:
            print(f"{run.number:2} {run.name:32} {'leaks' if run.leaks else 'healthy':8} {run.minutes} min")
        return 0
    build = pathlib.Path(tempfile.mkdtemp(prefix="real-runs-build-"))
    try:
        build_programs(build, {run.language for run in chosen})
        failed = asyncio.run(record_all(chosen, arguments, build))
    finally:
        shutil.rmtree(build, ignore_errors=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
