"""The compose files: what Compose makes of them, who reaches whom, and what each container may do."""

import re
from typing import Any

import pytest
import yaml

from tests.unit.deploy.chart import ROOT, objects
from tests.unit.deploy.compose import SECRETS, config, model

FILES = [("compose.yaml",), ("compose.yaml", "compose.gpu.yaml")]
NAMES = sorted(yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())["services"])
_ADDRESS = re.compile(r"^(?:[a-z0-9+]+://)?(?:[^@/]*@)?(?P<host>[a-z][a-z0-9-]*):(?P<port>[0-9]+)(?:/.*)?$")


def services(*files: str) -> dict[str, Any]:
    found: dict[str, Any] = model(*(files or ("compose.yaml",)))["services"]
    return found


@pytest.mark.parametrize("files", FILES)
def test_compose_takes_them(files: tuple[str, ...]) -> None:
    assert len(services(*files)) >= 20


@pytest.mark.parametrize("missing", SECRETS)
def test_without_a_password_nothing_starts(missing: str) -> None:
    made = config("compose.yaml", env={name: "x" for name in SECRETS if name != missing})
    assert made.returncode != 0
    assert f"{missing}" in made.stderr
    assert f"{missing}=\n" in (ROOT / "deploy/compose/env.example").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_a_container_has_no_rights_beyond_its_own(name: str) -> None:
    one = services()[name]
    assert one["read_only"] is True
    assert one["cap_drop"] == ["ALL"]
    assert one["security_opt"] == ["no-new-privileges:true"]
    assert int(one["deploy"]["resources"]["limits"]["memory"]) > 0
    assert one["deploy"]["resources"]["limits"]["pids"] > 0
    assert ":" in one["image"]
    assert not one["image"].endswith(":latest")
    if one["image"].startswith("vidx/"):
        assert one["user"] == "10001:10001"
    for port in one.get("ports", []):
        assert port["host_ip"] == "127.0.0.1"


@pytest.mark.parametrize("name", NAMES)
def test_who_is_called_is_there_is_reached_and_is_waited_for(name: str) -> None:
    one = services()[name]
    for variable, value in one.get("environment", {}).items():
        found = _ADDRESS.match(value)
        if found is None:
            continue
        host = found["host"]
        assert host in services(), f"{variable}={value}"
        assert set(one["networks"]) & set(services()[host]["networks"]), f"{name} does not reach {host}"
        assert host in _before(name), f"{name} does not wait for {host}"
    for other, how in one.get("depends_on", {}).items():
        if how["condition"] == "service_healthy":
            assert services()[other]["healthcheck"].get("test"), f"{name} waits for {other}, which cannot be healthy"
        else:
            assert services()[other]["restart"] == "no", f"{name} waits for {other} to end"


def _before(name: str) -> set[str]:
    direct = set(services()[name].get("depends_on", {}))
    return direct | {other for one in direct for other in _before(one)}


def test_only_the_edge_leads_out() -> None:
    networks = model("compose.yaml")["networks"]
    assert {name for name, one in networks.items() if not one.get("internal")} == {"edge"}
    outside = {name for name, one in services().items() if "edge" in one.get("networks", {})}
    assert outside == {"gateway", "pipeline-work", "minio", "grafana", "prometheus"}


@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith("-work")])
def test_a_worker_that_hangs_is_seen(name: str) -> None:
    one = services()[name]
    asked = ["CMD", "python", "-m", "services.runtime.alive", one["environment"]["VIDX_WORKER_ALIVE"]]
    assert one["healthcheck"]["test"] == asked


def test_addresses_for_upload_and_playback_lead_to_minio() -> None:
    (port,) = services()["minio"]["ports"]
    public = services()["gateway"]["environment"]["VIDX_STORE_PUBLIC_URL"]
    assert public == f"http://{port['host_ip']}:{port['published']}"
    assert services()["gateway"]["environment"]["VIDX_STORE_URL"] == f"s3://minio:{port['target']}/vidx"


def test_the_parts_are_those_of_the_chart() -> None:
    chart = {
        container["name"]: container["image"]
        for one in objects("values-small.yaml")
        if one["kind"] in ("Deployment", "StatefulSet")
        for container in one["spec"]["template"]["spec"]["containers"]
        if not container["image"].startswith("vidx/")
    }
    assert chart == {name: services()[name]["image"] for name in chart}
    assert chart.keys() == {"postgresql", "redis", "minio", "milvus", "triton"}


def test_triton_is_started_as_in_the_chart() -> None:
    deployment = next(
        one
        for one in objects("values-small.yaml")
        if one["kind"] == "Deployment" and one["metadata"]["name"] == "demo-triton"
    )
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    chart = [*container["command"], *container["args"]]
    assert [re.sub("/models/.*", "/models/current", word) for word in chart] == services()["triton"]["command"]


def test_the_models_that_are_built_are_those_that_are_read() -> None:
    command = services()["models"]["command"]
    link = command[command.index("--link") + 1]
    read = {
        value
        for one in services().values()
        for name, value in one.get("environment", {}).items()
        if name.endswith("_MODELS")
    }
    assert read == {f"/models/{link}"}


def test_prometheus_reads_every_service_where_it_listens() -> None:
    jobs = yaml.safe_load((ROOT / "deploy/compose/prometheus.yaml").read_text())["scrape_configs"]
    read = {
        name: where["port"]
        for job in jobs
        if job["job_name"] == "vidx"
        for where in job["dns_sd_configs"]
        for name in where["names"]
    }
    told = {
        name: int(one["environment"]["VIDX_METRICS_ADDRESS"].rsplit(":", 1)[1])
        for name, one in services().items()
        if (one.get("command") or [""])[0] == "--role"
    }
    assert read == told
    assert len(read) == 14
    for job in jobs:
        for target in (t for where in job.get("static_configs", []) for t in where["targets"]):
            read[target.split(":")[0]] = int(target.rsplit(":", 1)[1])
    assert all(set(services()[name]["networks"]) & set(services()["prometheus"]["networks"]) for name in read)
