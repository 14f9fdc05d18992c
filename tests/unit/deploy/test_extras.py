"""An image holds one service: what a service imports is what its extra, or every service's list, installs."""

import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import grimp
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
SERVICES = ("gateway", "pipeline", "decoding", "embedding", "transcription", "captioning", "chaptering", "search")
ELSEWHERE = {
    # Settings and nothing else choose these: an extra of their own, or the driver of another database.
    "faster_whisper": "whisper",
}
WITH_ANOTHER = {
    # Distributions that come with one that is named.
    "kombu": "celery",
    "googleapis-common-protos": "grpcio-status",
    "urllib3": "minio",
    "vidx": "vidx",
}


@cache
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("services", include_external_packages=True, cache_dir=None)


@cache
def distributions(package: str) -> frozenset[str]:
    return frozenset(map(canonicalize_name, _known().get(package, [])))


@cache
def _known() -> dict[str, list[str]]:
    return dict(packages_distributions())


def named(extra: str) -> set[str]:
    listed = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"][extra]]
    return {canonicalize_name(Requirement(one).name) for one in listed}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_imports_only_what_is_installed_with_it(service: str) -> None:
    upstream = graph().find_upstream_modules(f"services.{service}.__main__")
    outside = {m for m in upstream if not m.startswith("services") and m not in sys.stdlib_module_names}
    missing = set()
    for module in outside - set(ELSEWHERE) - {"vidx"}:
        found = distributions(module) | {WITH_ANOTHER[d] for d in distributions(module) if d in WITH_ANOTHER}
        if not found & named(service):
            missing.add(module)
    assert missing == set()


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_not_given_what_it_does_not_import(service: str) -> None:
    upstream = graph().find_upstream_modules(f"services.{service}.__main__")
    provided = {d for module in upstream for d in distributions(module)}
    own = {canonicalize_name(Requirement(one).name) for one in PROJECT["optional-dependencies"][service]}
    # What another library asks for by itself.
    assert own - provided <= {"onnxruntime", "opencv-python-headless"}


def test_only_the_pack_builder_and_nobody_who_serves_needs_torch() -> None:
    assert [extra for extra in (*SERVICES, "packs") if "torch" in named(extra)] == ["packs"]
