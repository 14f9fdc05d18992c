"""`vidx highlights` against a gateway behind a real server."""

import json
import sys

import pytest

from services.cli.commands.highlights import sparkline

VIDEO = "collections/default/videos/v0"


def test_moments_are_printed_with_their_peak_and_score(gateway, vidx):
    assert vidx("highlights", "v0", "--query", "a boat", "--limit", "3").out == (
        "0:00:05.000-0:00:08.000\t0:00:07.500\t0.875\n"
    )
    (asked,) = gateway.highlights
    assert (asked.name, asked.query, asked.limit) == (VIDEO, "a boat", 3)


def test_json_is_the_message_with_the_whole_curve(gateway, vidx):
    found = json.loads(vidx("highlights", "v0", "--json").out)
    assert (found["step"], found["saliency"]) == ("1s", [i / 8 for i in range(8)])
    (moment,) = found["highlights"]
    assert moment == {"range": {"start": "5s", "end": "8s"}, "peak": "7.500s", "score": 0.875}
    assert gateway.highlights[0].limit == 10


def test_nothing_that_stands_out_is_said(gateway, vidx):
    done = vidx("highlights", "v0", "--query", "nothing")
    assert (done.status, done.out, done.err) == (0, "", "nothing like it\n")
    assert json.loads(vidx("highlights", "v0", "--query", "nothing", "--json").out)["highlights"] == []


def test_a_terminal_shows_the_curve(gateway, vidx, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    out = vidx("highlights", "v0").out
    assert out.splitlines()[0] == "▁▂▃▄▅▆▇█"
    assert "0:00:07.500" in out


def test_a_sparkline_shows_the_highest_of_each_part():
    assert sparkline([0, 1, 0, 0, 0.5, 0], 3) == "█▁▅"
    assert sparkline([1.0, 0.0], 80) == "█▁"


@pytest.mark.parametrize("limit", ["0", "101", "x"])
def test_a_wrong_limit_is_wrong_usage(gateway, vidx, limit: str):
    assert vidx("highlights", "v0", "--limit", limit).status == 2
    assert not gateway.highlights
