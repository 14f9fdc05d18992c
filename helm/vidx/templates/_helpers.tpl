{{- define "vidx.name" -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end }}

{{- /* Labels of everything. */ -}}
{{- define "vidx.labels" -}}
app.kubernetes.io/name: vidx
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- /* Labels that pods are chosen by: (list $ component role). */ -}}
{{- define "vidx.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: vidx
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- with index . 2 }}
vidx/role: {{ . }}
{{- end }}
{{- end }}

{{- /* The image of a service: (list $ service). */ -}}
{{- define "vidx.image" -}}
{{- $root := index . 0 -}}
{{ $root.Values.image.registry }}/{{ index . 1 }}:{{ $root.Values.image.tag | default $root.Chart.AppVersion }}
{{- end }}

{{- /* No rights beyond its own. */ -}}
{{- define "vidx.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities: {drop: [ALL]}
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- /* Where a part is: (list $ part port). */ -}}
{{- define "vidx.at" -}}
{{ include "vidx.name" (index . 0) }}-{{ index . 1 }}:{{ index . 2 }}
{{- end }}

{{- /* A variable from a secret: (list name secret key). */ -}}
{{- define "vidx.secret" -}}
- name: {{ index . 0 }}
  valueFrom: {secretKeyRef: {name: {{ index . 1 }}, key: {{ index . 2 }}}}
{{- end }}

{{- /* The environment of a service: (list $ service spec). */ -}}
{{- define "vidx.env" -}}
{{- $root := index . 0 -}}{{- $name := index . 1 -}}{{- $spec := index . 2 -}}
{{- $values := $root.Values -}}{{- $release := include "vidx.name" $root -}}
- {name: VIDX_SERVER_ADDRESS, value: "0.0.0.0:50051"}
{{- if $values.metrics.enabled }}
- {name: VIDX_METRICS_ADDRESS, value: "0.0.0.0:9464"}
{{- end }}
{{- with $values.tracing.endpoint }}
- {name: OTEL_EXPORTER_OTLP_ENDPOINT, value: {{ . | quote }}}
{{- end }}
- {name: VIDX_STORE_SCRATCH, value: /scratch}
{{- range $key, $value := merge (deepCopy $spec.settings) $values.settings }}
- {name: VIDX_{{ $key }}, value: {{ $value | quote }}}
{{- end }}
{{- range $spec.calls }}
- {name: VIDX_{{ upper $name }}_{{ upper . }}_ADDRESS, value: {{ include "vidx.at" (list $root . 50051) | quote }}}
{{- end }}
{{- if has "catalog" $spec.needs }}
{{- if $values.parts.postgresql.enabled }}
{{ include "vidx.secret" (list "VIDX_CATALOG_URL" (printf "%s-postgresql" $release) "url") }}
{{- else }}
{{ include "vidx.secret" (list "VIDX_CATALOG_URL" (required "external.catalog.secret: name the secret with the catalog's URL, or enable parts.postgresql" $values.external.catalog.secret) $values.external.catalog.key) }}
{{- end }}
{{- end }}
{{- if or (has "queue" $spec.needs) $spec.work }}
{{- if $values.parts.redis.enabled }}
{{ include "vidx.secret" (list "VIDX_QUEUE_URL" (printf "%s-redis" $release) "url") }}
{{- else }}
{{ include "vidx.secret" (list "VIDX_QUEUE_URL" (required "external.queue.secret: name the secret with the queue's URL, or enable parts.redis" $values.external.queue.secret) $values.external.queue.key) }}
{{- end }}
{{- end }}
{{- if has "store" $spec.needs }}
- {name: VIDX_STORE_REGION, value: {{ $values.external.store.region | quote }}}
{{- if $values.parts.minio.enabled }}
- {name: VIDX_STORE_URL, value: {{ printf "s3://%s/vidx" (include "vidx.at" (list $root "minio" 9000)) | quote }}}
{{ include "vidx.secret" (list "VIDX_STORE_ACCESS_KEY" (printf "%s-minio" $release) "access-key") }}
{{ include "vidx.secret" (list "VIDX_STORE_SECRET_KEY" (printf "%s-minio" $release) "secret-key") }}
{{- else }}
{{- $store := $values.external.store }}
- {name: VIDX_STORE_URL, value: {{ required "external.store.url: say where objects lie, or enable parts.minio" $store.url | quote }}}
{{- if $store.secret }}
{{ include "vidx.secret" (list "VIDX_STORE_ACCESS_KEY" $store.secret $store.accessKey) }}
{{ include "vidx.secret" (list "VIDX_STORE_SECRET_KEY" $store.secret $store.secretKey) }}
{{- end }}
{{- end }}
{{- end }}
{{- if has "milvus" $spec.needs }}
{{- if $values.parts.milvus.enabled }}
- {name: VIDX_SEARCH_MILVUS_URI, value: {{ printf "http://%s" (include "vidx.at" (list $root "milvus" 19530)) | quote }}}
{{- else }}
- {name: VIDX_SEARCH_MILVUS_URI, value: {{ required "external.milvus.uri: say where Milvus is, or enable parts.milvus" $values.external.milvus.uri | quote }}}
{{- with $values.external.milvus.secret }}
{{ include "vidx.secret" (list "VIDX_SEARCH_MILVUS_TOKEN" . $values.external.milvus.key) }}
{{- end }}
{{- end }}
{{- end }}
{{- if has "triton" $spec.needs }}
{{- if $values.parts.triton.enabled }}
- {name: VIDX_TRITON_ADDRESS, value: {{ include "vidx.at" (list $root "triton" 8001) | quote }}}
{{- else }}
- {name: VIDX_TRITON_ADDRESS, value: {{ required "external.triton.address: say where Triton is, or enable parts.triton" $values.external.triton.address | quote }}}
{{- end }}
{{- end }}
{{- if has "models" $spec.needs }}
- {name: VIDX_{{ upper $name }}_MODELS, value: /models/current}
{{- end }}
{{- end }}

{{- /* Waits for the model pack: (list $ service). */ -}}
{{- define "vidx.waitForModels" -}}
- name: models
  image: {{ include "vidx.image" . }}
  imagePullPolicy: {{ (index . 0).Values.image.pullPolicy }}
  command: [sh, -c, "until [ -e /models/current/manifest.json ]; do echo waiting for the model pack; sleep 2; done"]
  resources: {requests: {cpu: 10m, memory: 16Mi}, limits: {memory: 64Mi}}
  securityContext: {{- include "vidx.securityContext" . | nindent 4 }}
  volumeMounts: [{name: models, mountPath: /models, readOnly: true}]
{{- end }}
