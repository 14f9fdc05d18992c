"""How long chapters and summaries take without a language model, on one core: processor seconds, by a made-up talk."""

import resource
import time
from collections.abc import Callable

import numpy as np

from services.chaptering.domain.boundaries import Wanted, boundaries
from services.chaptering.domain.extracts import extract
from services.chaptering.domain.material import Material
from services.chaptering.domain.several import Part, lay
from services.chaptering.domain.sharing import share
from services.chaptering.naming import Namer
from services.chaptering.ports import SentenceEncoder
from services.core.chapters import Length
from services.core.media import Shot
from services.core.text import Passage, Track
from services.core.times import SECOND, TimeRange
from tests.fakes.chaptering import FakeEncoder, FakeFunctionWords, unit, word

SENTENCES, WORDS, TOPIC = 600, 17, 50
"""An hour's; sentences about one thing."""
DIMENSION = 384


def talk(hours: int, seed: int = 0) -> Material:
    """Words are drawn by Zipf's law, a third of them from the topic's own."""
    rng = np.random.default_rng(seed)
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


def report(hours: int, videos: int, encoder: SentenceEncoder | None) -> None:
    """Prints what a talk of so many hours of 10,000 words takes, and so many of them together.

    Sentence vectors are given. `encoder` makes those of the titles' phrases, when there is one.
    """
    print(f"\nprocessor seconds of {hours} h of talk, {hours * SENTENCES * WORDS} words")
    material = talk(hours)
    whole = TimeRange(0, material.duration)
    ranges = boundaries(material, Wanted())
    timed(f"boundaries of {len(ranges)} chapters", lambda: boundaries(material, Wanted()))
    timed("boundaries of 20 chapters", lambda: boundaries(material, Wanted(count=20)))
    fake = FakeEncoder(dimension=DIMENSION)
    timed("titles, vectors given", lambda: Namer(fake, FakeFunctionWords()).name(material, "sentences", ranges))
    if encoder:
        space = encoder.encode(["a"]).space
        timed("titles", lambda: Namer(encoder, FakeFunctionWords()).name(material, space, ranges))
    for length in Length:
        timed(f"{length.value} summary", lambda length=length: extract(material, ranges, whole, length))
    if videos:
        together(videos, hours)


def together(videos: int, hours: int) -> None:
    """Summaries of several videos at once."""
    parts = [Part(f"v{i}", talk(hours, i)) for i in range(videos)]
    laid = lay(parts)
    for length in Length:
        found = timed(f"{length.value} of {videos} videos", lambda length=length: laid.apart(share(laid, length)))
        print(f"{'':28s} {len({one.video for one in found}):6d} videos")  # type: ignore[attr-defined]
    print(f"{'memory':28s} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10:6d} MiB")
