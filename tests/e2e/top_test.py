#!/usr/bin/env python3
"""top_test.py AGENT PROGRAMS: `heapfloor top` in a real terminal (tmux): keys, sizes, colours, an agent that goes away;
and what it prints where there is no terminal. The agent is tests/web/mock_agent.py, whose names are hostile; once it
is a real one."""

import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest

import harness

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "web"))
import mock_agent  # noqa: E402  pylint: disable=wrong-import-position

TMUX = shutil.which("tmux")
# The hash of the password "secret".
BCRYPT_SECRET = "$2y$10$heapfloorheapfloorhea.9qd2tcU/QqKkadJPj.aCNJwWHO16dBm"
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
COLOUR = re.compile(r"\x1b\[[0-9;]*3[1-7]m")


def top(*arguments, **options):
    return subprocess.run([harness.AGENT, "top", *arguments], capture_output=True, text=True, timeout=60, check=False,
                          stdin=subprocess.DEVNULL, **options)


class Terminal:
    """A tmux server of its own with `heapfloor top` in its one window. A context manager: leaving it ends all of it."""

    def __init__(self, *arguments, columns=120, rows=30, **environment):
        self.folder = tempfile.mkdtemp(prefix="heapfloor-tmux-")
        self.exit_code = os.path.join(self.folder, "exit-code")
        words = [f"{name}={value}" for name, value in environment.items()]
        command = shlex.join(["env", *words, harness.AGENT, "top", "--interval=200ms", *arguments])
        self.tmux("new-session", "-d", "-x", str(columns), "-y", str(rows), "-s", "top",
                  f"{command}; echo $? > {shlex.quote(self.exit_code)}")

    def tmux(self, *arguments):
        done = subprocess.run([TMUX, "-S", os.path.join(self.folder, "socket"), "-f", "/dev/null", *arguments],
                              capture_output=True, text=True, timeout=30, check=False)
        return done.stdout

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is not None:
            print(self.screen(), file=sys.stderr)
        self.tmux("kill-server")
        shutil.rmtree(self.folder, ignore_errors=True)

    def screen(self, *more):
        return self.tmux("capture-pane", "-p", "-t", "top", *more)

    def press(self, *keys):
        self.tmux("send-keys", "-t", "top", *keys)

    def write(self, text):
        self.tmux("send-keys", "-t", "top", "-l", text)

    def resize(self, columns, rows):
        self.tmux("resize-window", "-t", "top", "-x", str(columns), "-y", str(rows))

    def wait_for(self, pattern, what=None):
        """The screen, once it matches."""
        harness.wait_until(lambda: re.search(pattern, self.screen(), re.M), 20,
                           lambda: f"{what or pattern}\n{self.screen()}")
        return self.screen()

    def wait_for_end(self):
        def ended():
            with open(self.exit_code, encoding="ascii") as file:
                return file.read().strip()
        return harness.wait_until(lambda: os.path.exists(self.exit_code) and ended(), 20, self.screen)


