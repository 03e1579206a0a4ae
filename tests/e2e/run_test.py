#!/usr/bin/env python3
"""run_test.py HEAPFLOOR PROGRAMS: `heapfloor run` starts a program with the probe in it, and `heapfloor probe` reads it.

With a library that is built beside the agent; where there is none, only what `run` refuses is tested.
"""
import os
import subprocess
import sys
import tempfile

HEAPFLOOR, PROGRAMS = sys.argv[1:3]
LIBRARY = os.path.realpath(os.path.join(os.path.dirname(HEAPFLOOR), "../lib/libheapfloor_probe.so"))


def run(*arguments, **environment):
    return subprocess.run([HEAPFLOOR, *arguments], capture_output=True, text=True, check=False, timeout=60,
                          env={**os.environ, **environment})


def expect(condition, what, done):
    if not condition:
        sys.exit(f"{what}: exit code {done.returncode}, output {done.stdout!r}, errors {done.stderr!r}")


def refuses():
    library = ["--library", LIBRARY if os.path.exists(LIBRARY) else "/bin/true"]
    done = run("run", *library, "--", "no-such-program-anywhere")
    expect(done.returncode == 2 and "no such program" in done.stderr, "a program that is not there", done)
    done = run("run", *library)
    expect(done.returncode == 2, "no program at all", done)
    done = run("run", "--sample=much", *library, "--", "true")
    expect(done.returncode == 2, "a size that is none", done)
    done = run("run", "--library", "/nowhere/lib.so", "--", "true")
    expect(done.returncode == 2 and "/nowhere/lib.so" in done.stderr, "a library that is not there", done)
    with tempfile.TemporaryDirectory() as folder:
        script = os.path.join(folder, "script")
        with open(script, "w", encoding="utf-8") as file:
            file.write("#!/nowhere/interpreter\n")
        os.chmod(script, 0o755)
        done = run("run", *library, "--", script)
        expect(done.returncode == 2 and "/nowhere/interpreter" in done.stderr, "a script of nothing", done)
    done = run("probe", "--pid", str(os.getpid()))
    expect(done.returncode == 1 and "no probe" in done.stderr, "a process without a probe", done)


def starts():
    shell = 'echo "$LD_PRELOAD|$HEAPFLOOR_SAMPLE_BYTES|$1"; exit 7'
    done = run("run", "--sample=128KiB", "--", "/bin/sh", "-c", shell, "sh", "--log.level=", LD_PRELOAD="")
    expect(done.returncode == 7, "the exit code is the program's", done)
    preload, sample, argument = done.stdout.strip().split("|")
    expect(os.path.realpath(preload) == LIBRARY, "the probe is preloaded", done)
    expect(sample == "131072" and argument == "--log.level=", "sample and arguments are handed on", done)
    library = "libm.so.6"
    done = run("run", "--", "/bin/sh", "-c", 'echo "$LD_PRELOAD"', LD_PRELOAD=library)
    expect(done.stdout.strip().endswith(":" + library), "what was preloaded stays", done)
    child = subprocess.Popen([HEAPFLOOR, "run", "--", "/bin/sh", "-c", "echo up; read line"], text=True,
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    child.stdout.readline()
    done = run("probe", "--pid", str(child.pid))
    child.stdin.write("\n")
    child.stdin.close()
    child.wait()
    expect(done.returncode == 0 and f"pid {child.pid} as it sees itself" in done.stdout, "it is read", done)


refuses()
if os.path.exists(LIBRARY):
    starts()
