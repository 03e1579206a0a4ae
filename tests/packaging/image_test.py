#!/usr/bin/env python3
"""image_test.py ROOT WORK: the image is built by packaging/container/Containerfile with podman, and runs as the DaemonSet runs it.

No registry of images is asked: the base is made by debootstrap from the mirror of this machine's apt, under the name that the
Containerfile uses. Images stay in WORK, apart from those of the machine. A real build, of ten minutes and more: `packaging/test
--full` runs it. Exits 77 where there is no podman, or no tree can be made.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest
import urllib.request

import yaml

import debian_tree

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "e2e"))
import harness  # noqa: E402  pylint: disable=wrong-import-position

ROOT, WORK = sys.argv[1:3] if len(sys.argv) > 2 else ("", "")
BASE, IMAGE = "debian:12-slim", "heapfloor:test"
BUILD_SECONDS = 3600
# What may say where the packages of npm are; nothing of it gets into the image. The user's own comes last and wins.
NPM_FILES = ("/etc/npmrc", os.path.expanduser("~/.npmrc"))
TRUSTED = "/root/trusted.pem"
# crun knows version 1 and version 2, not both at once: where memory is on version 1, version 2 is put aside, in a mount
# namespace that ends with the command.
ONE_HIERARCHY = r"""
mount --make-rprivate /
if [ -d /sys/fs/cgroup/memory ]; then
  awk '$3 == "cgroup2" { print $2 }' /proc/self/mounts | while read -r point; do umount "$point"; done
fi
exec "$@"
"""
# A container's limits are those of this machine or lower: a restricted root may not raise them.
LIMITS = ("--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024")


def podman(*arguments):
    """The command, on a store of its own."""
    store = os.path.join(WORK, "store")
    return ["unshare", "--mount", "bash", "-c", ONE_HIERARCHY, "podman", "podman", "--root", store, "--runroot", os.path.join(WORK, "run"),
            "--cgroup-manager", "cgroupfs", "--events-backend", "none", *arguments]


def import_base():
    """Debian's smallest tree as the image that the Containerfile begins with; made once."""
    if debian_tree.run(*podman("image", "exists", BASE), check=False).returncode == 0:
        return
    with tempfile.TemporaryDirectory(dir=WORK) as folder:
        tree = os.path.join(folder, "tree")
        done = debian_tree.run("debootstrap", "--variant=minbase", debian_tree.SUITE, tree, debian_tree.mirror(), check=False)
        if done.returncode != 0:
            raise debian_tree.Unavailable("no tree: " + done.stdout[-800:])
        archive = os.path.join(folder, "tree.tar")
        debian_tree.run("tar", "--directory", tree, "--create", "--file", archive, ".")
        debian_tree.run(*podman("import", archive, BASE))


def machine_volumes(folder):
    """npm's settings on this machine, for npm in the build, with the certificates that it trusts here: those of a proxy that looks into
    what passes may be among them."""
    trusted = debian_tree.run("npm", "config", "get", "cafile", check=False).stdout.strip()
    if not os.path.isfile(trusted):
        trusted = os.environ.get("NODE_EXTRA_CA_CERTS", "")
    lines, volumes = [], []
    for path in NPM_FILES:
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                lines += [line.rstrip("\n") for line in file if not line.startswith("cafile=")]
    if os.path.isfile(trusted):
        lines.append(f"cafile={TRUSTED}")
        volumes.append(f"--volume={trusted}:{TRUSTED}:ro")
    settings = os.path.join(folder, "npmrc")
    with open(settings, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    return [*volumes, f"--volume={settings}:/root/.npmrc:ro"]


def agent_of(manifest):
    with open(os.path.join(ROOT, "packaging/kubernetes", manifest), encoding="utf-8") as file:
        return yaml.safe_load(file)["spec"]["template"]["spec"]["containers"][0]


class ImageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory() as folder:
            debian_tree.run(*podman("build", "--isolation=chroot", "--network=host", *machine_volumes(folder), "--file",
                                    os.path.join(ROOT, "packaging/container/Containerfile"), "--tag", IMAGE, ROOT), seconds=BUILD_SECONDS)
        cls.state = cls.enterClassContext(tempfile.TemporaryDirectory(dir=WORK))
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            cls.port = listener.getsockname()[1]
        cls.name = f"heapfloor-test-{os.getpid()}"
        security = agent_of("daemonset.yaml")["securityContext"]
        cls.agent = subprocess.Popen(
            podman("run", "--rm", "--name", cls.name, "--read-only", "--pid=host", "--network=host", "--cap-drop=ALL",
                   *(f"--cap-add={name}" for name in security["capabilities"]["add"]), "--security-opt=no-new-privileges", *LIMITS,
                   "--volume=/sys:/host/sys:ro", f"--volume={cls.state}:/var/lib/heapfloor", IMAGE, "agent", "--path.sysfs=/host/sys",
                   "--no-collector.kmsg", "--collection.interval=1s", f"--web.listen-address=127.0.0.1:{cls.port}"),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        cls.addClassCleanup(cls.end)

    @classmethod
    def end(cls):
        debian_tree.run(*podman("stop", "--time", "10", cls.name), check=False)
        if cls.agent.poll() is None:
            cls.agent.kill()
        cls.agent.wait()
        cls.agent.stderr.close()

    def page(self):
        if self.agent.poll() is not None:
            self.fail(self.agent.stderr.read().decode())
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=20) as answer:
                return harness.parse_page(answer.read().decode())
        except OSError:
            return []

    def test_it_watches_what_runs_outside_of_it(self):
        def is_collected():
            return sum(value for name, _, value in self.page() if name == "heapfloor_group_processes") > 3
        harness.wait_until(is_collected, 60, "it counts processes that are not its own")
        page = self.page()
        count = sum(value for name, _, value in page if name == "heapfloor_group_processes")
        # What no capability opens are programs of other user namespaces; without CAP_SYS_PTRACE it were most of all.
        closed = sum(value for name, labels, value in page
                     if name == "heapfloor_group_unreadable_processes" and labels["source"] == "exe")
        self.assertLessEqual(closed, count / 10)
        harness.wait_until(lambda: "history" in " ".join(os.listdir(self.state)), 60, "it keeps its history")

    def test_there_is_nothing_in_it_but_the_agent(self):
        with tempfile.TemporaryDirectory(dir=WORK) as folder:
            archive = os.path.join(folder, "image.tar")
            container = debian_tree.run(*podman("create", IMAGE)).stdout.strip()
            debian_tree.run(*podman("export", "--output", archive, container))
            debian_tree.run(*podman("rm", container))
            names = debian_tree.run("tar", "--list", "--file", archive).stdout.splitlines()
        programs = [name for name in names if os.path.basename(os.path.dirname(name)) in ("bin", "sbin") and not name.endswith("/")]
        self.assertEqual(programs, ["usr/bin/heapfloor"])
        self.assertEqual([name for name in names if "npmrc" in name or name.startswith(("root/", "heapfloor/"))], [])


if __name__ == "__main__":
    if os.geteuid() != 0 or not shutil.which("podman"):
        print("podman and root are needed")
        sys.exit(77)
    try:
        os.makedirs(WORK, exist_ok=True)
        import_base()
    except debian_tree.Unavailable as reason:
        print(reason)
        sys.exit(77)
    unittest.main(argv=sys.argv[:1], verbosity=2)
