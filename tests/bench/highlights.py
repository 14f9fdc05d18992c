"""How good highlights and skims of made-up films are, and how long they take on one core.

    python -m tests.bench.highlights [--hours 1] [--seed 0]

A film of chapters, each with a picture of its own that stands, in half of which somebody talks. In it lie bursts of ten
pictures that are seen nowhere else. Prints what share of the bursts are among as many highlights; in what share of
shots that are looked for, by a text that is as near to their picture as texts are, the curve is highest inside them;
and what share of chapters and of bursts a skim shows beside pieces of five seconds in equal distances and the
beginning; and processor seconds of each.
"""

import argparse
import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from services.chaptering.domain.curves import Steps
from services.chaptering.domain.matching import Asked, answers
from services.chaptering.domain.material import Material
from services.chaptering.domain.peaks import highlights
from services.chaptering.domain.pictures import Pictures
from services.chaptering.domain.saliency import eased, saliency
from services.chaptering.domain.skim import skim
from services.core.media import Shot
from services.core.text import Passage, Track
from services.core.times import SECOND, TimeRange
from tests.fakes.chaptering import unit, word

CHAPTER, BURST, BURSTS = 150, 10, 12
"""Seconds of a chapter, pictures of a burst, bursts an hour."""
DIMENSION = 384
NOISE = 0.3
"""Length of what differs between two pictures of the same."""
NEAR = 0.35
"""Cosine of a text with the picture that it describes; with others it is as it comes."""
QUERIES = 100
T = TypeVar("T")


@dataclass(frozen=True)
class Film:
    """What is known of it, and where its chapters and bursts lie."""

    material: Material
    pictures: Pictures
    chapters: Sequence[TimeRange]
    bursts: Sequence[TimeRange]


def made(hours: int, seed: int) -> Film:
    rng = np.random.default_rng(seed)
    n = 3600 * hours
    noise = rng.normal(size=(n, DIMENSION)).astype(np.float32) * NOISE / DIMENSION**0.5
    rows = np.repeat(unit(rng.normal(size=(n // CHAPTER, DIMENSION))), CHAPTER, axis=0)
    chosen = rng.choice(n // 60 - 1, hours * BURSTS, replace=False)
    begins = sorted(int(60 * (i + 1) - rng.integers(0, 30)) for i in chosen)
    cuts = {0, *range(0, n, CHAPTER)}
    for begin in begins:
        rows[begin : begin + BURST] = unit(rng.normal(size=(BURST, DIMENSION)))
        cuts |= set(range(begin, begin + BURST + 1))
    edges = [*sorted(cuts), n]
    shots = tuple(Shot(i, seconds(a, b)) for i, (a, b) in enumerate(itertools.pairwise(edges)))
    said = [
        Passage(Track.SPEECH, seconds(at, at + 6), " ".join(word(int(k)) for k in rng.zipf(1.5, 12) % 5000), "en")
        for at in range(0, n, 6)
        if at // CHAPTER % 2
    ]
    starts = np.arange(n, dtype=np.int64) * SECOND
    return Film(
        Material(
            n * SECOND, shots, passages=tuple(said), passage_vectors=unit(rng.normal(size=(len(said), DIMENSION)))
        ),
        Pictures(starts, starts + SECOND, unit(rows + noise), "pictures"),
        [seconds(at, at + CHAPTER) for at in range(0, n, CHAPTER)],
        [seconds(begin, begin + BURST) for begin in begins],
    )


def found_by_text(film: Film, seed: int) -> float:
    """Share of shots inside which the curve is highest for a text near to their picture."""
    rng = np.random.default_rng(seed)
    right = 0
    for i in rng.choice(len(film.material.shots), QUERIES):
        shot = film.material.shots[i].range
        picture = film.pictures.vectors[(shot.start + shot.duration // 2) // SECOND]
        other = unit(rng.normal(size=(1, DIMENSION)))[0]
        text = unit((NEAR * picture + (1 - NEAR**2) ** 0.5 * other)[None, :])[0]
        curve = answers(film.material, film.pictures, Asked("", text, np.array([0.25, 0.03])))
        length = Steps(film.material.duration).length
        right += shot.overlaps(TimeRange(int(curve.argmax()) * length, (int(curve.argmax()) + 1) * length))
    return right / QUERIES


def shown(ranges: Sequence[TimeRange], wanted: Sequence[TimeRange]) -> float:
    return sum(any(r.overlaps(w) for r in ranges) for w in wanted) / len(wanted)


def seconds(start: int, end: int) -> TimeRange:
    return TimeRange(start * SECOND, end * SECOND)


def timed(what: str, work: Callable[[], T]) -> T:
    began = time.process_time()
    done = work()
    print(f"{what:40s} {time.process_time() - began:6.2f} s")
    return done


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    film = made(arguments.hours, arguments.seed)
    material, pictures, duration = film.material, film.pictures, film.material.duration
    curve = timed("curve of what stands out", lambda: saliency(material, pictures))
    best = timed("highlights", lambda: highlights(eased(curve, duration), material, len(film.bursts)))
    print(f"bursts among as many highlights {shown([h.range for h in best], film.bursts):.2f}")
    right = timed(f"curves of {QUERIES} queries", lambda: found_by_text(film, arguments.seed))
    print(f"highest inside the right shot   {right:.2f}")
    for length in (60, 240):
        kept = timed(f"skim of {length} s", lambda w=length: skim(material, pictures, curve, film.chapters, w * SECOND))
        pieces = length // 5
        middles = [duration * (2 * i + 1) // (2 * pieces) for i in range(pieces)]
        even = [TimeRange(m - 5 * SECOND // 2, m + 5 * SECOND // 2) for m in middles]
        for name, ranges in (("skim", kept.ranges), ("equal distances", even), ("beginning", [seconds(0, length)])):
            print(
                f"  {name:16s} {sum(r.duration for r in ranges) / SECOND:7.2f} s, "
                f"chapters {shown(ranges, film.chapters):.2f}, bursts {shown(ranges, film.bursts):.2f}"
            )


if __name__ == "__main__":
    main()
