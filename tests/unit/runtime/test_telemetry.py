"""What is written to the log."""

import json
import logging

import pytest
import structlog

from services.runtime import telemetry
from services.runtime.settings import Telemetry

LEVELS = ("debug", "info", "warning", "error")


@pytest.fixture(autouse=True)
def restored():
    """The logging that pytest set up."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)
    structlog.reset_defaults()


def lines(capsys) -> list[dict]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_line_is_one_json_object_with_the_service_its_facts_and_what_is_bound(capsys):
    telemetry.configure("decoding", Telemetry(level="info"))
    with telemetry.bound(video="v"):
        telemetry.log("facts").info("decoded", frames=3)
    (line,) = lines(capsys)
    assert line.pop("timestamp")
    assert line == {"service": "decoding", "level": "info", "event": "decoded", "frames": 3, "video": "v"}


@pytest.mark.parametrize("level", LEVELS)
def test_lines_from_the_level_on_are_written_whoever_writes_them(capsys, level):
    telemetry.configure("search", Telemetry(level=level))
    ours, others = telemetry.log(f"ours.{level}"), logging.getLogger(f"others.{level}")
    for each in LEVELS:
        getattr(ours, each)(f"ours-{each}")
        getattr(others, each)("others-%s", each)
    told = [f"{who}-{each}" for each in LEVELS[LEVELS.index(level) :] for who in ("ours", "others")]
    assert [line["event"] for line in lines(capsys)] == told


def test_a_line_below_the_level_runs_through_nothing(capsys):
    telemetry.configure("gateway", Telemetry(level="info"))
    seen = []

    def see(_, name, event):
        seen.append(name)
        return event

    structlog.configure(processors=[see, *structlog.get_config()["processors"]])
    log = telemetry.log("quiet")
    log.debug("call", ms=1)
    log.info("told")
    assert seen == ["info"]
    assert [line["event"] for line in lines(capsys)] == ["told"]


def test_what_failed_is_told_with_its_trace(capsys):
    telemetry.configure("gateway", Telemetry(level="info"))
    try:
        raise KeyError("lost")
    except KeyError:
        telemetry.log("fault").exception("failed", video="v")
    (line,) = lines(capsys)
    assert (line["level"], line["event"], line["video"]) == ("error", "failed", "v")
    assert "KeyError: 'lost'" in line["exception"]
