"""Chart, compose and `vidx up` tell the services the same, and only what the code reads: all that it must be told."""

import ast
import importlib
import json
import re
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

from services.cli.home import Home
from services.cli.machine.programs import PORTS, STAGES, Options, environment
from tests.unit.deploy.chart import ROOT, objects, tools
from tests.unit.deploy.compose import model
from tests.unit.deploy.test_extras import PROJECT

ROLES = [("gateway", "serve"), ("pipeline", "work"), *((stage, role) for stage in STAGES for role in ("serve", "work"))]
EVERYTHING = str(Path(__file__).with_name("values-everything.yaml"))
"""Values with all that the chart can be told by reference."""
SECRET = {"VIDX_CATALOG_URL", "VIDX_QUEUE_URL", "VIDX_STORE_ACCESS_KEY", "VIDX_STORE_SECRET_KEY"}
OWN = {"VIDX_STORE_CACHE_BYTES"}
"""What depends on the room that is given."""


@cache
def read_by(service: str) -> dict[str, type[BaseSettings]]:
    """The settings classes that a service's process reads, by name: those in `read(...)` where it is wired."""
    found = {}
    for name in (f"services.{service}.__main__", "services.runtime.service", "services.runtime.probe"):
        module = importlib.import_module(name)
        for node in ast.walk(ast.parse(Path(str(module.__file__)).read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "read":
                cls = getattr(module, ast.unparse(node.args[0]))
                found[cls.__name__] = cls
    return found


def variables(cls: type[BaseSettings]) -> dict[str, bool]:
    """Variable to whether it must be given."""
    prefix = cls.model_config.get("env_prefix", "")
    return {f"{prefix}{name}".upper(): field.is_required() for name, field in cls.model_fields.items()}


@cache
def in_chart(service: str, role: str) -> dict[str, str]:
    for one in objects("values-small.yaml"):
        if one["kind"] == "Deployment" and one["metadata"]["name"] == f"demo-{service}-{role}":
            env = one["spec"]["template"]["spec"]["containers"][0]["env"]
            return {e["name"]: _plain(e.get("value", "<secret>")) for e in env}
    raise AssertionError(f"the chart has no {service} that {role}s")


@cache
def in_compose(service: str, role: str) -> dict[str, str]:
    env = model("compose.yaml")["services"][service if role == "serve" else f"{service}-work"]["environment"]
    return {name: "<secret>" if name in SECRET else _plain(value) for name, value in env.items()}


def _plain(value: str) -> str:
    return re.sub(r"^/models/.*", "/models/<pack>", value.replace("demo-", ""))


@pytest.mark.parametrize(("service", "role"), ROLES)
def test_chart_and_compose_say_the_same(service: str, role: str) -> None:
    chart, compose = in_chart(service, role), in_compose(service, role)
    assert {k: v for k, v in chart.items() if k not in OWN} == {k: v for k, v in compose.items() if k not in OWN}
    assert chart.keys() == compose.keys()


@pytest.mark.parametrize(("service", "role"), ROLES)
def test_every_setting_is_one_that_the_service_reads(service: str, role: str) -> None:
    known = {name for cls in read_by(service).values() for name in variables(cls)}
    given = {name for name in in_chart(service, role) if name.startswith("VIDX_")}
    assert given - known == set()


@pytest.mark.parametrize(("service", "role"), ROLES)
def test_every_setting_that_must_be_given_is(service: str, role: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = {name for cls in read_by(service).values() for name, needed in variables(cls).items() if needed}
    assert wanted - in_chart(service, role).keys() == set()
    for name, value in in_chart(service, role).items():
        monkeypatch.setenv(name, "redis://:secret@redis:6379/0" if name == "VIDX_QUEUE_URL" else value)
    for cls in read_by(service).values():
        cls()


def test_values_for_all_kinds_of_installation_are_settings() -> None:
    known = {name for service, _ in ROLES for cls in read_by(service).values() for name in variables(cls)}
    for values in ("values-small.yaml", "values-gpu.yaml", "values-ha.yaml", EVERYTHING):
        given = {
            env["name"]
            for one in objects(values)
            if one["kind"] in ("Deployment", "Job")
            for container in one["spec"]["template"]["spec"]["containers"]
            for env in container.get("env", [])
        }
        assert {name for name in given if name.startswith("VIDX_")} - known == set()


@cache
def by_reference(service: str, role: str) -> tuple[set[str], set[str]]:
    """Settings whose value is a secret's, and those that are files of one, when the chart is told everything."""
    (spec,) = (
        one["spec"]["template"]["spec"]
        for one in objects(EVERYTHING)
        if one["kind"] == "Deployment" and one["metadata"]["name"] == f"demo-{service}-{role}"
    )
    (container,) = spec["containers"]
    held = {volume["name"] for volume in spec["volumes"] if "secret" in volume}
    folders = {mount["mountPath"] for mount in container["volumeMounts"] if mount["name"] in held}
    secrets = {e["name"] for e in container["env"] if "secretKeyRef" in e.get("valueFrom", {})}
    return secrets, {e["name"] for e in container["env"] if e.get("value", "").rpartition("/")[0] in folders}


@pytest.mark.parametrize(("service", "role"), ROLES)
def test_no_secret_and_no_file_is_forgotten(service: str, role: str) -> None:
    fields = {
        f"{cls.model_config.get('env_prefix', '')}{name}".upper(): field
        for cls in read_by(service).values()
        for name, field in cls.model_fields.items()
    }
    secret = {name for name, field in fields.items() if "SecretStr" in str(field.annotation)}
    files = {
        name
        for name, field in fields.items()
        if "FilePath" in str(field.annotation) or (field.description or "").startswith("file with")
    }
    if service == "gateway":
        # Its callers have keys, and certificates only if they like.
        files.remove("VIDX_SERVER_TLS_CLIENT_CA")
    given = by_reference(service, role)
    assert secret - given[0] == set()
    assert files - given[1] == set()


def test_everything_by_reference_is_valid_and_fits_together() -> None:
    check = [tools() / "python", "-m", "deploy.chart.check", EVERYTHING]
    made = subprocess.run(check, cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert made.returncode == 0, made.stdout + made.stderr


def test_a_secret_is_not_taken_as_a_plain_value() -> None:
    schema = json.loads((ROOT / "helm/vidx/values.schema.json").read_text())["definitions"]["settings"]
    refused = re.compile(schema["propertyNames"]["not"]["pattern"])
    secret = {
        f"{cls.model_config.get('env_prefix', '')}{name}".upper()
        for service, _ in ROLES
        for cls in read_by(service).values()
        for name, field in cls.model_fields.items()
        if "SecretStr" in str(field.annotation)
    }
    # Those two have values of their own.
    assert {name for name in secret - {"VIDX_CATALOG_URL", "VIDX_QUEUE_URL"} if not refused.search(name)} == set()


def test_what_vidx_up_says_is_read_by_somebody(tmp_path: Path) -> None:
    known = {name for service, _ in ROLES for cls in read_by(service).values() for name in variables(cls)}
    told: Mapping[str, str] = environment(
        Home(tmp_path), dict.fromkeys(PORTS, 1), tmp_path, Options(imports=(str(tmp_path),))
    )
    assert {name for name in told if name.startswith("VIDX_")} - known == set()


def test_every_service_is_in_both() -> None:
    code = {
        file.parent.name
        for file in (ROOT / "services").glob("*/__main__.py")
        if re.search(r"service\.role\(", file.read_text())
    }
    assert code == {service for service, _ in ROLES}
    chart = {
        one["metadata"]["name"].removeprefix("demo-")
        for one in objects("values-small.yaml")
        if one["kind"] == "Deployment"
        and one["spec"]["template"]["spec"]["containers"][0].get("args", [""])[0] == "--role"
    }
    assert chart == {f"{service}-{role}" for service, role in ROLES}
    compose = {
        name for name, one in model("compose.yaml")["services"].items() if (one.get("command") or [""])[0] == "--role"
    }
    assert compose == {service if role == "serve" else f"{service}-work" for service, role in ROLES}


def test_every_image_is_built_from_an_extra_of_its_name() -> None:
    extras = PROJECT["optional-dependencies"].keys()
    built = {}
    for one in model("compose.yaml")["services"].values():
        if "build" in one:
            built[one["image"].split("/")[-1].split(":")[0]] = one["build"]["args"]["SERVICE"]
    assert {name: name for name in built} == built
    assert built.keys() <= extras
    chart = {
        container["image"].split("/")[-1].split(":")[0]
        for one in objects("values-small.yaml")
        if one["kind"] in ("Deployment", "Job", "StatefulSet")
        for container in one["spec"]["template"]["spec"]["containers"]
        if container["image"].startswith("vidx/")
    }
    assert chart == built.keys()
