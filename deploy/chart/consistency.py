"""What Kubernetes' schemas cannot see in a set of objects: whether they fit each other.

Every check takes all objects of an installation and gives a line for each fault.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]
_ADDRESS = re.compile(r"^(?:[a-z0-9+]+://)?(?P<host>[a-z0-9.-]+):(?P<port>[0-9]+)(?:/.*)?$")


@dataclass(frozen=True)
class Pod:
    """What makes pods: a Deployment, StatefulSet or Job."""

    owner: Object
    labels: dict[str, str]
    spec: Object

    @property
    def name(self) -> str:
        return f"{self.owner['kind']} {self.owner['metadata']['name']}"

    @property
    def containers(self) -> list[Object]:
        return [*self.spec.get("initContainers", []), *self.spec["containers"]]

    def ports(self) -> set[int | str]:
        """Numbers and names."""
        found = [port for c in self.spec["containers"] for port in c.get("ports", [])]
        return {p["containerPort"] for p in found} | {p["name"] for p in found if "name" in p}

    def number(self, port: int | str) -> int | str:
        named = {
            p["name"]: p["containerPort"] for c in self.spec["containers"] for p in c.get("ports", []) if "name" in p
        }
        return named.get(port, port)  # type: ignore[arg-type]

    def env(self) -> Iterator[tuple[str, str]]:
        for container in self.containers:
            for one in container.get("env", []):
                if "value" in one:
                    yield one["name"], one["value"]


class Installation:
    """All objects, and who is chosen by what."""

    def __init__(self, objects: list[Object]) -> None:
        self.objects = objects
        self.pods = [
            Pod(one, one["spec"]["template"]["metadata"]["labels"], one["spec"]["template"]["spec"])
            for one in objects
            if one["kind"] in ("Deployment", "StatefulSet", "Job")
        ]

    def kind(self, kind: str) -> dict[str, Object]:
        return {one["metadata"]["name"]: one for one in self.objects if one["kind"] == kind}

    def chosen(self, selector: Object) -> list[Pod]:
        return [pod for pod in self.pods if chooses(selector, pod.labels)]


def chooses(selector: Object, labels: dict[str, str]) -> bool:
    """Whether a LabelSelector of Kubernetes chooses what carries the labels."""
    tests: dict[str, Callable[[Object], bool]] = {
        "In": lambda one: labels.get(one["key"]) in one["values"],
        "NotIn": lambda one: labels.get(one["key"]) not in one["values"],
        "Exists": lambda one: one["key"] in labels,
        "DoesNotExist": lambda one: one["key"] not in labels,
    }
    return selector.get("matchLabels", {}).items() <= labels.items() and all(
        tests[one["operator"]](one) for one in selector.get("matchExpressions", [])
    )


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
    """Bounded, without rights, on a root that cannot be written; probes ask ports that are there; mounts too."""
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
            for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
                for how in container.get(probe, {}).values():
                    if isinstance(how, dict) and how.get("port") not in pod.ports():
                        yield f"{at}: its {probe} asks port {how.get('port')}"
            mounts = [mount["mountPath"] for mount in container.get("volumeMounts", [])]
            yield from (
                f"{at}: no volume {m['name']}" for m in container.get("volumeMounts", []) if m["name"] not in volumes
            )
            for one in container.get("env", []):
                # A setting that is a path is below a mount: nothing else can be written, or lies there.
                value = one.get("value", "")
                if value.startswith("/") and not any(value == m or value.startswith(f"{m}/") for m in mounts):
                    yield f"{at}: {one['name']}={value} is not on a volume"


def references(them: Installation, external: set[tuple[str, str]]) -> Iterator[str]:
    """Accounts, claims and secrets are there; `external` are the (secret, key) pairs that the values name."""
    secrets = {
        (n, key)
        for n, one in them.kind("Secret").items()
        for key in {**one.get("data", {}), **one.get("stringData", {})}
    }
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


CHECKS: tuple[Callable[[Installation], Iterator[str]], ...] = (services, addresses, policies, containers, scaling)


def faults(objects: list[Object], external: set[tuple[str, str]]) -> list[str]:
    """Everything that does not fit."""
    them = Installation(objects)
    return [*(fault for check in CHECKS for fault in check(them)), *references(them, external)]
