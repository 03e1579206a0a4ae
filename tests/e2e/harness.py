"""What the end-to-end drivers share: the agent as a process, the programs beside it, and waiting by condition."""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time

LISTENING = re.compile(r'msg="?listening"?.*\baddress="?((?:[0-9.]+|\[[0-9a-f:]+\]):[0-9]+)"?')
SAMPLE = re.compile(r"^([a-z_:][a-z0-9_:]*)(?:\{(.*)\})? (\S+)", re.I)
LABEL = re.compile(r'([a-z_][a-z0-9_]*)="((?:\\.|[^"\\])*)"', re.I)

AGENT = sys.argv[1] if len(sys.argv) > 1 else ""
PROGRAMS = sys.argv[2] if len(sys.argv) > 2 else ""


def wait_until(condition, seconds, what):
    """The first true value of `condition()`, asked twice a second; an AssertionError when there is none in time."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what() if callable(what) else what}")
        time.sleep(0.5)


class Agent:
    """`heapfloor agent`, by default on a port of the kernel's choice and without a state directory. A context manager:
    leaving it ends the process."""

    def __init__(self, *arguments, listen="127.0.0.1:0", storage="", **popen):
        self.lines = []
        self._address = None
        self._ready = threading.Event()
        self.process = subprocess.Popen(
            [AGENT, "agent", "--web.listen-address=" + listen, "--storage.path=" + storage, *arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace",
            **popen)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stderr:
            self.lines.append(line.rstrip("\n"))
            match = LISTENING.search(line)
            if match and self._address is None:
                self._address = match.group(1)
                self._ready.set()
        self._ready.set()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is not None:
            self.print_log()
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._reader.join(10)
        self.process.stderr.close()

    def print_log(self):
        print("\n".join(["the agent's log ends with:", *self.lines[-40:]]), file=sys.stderr)

    @property
    def address(self):
        """host:port, waited for until the agent has said it."""
        if not self._ready.wait(30) or self._address is None:
            raise AssertionError("the agent did not say its address; it said: " + "\n".join(self.lines[-10:]))
        return self._address

    def request(self, path, method="GET", headers=None):
        """(status, headers, body) of one request on a connection of its own."""
        connection = http.client.HTTPConnection(self.address, timeout=20)
        try:
            connection.request(method, path, headers=headers or {})
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()

    def api(self, path):
        """The `data` of a successful answer of the API."""
        status, _, body = self.request("/api/v1/" + path)
        document = json.loads(body)
        if status != 200 or document.get("status") != "success":
            raise AssertionError(f"/api/v1/{path}: {status} {body[:300]!r}")
        return document["data"]

    def metrics(self):
        """Every sample of /metrics as (name, labels, value)."""
        status, _, body = self.request("/metrics")
        if status != 200:
            raise AssertionError(f"/metrics: {status}")
        return parse_page(body.decode())

    def metric(self, name, **labels):
        """The values of the samples of this name that carry these labels."""
        return [value for n, l, value in self.metrics() if n == name and labels.items() <= l.items()]

    def stop(self, seconds):
        """Sends SIGTERM and returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)


def parse_page(text):
    """(name, labels, value) of each sample line of a text page."""
    samples = []
    for line in text.splitlines():
        if line and not line.startswith("#"):
            match = SAMPLE.match(line)
            if not match:
                raise AssertionError(f"not a sample: {line!r}")
            samples.append((match.group(1), dict(LABEL.findall(match.group(2) or "")), float(match.group(3))))
    return samples


class Programs:
    """The programs under observation, by name. A context manager: leaving it ends them."""

    def __init__(self, names, *arguments):
        self.processes = {}
        for name in names:
            self.processes[name] = subprocess.Popen([os.path.join(PROGRAMS, name), *arguments], stdin=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes.values():
            process.kill()
            process.wait()

    def pid(self, name):
        return self.processes[name].pid


def build_id_of(name):
    """The build id of a program, as readelf says it."""
    notes = subprocess.run(["readelf", "-n", os.path.join(PROGRAMS, name)], capture_output=True, text=True, timeout=30,
                           check=True)
    return re.search(r"Build ID: ([0-9a-f]+)", notes.stdout).group(1)


def forge_go_version(program):
    """Lets a Go program say that it was built by a version that nobody knows: then its memory cannot be read unless its debugging
    information tells how."""
    version = subprocess.run(["go", "env", "GOVERSION"], capture_output=True, check=True, timeout=60).stdout.strip()
    with open(program, "r+b") as file:
        content = file.read()
        file.seek(0)
        file.write(content.replace(version, b"go1.99".ljust(len(version), b"9")))


def comm_of(name):
    """The name as the kernel keeps it: 15 bytes."""
    return name[:15]


def subject_pid(subject):
    """The pid of a subject label such as process:4711:99, or None."""
    parts = subject.split(":")
    return int(parts[1]) if len(parts) == 3 and parts[0] == "process" else None


def suspect_of(agent, pid):
    """The suspect that is this process, or None."""
    for suspect in agent.api("suspects")["suspects"]:
        if suspect["scope"] == "process" and suspect["subject"]["pid"] == pid:
            return suspect
    return None
