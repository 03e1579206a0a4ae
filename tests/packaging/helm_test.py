#!/usr/bin/env python3
"""helm_test.py ROOT WORK: the chart says what the manifests beside it say, and does what its values promise.

Debian has no helm: helm/render.go renders the chart with the same template engine and function library. What it cannot tell is
what an API server would refuse; what it refuses beyond helm is a value that is not there.
"""

import copy
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

import jsonschema
import yaml

ROOT, WORK = sys.argv[1:3] if len(sys.argv) > 2 else ("", "")
KUBERNETES = os.path.join(ROOT, "packaging/kubernetes")
CHART = os.path.join(KUBERNETES, "helm")
RULES = os.path.join(ROOT, "dashboards/prometheus")
GOCODE = "/usr/share/gocode"
SPRIG = os.path.join(GOCODE, "src/github.com/Masterminds/sprig")
# What a release adds to labels and selectors.
OF_HELM = {"app.kubernetes.io/instance", "app.kubernetes.io/managed-by", "app.kubernetes.io/version", "helm.sh/chart"}
OF_OPERATOR = {"podMonitor": {"enabled": True}, "prometheusRule": {"enabled": True, "labels": {"release": "monitoring"}}}


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def manifest(name):
    return yaml.safe_load(read(os.path.join(KUBERNETES, name + ".yaml")))


def bare(value):
    """The same without what helm adds to every object."""
    if isinstance(value, dict):
        return {key: bare(inner) for key, inner in value.items() if key not in OF_HELM}
    return [bare(inner) for inner in value] if isinstance(value, list) else value


class HelmTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.renderer = os.path.join(WORK, "helm-render")
        os.makedirs(WORK, exist_ok=True)
        environment = dict(os.environ, GO111MODULE="off", GOPATH=GOCODE, GOCACHE=os.path.join(WORK, "go-cache"), GOFLAGS="")
        subprocess.run(["go", "build", "-o", cls.renderer, os.path.join(os.path.dirname(os.path.abspath(__file__)), "helm/render.go")],
                       env=environment, check=True, timeout=240)

    def call(self, values, *options):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
            yaml.safe_dump(values, file)
            file.flush()
            return subprocess.run([self.renderer, *options, CHART, file.name], capture_output=True, text=True, timeout=60, check=False)

    def text(self, values=None, *options):
        done = self.call(values or {}, *options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def render(self, values=None, *options):
        """The objects by kind; each has what every object needs."""
        jsonschema.validate(self.merged(values or {}), json.loads(read(os.path.join(CHART, "values.schema.json"))))
        objects = {}
        for document in filter(None, yaml.safe_load_all(self.text(values, *options))):
            self.assertTrue(document["apiVersion"] and document["metadata"]["name"], document)
            self.assertNotIn(document["kind"], objects)
            objects[document["kind"]] = document
        return objects

    def refused(self, values):
        done = self.call(values)
        self.assertEqual(done.returncode, 1, done.stdout)
        return done.stderr

    @staticmethod
    def merged(above):
        def overlay(below, values):
            for key, value in values.items():
                below[key] = overlay(below.get(key, {}), value) if isinstance(value, dict) else value
            return below
        return overlay(copy.deepcopy(yaml.safe_load(read(os.path.join(CHART, "values.yaml")))), above)

    def pod(self, values=None, *options):
        return self.render(values, *options)["DaemonSet"]["spec"]["template"]["spec"]

    def test_by_default_it_is_the_manifests(self):
        objects = bare(self.render())
        self.assertEqual(objects.keys(), {"ConfigMap", "DaemonSet"})
        given = manifest("daemonset")
        made = objects["DaemonSet"]
        made["spec"]["template"]["metadata"].pop("annotations")
        self.assertEqual(made["spec"]["template"]["spec"]["containers"][0].pop("imagePullPolicy"), "IfNotPresent")
        self.assertEqual(made, given)
        config = yaml.safe_load(objects["ConfigMap"]["data"].pop("heapfloor.yml"))
        self.assertEqual(config, yaml.safe_load(manifest("configmap")["data"].pop("heapfloor.yml")))
        metadata = objects["ConfigMap"]["metadata"]
        self.assertEqual((metadata["name"], metadata["namespace"]), ("heapfloor", "heapfloor"))

    def test_namespace_and_monitor_are_those_of_the_manifests(self):
        objects = bare(self.render({"namespace": {"create": True}, "podMonitor": {"enabled": True}}))
        self.assertEqual(objects["Namespace"], manifest("namespace"))
        objects["PodMonitor"]["metadata"].pop("labels")
        self.assertEqual(objects["PodMonitor"], manifest("podmonitor"))

    def test_every_object_is_of_the_release_and_selectors_meet(self):
        options = ("-release", "memory", "-namespace", "observability")
        objects = self.render({**OF_OPERATOR, "serviceAccount": {"create": True, "scc": "privileged"}}, *options)
        self.assertEqual({document["metadata"]["namespace"] for document in objects.values()}, {"observability"})
        self.assertEqual({document["metadata"]["name"] for document in objects.values()}, {"memory-heapfloor"})
        daemon = objects["DaemonSet"]["spec"]
        labels = {"app.kubernetes.io/name": "heapfloor", "app.kubernetes.io/instance": "memory"}
        self.assertEqual(daemon["template"]["metadata"]["labels"], labels)
        self.assertEqual((daemon["selector"]["matchLabels"], objects["PodMonitor"]["spec"]["selector"]["matchLabels"]), (labels, labels))
        volumes = {volume["name"]: volume for volume in daemon["template"]["spec"]["volumes"]}
        self.assertEqual(volumes["config"]["configMap"]["name"], objects["ConfigMap"]["metadata"]["name"])

    def test_without_host_pid_nothing_is_granted_that_it_would_be_for(self):
        pod = self.pod({"hostPID": False})
        self.assertNotIn("hostPID", pod)
        self.assertEqual(pod["containers"][0]["securityContext"]["capabilities"], {"drop": ["ALL"]})
        self.assertNotIn("appArmorProfile", pod["securityContext"])
        self.assertIn("no Go heaps", self.text({"hostPID": False}))

    def test_before_kubernetes_1_30_apparmor_is_an_annotation(self):
        template = self.render({}, "-kube", "v1.29.4")["DaemonSet"]["spec"]["template"]
        self.assertEqual(template["metadata"]["annotations"]["container.apparmor.security.beta.kubernetes.io/agent"], "unconfined")
        self.assertNotIn("appArmorProfile", template["spec"]["securityContext"])

    def test_values_of_scheduling_image_and_resources_are_taken(self):
        values = {"image": {"repository": "registry.example/heapfloor", "tag": "1.2", "pullSecrets": [{"name": "key"}]},
                  "nodeSelector": {"pool": "shop"}, "tolerations": [{"key": "shop", "operator": "Exists"}],
                  "priorityClassName": "system-node-critical", "resources": {"limits": {"memory": "512Mi"}},
                  "state": {"hostPath": ""}, "extraArgs": ["--log.level=debug"], "port": 9327, "podLabels": {"team": "a"}}
        objects = self.render(values)
        pod = objects["DaemonSet"]["spec"]["template"]["spec"]
        agent = pod["containers"][0]
        self.assertEqual(agent["image"], "registry.example/heapfloor:1.2")
        self.assertEqual(pod["nodeSelector"], {"pool": "shop", "kubernetes.io/os": "linux"})
        for name in ("tolerations", "priorityClassName"):
            self.assertEqual(pod[name], values[name])
        self.assertEqual(pod["imagePullSecrets"], [{"name": "key"}])
        self.assertEqual(agent["resources"]["limits"], {"memory": "512Mi"})
        self.assertEqual(agent["args"][-1], "--log.level=debug")
        self.assertEqual({volume["name"]: volume for volume in pod["volumes"]}["state"], {"name": "state", "emptyDir": {}})
        self.assertEqual(agent["ports"], [{"name": "https", "containerPort": 9327}])
        config = yaml.safe_load(objects["ConfigMap"]["data"]["heapfloor.yml"])
        self.assertEqual(config["web"]["listen-address"], "0.0.0.0:9327")

    def test_configuration_is_laid_over_and_its_change_restarts_the_pods(self):
        plain, changed = self.render(), self.render({"config": {"trend": {"limit": "2GiB"}, "collector": {"kmsg": True}}})
        config = yaml.safe_load(changed["ConfigMap"]["data"]["heapfloor.yml"])
        self.assertEqual((config["trend"], config["collector"], config["path"]), ({"limit": "2GiB"}, {"kmsg": True}, {"sysfs": "/host/sys"}))
        sums = [objects["DaemonSet"]["spec"]["template"]["metadata"]["annotations"]["checksum/config"] for objects in (plain, changed)]
        self.assertNotEqual(*sums)

    def test_rules_are_those_of_the_repository(self):
        rule = self.render(OF_OPERATOR)["PrometheusRule"]
        groups = [group for name in self.merged({})["prometheusRule"]["files"]
                  for group in yaml.safe_load(read(os.path.join(RULES, name)))["groups"]]
        self.assertEqual(rule["spec"]["groups"], groups)
        self.assertEqual(rule["metadata"]["labels"]["release"], "monitoring")
        some = self.render({"prometheusRule": {"enabled": True, "files": ["fleet.rules.yml"]}})["PrometheusRule"]
        self.assertEqual([group["name"] for group in some["spec"]["groups"]], ["heapfloor-fleet"])

    def test_a_service_monitor_asks_each_agent_as_the_pod_monitor_does(self):
        objects = self.render({"serviceMonitor": {"enabled": True, "interval": "30s"}})
        service = objects["Service"]["spec"]
        self.assertEqual(service["clusterIP"], "None")
        self.assertEqual(service["selector"], objects["DaemonSet"]["spec"]["selector"]["matchLabels"])
        [endpoint] = objects["ServiceMonitor"]["spec"]["endpoints"]
        [of_pods] = manifest("podmonitor")["spec"]["podMetricsEndpoints"]
        self.assertEqual(endpoint, {**of_pods, "interval": "30s"})
        self.assertLessEqual(objects["ServiceMonitor"]["spec"]["selector"]["matchLabels"].items(),
                             objects["Service"]["metadata"]["labels"].items())

    def test_an_account_has_no_role_but_the_one_that_openshift_needs(self):
        objects = self.render({"serviceAccount": {"create": True}})
        self.assertNotIn("Role", objects)
        self.assertEqual(objects["DaemonSet"]["spec"]["template"]["spec"]["serviceAccountName"], objects["ServiceAccount"]["metadata"]["name"])
        objects = self.render({"serviceAccount": {"name": "given", "scc": "privileged"}})
        [rule] = objects["Role"]["rules"]
        self.assertEqual((rule["verbs"], rule["resourceNames"]), (["use"], ["privileged"]))
        self.assertEqual(objects["RoleBinding"]["subjects"], [{"kind": "ServiceAccount", "name": "given", "namespace": "heapfloor"}])
        self.assertNotIn("ServiceAccount", objects)

    def test_what_cannot_work_is_refused(self):
        self.assertIn("enable one of them", self.refused({"podMonitor": {"enabled": True}, "serviceMonitor": {"enabled": True}}))
        self.assertIn("TLS and a password", self.refused({"web": {"secretName": ""}}))
        self.assertIn("needs an account", self.refused({"serviceAccount": {"scc": "privileged"}}))
        self.assertIn("there is no none.yml", self.refused({"prometheusRule": {"enabled": True, "files": ["none.yml"]}}))

    def test_the_schema_refuses_values_that_are_none(self):
        schema = json.loads(read(os.path.join(CHART, "values.schema.json")))
        values = yaml.safe_load(read(os.path.join(CHART, "values.yaml")))
        self.assertEqual(schema["properties"].keys() - {"global"}, values.keys())
        for wrong in ({"hostPid": False}, {"port": "4327"}, {"capabilities": ["SYS_ADMIN"]}, {"image": {"repository": ""}},
                      {"podMonitor": {"interval": "often"}}, {"extraArgs": ["agent"]}):
            with self.subTest(wrong=wrong), self.assertRaises(jsonschema.ValidationError):
                jsonschema.validate(self.merged(wrong), schema)

    def test_the_chart_has_the_version_of_the_project(self):
        chart = yaml.safe_load(read(os.path.join(CHART, "Chart.yaml")))
        self.assertIn(f"project(heapfloor VERSION {chart['appVersion']} ", read(os.path.join(ROOT, "CMakeLists.txt")))


if __name__ == "__main__":
    if not shutil.which("go") or not os.path.isdir(SPRIG):
        sys.exit(77)
    unittest.main(argv=sys.argv[:1], verbosity=2)
