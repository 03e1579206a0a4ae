#!/usr/bin/env python3
"""demo.py --agent HEAPFLOOR --work FOLDER [--quick]: what an operator sees of services that leak, told as it happens.

Builds the examples beside this file, starts an agent at the pace of a demonstration and the services beside it, and says
what the agent says of them: all of it is asked over HTTP, as anybody could. One service is repaired while it runs. It ends
what it started. Exit code 1, and what was not seen, where something of that did not happen.
"""

import argparse
import datetime
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import textwrap
import time
import urllib.error
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
HEADERS = os.path.join(HERE, "../../collectors/probe/include")
MIB = 1 << 20
LISTENING = re.compile(r'msg="?listening"?.*\baddress="?([0-9.]+:[0-9]+)')
REPAIRED = "sessions"
KEPT_BYTES = 20 * MIB  # of it, when it evicts
ALERT = "HeapfloorLeak"


class Pace:
    """How fast a day passes, and how much memory a service may have."""

    def __init__(self, interval, day, limit_mib):
        self.interval, self.day_minutes, self.limit_mib = interval, day, limit_mib

    def options(self):
        return [f"--collection.interval={self.interval}", f"--trend.time_scale={self.day_minutes / 1440:.6f}",
                "--trend.season_hours=1", f"--trend.limit={self.limit_mib}MiB", "--alerts.hold=1s", "--alerts.resolve_hold=5s"]


CALM = Pace("1s", 12, 256)
QUICK = Pace("500ms", 6, 192)
PATIENCE_SECONDS = 300
PROFILE_SECONDS = 10


class Service:
    """A program under observation: what it is, and what is to be found in it (None: that it is no leak)."""

    def __init__(self, name, about, command, found, **more):
        self.name, self.about, self.command, self.found = name, about, command, found
        self.environment = more.get("environment", {})
        self.scope, self.signal = more.get("watched", ("process", "rss_anon"))
        self.process = None
        self.states, self.told, self.suspect = [], set(), None

    @property
    def pid(self):
        return self.process.pid


def run(*command):
    subprocess.run(command, check=True, timeout=240, stdin=subprocess.DEVNULL)


def build(work, agent, pace):
    """The services that this machine can build, and why it cannot build the others."""
    services, absent = [], []
    library = os.path.realpath(os.path.join(os.path.dirname(agent), "../lib"))
    sessions, mailer = os.path.join(work, "sessions"), os.path.join(work, "mailer")
    run("g++", "-std=c++20", "-O2", "-g", "-Wall", "-Wextra", "-o", sessions, os.path.join(HERE, "sessions.cpp"), "-I", HEADERS,
        "-L", library, "-Wl,-rpath," + library, "-lheapfloor_probe")
    run("gcc", "-std=c11", "-D_POSIX_C_SOURCE=200809L", "-O2", "-g", "-Wall", "-Wextra", "-o", mailer, os.path.join(HERE, "mailer.c"))
    services.append(Service("sessions", "C++ with the probe, forgets to close sessions", [sessions, "leak"], "SessionCache::open"))
    services.append(Service("healthy", "the same program, closes what is old", [shutil.copy(sessions, os.path.join(work, "healthy")), "evict"],
                            None))
    services.append(Service("mailer", "plain C under `heapfloor run --`, never frees a letter", [agent, "run", "--", mailer],
                            "write_letter"))
    if shutil.which("go"):
        basket = os.path.join(work, "basket")
        # git may refuse to speak to who does not own the repository, and go then to build.
        subprocess.run(["go", "build", "-buildvcs=false", "-o", basket, "."], cwd=os.path.join(HERE, "basket"), check=True, timeout=240,
                       env=dict(os.environ, GOCACHE=os.path.join(work, "go-cache"), GOFLAGS="-mod=mod"))
        services.append(Service("basket", "Go, nothing changed in it, never checks a basket out", [basket], "main.addToBasket",
                                environment={"GOMEMLIMIT": f"{pace.limit_mib}MiB"}, watched=("go", "gc_live")))
    else:
        absent.append("no Go service and no `go tool pprof`: `go` is not installed (Debian: golang-go)")
    if shutil.which("javac"):
        run("javac", "-d", work, os.path.join(HERE, "Orders.java"))
        services.append(Service("orders", "Java, nothing changed in it, never delivers",
                                ["java", f"-Xmx{pace.limit_mib}m", "-XX:+UseSerialGC", "-cp", work, "Orders"], "Orders$Order",
                                watched=("jvm", "gc_live")))
    else:
        absent.append("no Java service: `javac` is not installed (Debian: openjdk-17-jdk-headless)")
    services.append(Service("report", "Python without a probe, keeps all it reported", [sys.executable, os.path.join(HERE, "report.py")],
                            "nobody looked inside"))
    return services, absent


