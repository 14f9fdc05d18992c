"""`make helm-check`: lint, render and validate the chart with each values file, against two versions of Kubernetes.

Helm's own code (helm-python-sdk) and Kubernetes' own schemas (kubernetes-validate), both offline. Runs in an
environment of its own, which those two fill.
"""

import sys
from pathlib import Path

import helm_python as helm
import kubernetes_validate
import yaml

CHART = Path(__file__).parents[2] / "helm" / "vidx"
VERSIONS = ("1.31", "1.36")
CUSTOM = ("keda.sh/v1alpha1", "monitoring.coreos.com/v1")
"""Kinds of objects that a cluster learns from an operator; Kubernetes has no schema of them."""
LEAST = 50
"""Objects that any installation has: fewer means that a template rendered nothing."""


def objects(chart: helm.Chart, values: dict[str, object]) -> list[dict[str, object]]:
    """Everything that the chart makes of the values."""
    rendered = chart.render(values, name="demo", namespace="vidx")
    return [one for text in rendered.values() for one in yaml.safe_load_all(text) if one]


def faults(made: list[dict[str, object]], version: str) -> list[str]:
    """What Kubernetes of a version has against the objects."""
    found = []
    for one in made:
        if one["apiVersion"] in CUSTOM:
            continue
        try:
            kubernetes_validate.validate(one, version, strict=True)
        except (kubernetes_validate.ValidationError, kubernetes_validate.SchemaNotFoundError) as error:
            where = "/".join(map(str, getattr(error, "path", ())))
            found.append(f"{one['kind']} {one['metadata']['name']}: {where}: {error.message}")
    return found


def main() -> int:
    failed = False
    files = sorted(CHART.glob("values-*.yaml"))
    with helm.Chart.load(CHART) as chart:
        for file in files:
            values = yaml.safe_load(file.read_text())
            chart.validate_schema(values)
            for version in VERSIONS:
                report = helm.lint(CHART, values, strict=True, kube_version=f"v{version}.0")
                # Information is no fault: severity 1.
                wrong = [m["error"] for m in report["messages"] if m["severity"] > 1] + report["errors"]
                made = objects(chart, values)
                names = [(one["kind"], one["metadata"]["name"]) for one in made]
                wrong += [f"{kind} {name} twice" for kind, name in set(names) if names.count((kind, name)) > 1]
                wrong += faults(made, version)
                if len(made) < LEAST:
                    wrong.append(f"only {len(made)} objects")
                custom = sum(one["apiVersion"] in CUSTOM for one in made)
                print(
                    f"{file.name}, Kubernetes {version}: {len(made) - custom} objects valid, {custom} of operators"
                    if not wrong
                    else f"{file.name}, Kubernetes {version}: wrong"
                )
                for line in wrong:
                    print(f"  {line}")
                failed = failed or bool(wrong)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
