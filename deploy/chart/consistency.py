"""What Kubernetes' schemas cannot see in a set of objects: whether they fit each other.

Every check takes all objects of an installation and gives a line for each fault.
"""

import re
from collections.abc import Callable, Iterator

from deploy.chart.installation import Installation, Object, Pod, chooses

PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
_ADDRESS = re.compile(r"^(?:[a-z0-9+]+://)?(?P<host>[a-z0-9.-]+):(?P<port>[0-9]+)(?:/.*)?$")


def services(them: Installation) -> Iterator[str]:
    """Services choose pods, which listen on their ports."""
    for name, service in them.kind("Service").items():
        pods = them.chosen({"matchLabels": service["spec"]["selector"]})
        if not pods:
            yield f"Service {name} chooses no pod"
        for port in service["spec"]["ports"]:
            yield from (
                f"Service {name}: {pod.name} has no port {port['targetPort']}"
                for pod in pods
                if port["targetPort"] not in pod.ports()
            )
    for name, ingress in them.kind("Ingress").items():
        for rule in ingress["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                backend = path["backend"]["service"]
                service = them.kind("Service").get(backend["name"], {"spec": {"ports": []}})
                if backend["port"].get("name") not in [port.get("name") for port in service["spec"]["ports"]]:
                    yield f"Ingress {name}: no port {backend['port']} of a Service {backend['name']}"


def addresses(them: Installation) -> Iterator[str]:
    """Addresses in settings are those of Services, and the network policies of both sides let the call through."""
    for pod in them.pods:
        for name, value in pod.env():
            found = _ADDRESS.match(value)
            if found is None or found["host"] in ("0.0.0.0", "127.0.0.1") or "." in found["host"]:
                continue
            service = them.kind("Service").get(found["host"])
            port = int(found["port"])
            if service is None or port not in [p["port"] for p in service["spec"]["ports"]]:
                yield f"{pod.name}: {name}={value}, and no Service has that"
                continue
            for called in them.chosen({"matchLabels": service["spec"]["selector"]}):
                target = next(called.number(p["targetPort"]) for p in service["spec"]["ports"] if p["port"] == port)
                if not _lets(them, "Egress", pod, called, target) or not _lets(them, "Ingress", called, pod, target):
                    yield f"{pod.name}: {name}={value}, and a NetworkPolicy forbids to call {called.name}"


def _lets(them: Installation, direction: str, subject: Pod, other: Pod, port: int | str) -> bool:
    rules, peers = ("egress", "to") if direction == "Egress" else ("ingress", "from")
    policies = [
        policy["spec"]
        for policy in them.kind("NetworkPolicy").values()
        if chooses(policy["spec"]["podSelector"], subject.labels) and direction in policy["spec"]["policyTypes"]
    ]
    return not policies or any(
        (not rule.get("ports") or port in [p["port"] for p in rule["ports"]])
        and (
            not rule.get(peers)
            or any("podSelector" in p and chooses(p["podSelector"], other.labels) for p in rule[peers])
        )
        for policy in policies
        for rule in policy.get(rules) or []
    )


def policies(them: Installation) -> Iterator[str]:
    """Every pod has policies for both directions, once there is one; and every selector chooses somebody."""
    found = them.kind("NetworkPolicy")
    for name, policy in found.items():
        selectors = [policy["spec"]["podSelector"]]
        for rules, peers in (("ingress", "from"), ("egress", "to")):
            for rule in policy["spec"].get(rules) or []:
                selectors += [peer["podSelector"] for peer in rule.get(peers, []) if "podSelector" in peer]
        yield from (f"NetworkPolicy {name}: {s} chooses no pod" for s in selectors if not them.chosen(s))
    for pod in them.pods if found else ():
        for direction in ("Ingress", "Egress"):
            if not any(
                direction in policy["spec"]["policyTypes"] and chooses(policy["spec"]["podSelector"], pod.labels)
                for policy in found.values()
            ):
                yield f"{pod.name} has no NetworkPolicy for {direction}"


def containers(them: Installation) -> Iterator[str]:
    """Bounded, without rights, on a root that cannot be written, with mounts that are there."""
    for pod in them.pods:
        if pod.spec.get("automountServiceAccountToken") is not False:
            yield f"{pod.name} has a token"
        volumes = {volume["name"] for volume in pod.spec.get("volumes", [])}
        volumes |= {claim["metadata"]["name"] for claim in pod.owner["spec"].get("volumeClaimTemplates", [])}
        for container in pod.containers:
            at = f"{pod.name}, {container['name']}"
            context = {**pod.spec.get("securityContext", {}), **container.get("securityContext", {})}
            for right, wanted in (
                ("runAsNonRoot", True),
                ("readOnlyRootFilesystem", True),
                ("allowPrivilegeEscalation", False),
            ):
                if context.get(right) is not wanted:
                    yield f"{at}: {right} is not {wanted}"
            if not context.get("runAsUser"):
                yield f"{at}: no user, and an image may name one by a word"
            if not container["resources"].get("requests") or "memory" not in container["resources"].get("limits", {}):
                yield f"{at}: no requests, or no limit of memory"
            mounts = [mount["mountPath"] for mount in container.get("volumeMounts", [])]
            yield from (
                f"{at}: no volume {m['name']}" for m in container.get("volumeMounts", []) if m["name"] not in volumes
            )
            for one in container.get("env", []):
                # A setting that is a path is below a mount: nothing else can be written, or lies there.
                value = one.get("value", "")
                if value.startswith("/") and not any(value == m or value.startswith(f"{m}/") for m in mounts):
                    yield f"{at}: {one['name']}={value} is not on a volume"


def probes(them: Installation) -> Iterator[str]:
    """Who is restarted or left out by a probe can answer it: at a port, or by a command, as which it speaks TLS."""
    for pod in them.pods:
        env = dict(pod.env())
        for container in pod.spec["containers"]:
            at = f"{pod.name}, {container['name']}"
            asked = {name: container[name] for name in PROBES if name in container}
            for name, probe in asked.items():
                for kind in ("grpc", "httpGet", "tcpSocket"):
                    if kind in probe and probe[kind]["port"] not in pod.ports():
                        yield f"{at}: its {name} asks port {probe[kind]['port']}"
                if "grpc" in probe and "VIDX_SERVER_TLS_CERT" in env:
                    yield f"{at}: its {name} speaks plain text to a server that speaks TLS"
                command = probe.get("exec", {}).get("command", [])
                if "services.runtime.alive" in command and command[3:] != [env.get("VIDX_WORKER_ALIVE")]:
                    yield f"{at}: its {name} looks at {command[3:]}, and the worker writes elsewhere"
                if "services.runtime.probe" in command and not them.kind("Service").keys() & {command[-1]}:
                    yield f"{at}: its {name} asks for the certificate of {command[-1]}, which is no Service"
            if pod.owner["kind"] != "Job" and "livenessProbe" not in asked:
                yield f"{at}: nobody finds it when it hangs"


def encryption(them: Installation) -> Iterator[str]:
    """Services speak TLS with all who call them or with none, and know them where they ask who calls."""
    for pod in them.pods:
        env = dict(pod.env())
        if not env.keys() & {"VIDX_SERVER_TLS_CERT", "VIDX_SERVER_INSECURE"} and "VIDX_SERVER_ADDRESS" in env:
            yield f"{pod.name}: neither TLS nor told to do without, so it does not start"
        for name, value in env.items():
            service = them.kind("Service").get(value.split(":")[0])
            if service is None or not name.endswith("_ADDRESS"):
                continue
            for called in them.chosen({"matchLabels": service["spec"]["selector"]}):
                theirs = dict(called.env())
                if ("VIDX_SERVER_TLS_CERT" in theirs) != (
                    "VIDX_CLIENT_TLS_CA" in env
                ) and "VIDX_SERVER_ADDRESS" in theirs:
                    yield f"{pod.name} and {called.name}: one speaks TLS, the other does not"
                if "VIDX_SERVER_TLS_CLIENT_CA" in theirs and "VIDX_CLIENT_TLS_CERT" not in env:
                    yield f"{pod.name} shows {called.name} no certificate"
    for name, ingress in them.kind("Ingress").items():
        spoken = ingress["metadata"]["annotations"].get("nginx.ingress.kubernetes.io/backend-protocol")
        for rule in ingress["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                service = them.kind("Service").get(path["backend"]["service"]["name"], {"spec": {"selector": {"": ""}}})
                for pod in them.chosen({"matchLabels": service["spec"]["selector"]}):
                    wanted = "GRPCS" if "VIDX_SERVER_TLS_CERT" in dict(pod.env()) else "GRPC"
                    if spoken != wanted:
                        yield f"Ingress {name}: speaks {spoken} to {pod.name}, which speaks {wanted}"


def references(them: Installation, external: set[tuple[str, str]]) -> Iterator[str]:
    """Accounts, claims and secrets are there; `external` are the (secret, key) pairs that the values name."""
    secrets = {
        (n, key)
        for n, one in them.kind("Secret").items()
        for key in {**one.get("data", {}), **one.get("stringData", {})}
    }
    # cert-manager's, by its own names of the keys.
    made = [one["spec"]["secretName"] for one in them.kind("Certificate").values()]
    secrets |= {(name, key) for name in made for key in ("tls.crt", "tls.key", "ca.crt")}
    for pod in them.pods:
        hook = pod.owner["metadata"].get("annotations", {}).get("helm.sh/hook", "")
        account = pod.spec.get("serviceAccountName")
        if account and account not in them.kind("ServiceAccount"):
            yield f"{pod.name}: no ServiceAccount {account}"
        for volume in pod.spec.get("volumes", []):
            claim = volume.get("persistentVolumeClaim", {}).get("claimName")
            if claim and claim not in them.kind("PersistentVolumeClaim"):
                yield f"{pod.name}: no PersistentVolumeClaim {claim}"
        for container in pod.containers:
            yield from _files(pod, container, secrets | external)
            for one in container.get("env", []):
                wanted = one.get("valueFrom", {}).get("secretKeyRef")
                if wanted is None:
                    continue
                pair = (wanted["name"], wanted["key"])
                if pair not in secrets | external:
                    yield f"{pod.name}: {one['name']} is key {pair[1]} of a secret {pair[0]}, which nobody makes"
                if "pre-install" in hook and pair in secrets:
                    yield f"{pod.name} runs before the secret {pair[0]} is made"
    for name, one in them.kind("TriggerAuthentication").items():
        for wanted in one["spec"]["secretTargetRef"]:
            if (wanted["name"], wanted["key"]) not in secrets | external:
                yield f"TriggerAuthentication {name}: nobody makes key {wanted['key']} of {wanted['name']}"


def _files(pod: Pod, container: Object, secrets: set[tuple[str, str]]) -> Iterator[str]:
    """Settings that are files of a mounted secret are keys of it."""
    held = {v["name"]: v["secret"]["secretName"] for v in pod.spec.get("volumes", []) if "secret" in v}
    for mount in container.get("volumeMounts", []):
        if mount["name"] not in held:
            continue
        secret = held[mount["name"]]
        if secret not in {name for name, _ in secrets}:
            yield f"{pod.name}: mounts a secret {secret}, which nobody makes"
        for one in container.get("env", []):
            folder, _, key = one.get("value", "").rpartition("/")
            if folder == mount["mountPath"] and (secret, key) not in secrets:
                yield f"{pod.name}: {one['name']} is key {key} of a secret {secret}, which nobody makes"


def scaling(them: Installation) -> Iterator[str]:
    """Each scaler has a Deployment, alone, which leaves the number to it; workers by the queue that they take from."""
    scaled: list[str] = []
    for kind in ("HorizontalPodAutoscaler", "ScaledObject"):
        for name, one in them.kind(kind).items():
            target = one["spec"]["scaleTargetRef"]["name"]
            deployment = them.kind("Deployment").get(target)
            scaled.append(target)
            if deployment is None:
                yield f"{kind} {name}: no Deployment {target}"
            elif "replicas" in deployment["spec"]:
                yield f"{kind} {name}: the Deployment has a number of its own, and each upgrade would set it"
            if deployment is None or kind != "ScaledObject":
                continue
            container = deployment["spec"]["template"]["spec"]["containers"][0]
            queue = container["name"]
            lists = [trigger["metadata"]["listName"] for trigger in one["spec"]["triggers"]]
            if container.get("args") != ["--role", "work"] or lists != [queue, f"{queue}.under-way"]:
                yield f"ScaledObject {name}: {lists} scale {container['name']} {container.get('args')}"
            for trigger in one["spec"]["triggers"]:
                if trigger["authenticationRef"]["name"] not in them.kind("TriggerAuthentication"):
                    yield f"ScaledObject {name}: no TriggerAuthentication {trigger['authenticationRef']['name']}"
    yield from (f"{name} is scaled twice" for name in set(scaled) if scaled.count(name) > 1)
    for name, budget in them.kind("PodDisruptionBudget").items():
        if not them.chosen(budget["spec"]["selector"]):
            yield f"PodDisruptionBudget {name} chooses no pod"


CHECKS: tuple[Callable[[Installation], Iterator[str]], ...] = (
    services,
    addresses,
    policies,
    containers,
    probes,
    encryption,
    scaling,
)


def faults(objects: list[Object], external: set[tuple[str, str]]) -> list[str]:
    """Everything that does not fit."""
    them = Installation(objects)
    return [*(fault for check in CHECKS for fault in check(them)), *references(them, external)]
