"""What the tests of heap profiles share: a running agent, and what `go tool pprof` prints."""

import os
import re
import subprocess
import tempfile
import threading
import urllib.error
import urllib.request


def pprof(*arguments):
    """What go tool pprof prints, without any look at files of this machine or of the network."""
    environment = dict(os.environ, PPROF_BINARY_PATH="/nonexistent", PPROF_TMPDIR=tempfile.gettempdir())
    return subprocess.run(["go", "tool", "pprof", "-symbolize=none", *map(str, arguments)], capture_output=True,
                          text=True, timeout=120, check=True, env=environment).stdout


class Agent:
    """A running agent that knows the targets that run now."""

    def __init__(self, program):
        self.process = subprocess.Popen(
            [program, "--web.listen-address=127.0.0.1:0", "--collection.interval=1s", "--storage.path=",
             "--no-collector.smaps"], stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            found = re.search(r"msg=listening .*url=(\S+)/", line)
            if found:
                self.url = found.group(1)
                break
        self.drain = threading.Thread(target=self.process.stderr.read)
        self.drain.start()

    def get(self, path):
        """Status, body."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as refusal:
            return refusal.code, refusal.read()

    def end(self):
        self.process.terminate()
        self.process.wait()
        self.drain.join()
        self.process.stderr.close()