class TopTest(unittest.TestCase):
    def mock(self, scene="leaks"):
        agent = mock_agent.Agent(scene).start()
        self.addCleanup(lambda: agent.stop() if agent.server.socket.fileno() >= 0 else None)
        return agent

    def terminal(self, *arguments, **options):
        if TMUX is None:
            self.skipTest("tmux is not installed")
        return self.enterContext(Terminal(*arguments, **options))

    def test_suspects_detail_and_the_way_back(self):
        terminal = self.terminal("--url", self.mock().url)
        screen = terminal.wait_for(r"^leaking +4711 payments \[shop\]")
        self.assertIn("[Suspects 5]", screen)
        self.assertIn("1 leaking, 2 suspected, 1 recovering", screen)
        self.assertRegex(screen, r"(?m)^suspected +4822 search-indexer .* 9\.4 MiB/h +in 70 d")
        terminal.press("Down", "Down", "Enter")
        screen = terminal.wait_for(r"^id +process:4711:1471100/rss_anon")
        self.assertIn("The floor rose in 22 of the last 23 buckets", screen)
        self.assertIn("in user_cache, phase grow", screen)
        terminal.press("Escape")
        terminal.wait_for(r"^recovering +4933 thumbnailer")
        terminal.press("q")
        self.assertEqual(terminal.wait_for_end(), "0")

    def test_subjects_sort_search_and_page(self):
        terminal = self.terminal("--url", self.mock().url)
        terminal.wait_for("Suspects 5")
        terminal.press("Tab")
        terminal.wait_for(r"\[Subjects 304\]  by value")
        terminal.press("n")
        terminal.wait_for("by name")
        terminal.press("n")
        terminal.wait_for("by name, reversed")
        terminal.press("v", "NPage", "NPage")
        terminal.wait_for("by value")
        terminal.press("/")
        terminal.wait_for("^/_")
        terminal.write("redis")
        terminal.wait_for(r'with "redis"')
        terminal.wait_for(r"^/redis_$")
        terminal.press("Enter")
        harness.wait_until(lambda: self.names_on(terminal) == {"redis-server"}, 20, terminal.screen)
        terminal.wait_for("^q quit")
        terminal.press("Escape")
        terminal.wait_for(r"\[Subjects 304\]  by value$")

    @staticmethod
    def names_on(terminal):
        """The names of the processes that the list shows."""
        return set(re.findall(r"(?m)^(?:stable|-|learning) +\d+ (\S+)", terminal.screen()))

    def test_it_follows_the_size_of_the_terminal(self):
        terminal = self.terminal("--url", self.mock().url)
        self.assertIn("FLOOR", self.terminal("--url", self.mock().url, columns=150).wait_for("^leaking"))
        self.assertNotIn("FLOOR", terminal.wait_for("^leaking"))
        terminal.resize(60, 10)
        screen = terminal.wait_for(r"^STATE +NAME +VALUE +GROWTH$")
        self.assertNotIn("SIGNAL", screen)
        self.assertIn("q quit", screen)
        terminal.resize(20, 4)
        terminal.wait_for("(?s)^heapfloor 0.*q quit")
        terminal.resize(140, 40)
        terminal.wait_for("^STATE +PID NAME +SCOPE")

    def test_no_control_character_of_a_name_reaches_the_terminal(self):
        terminal = self.terminal("--url", self.mock().url, rows=60)
        terminal.wait_for("Suspects 5")
        terminal.press("Tab", "/")
        terminal.write("x1b")
        terminal.wait_for("q quit|/x1b_")
        terminal.press("Escape", "Escape", "n")
        screen = terminal.wait_for("by name")
        for _ in range(8):
            self.assertIsNone(CONTROL.search(screen), screen)
            terminal.press("NPage")
            screen = terminal.wait_for("by name")
        plain = top("--url", self.mock().url, "--once", "--rows=1000").stdout
        self.assertIsNone(CONTROL.search(plain))
        self.assertIn(r"\x1B[31mred\x1B[0m", plain)
        self.assertIn(r"inv\xE2\x80\xAEgpj.exe", plain)

    def test_colours_and_none_where_they_are_not_wanted(self):
        coloured = self.terminal("--url", self.mock().url)
        coloured.press("Down", "Down", "Down", "Down")
        harness.wait_until(lambda: COLOUR.search(coloured.screen("-e")), 20, lambda: coloured.screen("-e"))
        plain = self.terminal("--url", self.mock().url, NO_COLOR="1")
        plain.press("Down", "Down", "Down", "Down")
        plain.wait_for("^leaking")
        self.assertIsNone(COLOUR.search(plain.screen("-e")))

    def test_an_agent_that_goes_away_and_comes_back(self):
        agent = self.mock()
        terminal = self.terminal("--url", agent.url)
        terminal.wait_for("^leaking")
        agent.stop()
        screen = terminal.wait_for(f"^{re.escape(agent.url.rstrip('/'))}: ", "the failure is said")
        self.assertIn("payments", screen, "what was known stays")
        agent.start()
        terminal.wait_for("^q quit")

    def test_a_terminal_that_is_not_known_is_said(self):
        terminal = self.terminal("--url", self.mock().url, TERM="no-such-terminal")
        self.assertEqual(terminal.wait_for_end(), "1")

    def test_a_pipe_gets_one_table_without_colour(self):
        done = top("--url", self.mock().url)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertNotIn("\x1b", done.stdout)
        self.assertRegex(done.stdout, r"(?m)^Suspects 5$")
        self.assertRegex(done.stdout, r"(?m)^Subjects 304, the largest 20$")
        self.assertEqual(len(re.findall(r"(?m)^STATE ", done.stdout)), 2)

    def test_behind_a_path_prefix(self):
        agent = mock_agent.Agent("leaks", "/memory/").start()
        self.addCleanup(agent.stop)
        self.assertIn("payments", top("--url", agent.url, "--once").stdout)

    def test_refusals(self):
        nobody = top("--url", "http://127.0.0.1:9", "--once")
        self.assertEqual((nobody.returncode, nobody.stdout), (1, ""))
        self.assertIn("heapfloor: http://127.0.0.1:9: ", nobody.stderr)
        for arguments in (["--url", "ftp://x"], ["--url", "http://user:secret@x"], ["--interval=0s"], ["--rows=0"],
                          ["--config.file=/no/such/file"]):
            with self.subTest(arguments=arguments):
                done = top("--once", *arguments)
                self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
                self.assertNotIn("secret", done.stderr)

    @unittest.skipUnless(shutil.which("openssl"), "openssl is not installed")
    def test_a_real_agent_with_tls_and_a_password(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        path = {name: os.path.join(folder, name) for name in ("web.yml", "server.crt", "server.key", "right", "wrong")}
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout",
                        path["server.key"], "-out", path["server.crt"]], check=True, capture_output=True, timeout=60)
        for name, text in (("web.yml", "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n"
                                       f"basic_auth_users:\n  ops: {BCRYPT_SECRET}\n"),
                           ("right", "secret\n"), ("wrong", "guess\n")):
            with open(path[name], "w", encoding="utf-8") as file:
                file.write(text)
        with harness.Agent("--collection.interval=1s", "--web.config.file=" + path["web.yml"]) as agent:
            ask = ["--url", "https://" + agent.address, "--username=ops"]
            done = top(*ask, "--ca-file", path["server.crt"], "--password-file", path["right"])
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn("Suspects", done.stdout)
            done = top(*ask, "--ca-file", path["server.crt"], "--password-file", path["wrong"])
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn("it wants a password", done.stderr)
            done = top(*ask, "--password-file", path["right"])
            self.assertEqual((done.returncode, done.stdout), (1, ""), "nobody whom it knows signs the certificate")

    def test_a_real_agent_by_the_address_of_its_configuration(self):
        with harness.Agent("--collection.interval=1s") as agent:
            harness.wait_until(lambda: agent.request("/-/ready")[0] == 200, 30, "not ready")
            done = top("--web.listen-address=" + agent.address, "--rows=1000")
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertRegex(done.stdout, r"heapfloor \d.* \d+ processes, \d+ series watched")
            self.assertRegex(done.stdout, rf"(?m)^\S+ +{os.getpid()} ")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
