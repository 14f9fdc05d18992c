{{- /* The pod of a part: (dict root name values port env args mount probe extra). One replica with a volume of its own. */ -}}
{{- define "vidx.part" -}}
{{- $root := .root -}}
{{- $name := printf "%s-%s" (include "vidx.name" $root) .name -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ $name }}
  labels: {{- include "vidx.labels" $root | nindent 4 }}
spec:
  selector: {{- include "vidx.selector" (list $root .name "part") | nindent 4 }}
  ports: [{name: {{ .name | trunc 15 }}, port: {{ .port }}, targetPort: {{ .port }}}]
---
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: {{ $name }}
  labels: {{- include "vidx.labels" $root | nindent 4 }}
spec:
  replicas: 1
  serviceName: {{ $name }}
  selector:
    matchLabels: {{- include "vidx.selector" (list $root .name "part") | nindent 6 }}
  template:
    metadata:
      labels: {{- include "vidx.selector" (list $root .name "part") | nindent 8 }}
    spec:
      automountServiceAccountToken: false
      enableServiceLinks: false
      securityContext: {runAsNonRoot: true, runAsUser: {{ .user }}, runAsGroup: {{ .user }}, fsGroup: {{ .user }}}
      containers:
        - name: {{ .name }}
          image: {{ .values.image }}
          {{- with .command }}
          command: {{- toYaml . | nindent 12 }}
          {{- end }}
          {{- with .args }}
          args: {{- toYaml . | nindent 12 }}
          {{- end }}
          {{- with .env }}
          env: {{- toYaml . | nindent 12 }}
          {{- end }}
          ports: [{containerPort: {{ .port }}}]
          readinessProbe: {tcpSocket: {port: {{ .port }}}, periodSeconds: 5}
          livenessProbe: {tcpSocket: {port: {{ .port }}}, periodSeconds: 20, failureThreshold: 6, initialDelaySeconds: 60}
          resources: {requests: {cpu: 250m, memory: 512Mi}, limits: {memory: 4Gi}}
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: {drop: [ALL]}
            seccompProfile: {type: RuntimeDefault}
          volumeMounts:
            - {name: tmp, mountPath: /tmp}
            {{- range .writable }}
            - {name: tmp, mountPath: {{ . }}, subPath: {{ . | trimPrefix "/" | replace "/" "-" }}}
            {{- end }}
            {{- if .data }}
            - {name: data, mountPath: {{ .data }}}
            {{- end }}
      volumes:
        - {name: tmp, emptyDir: {sizeLimit: 1Gi}}
  {{- if .data }}
  volumeClaimTemplates:
    - metadata: {name: data}
      spec:
        accessModes: [ReadWriteOnce]
        resources: {requests: {storage: {{ .values.storage }}}}
  {{- end }}
{{- end }}

{{- /* A password that stays over upgrades: (list $ secret key). */ -}}
{{- define "vidx.password" -}}
{{- $old := lookup "v1" "Secret" (index . 0).Release.Namespace (index . 1) -}}
{{- $known := dig "data" (index . 2) "" ($old | default dict) -}}
{{- if $known }}{{ $known | b64dec }}{{ else }}{{ randAlphaNum 32 }}{{ end }}
{{- end }}
