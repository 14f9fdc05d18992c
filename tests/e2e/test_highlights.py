"""What stands out in a film, what answers a query, and what is kept of it, over the whole platform."""

import itertools

import pytest

from services.core.times import SECOND, TimeRange
from tests.media.films import film
from tests.media.pictures import scene
from tests.servers.platform import Platform

RATE = 25
STILL, BURST = 40, 8
"""Seconds of each of two pictures that stand, and between them of a picture a second."""
SAID = [
    "The yeast wakes up in lukewarm water and soon begins to foam.",
    "Knead the dough for ten minutes until it is smooth.",
    "Cover the bowl with a cloth and let the dough rise.",
    "When the crust is brown, the bread sounds hollow as you tap it.",
    "The tide follows the Moon, which pulls the water of the ocean.",
    "At low tide the boats in the harbour lie on the mud.",
]
EACH = 6
"""Seconds of a sentence; after the last one nobody speaks."""
LENGTH = 2 * STILL + BURST


@pytest.fixture(scope="module")
def name(platform: Platform, tmp_path_factory) -> str:
    """Name of a READY video."""
    folder = tmp_path_factory.mktemp("burst")
    seconds = [300, *range(400, 400 + BURST), 301]
    counts = [STILL, *[1] * BURST, STILL]
    pictures = (itertools.repeat(scene(seed, 160, 90), n * RATE) for seed, n in zip(seconds, counts, strict=True))
    path = film(folder / "burst.mp4", itertools.chain.from_iterable(pictures), gop=100)
    srt = folder / "burst.srt"
    times = [(f"00:00:{i * EACH:02},000", f"00:00:{(i + 1) * EACH:02},000") for i in range(len(SAID))]
    srt.write_text("\n".join(f"{i}\n{a} --> {b}\n{SAID[i - 1]}\n" for i, (a, b) in enumerate(times, 1)))
    video = platform.messages("index", str(path), "--collection", "bursts", "--subtitles", str(srt), "--wait")[-1]
    assert video["state"] == "READY", video
    return str(video["name"])


def ranges(found: list[dict]) -> list[TimeRange]:
    return [TimeRange(nanoseconds(one["start"]), nanoseconds(one["end"])) for one in found]


def nanoseconds(time: str) -> int:
    return round(float(time.removesuffix("s")) * SECOND)


def highlights(platform: Platform, name: str, *more: str) -> tuple[list[float], list[tuple[TimeRange, float]]]:
    """The curve, a value a second, and the moments with their scores."""
    (found,) = platform.messages("highlights", name, *more)
    assert found["step"] == "1s"
    moments = list(
        zip(ranges([h["range"] for h in found["highlights"]]), [h["score"] for h in found["highlights"]], strict=True)
    )
    return found["saliency"], moments


def test_a_burst_stands_out_and_a_still_picture_in_silence_does_not(platform: Platform, name: str) -> None:
    curve, moments = highlights(platform, name)
    assert len(curve) == LENGTH
    burst, silence = curve[STILL : STILL + BURST], curve[STILL + BURST + 5 :]
    assert min(burst[1:-1]) > 2 * max(silence)
    assert any(r.overlaps(TimeRange(STILL * SECOND, (STILL + BURST) * SECOND)) for r, _ in moments)


def test_a_query_is_answered_where_it_is_spoken_of_as_search_scores_it(platform: Platform, name: str) -> None:
    query = "Why is there ebb and flow of the sea?"
    curve, moments = highlights(platform, name, "--query", query, "--limit", "1")
    ((best, score),) = moments
    tides = TimeRange(4 * EACH * SECOND, 6 * EACH * SECOND)
    assert tides.overlaps(best)
    assert tides.contains(curve.index(max(curve)) * SECOND)
    (found,) = platform.messages("search", query, "--collection", "bursts", "--limit", "1")
    assert found["moments"][0]["score"] == pytest.approx(score, abs=0.1)


@pytest.mark.parametrize("length", [10, 30])
def test_a_skim_has_the_wanted_length_and_shows_what_is_in_focus(platform: Platform, name: str, length: int) -> None:
    (whole,) = platform.messages("skim", name, "--length", f"{length}s")
    (focused,) = platform.messages("skim", name, "--length", f"{length}s", "--focus", "tides of the ocean")
    for skim in (whole, focused):
        kept = ranges(skim["ranges"])
        assert length * SECOND * 3 / 4 <= sum(r.duration for r in kept) <= length * SECOND
        assert all(a.end < b.start for a, b in itertools.pairwise(kept))
        assert kept[-1].end <= LENGTH * SECOND
    assert any(r.contains((4 * EACH + 1) * SECOND) for r in ranges(focused["ranges"]))


def test_what_cannot_be_asked_for_is_refused(platform: Platform, name: str) -> None:
    assert platform.vidx("highlights", name, "--limit", "101").returncode == 2
    assert platform.vidx("highlights", "collections/bursts/videos/none").returncode == 1
