"""Short versions and chapters of files over the whole platform: every frame by the number painted in it."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.core.times import SECOND
from tests.media.chapters import chaptered
from tests.media.counters import numbered, watch
from tests.media.films import film, tone
from tests.media.pictures import Picture, pan
from tests.servers.platform import Platform

RATE = 25
LENGTH = 40
COLLECTION = "skims"
CORNER = (0.5, 0.4)
"""Share of a picture's height and width that its number fills."""
NAMED = [(0, 9_123, "The coast"), (9_123, 21_987, "Chapter 2"), (21_987, 99_000, "Inland\nagain")]


def pictures() -> Iterator[Picture]:
    """Shots of five seconds, each frame with its number painted in its lower left."""
    shots = itertools.chain.from_iterable(pan(40 + i, 5 * RATE, 320, 192) for i in range(LENGTH // 5))
    for i, picture in enumerate(shots):
        picture = picture.copy()
        picture[96:, :128] = numbered(i)
        yield picture


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    """A film of 40 seconds that names three chapters."""
    folder = tmp_path_factory.mktemp("skim")
    whole = film(folder / "whole.mp4", pictures(), sound=tone(LENGTH), gop=50)
    return chaptered(whole, folder / "film.mkv", NAMED)


@pytest.fixture(scope="module")
def name(platform: Platform, path: Path) -> str:
    """Name of the video, READY."""
    video = platform.messages("index", str(path), "--collection", COLLECTION, "--wait")[-1]
    assert video["state"] == "READY", video
    return str(video["name"])


def seconds(time: str) -> float:
    return float(time.removesuffix("s"))


def bounds(ranges: list[dict]) -> list[tuple[float, float]]:
    return [(seconds(r.get("start", "0s")), seconds(r["end"])) for r in ranges]


def test_a_short_version_is_what_it_says(platform: Platform, path: Path, name: str, tmp_path: Path) -> None:
    (kept,) = platform.messages("skim", name, "--length", "12s")
    ranges = bounds(kept["ranges"])
    assert 0 < sum(end - start for start, end in ranges) <= 12
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(ranges))
    assert len(platform.run("skim", name, "--length", "0:12").splitlines()) == len(ranges)

    file = tmp_path / "short.mp4"
    (told,) = platform.messages("skim", name, "--length", "12s", "-o", str(file), "--max-height", "96")
    assert told == kept
    found, source = watch(file, CORNER), watch(path, CORNER)
    assert found.size == (160, 96)
    assert found.end == pytest.approx(sum(end - start for start, end in ranges) * SECOND, abs=2000)
    assert found.sound is not None
    assert found.sound.shape[1] == pytest.approx(found.end * 48_000 / SECOND, abs=1)
    # The first picture stands from the beginning, and at a range's start the one that stands then is its first.
    frames = [(0, source.numbers[0]), *source.frames[1:]]
    at, wanted = 0, []
    for start, end in ((round(start * SECOND), round(end * SECOND)) for start, end in ranges):
        standing = [n for time, n in frames if time <= start]
        wanted += [(at, standing[-1]), *((at + time - start, n) for time, n in frames if start < time < end)]
        at += end - start
    assert found.numbers == [n for _, n in wanted]
    assert all(abs(a - b) < 2000 for (a, _), (b, _) in zip(found.frames, wanted, strict=True))


def test_the_chapters_that_a_file_names_are_the_videos(platform: Platform, name: str, tmp_path: Path) -> None:
    (answer,) = platform.messages("chapters", name)
    found = answer["chapters"]
    (video,) = platform.messages("get", name)
    assert bounds([c["range"] for c in found]) == [(0, 9.123), (9.123, 21.987), (21.987, seconds(video["duration"]))]
    assert [(c["title"], c["titleSource"]) for c in (found[0], found[2])] == [
        ("The coast", "FILE"),
        ("Inland again", "FILE"),
    ]
    assert found[1]["title"]
    assert found[1]["titleSource"] != "FILE"
    assert [line.split("\t")[-1] for line in platform.run("chapters", name).splitlines()] == ["file", "", "file"]

    # One that a person sets comes before them; forgotten, they are there again.
    mine = tmp_path / "mine.txt"
    mine.write_text('{"chapters": [{"range": {"start": "2s", "end": "5s"}, "title": "Mine"}]}')
    platform.run("chapters", name, "--set", str(mine), "--wait")
    (answer,) = platform.messages("chapters", name)
    assert [c["title"] for c in answer["chapters"] if c["locked"]] == ["Mine"]
    assert "The coast" not in [c["title"] for c in answer["chapters"]]
    assert answer["chapters"][-1]["titleSource"] == "FILE"
    platform.run("chapters", name, "--clear", "--wait")
    (answer,) = platform.messages("chapters", name)
    assert answer["chapters"] == found
