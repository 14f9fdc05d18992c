"""Who calls whom is the same in the chart as in the rules that services hold each other's certificates against."""

import importlib
import re

import pytest

from services.runtime.guard import rules
from tests.unit.deploy.chart import ROOT, objects

_ADDRESS = re.compile(r"VIDX_([A-Z]+)_([A-Z]+)_ADDRESS")


def may_call() -> set[tuple[str, str]]:
    """(caller, called) by the rules beside the methods."""
    found = set()
    for file in (ROOT / "protos").glob("vidx/*/v1/*.proto"):
        stage = file.parts[-3]
        module = importlib.import_module(f"vidx.{stage}.v1.{file.stem}_pb2")
        for _, rule in rules(list(module.DESCRIPTOR.services_by_name.values())).values():
            found |= {(caller, stage) for caller in rule.callers}
    return found


@pytest.mark.parametrize("values", ["values-small.yaml", "values-ha.yaml"])
def test_a_service_calls_those_that_let_it_in_and_no_others(values: str) -> None:
    calls = set()
    for one in objects(values):
        if one["kind"] == "Deployment":
            for env in one["spec"]["template"]["spec"]["containers"][0].get("env", []):
                named = _ADDRESS.fullmatch(env["name"])
                if named and ":50051" in env.get("value", ""):
                    calls.add((named[1].lower(), named[2].lower()))
    assert calls == may_call()
