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

{{- /* Replicas apart from each other: (list $ component role). */ -}}
{{- define "vidx.spread" -}}
{{- $selector := include "vidx.selector" . -}}
{{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
- maxSkew: 1
  topologyKey: {{ . }}
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels: {{- $selector | nindent 6 }}
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

{{- /* Where the catalog is. */ -}}
{{- define "vidx.catalog" -}}
{{- if .Values.parts.postgresql.enabled }}
{{- include "vidx.secret" (list "VIDX_CATALOG_URL" (printf "%s-postgresql" (include "vidx.name" .)) "url") }}
{{- else }}
{{- include "vidx.secret" (list "VIDX_CATALOG_URL" (required "external.catalog.secret: name the secret with the catalog's URL, or enable parts.postgresql" .Values.external.catalog.secret) .Values.external.catalog.key) }}
{{- end }}
{{- end }}

{{- /* Parts that run elsewhere with a CA of their own, as JSON: (list $ spec). */ -}}
{{- define "vidx.authorities" -}}
{{- $values := (index . 0).Values -}}{{- $spec := index . 1 -}}{{- $found := dict -}}
{{- range $need, $part := dict "catalog" "postgresql" "queue" "redis" "store" "minio" "milvus" "milvus" -}}
{{- $ca := (index $values.external $need).ca -}}
{{- $needed := or (has $need $spec.needs) (and (eq $need "queue") $spec.work) -}}
{{- if and $ca.secret $needed (not (index $values.parts $part).enabled) -}}
{{- $_ := set $found $need $ca -}}
{{- end -}}
{{- end -}}
{{- toJson $found -}}
{{- end }}

{{- /* The secret with a service's certificate: (list $ service). */ -}}
{{- define "vidx.certificate" -}}
{{ (index . 0).Values.tls.secret | replace "{service}" (index . 1) }}
{{- end }}

{{- /* Mounts of secrets as files: (list $ service spec). */ -}}
{{- define "vidx.secretMounts" -}}
{{- if (index . 0).Values.tls.enabled }}
- {name: tls, mountPath: /tls, readOnly: true}
{{- end }}
{{- include "vidx.caMounts" (list (index . 0) (index . 2)) }}
{{- end }}

{{- define "vidx.caMounts" -}}
{{- range $part, $ca := include "vidx.authorities" . | fromJson }}
- {name: ca-{{ $part }}, mountPath: /ca/{{ $part }}, readOnly: true}
{{- end }}
{{- end }}

{{- /* Their volumes. */ -}}
{{- define "vidx.secretVolumes" -}}
{{- if (index . 0).Values.tls.enabled }}
- {name: tls, secret: {secretName: {{ include "vidx.certificate" (list (index . 0) (index . 1)) }}, defaultMode: 288}}
{{- end }}
{{- include "vidx.caVolumes" (list (index . 0) (index . 2)) }}
{{- end }}

{{- define "vidx.caVolumes" -}}
{{- range $part, $ca := include "vidx.authorities" . | fromJson }}
- {name: ca-{{ $part }}, secret: {secretName: {{ $ca.secret }}}}
{{- end }}
{{- end }}

{{- /* What the models' folder holds the ordered pack as: another pack, backend or builder has another name. */ -}}
{{- define "vidx.pack" -}}
pack-{{ list .Values.models.pack .Values.models.backend (include "vidx.image" (list . "packs")) | toJson | sha256sum | trunc 10 }}
{{- end }}

{{- /* Room for local copies, in GiB: (role's values). */ -}}
{{- define "vidx.scratch" -}}
{{ .scratchGi | default 10 }}
{{- end }}

{{- /* The environment of a service in a role: (list $ service spec role's-values). */ -}}
{{- define "vidx.env" -}}
{{- $root := index . 0 -}}{{- $name := index . 1 -}}{{- $spec := index . 2 -}}{{- $role := index . 3 -}}
{{- $values := $root.Values -}}{{- $release := include "vidx.name" $root -}}
- {name: VIDX_SERVER_ADDRESS, value: "0.0.0.0:50051"}
{{- if $values.metrics.enabled }}
- {name: VIDX_METRICS_ADDRESS, value: "0.0.0.0:9464"}
{{- end }}
{{- with $values.tracing.endpoint }}
- {name: OTEL_EXPORTER_OTLP_ENDPOINT, value: {{ . | quote }}}
{{- end }}
{{- if $values.tls.enabled }}
- {name: VIDX_SERVER_TLS_CERT, value: {{ printf "/tls/%s" $values.tls.cert | quote }}}
- {name: VIDX_SERVER_TLS_KEY, value: {{ printf "/tls/%s" $values.tls.key | quote }}}
{{- if ne $name "gateway" }}
- {name: VIDX_SERVER_TLS_CLIENT_CA, value: {{ printf "/tls/%s" $values.tls.ca | quote }}}
{{- end }}
- {name: VIDX_SERVER_TLS_IDENTITY, value: {{ $values.tls.identity | quote }}}
- {name: VIDX_CLIENT_TLS_CA, value: {{ printf "/tls/%s" $values.tls.ca | quote }}}
- {name: VIDX_CLIENT_TLS_CERT, value: {{ printf "/tls/%s" $values.tls.cert | quote }}}
- {name: VIDX_CLIENT_TLS_KEY, value: {{ printf "/tls/%s" $values.tls.key | quote }}}
{{- else }}
- {name: VIDX_SERVER_INSECURE, value: "true"}
{{- end }}
{{- range $part, $ca := include "vidx.authorities" (list $root $spec) | fromJson }}
{{- with get (dict "queue" "VIDX_QUEUE_CA" "store" "VIDX_STORE_CA" "milvus" "VIDX_SEARCH_MILVUS_CA") $part }}
- {name: {{ . }}, value: {{ printf "/ca/%s/%s" $part $ca.key | quote }}}
{{- end }}
{{- end }}
- {name: VIDX_STORE_SCRATCH, value: /scratch}
# Of the scratch folder's room, so that the kubelet does not evict the pod for copies that could be dropped.
- {name: VIDX_STORE_CACHE_BYTES, value: {{ mul (include "vidx.scratch" $role | int64) 805306368 | quote }}}
{{- with $spec.work }}
- {name: VIDX_{{ upper $name }}_CONCURRENCY, value: {{ .concurrency | quote }}}
- {name: VIDX_WORKER_ALIVE, value: /tmp/alive}
{{- end }}
{{- range $key, $value := merge (deepCopy $spec.settings) $values.settings }}
- {name: VIDX_{{ $key }}, value: {{ $value | quote }}}
{{- end }}
{{- range $key, $from := $spec.secrets }}
{{ include "vidx.secret" (list (printf "VIDX_%s" $key) $from.secret $from.key) }}
{{- end }}
{{- range $spec.calls }}
- {name: VIDX_{{ upper $name }}_{{ upper . }}_ADDRESS, value: {{ include "vidx.at" (list $root . 50051) | quote }}}
{{- end }}
{{- if has "catalog" $spec.needs }}
{{ include "vidx.catalog" $root }}
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
{{- with $values.external.store.publicUrl }}
- {name: VIDX_STORE_PUBLIC_URL, value: {{ . | quote }}}
{{- end }}
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
- {name: VIDX_{{ upper $name }}_MODELS, value: /models/{{ include "vidx.pack" $root }}}
{{- end }}
{{- end }}

{{- /* Waits for the model pack: (list $ service). */ -}}
{{- define "vidx.waitForModels" -}}
- name: models
  image: {{ include "vidx.image" . }}
  imagePullPolicy: {{ (index . 0).Values.image.pullPolicy }}
  command: [sh, -c, "until [ -e /models/{{ include "vidx.pack" (index . 0) }}/manifest.json ]; do echo waiting for the model pack; sleep 2; done"]
  resources: {requests: {cpu: 10m, memory: 16Mi}, limits: {memory: 64Mi}}
  securityContext: {{- include "vidx.securityContext" . | nindent 4 }}
  volumeMounts: [{name: models, mountPath: /models, readOnly: true}]
{{- end }}
