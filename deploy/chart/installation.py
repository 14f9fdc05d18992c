"""All objects of an installation, and who is chosen by what: for checks of whether they fit each other."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]


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
