"""`make helm-check`: lint, render and validate the chart with each values file, against two versions of Kubernetes.

Helm's own code (helm-python-sdk), Kubernetes' own schemas (kubernetes-validate) and those of the operators' objects
(cloudcoil-models), all offline; then what no schema can see (`consistency`). Runs in an environment of its own.
`python -m deploy.chart.check FILE...` looks at other values; `--render values-small.yaml` prints the objects as JSON.
"""

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import helm_python as helm
import kubernetes_validate
import yaml
from pydantic import ValidationError

from deploy.chart.consistency import faults as misfits

CHART = Path(__file__).parents[2] / "helm" / "vidx"
VERSIONS = ("1.31", "1.36")
CUSTOM = {
    "cert-manager.io/v1": "cloudcoil.models.cert_manager.v1",
    "keda.sh/v1alpha1": "cloudcoil.models.keda.v1alpha1",
    "monitoring.coreos.com/v1": "cloudcoil.models.prometheus_operator.v1",
}
"""Kinds of objects that a cluster learns from an operator, and the operator's own definitions as models."""
PRIVATE = ("catalog", "queue", "store", "milvus")
"""Parts that may have a CA of their own."""
LEAST = 50
"""Objects that any installation has: fewer means that a template rendered nothing."""

Object = dict[str, Any]


def objects(chart: helm.Chart, values: Object) -> list[Object]:
    """Everything that the chart makes of the values."""
    rendered = chart.render(values, name="demo", namespace="vidx")
    return [one for text in rendered.values() for one in yaml.safe_load_all(text) if one]


def named(values: Object) -> set[tuple[str, str]]:
    """The (secret, key) pairs that values say exist elsewhere."""
    external = values["external"]
    store = external["store"]
    pairs = [(external[part]["secret"], external[part]["key"]) for part in ("catalog", "queue", "milvus")]
    pairs += [(store["secret"], store["accessKey"]), (store["secret"], store["secretKey"])]
    pairs += [(external["queue"]["secret"], key) for key in ("address", "password")]
    pairs += [(external[part]["ca"]["secret"], external[part]["ca"]["key"]) for part in PRIVATE]
    pairs += [
        (one["secret"], one["key"]) for spec in values["services"].values() for one in spec.get("secrets", {}).values()
    ]
    tls = values["tls"]
    if tls["enabled"] and not tls["issuer"]["name"]:
        secrets = [tls["secret"].replace("{service}", service) for service in values["services"]]
        pairs += [(secret, tls[key]) for secret in secrets for key in ("cert", "key", "ca")]
    return {pair for pair in pairs if pair[0]}


def faults(made: list[Object], version: str) -> list[str]:
    """What Kubernetes of a version, and the operators, have against the objects."""
    found = []
    for one in made:
        name = f"{one['kind']} {one['metadata']['name']}"
        if one["apiVersion"] in CUSTOM:
            found += [f"{name}: {fault}" for fault in of_operator(one)]
            continue
        try:
            kubernetes_validate.validate(one, version, strict=True)
        except (kubernetes_validate.ValidationError, kubernetes_validate.SchemaNotFoundError) as error:
            found.append(f"{name}: {'/'.join(map(str, getattr(error, 'path', ())))}: {error.message}")
    return found


def of_operator(one: Object) -> list[str]:
    """What an operator's definition has against an object, fields that it does not know among that."""
    kind = getattr(importlib.import_module(CUSTOM[one["apiVersion"]]), one["kind"])
    try:
        known = kind.model_validate(one).model_dump(mode="json", by_alias=True, exclude_none=True)
    except ValidationError as error:
        return [f"{'/'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
    return [f"no field {path}" for path in _lost(one, known)]


def _lost(given: Any, kept: Any, path: str = "") -> list[str]:
    if isinstance(given, dict):
        return [
            line
            for key, value in given.items()
            for line in ([f"{path}/{key}"] if key not in kept else _lost(value, kept[key], f"{path}/{key}"))
        ]
    if isinstance(given, list):
        return [line for i, value in enumerate(given) for line in _lost(value, kept[i], f"{path}/{i}")]
    return []


def check(chart: helm.Chart, file: Path) -> list[str]:
    """Prints a line for each version of Kubernetes; the faults."""
    values = yaml.safe_load(file.read_text())
    chart.validate_schema(values)
    made = objects(chart, values)
    names = [(one["kind"], one["metadata"]["name"]) for one in made]
    wrong = [f"{kind} {name} twice" for kind, name in set(names) if names.count((kind, name)) > 1]
    if len(made) < LEAST:
        wrong.append(f"only {len(made)} objects")
    wrong += misfits(made, named(merged(yaml.safe_load((CHART / "values.yaml").read_text()), values)))
    for version in VERSIONS:
        report = helm.lint(CHART, values, strict=True, kube_version=f"v{version}.0")
        # Information is no fault: severity 1.
        found = [m["error"] for m in report["messages"] if m["severity"] > 1] + report["errors"] + faults(made, version)
        custom = sum(one["apiVersion"] in CUSTOM for one in made)
        sizes = f"{len(made) - custom} objects of Kubernetes and {custom} of operators"
        print(f"{file.name}, Kubernetes {version}: {sizes}: {'wrong' if found or wrong else 'valid'}")
        wrong += found
    return wrong


def merged(base: Object, over: Object) -> Object:
    """Values as Helm lays one file over another."""
    both = {
        key: merged(base[key], over[key]) if isinstance(base[key], dict) and key in over else over.get(key, base[key])
        for key in base
    }
    return {**over, **both}


def main() -> int:
    files = [Path(file) for file in sys.argv[1:]] or sorted(CHART.glob("values-*.yaml"))
    with helm.Chart.load(CHART) as chart:
        if sys.argv[1:2] == ["--render"]:
            print(json.dumps(objects(chart, yaml.safe_load((CHART / sys.argv[2]).read_text()))))
            return 0
        wrong = [f"{file.name}: {fault}" for file in files for fault in dict.fromkeys(check(chart, file))]
    print("\n".join(wrong) if wrong else "helm-check: everything is valid, and fits together")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
