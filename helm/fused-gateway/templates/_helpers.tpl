{{- define "fused-gateway.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- define "fused-gateway.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else if contains (include "fused-gateway.name" .) .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "fused-gateway.name" .) | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "fused-gateway.selector" -}}
app.kubernetes.io/name: {{ include "fused-gateway.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "fused-gateway.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{ include "fused-gateway.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "fused-gateway.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}
{{- end -}}

{{- define "fused-gateway.authSecret" -}}
{{- default (printf "%s-auth" (include "fused-gateway.fullname" .)) .Values.auth.existingSecret -}}
{{- end -}}

{{- define "fused-gateway.scheme" -}}
{{- if .Values.tls.existingSecret }}HTTPS{{ else }}HTTP{{ end -}}
{{- end -}}

{{/* What the container is told: the address of each port is the image's default, all of the pod's. */}}
{{- define "fused-gateway.arguments" -}}
- --gateway.pool.path=/var/lib/fused-gateway/pool
{{- if .Values.tls.existingSecret }}
- --spring.ssl.bundle.pem.gateway.keystore.certificate=/etc/fused-gateway/tls/tls.crt
- --spring.ssl.bundle.pem.gateway.keystore.private-key=/etc/fused-gateway/tls/tls.key
- --spring.ssl.bundle.pem.gateway.reload-on-update=true
- --server.ssl.bundle=gateway
- --management.server.ssl.bundle=gateway
{{- end }}
{{- range $name, $value := .Values.settings }}
- {{ printf "--%s=%v" $name $value | quote }}
{{- end }}
{{- end -}}

{{- define "fused-gateway.container" -}}
name: gateway
image: {{ include "fused-gateway.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
ports:
  - {name: nbd, containerPort: 10809}
  - {name: rest, containerPort: 8080}
  - {name: management, containerPort: 9090}
env:
  - {name: GATEWAY_SECURITY_ADMINTOKENFILE, value: /etc/fused-gateway/auth/admin-token}
  - {name: GATEWAY_SECURITY_METRICSTOKENFILE, value: /etc/fused-gateway/auth/metrics-token}
  {{- with .Values.oidc.issuerUri }}
  - {name: GATEWAY_SECURITY_OIDC_ISSUERURI, value: {{ . | quote }}}
  {{- end }}
  {{- with .Values.oidc.audience }}
  - {name: GATEWAY_SECURITY_OIDC_AUDIENCE, value: {{ . | quote }}}
  {{- end }}
  {{- with .Values.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
startupProbe:
  httpGet: {path: /actuator/health/liveness, port: management, scheme: {{ include "fused-gateway.scheme" . }}}
  periodSeconds: 1
  timeoutSeconds: 5
  failureThreshold: 120
livenessProbe:
  httpGet: {path: /actuator/health/liveness, port: management, scheme: {{ include "fused-gateway.scheme" . }}}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet: {path: /actuator/health/readiness, port: management, scheme: {{ include "fused-gateway.scheme" . }}}
  periodSeconds: 5
  timeoutSeconds: 5
{{- end -}}

{{- define "fused-gateway.secretMounts" -}}
- {name: auth, mountPath: /etc/fused-gateway/auth, readOnly: true}
{{- if .Values.tls.existingSecret }}
- {name: tls, mountPath: /etc/fused-gateway/tls, readOnly: true}
{{- end }}
- {name: tmp, mountPath: /tmp}
{{- end -}}

{{- define "fused-gateway.secretVolumes" -}}
- name: auth
  secret:
    secretName: {{ include "fused-gateway.authSecret" . }}
    defaultMode: 0440
{{- if .Values.tls.existingSecret }}
- name: tls
  secret:
    secretName: {{ .Values.tls.existingSecret }}
    defaultMode: 0440
{{- end }}
- name: tmp
  emptyDir: {sizeLimit: 64Mi}
{{- end -}}

{{- define "fused-gateway.restricted" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}
