#!/usr/bin/env python3
"""container_test.py HEAPFLOOR ROOT: the manifests for Kubernetes ask for what they say and no more, and the agent works in the
root of the image with just that: read-only, in a cgroup namespace of its own, uid 0 with the DaemonSet's capabilities.

No API server and no container engine is asked: image_test.py builds the image with one.
"""

import ctypes
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

import yaml

HEAPFLOOR, ROOT = sys.argv[1:3] if len(sys.argv) > 2 else ("", "")
KUBERNETES = os.path.join(ROOT, "packaging/kubernetes")
NUMBERS = {"DAC_READ_SEARCH": 2, "SYS_PTRACE": 19, "SYSLOG": 34, "PERFMON": 38, "BPF": 39, "CHECKPOINT_RESTORE": 40}
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, LAST_CAPABILITY = 24, 38, 63
OTHER_USER = 54321
POD = "kubepods/burstable/pod11111111-2222-3333-4444-555555555555"
CONTAINER = "c" * 64
LIMIT_BYTES = 96 << 20


def manifest(name):
    with open(os.path.join(KUBERNETES, name + ".yaml"), encoding="utf-8") as file:
        return yaml.safe_load(file)


def pod():
    return manifest("daemonset")["spec"]["template"]["spec"]


def container():
    return pod()["containers"][0]


def heapfloor(*arguments):
    return subprocess.run([HEAPFLOOR, *arguments], capture_output=True, text=True, timeout=60, check=False)


class ManifestTest(unittest.TestCase):
    def test_kustomization_names_every_manifest(self):
        files = {name for name in os.listdir(KUBERNETES) if name.endswith(".yaml")} - {"kustomization.yaml"}
        self.assertEqual(set(manifest("kustomization")["resources"]), files)
        for name in files:
            document = manifest(name.removesuffix(".yaml"))
            self.assertTrue(document["apiVersion"] and document["kind"] and document["metadata"]["name"], name)

    def test_nothing_is_privileged(self):
        security = container()["securityContext"]
        self.assertEqual((security["privileged"], security["allowPrivilegeEscalation"], security["readOnlyRootFilesystem"]),
                         (False, False, True))
        self.assertEqual(security["capabilities"]["drop"], ["ALL"])
        self.assertLessEqual(set(security["capabilities"]["add"]), NUMBERS.keys())
        self.assertEqual(pod()["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"})
        self.assertIs(pod()["automountServiceAccountToken"], False)
        self.assertNotIn("hostNetwork", pod())
        self.assertNotIn("cpu", container()["resources"]["limits"])

    def test_of_the_host_only_the_state_may_be_written(self):
        paths = {volume["name"]: volume["hostPath"]["path"] for volume in pod()["volumes"] if "hostPath" in volume}
        self.assertEqual(paths, {"sys": "/sys", "state": "/var/lib/heapfloor"})
        writable = {mount["name"] for mount in container()["volumeMounts"] if not mount.get("readOnly")}
        self.assertEqual(writable, {"state"})

    def test_selectors_ports_and_names_meet(self):
        labels = manifest("daemonset")["spec"]["template"]["metadata"]["labels"]
        self.assertEqual(manifest("daemonset")["spec"]["selector"]["matchLabels"], labels)
        monitor = manifest("podmonitor")["spec"]
        self.assertEqual(monitor["selector"]["matchLabels"], labels)
        ports = {port["name"]: port["containerPort"] for port in container()["ports"]}
        self.assertIn(monitor["podMetricsEndpoints"][0]["port"], ports)
        config = yaml.safe_load(manifest("configmap")["data"]["heapfloor.yml"])
        self.assertEqual(config["web"]["listen-address"], f"0.0.0.0:{ports['https']}")
        mounts = {mount["mountPath"]: mount["name"] for mount in container()["volumeMounts"]}
        self.assertEqual(mounts[os.path.dirname(config["web"]["config.file"])], "web")
        self.assertEqual(mounts[config["path"]["sysfs"]], "sys")
        self.assertEqual(set(mounts.values()), {volume["name"] for volume in pod()["volumes"]})

    def test_the_agent_accepts_the_arguments_and_the_configuration_as_the_readme_sets_it_up(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                            "365", "-subj", "/CN=heapfloor", "-keyout", "tls.key", "-out", "tls.crt"], cwd=folder, check=True,
                           capture_output=True, timeout=60)
            os.chmod(os.path.join(folder, "tls.key"), 0o600)
            web = os.path.join(folder, "web.yml")
            with open(web, "w", encoding="utf-8") as file:
                file.write("tls_server_config: {cert_file: tls.crt, key_file: tls.key}\nbasic_auth_users: {prometheus: "
                           "$2y$10$heapfloorheapfloorhea.9qd2tcU/QqKkadJPj.aCNJwWHO16dBm}\n")
            config = os.path.join(folder, "heapfloor.yml")
            with open(config, "w", encoding="utf-8") as file:
                file.write(manifest("configmap")["data"]["heapfloor.yml"])
            done = heapfloor("check-config", config, "--web.config.file=" + web)
            self.assertEqual(done.returncode, 0, done.stderr)
            arguments = [argument for argument in container()["args"] if not argument.startswith("--config.file")]
            self.assertEqual(arguments[0], "agent")
            self.assertEqual(heapfloor("version", *arguments[1:]).returncode, 0)


