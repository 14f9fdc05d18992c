"""How long chapters and summaries take without a language model, on one core.

    python -m tests.bench.chapters [--hours 1]

A made-up talk of 10,000 words an hour, cut into chapters, named (with vectors of phrases made up as well: what the
embedding service takes is not counted) and summed up in every length. Prints processor seconds of each.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np

from services.chaptering.domain.boundaries import Wanted, boundaries
from services.chaptering.domain.extracts import extract
from services.chaptering.domain.material import Material
from services.chaptering.naming import Namer
from services.core.chapters import Length
from services.core.media import Shot
from services.core.text import Passage, Track
from services.core.times import SECOND, TimeRange
from tests.fakes.chaptering import FakeEncoder, FakeFunctionWords, unit, word

SENTENCES, WORDS, TOPIC = 600, 17, 50
"""An hour's; sentences about one thing."""
DIMENSION = 384


def talk(hours: int) -> Material:
    """Words are drawn by Zipf's law, a third of them from the topic's own."""
    rng = np.random.default_rng(0)
    n = hours * SENTENCES
    names = np.array([word(i) for i in range(6000)])
    share = 1 / np.arange(1, 3001)
    common = rng.choice(names[:3000], (n, WORDS), p=share / share.sum())
    passages, vectors = [], []
    length = 3600 * SECOND // SENTENCES
    centres = rng.normal(size=(n // TOPIC + 1, DIMENSION))
    for i in range(n):
        own = names[3000 + rng.integers(0, 40, WORDS // 3) + (i // TOPIC * 37) % 2900]
        said = " ".join([*common[i, : WORDS - len(own)], *own])
        passages.append(Passage(Track.SPEECH, TimeRange(i * length, (i + 1) * length), f"{said}.", "en"))
        vectors.append(centres[i // TOPIC] + 2 * rng.normal(size=DIMENSION))
    shots = tuple(Shot(i, p.range) for i, p in enumerate(passages))
    rows = unit(np.array(vectors))
    return Material(n * length, shots, rows, tuple(passages), rows, language="en")


def timed(what: str, work: Callable[[], object]) -> object:
    began = time.process_time()
    done = work()
    print(f"{what:28s} {time.process_time() - began:6.2f} s")
    return done


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=int, default=1)
    material = talk(parser.parse_args().hours)
    whole = TimeRange(0, material.duration)
    ranges = boundaries(material, Wanted())
    timed(f"boundaries of {len(ranges)} chapters", lambda: boundaries(material, Wanted()))
    timed("boundaries of 20 chapters", lambda: boundaries(material, Wanted(count=20)))
    namer = Namer(FakeEncoder(dimension=DIMENSION), FakeFunctionWords())
    timed("titles", lambda: namer.name(material, "sentences", ranges))
    for length in Length:
        timed(f"{length.value} summary", lambda length=length: extract(material, ranges, whole, length))


if __name__ == "__main__":
    main()
