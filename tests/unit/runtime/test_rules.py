"""Every method of every service says who may call it, beside its definition."""

import importlib
from pathlib import Path

import pytest
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from vidx.access.v1 import rule_pb2

from services.runtime.guard import rules

PROTOS = Path(__file__).parents[3] / "protos"
PUBLIC = "vidx.gateway."


def services() -> list[ServiceDescriptor]:
    found = []
    for file in sorted(PROTOS.glob("vidx/*/v*/*.proto")):
        module = importlib.import_module(".".join(file.relative_to(PROTOS).with_suffix("").parts) + "_pb2")
        found += module.DESCRIPTOR.services_by_name.values()
    return found


METHODS = [method for service in services() for method in service.methods]


def test_the_protos_are_found() -> None:
    assert {s.full_name.split(".")[1] for s in services()} >= {"gateway", "search", "decoding", "chaptering"}


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.full_name)
def test_a_method_has_a_rule(method: MethodDescriptor) -> None:
    known = rules([method.containing_service])
    name = f"/{method.containing_service.full_name}/{method.name}"
    assert name in known, f"say who may call it: option (vidx.access.v1.rule) in {method.containing_service.file.name}"
    rule = known[name][1]
    if method.full_name.startswith(PUBLIC):
        assert rule.scope != rule_pb2.SCOPE_UNSPECIFIED
        assert not rule.callers
    else:
        assert (rule.scope, rule.reach) == (rule_pb2.SCOPE_UNSPECIFIED, rule_pb2.REACH_UNSPECIFIED)
        assert set(rule.callers) <= {"gateway", "pipeline", "search", "captioning", "chaptering"}
