"""Diagnose over the public API, and `vidx doctor` in front of it."""

import json
import threading
from collections.abc import Iterator
from types import SimpleNamespace

import grpc
import pytest
from vidx.gateway.v1 import video_index_service_pb2 as pb

from services.cli import __main__ as entry
from services.core.names import VideoName
from tests.fakes.public_api import refused, serving

GHOST = VideoName("c", "ghost")


@pytest.fixture
def gateway(house, tmp_path, monkeypatch) -> Iterator[SimpleNamespace]:
    with serving(house, tmp_path) as found:
        monkeypatch.setenv("VIDX_ADDRESS", found.address)
        yield found


def lines(out: str) -> list[str]:
    """What the command printed, without what the server in this process logged."""
    return [line for line in out.splitlines() if line.startswith(("{", *pb.Finding.Problem.keys()))]


def test_findings_come_first_and_totals_last(gateway) -> None:
    gateway.house.add("v")
    gateway.house.index.rows[GHOST] = 3
    *found, last = gateway.stub.Diagnose(pb.DiagnoseRequest(), timeout=60)
    (finding,) = (told.finding for told in found)
    assert (finding.problem, finding.name) == (pb.Finding.ROWS_WITHOUT_VIDEO, str(GHOST))
    assert (finding.mendable, finding.mended) == (True, False)
    assert (last.examined.videos, last.examined.rows) == (1, 3)
    assert gateway.house.index.rows == {GHOST: 3}


def test_an_index_that_does_not_answer_is_an_error(gateway) -> None:
    gateway.house.index.down = True
    reason, _ = refused(
        lambda: list(gateway.stub.Diagnose(pb.DiagnoseRequest(), timeout=60)), grpc.StatusCode.UNAVAILABLE
    )
    assert reason == "UNAVAILABLE"


def test_one_examination_at_a_time(gateway, monkeypatch) -> None:
    counting, go_on = threading.Event(), threading.Event()

    def slow_census() -> dict:
        counting.set()
        assert go_on.wait(60)
        return {}

    monkeypatch.setattr(gateway.house.index, "census", slow_census)
    first = gateway.stub.Diagnose(pb.DiagnoseRequest(), timeout=60)
    assert counting.wait(60)
    refused(lambda: list(gateway.stub.Diagnose(pb.DiagnoseRequest(), timeout=60)), grpc.StatusCode.RESOURCE_EXHAUSTED)
    go_on.set()
    assert list(first)[-1].HasField("examined")
    assert list(gateway.stub.Diagnose(pb.DiagnoseRequest(), timeout=60))[-1].HasField("examined")


def test_the_command_names_what_is_wrong_and_mends_it(gateway, capsys) -> None:
    gateway.house.index.rows[GHOST] = 3
    assert entry.main(["doctor"]) == 1
    said = capsys.readouterr()
    assert lines(said.out) == [f"ROWS_WITHOUT_VIDEO\t{GHOST}\tnot in the catalog\tcan be mended"]
    assert said.err == "0 videos, 0 objects, 3 rows examined\nvidx: 1 can be mended: vidx doctor --fix\n"
    assert entry.main(["doctor", "--fix", "--json"]) == 0
    told = [json.loads(line) for line in lines(capsys.readouterr().out)]
    assert told[0]["finding"]["mended"] is True
    assert entry.main(["doctor"]) == 0
    assert lines(capsys.readouterr().out) == []
