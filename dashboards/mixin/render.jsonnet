// All files that are checked in: jsonnet --multi ../grafana render.jsonnet
(import 'mixin.libsonnet').grafanaDashboards
