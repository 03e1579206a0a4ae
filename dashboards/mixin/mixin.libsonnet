// Dashboards, alerts and recording rules of heapfloor as a monitoring mixin: grafanaDashboards, prometheusAlerts, prometheusRules.
// See ../README.md.
(import 'config.libsonnet')
+ (import 'rules.libsonnet')
+ {
  local config = self._config,
  // One line a dashboard; its file takes the configuration and gives dashboard() of grafana.libsonnet.
  grafanaDashboards+:: {
    'heapfloor-overview.json': (import 'dashboards/overview.libsonnet')(config),
    'heapfloor-suspect.json': (import 'dashboards/suspect.libsonnet')(config),
    'heapfloor-group.json': (import 'dashboards/group.libsonnet')(config),
    'heapfloor-cgroup.json': (import 'dashboards/cgroup.libsonnet')(config),
    'heapfloor-structures.json': (import 'dashboards/structures.libsonnet')(config),
    'heapfloor-go.json': (import 'dashboards/go.libsonnet')(config),
    'heapfloor-jvm.json': (import 'dashboards/jvm.libsonnet')(config),
    'heapfloor-agent.json': (import 'dashboards/agent.libsonnet')(config),
  },
}
