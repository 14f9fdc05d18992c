"""Hostile calls of the stages' services and of the search, on the real index, catalog and models."""

from importlib import import_module
from pathlib import Path

import pytest
from google.protobuf.descriptor import MethodDescriptor

from services.cli.machine.programs import STAGES
from services.runtime.grpc_client import channel
from tests.e2e.index import content, rows
from tests.hostile import calls
from tests.media.films import two_scenes
from tests.servers.platform import Platform

EACH = 10
COLLECTION = "fuzzed"
FAULTS = {"INTERNAL", "UNKNOWN", "UNIMPLEMENTED", "DATA_LOSS"}
INJECTIONS = (
    '" or 1 == 1 or "',
    "' or '1'='1",
    '") or (id != "',
    "x'; DROP TABLE videos; --",
    "%",
    "_",
    "*",
    "\\",
    "\0",
)


def methods(stage: str) -> list[MethodDescriptor]:
    found = import_module(f"vidx.{stage}.v1.{stage}_service_pb2").DESCRIPTOR
    return [method for service in found.services_by_name.values() for method in service.methods]


@pytest.fixture(scope="module")
def video(platform: Platform, tmp_path_factory) -> str:
    """A video whose rows must be there, the same, after all of it."""
    path = two_scenes(tmp_path_factory.mktemp("films") / "film.mp4")
    return platform.messages("index", str(path), "--collection", COLLECTION, "--label", "a=b", "--wait")[-1]["name"]


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_answers_hostile_requests_in_words(platform: Platform, video: str, stage: str) -> None:
    before = content(rows(platform, COLLECTION))
    pid = platform.services()[stage]["pid"]
    wrong = []
    with channel(platform.address_of(stage), retries=False) as connection:
        for method in methods(stage):
            # Of names that exist, only those are tried that are asked about.
            known = (video, f"collections/{COLLECTION}") if method.name in ("Search", "Stats", "Probe") else ()
            for number, request in enumerate(calls.requests(method, EACH, known)):
                code, text = calls.ended(connection, method, request, timeout_s=120)
                if code in FAULTS or "Traceback" in text or '.py"' in text:
                    wrong.append((method.name, number, code, text[:300]))
    assert wrong == []
    assert platform.services()[stage]["pid"] == pid
    assert content(rows(platform, COLLECTION)) == before != []


@pytest.mark.parametrize("text", INJECTIONS)
def test_nothing_that_is_asked_becomes_part_of_an_expression(platform: Platform, video: str, text: str) -> None:
    """A label, a name, a word that would let everything through when it were code lets nothing through."""
    if "\0" not in text:
        for option in (("--label", f"a={text}"), ("--label", f"{text}=b"), ("--shot-label", text)):
            done = platform.vidx("search", "a picture", "--collection", COLLECTION, *option, "--json")
            assert video not in done.stdout
            assert "INTERNAL" not in done.stderr
        done = platform.vidx("search", "a picture", "--collection", text, "--json")
        assert done.returncode != 0
        assert video not in done.stdout
        done = platform.vidx("list", "--collection", text, "--json")
        assert video not in done.stdout
    assert video in platform.run("list", "--collection", COLLECTION, "--json")
    assert Path(platform.home / "catalog.db").stat().st_size > 0
