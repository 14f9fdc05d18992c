"""Each way in which the chart's objects might not fit each other is found: faults are planted in what Helm renders."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from deploy.chart.consistency import faults
from tests.unit.deploy.chart import objects

Object = dict[str, Any]
SECRETS = {("vidx-catalog", "url"), ("vidx-milvus", "token")}
SECRETS |= {("vidx-queue", key) for key in ("url", "address", "password")}
SECRETS |= {("vidx-store", key) for key in ("access-key", "secret-key")}


def find(them: list[Object], kind: str, name: str) -> Object:
    return next(one for one in them if one["kind"] == kind and one["metadata"]["name"] == f"demo-{name}")


def pod(them: list[Object], name: str) -> Object:
    spec: Object = find(them, "Deployment", name)["spec"]["template"]["spec"]
    return spec


def env(them: list[Object], name: str, variable: str) -> Object:
    return next(e for e in pod(them, name)["containers"][0]["env"] if e["name"] == variable)


def put(thing: Any, key: Any, value: object) -> None:
    thing[key] = value


@pytest.mark.parametrize("values", ["values-small.yaml", "values-gpu.yaml", "values-ha.yaml"])
def test_what_the_chart_makes_fits_together(values: str) -> None:
    assert faults(objects(values), SECRETS) == []


PLANTED: dict[str, tuple[Callable[[list[Object]], object], str]] = {
    "a service's port": (
        lambda them: put(find(them, "Service", "search")["spec"]["ports"][0], "targetPort", "rpc"),
        "has no port rpc",
    ),
    "a service's selector": (
        lambda them: put(find(them, "Service", "search")["spec"]["selector"], "vidx/role", "server"),
        "chooses no pod",
    ),
    "an address": (
        lambda them: put(env(them, "gateway-serve", "VIDX_GATEWAY_SEARCH_ADDRESS"), "value", "demo-searching:50051"),
        "no Service has that",
    ),
    "an address's port": (
        lambda them: put(env(them, "embedding-serve", "VIDX_TRITON_ADDRESS"), "value", "demo-triton:8003"),
        "no Service has that",
    ),
    "a policy that forgets a caller": (
        lambda them: find(them, "NetworkPolicy", "embedding")["spec"]["ingress"][0]["from"].pop(0),
        "forbids to call Deployment demo-embedding-serve",
    ),
    "a policy that forgets whom a service calls": (
        lambda them: put(find(them, "NetworkPolicy", "captioning")["spec"], "egress", []),
        "forbids to call",
    ),
    "a policy for nobody": (
        lambda them: put(find(them, "NetworkPolicy", "search")["spec"]["podSelector"]["matchLabels"], "vidx/role", "x"),
        "chooses no pod",
    ),
    "a pod without a policy": (lambda them: them.remove(find(them, "NetworkPolicy", "models")), "has no NetworkPolicy"),
    "a probe's port": (
        lambda them: put(
            pod(them, "gateway-serve")["containers"][0], "readinessProbe", {"httpGet": {"port": 50052, "path": "/"}}
        ),
        "asks port 50052",
    ),
    "a probe in plain text": (
        lambda them: put(pod(them, "search-serve")["containers"][0], "livenessProbe", {"grpc": {"port": 50051}}),
        "its livenessProbe speaks plain text",
    ),
    "a probe that asks for another's certificate": (
        lambda them: put(
            pod(them, "search-serve")["containers"][0]["livenessProbe"]["exec"]["command"], -1, "demo-searching"
        ),
        "which is no Service",
    ),
    "a worker's sign elsewhere": (
        lambda them: put(env(them, "decoding-work", "VIDX_WORKER_ALIVE"), "value", "/scratch/alive"),
        "the worker writes elsewhere",
    ),
    "a worker that nobody looks after": (
        lambda them: pod(them, "decoding-work")["containers"][0].pop("livenessProbe"),
        "nobody finds it when it hangs",
    ),
    "a service without TLS": (
        lambda them: pod(them, "embedding-serve")["containers"][0].update(
            env=[
                e
                for e in pod(them, "embedding-serve")["containers"][0]["env"]
                if not e["name"].startswith("VIDX_SERVER_TLS")
            ]
        ),
        "neither TLS nor told to do without",
    ),
    "a caller without TLS": (
        lambda them: put(env(them, "gateway-serve", "VIDX_CLIENT_TLS_CA"), "name", "VIDX_CLIENT_CA"),
        "one speaks TLS, the other does not",
    ),
    "a caller that shows nothing": (
        lambda them: put(env(them, "gateway-serve", "VIDX_CLIENT_TLS_CERT"), "name", "VIDX_CLIENT_CERT"),
        "no certificate",
    ),
    "a door in plain text": (
        lambda them: put(
            find(them, "Ingress", "gateway")["metadata"]["annotations"],
            "nginx.ingress.kubernetes.io/backend-protocol",
            "GRPC",
        ),
        "which speaks GRPCS",
    ),
    "a certificate that nobody makes": (
        lambda them: them.remove(find(them, "Certificate", "search")),
        "mounts a secret vidx-search-tls, which nobody makes",
    ),
    "a key that the certificate's secret does not have": (
        lambda them: put(env(them, "search-work", "VIDX_CLIENT_TLS_CA"), "value", "/tls/root.crt"),
        "key root.crt of a secret vidx-search-tls",
    ),
    "a root that can be written": (
        lambda them: put(
            pod(them, "decoding-work")["containers"][0]["securityContext"], "readOnlyRootFilesystem", False
        ),
        "readOnlyRootFilesystem is not True",
    ),
    "a folder that cannot be written": (
        lambda them: put(env(them, "decoding-work", "VIDX_STORE_SCRATCH"), "value", "/var/scratch"),
        "is not on a volume",
    ),
    "a token": (lambda them: pod(them, "search-work").pop("automountServiceAccountToken"), "has a token"),
    "no limit": (
        lambda them: pod(them, "search-work")["containers"][0]["resources"].pop("limits"),
        "no limit of memory",
    ),
    "a claim": (lambda them: them.remove(find(them, "PersistentVolumeClaim", "models")), "no PersistentVolumeClaim"),
    "an account": (lambda them: put(pod(them, "search-work"), "serviceAccountName", "demo"), "no ServiceAccount demo"),
    "a secret's key": (
        lambda them: put(env(them, "search-work", "VIDX_QUEUE_URL")["valueFrom"]["secretKeyRef"], "key", "uri"),
        "which nobody makes",
    ),
    "KEDA's secret": (
        lambda them: put(find(them, "TriggerAuthentication", "queue")["spec"]["secretTargetRef"][0], "key", "host"),
        "nobody makes key host",
    ),
    "a queue's name": (
        lambda them: put(
            find(them, "ScaledObject", "decoding-work")["spec"]["triggers"][0]["metadata"], "listName", "plan"
        ),
        "scale decoding",
    ),
    "jobs under way that are not counted": (
        lambda them: find(them, "ScaledObject", "decoding-work")["spec"]["triggers"].pop(),
        "scale decoding",
    ),
    "two who say how many": (
        lambda them: put(find(them, "Deployment", "search-work")["spec"], "replicas", 1),
        "number of its own",
    ),
    "a budget": (
        lambda them: put(
            find(them, "PodDisruptionBudget", "triton")["spec"]["selector"]["matchLabels"], "vidx/role", "x"
        ),
        "PodDisruptionBudget demo-triton chooses no pod",
    ),
    "the door": (
        lambda them: put(
            find(them, "Ingress", "gateway")["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"],
            "name",
            "demo-door",
        ),
        "no port",
    ),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_a_fault_is_found(fault: str) -> None:
    plant, said = PLANTED[fault]
    them = copy.deepcopy(objects("values-ha.yaml"))
    plant(them)
    found = faults(them, SECRETS)
    assert any(said in line for line in found), found


def test_a_hook_that_needs_what_is_made_after_it_is_found() -> None:
    them = copy.deepcopy(objects("values-small.yaml"))
    put(find(them, "Job", "migrate")["metadata"]["annotations"], "helm.sh/hook", "pre-install,pre-upgrade")
    assert any("runs before the secret" in line for line in faults(them, SECRETS))