class Demo:
    """The agent, the services, and the voice. A context manager: leaving it ends them."""

    def __init__(self, options):
        self.agent_program, self.work = os.path.abspath(options.agent), options.work
        self.pace = QUICK if options.quick else CALM
        self.started = time.monotonic()
        self.agent, self.address, self.services = None, None, []
        self.log = os.path.join(self.work, "agent.log")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        processes = [service.process for service in self.services if service.process] + [self.agent]
        for process in filter(None, processes):
            process.terminate()
        for process in filter(None, processes):
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def say(self, text, *details):
        """One line with the time, and what belongs to it below."""
        print(textwrap.fill(text, 110, initial_indent=f"[{time.monotonic() - self.started:4.0f} s] ", subsequent_indent=" " * 9,
                            break_long_words=False, break_on_hyphens=False), flush=True)
        for detail in details:
            print(textwrap.fill(detail, 110, initial_indent=" " * 9, subsequent_indent=" " * 11, break_long_words=False,
                                break_on_hyphens=False), flush=True)

    @staticmethod
    def quote(lines):
        """What another program printed."""
        for line in lines:
            print(" " * 9 + line[:100].rstrip(), flush=True)

    def get(self, path, method="GET"):
        request = urllib.request.Request(f"http://{self.address}{path}", method=method, headers={"X-Heapfloor": "1"})
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.read()

    def api(self, path):
        return json.loads(self.get("/api/v1/" + path))["data"]

    def wait(self, condition):
        """The first true value in the time that the demonstration has, or None."""
        while time.monotonic() - self.started < PATIENCE_SECONDS:
            value = condition()
            if value or self.agent.poll() is not None:
                return value
            time.sleep(0.5)
        return None

    def start(self):
        self.services, absent = build(self.work, self.agent_program, self.pace)
        self.started = time.monotonic()
        with open(self.log, "w", encoding="utf-8") as log:
            self.agent = subprocess.Popen(
                [self.agent_program, "agent", "--web.listen-address=127.0.0.1:0", "--storage.path=" + os.path.join(self.work, "state"),
                 *self.pace.options()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log)
        self.address = self.wait(self.listening)
        if not self.address:
            raise RuntimeError("the agent did not start: " + self.log_end())
        self.say(f"The agent runs. Its page: http://{self.address}/ (open it and look along)",
                 f"It looks every {self.pace.interval}, a day lasts {self.pace.day_minutes} minutes, and a service may have "
                 f"{self.pace.limit_mib} MiB.")
        for service in self.services:
            service.process = subprocess.Popen(service.command, env={**os.environ, **service.environment}, stdin=subprocess.DEVNULL)
        self.say("The services run:", *(f"{service.name} (pid {service.pid}): {service.about}" for service in self.services), *absent)

    def listening(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            match = LISTENING.search(log.read())
        return match and match.group(1)

    def log_end(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()[-1500:]

    def observe(self):
        """Tells what has changed since it was last asked."""
        suspects = self.api("suspects")["suspects"]
        for service in self.services:
            mine = [suspect for suspect in suspects if suspect["subject"]["pid"] == service.pid]
            main = [suspect for suspect in mine if (suspect["scope"], suspect["signal"]) == (service.scope, service.signal)]
            service.suspect = main[0] if main else None
            state = service.suspect["state"] if main else self.quiet_state(service)
            if state and service.states[-1:] != [state]:
                service.states.append(state)
                self.tell_state(service, state)
            if service.suspect and state == "leaking":
                self.tell_parts(service)

    def quiet_state(self, service):
        """Of one that was no suspect when suspects were asked for: learning, stable, or None while it is not watched, or has become one
        since."""
        name = os.path.basename(service.command[0]) if service.scope == "jvm" else service.name
        for row in self.api(f"subjects?search={name}&limit=100")["subjects"]:
            if row["subject"]["pid"] == service.pid and (row["scope"], row["signal"]) == (service.scope, service.signal):
                return row["state"] if row["state"] in ("learning", "stable") else None
        return None

    def tell_state(self, service, state):
        if state == "suspected":
            self.say(f"{service.name} is SUSPECTED: {service.suspect['reason']}")
        elif state == "leaking":
            self.say(f"{service.name} is LEAKING: {rate_of(service.suspect)}", *filter(None, [death_of(service.suspect)]))
        elif "leaking" in service.states:
            self.say(f"{service.name} is {state.upper()}")

    def tell_parts(self, service):
        """What of a leak is known that was not told yet."""
        suspect = service.suspect
        parts = {}
        if suspect["structures"]:
            structure = suspect["structures"][0]
            parts["structure"] = structure["name"] + share_of(structure)
        if suspect["sites"] and suspect["sites"][0]["function"]:
            site = suspect["sites"][0]
            place = f" ({os.path.basename(site['file'])}:{site['line']})" if site["file"] else ""
            parts["function"] = f"{site['function']}{place}{share_of(site)}"
        for kind, text in parts.items():
            if kind not in service.told:
                service.told.add(kind)
                self.say(f"{service.name}: the {kind} that grows is {text}")

    def leaks(self):
        return [service for service in self.services if service.found]

    def is_explained(self, service):
        wanted = {"sessions": {"structure"}, "basket": {"function"}}
        return "leaking" in service.states and wanted.get(service.name, set()) <= service.told

    def find_leaks(self):
        def all_explained():
            self.observe()
            return all(self.is_explained(service) for service in self.leaks())
        return "every leak is found and explained" if not self.wait(all_explained) else None

    def look_at_the_outside(self):
        """Of programs that nobody looked into, what can be told all the same."""
        by_name = {service.name: service for service in self.services}
        if by_name["report"].suspect:
            self.say(f"report: {by_name['report'].suspect['cause_summary']} Nobody looked inside; `heapfloor run -- python3 "
                     "report.py` would.")
        if "orders" in by_name:
            done = subprocess.run([self.agent_program, "histogram", "--pid", str(by_name["orders"].pid), "--yes", "--live"],
                                  capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL)
            self.say(f"orders: heapfloor histogram --pid {by_name['orders'].pid} --yes --live")
            self.quote(done.stdout.splitlines()[:6])
            return None if "Orders$Order" in done.stdout else "the histogram of the JVM names the class"
        return None

    def show_alert(self):
        """Of the memory of a program, its heap and its structures the first that leaks has the alert."""
        pid = self.service(REPAIRED).pid

        def firing():
            return [alert for alert in self.api("alerts")["alerts"] if alert["labels"]["alertname"] == ALERT
                    and alert["state"] == "firing" and f":{pid}:" in alert["labels"]["subject"]]
        alerts = self.wait(firing)
        if not alerts:
            return "the alert fires"
        labels, annotations = alerts[0]["labels"], alerts[0]["annotations"]
        self.say(f"The alert {labels['alertname']} fires for {REPAIRED} ({labels['severity']}); an Alertmanager or a webhook would be told:",
                 *(annotations[name] for name in ("summary", "description") if name in annotations))
        return None

    def service(self, name):
        return next(service for service in self.services if service.name == name)

    def show_evidence(self):
        pid = self.service(REPAIRED).pid
        captures = self.wait(lambda: [capture for capture in self.api("evidence")["evidence"]
                                      if capture["pid"] == pid and capture["occasion"] == "leaking"])
        if not captures:
            return "evidence is captured"
        path = os.path.join(self.work, "evidence.tar.gz")
        with open(path, "wb") as file:
            file.write(self.get(captures[0]["archive"]))
        with tarfile.open(path) as archive:
            names = [os.path.basename(name) for name in archive.getnames()]
        self.say(f"Captured when {REPAIRED} was called leaking, and kept when it is gone: {', '.join(names)}",
                 f"curl -O http://{self.address}{captures[0]['archive']}")
        return None

    def show_profiles(self):
        """What the heap of those with a probe has grown by within ten seconds, by function."""
        for service in (self.service(REPAIRED), self.service("mailer")):
            address = f"http://{self.address}/processes/{service.pid}/debug/pprof/heap?seconds={PROFILE_SECONDS}"
            refusals = []

            def profile(address=address, refusals=refusals):
                """What a program carries is looked for when it is new, and again after a while: under load it may be late."""
                try:
                    return self.get(address.removeprefix("http://" + self.address))
                except urllib.error.HTTPError as refusal:
                    refusals.append(refusal.read().decode(errors="replace"))
                    return None
            body = self.wait(profile)
            if not body:
                return f"there is a profile of {service.name}: {refusals[-1:]}"
            path = os.path.join(self.work, service.name + ".pb.gz")
            with open(path, "wb") as file:
                file.write(body)
            if not shutil.which("go"):
                self.say(f"What {service.name} has grown by in {PROFILE_SECONDS} s: {address} (`go tool pprof` is not installed)")
                continue
            done = subprocess.run(["go", "tool", "pprof", "-top", "-nodecount=4", path], capture_output=True, text=True, timeout=60,
                                  check=False, stdin=subprocess.DEVNULL)
            self.say(f"go tool pprof -top -nodecount=4 '{address}'")
            self.quote(done.stdout.splitlines()[-5:])
            if service.found not in done.stdout:
                return f"the profile of {service.name} names {service.found}"
        return None

    def wait_for_functions(self):
        """The agent itself says which functions grow after four readings, a minute apart, of a program with a probe."""
        if self.pace is QUICK:
            return None
        mailer = self.service("mailer")

        def is_told():
            self.observe()
            return "function" in mailer.told
        return None if self.wait(is_told) else "the agent names the function of mailer"

    def repair(self):
        service = self.service(REPAIRED)
        self.say(f"Somebody repairs {REPAIRED} while it runs: kill -USR1 {service.pid}")
        os.kill(service.pid, signal.SIGUSR1)
        if not self.wait(lambda: self.cache_bytes(service) < 2 * KEPT_BYTES):
            return "the cache of what was repaired is small again"
        path = f"/api/v1/subjects/{service.suspect['id']}/compact"
        self.say(f"Its cache is {mib(self.cache_bytes(service))} again. It is asked to give back what its allocator keeps of the rest:",
                 f"curl -X POST -H 'X-Heapfloor: 1' http://{self.address}{path}")
        try:
            self.get(path, "POST")
        except urllib.error.HTTPError as refusal:  # without privileges: then it is stable all the same, at a higher level
            self.say("That is refused: " + json.loads(refusal.read())["error"])

        def is_stable():
            self.observe()
            return service.states[-1:] == ["stable"]
        if not self.wait(is_stable):
            return "what was repaired is stable"
        resolved = self.wait(lambda: not any(f":{service.pid}:" in alert["labels"].get("subject", "")
                                             for alert in self.api("alerts")["alerts"] if alert["labels"]["alertname"] == ALERT))
        if not resolved:
            return "the alert ends"
        self.say(f"The alert of {REPAIRED} has ended.")
        return None

    def cache_bytes(self, service):
        """What the structure of a service holds."""
        return max(row["value_bytes"] or 0 for row in self.api(f"subjects?search={service.name}&limit=100")["subjects"]
                   if row["subject"]["pid"] == service.pid and row["signal"] == "structure_bytes")

    def sum_up(self):
        self.observe()
        self.say("How it went:", *(f"{service.name}: {' > '.join(service.states)}" for service in self.services))
        wrong = [service.name for service in self.services if not service.found and "leaking" in service.states]
        return f"what is healthy is not called leaking: {wrong}" if wrong else None


def mib(value):
    return f"{value / MIB:.1f} MiB"


def share_of(part):
    return f", {part['share']:.0%} of the growth" if part["share"] is not None else ""


def rate_of(suspect):
    growth = suspect["growth_bytes_per_second"]
    return (f"it grows by {mib(growth['estimate'])}/s ({growth['low'] / MIB:.1f} to {growth['high'] / MIB:.1f}) and holds "
            f"{mib(suspect['value_bytes'])}.")


def death_of(suspect):
    """When it meets its limit, as a sentence; None where no limit is known."""
    forecast = suspect["predicted_exhaustion"]
    if not forecast:
        return None

    def clock(seconds):
        return datetime.datetime.fromtimestamp(seconds).strftime("%H:%M:%S") if seconds is not None else "never"
    return (f"It dies at {clock(forecast['at'])} (between {clock(forecast['earliest'])} and {clock(forecast['latest'])}), when it meets its "
            f"limit of {mib(forecast['limit_bytes'])} ({forecast['limit_source']}).")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--agent", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    os.makedirs(options.work, exist_ok=True)
    with Demo(options) as demo:
        demo.start()
        for part in (demo.find_leaks, demo.show_alert, demo.show_profiles, demo.look_at_the_outside, demo.show_evidence, demo.repair,
                     demo.wait_for_functions, demo.sum_up):
            missed = part()
            if missed:
                demo.sum_up()
                print(f"packaging/demo: not seen: {missed}\n{demo.log_end()}", file=sys.stderr)
                return 1
        demo.say("All of it is ended now.")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
