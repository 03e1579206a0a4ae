"""A clean Debian tree, made once by debootstrap, and a copy of it that is booted: systemd as its first process, in
namespaces of its own, where nothing but the loopback device is reachable.

The tree comes from the mirror that this machine's own apt uses. Files that a test writes are in memory and gone with it.
"""

import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
import time

SUITE = "bookworm"
# What a minimal tree has not and a booted one needs.
INCLUDED = "systemd,systemd-sysv,dbus"


class Unavailable(Exception):
    """This machine cannot make or boot a tree; the reason in words."""


def run(*command, seconds=600, check=True, **options):
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False, errors="replace",
                          stdin=subprocess.DEVNULL, **options)
    if check and done.returncode != 0:
        raise AssertionError(f"{command}: exit code {done.returncode}\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    return done


def mirror():
    """Where this machine's apt has the main component of the suite from."""
    targets = run("apt-get", "indextargets", "--format", "$(REPO_URI)", f"Codename: {SUITE}", "Component: main",
                  "Created-By: Packages").stdout.split()
    if not targets:
        raise Unavailable(f"apt has no source for {SUITE}; `apt-get update` may be needed")
    return targets[0]


def base_tree(folder, packages):
    """The folder of a clean tree whose apt holds `packages` and what they need, downloaded and not installed. Made at the
    first call, found by later ones."""
    if os.geteuid() != 0:
        raise Unavailable("only root can make a tree")
    if not shutil.which("debootstrap"):
        raise Unavailable("debootstrap is not installed")
    source = mirror()
    key = hashlib.sha256("\n".join([source, INCLUDED, *sorted(packages)]).encode()).hexdigest()[:12]
    tree = os.path.join(folder, f"tree-{key}")
    if os.path.isdir(tree):
        return tree
    os.makedirs(folder, exist_ok=True)
    making = tempfile.mkdtemp(prefix="making-", dir=folder)
    os.chmod(making, 0o755)
    try:
        done = run("debootstrap", "--variant=minbase", f"--include={INCLUDED}", SUITE, making, source, check=False)
        if done.returncode == 0:
            done = run("chroot", making, "apt-get", "install", "-q", "-y", "--download-only", *packages, check=False)
        if done.returncode != 0:
            raise Unavailable(f"no tree from {source}: {done.stdout[-800:]}{done.stderr[-400:]}")
        if not os.path.isdir(tree):  # another run may have made it meanwhile
            os.rename(making, tree)
    finally:
        if os.path.isdir(making):
            shutil.rmtree(making)
    return tree


BOOT = r"""
set -e
work=$1 tree=$2 root=$1/root
mount --make-rprivate /
mount -t tmpfs tmpfs "$work"
mkdir "$work/upper" "$work/work" "$root"
mount -t overlay overlay -o "lowerdir=$tree,upperdir=$work/upper,workdir=$work/work" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
mkdir "$root/dev/pts" "$root/dev/shm"
for device in null zero full random urandom tty kmsg; do
  touch "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
ln -s /proc/self/fd "$root/dev/fd"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
mount -t tmpfs tmpfs "$root/dev/shm"
ip link set lo up 2>/dev/null || true
cd "$root"
exec env -i container=heapfloor-test PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot . /lib/systemd/systemd \
  --log-target=null --show-status=no
"""


class BootedTree:
    """A context manager: leaving it ends every process of the tree."""

    def __init__(self, tree):
        self.tree = tree
        self.first = None

    def __enter__(self):
        self._work = tempfile.mkdtemp(prefix="heapfloor-tree-")
        self._group = self._make_group()
        try:
            self._boot()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    @staticmethod
    def _make_group():
        """A cgroup of its own, which becomes the root of the tree's."""
        with open("/proc/self/mounts", encoding="utf-8") as mounts:
            points = [line.split()[1] for line in mounts if line.split()[2] == "cgroup2"]
        if not points:
            raise Unavailable("no cgroup2 is mounted")
        group = os.path.join(points[0], f"heapfloor-tree-{os.getpid()}")
        try:
            os.mkdir(group)
        except OSError as error:
            raise Unavailable(f"no cgroup may be made: {error}") from error
        return group

    def _boot(self):
        def enter():
            with open(os.path.join(self._group, "cgroup.procs"), "w", encoding="ascii") as procs:
                procs.write("0")
        self._log = tempfile.TemporaryFile(mode="w+", encoding="utf-8", errors="replace")
        self._unshare = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--fork", "--uts", "--ipc", "--net", "--cgroup", "--kill-child", "bash", "-c",
             BOOT, "boot", self._work, self.tree],
            preexec_fn=enter, stdin=subprocess.DEVNULL, stdout=self._log, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self._unshare.poll() is None:
            self.first = self.first or self._find_first()
            if self.first and self.run("systemctl", "is-system-running", check=False).stdout.strip() in ("running", "degraded"):
                return
            time.sleep(0.3)
        self._log.seek(0)
        raise Unavailable("systemd did not start in the tree: " + self._log.read()[-1500:])

    def _find_first(self):
        """The pid of the tree's systemd, once it is that."""
        path = f"/proc/{self._unshare.pid}/task/{self._unshare.pid}/children"
        with open(path, encoding="ascii") as file:
            children = file.read().split()
        if not children:
            return None
        with open(f"/proc/{children[0]}/comm", encoding="utf-8") as comm:
            return int(children[0]) if comm.read().strip() == "systemd" else None

    def __exit__(self, *_):
        unshare = getattr(self, "_unshare", None)
        if unshare is not None:
            if self.first:
                os.kill(self.first, signal.SIGKILL)
            else:
                unshare.kill()
            unshare.wait(60)
        deadline = time.monotonic() + 20
        while os.path.isdir(self._group) and time.monotonic() < deadline:
            for folder, _, _ in os.walk(self._group, topdown=False):
                try:
                    os.rmdir(folder)
                except OSError:
                    time.sleep(0.1)  # what was killed has not left it yet
        os.rmdir(self._work)

    def run(self, *command, check=True, seconds=300):
        """A command inside."""
        return run("nsenter", "-t", str(self.first), "-a", "-r", "-w", "--", "/usr/bin/env", "-i", "DEBIAN_FRONTEND=noninteractive",
                   "PATH=/usr/sbin:/usr/bin:/sbin:/bin", *command, check=check, seconds=seconds)

    def path(self, inside):
        """A file of the tree, as seen from outside."""
        return f"/proc/{self.first}/root{inside}"

    def fetch(self, url, method="GET"):
        """The body of an answer, asked by this machine's curl inside the tree's network."""
        return run(*self._curl(url), "--request", method, "--header", "X-Heapfloor: 1").stdout

    def fetch_bytes(self, url):
        return subprocess.run(self._curl(url), capture_output=True, timeout=60, check=True).stdout

    def _curl(self, url):
        return ["nsenter", "-t", str(self.first), "-n", "--", "curl", "--silent", "--show-error", "--fail", "--max-time", "20", url]

    def files(self):
        """Every file that is neither of the kernel nor in memory."""
        listed = self.run("find", "/", "-xdev", "-printf", "%p\n").stdout.split("\n")
        return {path for path in listed if path}
