"""What stands out, when nobody has said what to look for."""

from dataclasses import replace

import numpy as np
import pytest

from services.chaptering.domain import saliency as rules
from services.chaptering.domain.material import Material
from services.chaptering.domain.pictures import Pictures
from services.core.media import Shot
from services.core.text import Box, Passage, Reading, TextLine, Track
from services.core.times import SECOND, TimeRange
from tests.fakes.chaptering import DIMENSION, silent_film, talk, unit, word

RNG = np.random.default_rng(5)
BURST = slice(120, 130)


def saliency(material: Material, shown: Pictures) -> np.ndarray:
    """The curve as it is shown."""
    return rules.eased(rules.saliency(material, shown), material.duration)


def seconds(start: int, end: int) -> TimeRange:
    return TimeRange(start * SECOND, end * SECOND)


def pictures(vectors: np.ndarray) -> Pictures:
    """One a second."""
    starts = np.arange(len(vectors), dtype=np.int64) * SECOND
    return Pictures(starts, starts + SECOND, unit(vectors), "pictures")


def slides(minutes: int = 5) -> tuple[Material, Pictures]:
    """Five slides of equal length, read out nowhere; for ten seconds of the third a picture a second instead."""
    n = 60 * minutes
    rows = np.repeat(RNG.normal(size=(5, DIMENSION)), n // 5, axis=0)
    rows[BURST] = RNG.normal(size=(10, DIMENSION))
    cuts = sorted({0, *range(0, n, n // 5), *range(BURST.start, BURST.stop + 1)})
    shots = tuple(Shot(i, seconds(a, b)) for i, (a, b) in enumerate(zip(cuts, [*cuts[1:], n], strict=True)))
    return Material(n * SECOND, shots), pictures(rows)


def said(ranges: list[TimeRange], texts: list[str] | None = None) -> tuple[Passage, ...]:
    texts = texts or [" ".join(word(100 * i + k) for k in range(8)) for i in range(len(ranges))]
    return tuple(Passage(Track.SPEECH, r, text, "en") for r, text in zip(ranges, texts, strict=True))


@pytest.mark.parametrize("seen", [True, False])
def test_a_burst_stands_out_of_static_slides(seen: bool):
    material, shown = slides()
    curve = saliency(material, shown if seen else Pictures())
    assert curve[BURST].min() > 2 * np.delete(curve, np.r_[110:140]).max()
    assert BURST.start <= curve.argmax() < BURST.stop
    assert curve[:40].max() < 0.2


def test_silence_between_what_is_said_is_low():
    ranges = [seconds(i, i + 5) for i in range(0, 60, 5)] + [seconds(i, i + 5) for i in range(120, 180, 5)]
    material = Material(180 * SECOND, (Shot(0, seconds(0, 180)),), passages=said(ranges))
    curve = saliency(material, pictures(np.ones((180, DIMENSION))))
    assert curve[65:115].max() < 0.01
    assert min(np.median(curve[:60]), np.median(curve[120:])) > 0.2


def test_a_sentence_that_says_more_counts_more_than_one_that_says_what_all_say():
    common = "so we go on and say the same again"
    texts = [common] * 20
    texts[11] = " ".join(word(7000 + k) for k in range(8))
    material = Material(100 * SECOND, passages=said([seconds(5 * i, 5 * i + 5) for i in range(20)], texts))
    curve = saliency(material, Pictures())
    assert curve.argmax() // 5 == 11


def test_a_heading_that_comes_up_counts():
    def reading(start: int, text: str) -> Reading:
        lines = (TextLine(text, Box(0.1, 0.1, 0.9, 0.2), 1.0), TextLine("more of it", Box(0.1, 0.5, 0.9, 0.55), 1.0))
        return Reading(seconds(start, start + 30), f"{text}\nmore of it", 1.0, lines)

    readings = tuple(reading(30 * i, f"{word(i)} {word(50 + i)}") for i in range(4))
    curve = saliency(Material(120 * SECOND, readings=readings), Pictures())
    assert all(curve[30 * i : 30 * i + 3].min() > 0.3 for i in range(4))
    assert curve[10:25].max() == 0


@pytest.mark.parametrize("missing", ["shots", "passages", "passage_vectors", "pictures", "none"])
def test_any_track_may_be_missing(missing: str):
    spoken, silent = talk((10, 10), dimension=DIMENSION), silent_film((15, 15))
    material = replace(spoken, shots=silent.shots, shot_vectors=silent.shot_vectors)
    shown = pictures(RNG.normal(size=(120, DIMENSION)))
    none = np.zeros((0, 0), np.float32)
    gone = {"shots": {"shots": (), "shot_vectors": none}, "passages": {"passages": (), "passage_vectors": none}}
    gone["passage_vectors"] = {"passage_vectors": none}
    curve = saliency(replace(material, **gone.get(missing, {})), Pictures() if missing == "pictures" else shown)
    assert len(curve) == 120
    assert 0 <= curve.min() < curve.max() <= 1


def test_where_all_is_alike_or_nothing_is_known_nothing_stands_out():
    assert saliency(Material(60 * SECOND), Pictures()).tolist() == [0] * 60
    still = Material(60 * SECOND, (Shot(0, seconds(0, 60)),))
    noise = unit(np.ones((60, DIMENSION)) + 0.005 * RNG.normal(size=(60, DIMENSION)))
    assert saliency(still, pictures(noise)).max() < 0.1
    assert len(saliency(Material(0), Pictures())) == 0
