"""What GetStatus answers, and what `vidx status` makes of it."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from vidx.gateway.v1 import status_service_pb2 as pb
from vidx.gateway.v1.status_service_pb2_grpc import StatusServiceStub

from services.cli.__main__ import main
from services.runtime.queue import Report
from tests.fakes.house import House
from tests.fakes.public_api import serving


@pytest.fixture
def api(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    with serving(house, tmp_path) as found:
        # So long a service that is there may need on a busy machine to say so.
        monkeypatch.setattr("services.gateway.status_rpc.CHECK_S", 50.0)
        monkeypatch.setenv("VIDX_ADDRESS", found.address)
        yield found


def ask(api: SimpleNamespace) -> pb.PlatformStatus:
    return StatusServiceStub(api.channel).GetStatus(pb.GetStatusRequest(), timeout=60)


def test_services_are_asked_whether_they_answer(api: SimpleNamespace) -> None:
    told = {service.service: service.state for service in ask(api).services}
    assert told == {"search": pb.Service.SERVING, "decoding": pb.Service.UNREACHABLE}


def test_queues_workers_causes_and_an_estimate(api: SimpleNamespace, house: House) -> None:
    house.add("ready")
    house.work()
    house.add("bad")
    house.pipeline.report(Report(house.queue.messages.popleft(), "failed", reason="DECODE_ERROR", message="broken"))
    house.queue.messages.clear()
    house.add("under-way")
    house.queue.workers = {"decoding": (2, 5)}
    status = ask(api)
    assert (status.ready_videos, status.processing_videos, status.failed_videos, status.rows) == (1, 1, 1, 7)
    decoding = next(queue for queue in status.queues if queue.queue == "decoding")
    assert (decoding.messages, decoding.workers, decoding.slots, decoding.waiting_jobs) == (1, 2, 5, 1)
    assert decoding.oldest_age.ToNanoseconds() > 0
    assert [(c.stage, c.reason, c.fatal, c.videos) for c in status.causes] == [("decoding", "DECODE_ERROR", True, 1)]
    assert status.speed > 0
    assert status.broker_answers
    # Nothing is known yet of how long the last one is.
    assert not status.HasField("remaining")


def test_an_estimate_when_the_length_is_known(api: SimpleNamespace, house: House) -> None:
    house.add("ready")
    house.work()
    house.add("under-way")
    house.work(until="decoding.segment")
    status = ask(api)
    assert status.remaining.ToNanoseconds() >= 0
    assert status.HasField("remaining")


def test_a_broker_that_is_away_is_said(api: SimpleNamespace, house: House) -> None:
    house.queue.down = True
    status = ask(api)
    assert not status.broker_answers
    assert not any(queue.HasField("messages") or queue.HasField("workers") for queue in status.queues)


def test_the_command_line_shows_it_of_any_platform(api: SimpleNamespace, house: House, capsys) -> None:
    house.add("one")
    assert main(["status"]) == 1, "decoding does not answer"
    out = capsys.readouterr().out
    assert "0 READY, 1 PROCESSING, 0 FAILED" in out
    assert "too early to tell" in out
    assert "decoding is UNREACHABLE" in out
    assert ["decoding", "1"] in [line.split("\t")[:2] for line in out.splitlines()]
    main(["status", "--json"])
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["platform"]["queues"][0]["queue"] == "decoding"
    assert found["platform"]["processingVideos"] == "1"
    assert found["error"] == ""


def test_the_command_line_says_why_there_is_nothing_to_show(monkeypatch, capsys) -> None:
    monkeypatch.setenv("VIDX_ADDRESS", "127.0.0.1:1")
    assert main(["status"]) == 1
    assert "no answer from the gateway at 127.0.0.1:1" in capsys.readouterr().err
    assert main(["status", "--json"]) == 1
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["platform"] is None
    assert "no answer" in found["error"]
