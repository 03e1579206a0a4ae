{{- define "heapfloor.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "heapfloor.fullname" -}}
{{- $name := include "heapfloor.name" . -}}
{{- $whole := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) -}}
{{- .Values.fullnameOverride | default $whole | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "heapfloor.selectorLabels" -}}
app.kubernetes.io/name: {{ include "heapfloor.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "heapfloor.metadata" -}}
name: {{ include "heapfloor.fullname" . }}
namespace: {{ .Release.Namespace }}
labels:
  {{- include "heapfloor.labels" . | nindent 2 }}
{{- end -}}

{{- define "heapfloor.labels" -}}
{{ include "heapfloor.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "heapfloor.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (.Values.serviceAccount.create | ternary (include "heapfloor.fullname" .) "") -}}
{{- end -}}

{{- define "heapfloor.config" -}}
web:
  listen-address: 0.0.0.0:{{ .Values.port }}
  config.file: /etc/heapfloor-web/web.yml
path:
  sysfs: /host/sys
collector:
  kmsg: false
log:
  format: json
{{- end -}}

{{- /* How a Prometheus asks an agent, the same for both kinds of monitors. */ -}}
{{- define "heapfloor.endpoint" -}}
port: https
scheme: https
interval: {{ .interval }}
basicAuth:
  username:
    name: {{ .secret }}
    key: username
  password:
    name: {{ .secret }}
    key: password
tlsConfig:
  serverName: {{ .serverName }}
  ca:
    secret:
      name: {{ .secret }}
      key: tls.crt
relabelings:
  # The rules and dashboards know agents by this job and nodes by this label.
  - targetLabel: job
    replacement: heapfloor
  - sourceLabels: [__meta_kubernetes_pod_node_name]
    targetLabel: instance
{{- end -}}