ENTER = r"""
set -e
root=$1 state=$2
shift 2
mount --make-rprivate /
mkdir -p "$root/host/sys"
mount --bind "$root" "$root"
mount --rbind /proc "$root/proc"
mount --rbind /sys "$root/host/sys"
mount --bind "$state" "$root/var/lib/heapfloor"
mount -o remount,bind,ro "$root"
exec "$@"
"""


@unittest.skipUnless(os.geteuid() == 0, "only root can make namespaces")
class ImageTest(unittest.TestCase):
    limited = False

    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="heapfloor-image-"))
        os.chmod(cls.folder, 0o755)
        cls.root = os.path.join(cls.folder, "root")
        subprocess.run([os.path.join(ROOT, "packaging/container/rootfs"), HEAPFLOOR, cls.root], check=True, timeout=120)
        cls.state = os.path.join(cls.folder, "state")
        os.mkdir(cls.state)
        if not os.access(cls.hierarchy(), os.W_OK):
            raise unittest.SkipTest("no cgroup may be made")
        cls.other = cls.start_other()
        cls.groups = [cls.make_group(f"heapfloor-own-{os.getpid()}")]
        cls.port = cls.free_port()
        cls.process = subprocess.Popen(
            ["unshare", "--mount", "--cgroup", "bash", "-c", ENTER, "enter", cls.root, cls.state, "timeout", "200",
             sys.executable, os.path.abspath(__file__), "--inside", cls.root,
             ",".join(container()["securityContext"]["capabilities"]["add"]), "/usr/bin/heapfloor", "agent", "--collection.interval=1s",
             "--path.sysfs=/host/sys", "--no-collector.kmsg", f"--web.listen-address=127.0.0.1:{cls.port}"],
            preexec_fn=lambda: cls.join(cls.groups[0]), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, env={"STATE_DIRECTORY": "/var/lib/heapfloor", "PATH": os.environ["PATH"]})
        cls.addClassCleanup(cls.end, cls.process, *cls.groups)

    @staticmethod
    def hierarchy():
        """The hierarchy with the memory controller."""
        version_1 = "/sys/fs/cgroup/memory"
        return version_1 if os.path.isdir(version_1) else "/sys/fs/cgroup"

    @classmethod
    def make_group(cls, name):
        path = os.path.join(cls.hierarchy(), name)
        os.makedirs(path, exist_ok=True)
        return path

    @staticmethod
    def join(group):
        with open(os.path.join(group, "cgroup.procs"), "w", encoding="ascii") as file:
            file.write("0")

    @classmethod
    def start_other(cls):
        """A program with a probe in the cgroup of another pod, as another user."""
        group = cls.make_group(os.path.join(POD, CONTAINER))
        for name in ("memory.limit_in_bytes", "memory.max"):  # version 1, version 2
            if os.path.exists(os.path.join(group, name)):
                with open(os.path.join(group, name), "w", encoding="ascii") as file:
                    file.write(str(LIMIT_BYTES))
                cls.limited = True
        program = shutil.copy("/bin/sleep", os.path.join(cls.folder, "payments"))
        library = shutil.copy(os.path.join(os.path.dirname(HEAPFLOOR), "../lib/libheapfloor_probe.so"), cls.folder)

        def become():
            cls.join(group)
            os.setgroups([])
            os.setgid(OTHER_USER)
            os.setuid(OTHER_USER)
        process = subprocess.Popen([program, "200"], preexec_fn=become, stdin=subprocess.DEVNULL, env={"LD_PRELOAD": library})
        parts = [os.path.join(cls.hierarchy(), *POD.split("/")[:depth]) for depth in (3, 2, 1)]
        cls.addClassCleanup(cls.end, process, group, *parts)
        return process

    @staticmethod
    def end(process, *groups):
        process.terminate()
        process.wait(30)
        if process.stderr:
            process.stderr.close()
        for group in groups:
            deadline = time.monotonic() + 10
            while time.monotonic() < deadline:
                try:
                    os.rmdir(group)
                    break
                except OSError:
                    time.sleep(0.2)

    @staticmethod
    def free_port():
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            return listener.getsockname()[1]

    def page(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=20) as answer:
            lines = answer.read().decode().splitlines()
        return dict(line.rsplit(" ", 1) for line in lines if line and not line.startswith("#"))

    def wait_for(self, condition, what):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                self.fail(self.process.stderr.read().decode())
            try:
                page = self.page()
                if condition(page):
                    return page
            except OSError:
                pass
            time.sleep(0.5)
        return self.fail(what)

    def test_it_sees_pods_and_what_is_in_them(self):
        group = f'group="{CONTAINER[:12]}"'
        page = self.wait_for(lambda p: any(n.startswith("heapfloor_allocator_") and group in n for n in p),
                             "the probe in another pod is read")
        self.assertEqual(page[f"heapfloor_group_processes{{{group}}}"], "1")
        cgroup = f'heapfloor_cgroup_processes{{cgroup="/{POD}/{CONTAINER}"}}'
        page = self.wait_for(lambda p: p.get(cgroup) == "1", "the pod's cgroup is seen from another one")
        self.assertEqual(page['heapfloor_source_accessible{source="probe"}'], "1")
        if self.limited:
            limit = f"heapfloor_group_memory_limit_bytes{{{group}}}"
            self.wait_for(lambda p: p.get(limit) == str(LIMIT_BYTES), "its limit is known from another cgroup namespace")

    def test_it_keeps_its_history_and_writes_nothing_else(self):
        self.wait_for(lambda page: True, "the agent serves")
        self.assertIn("history", " ".join(os.listdir(self.state)))
        with open(f"/proc/{self.agent_pid()}/status", encoding="utf-8") as file:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        granted = sum(1 << NUMBERS[name] for name in container()["securityContext"]["capabilities"]["add"])
        self.assertEqual(int(status["CapEff"], 16), granted)

    def agent_pid(self):
        """unshare and bash became timeout, and that has one child."""
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as file:
            return int(file.read().split()[0])

    def test_libraries_that_are_loaded_later_are_there(self):
        done = subprocess.run(["chroot", self.root, "/usr/bin/heapfloor", "backtest", "--prometheus.url=http://127.0.0.1:1",
                               "--query=up"], capture_output=True, text=True, timeout=60, check=False)
        self.assertNotIn("libcurl", done.stderr)
        self.assertRegex(done.stderr, r"(?i)refused|connect")

    def test_there_is_nothing_beside_the_agent(self):
        programs = [os.path.join(folder, name) for folder, _, names in os.walk(self.root) for name in names
                    if os.path.basename(folder) in ("bin", "sbin")]
        self.assertEqual(programs, [os.path.join(self.root, "usr/bin/heapfloor")])


def inside(root, capabilities, *command):
    """Becomes the command as a container runtime would start it."""
    kept = {NUMBERS[name] for name in capabilities.split(",")}
    libc = ctypes.CDLL(None)
    os.chroot(root)
    os.chdir("/")
    for capability in range(LAST_CAPABILITY + 1):
        if capability not in kept:
            libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    os.execv(command[0], command)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--inside"]:
        inside(*sys.argv[2:])
    unittest.main(argv=sys.argv[:1], verbosity=2)
