"""Hostile files: the same bytes on every run, each with a name that says what is wrong with it."""

from collections.abc import Iterator
from pathlib import Path

from tests.media.hostile import bombs, cuts, headers, lists, pictures, seeds, texts
from tests.media.hostile.case import Case
from tests.media.hostile.mutations import mutated

ROUNDS = 6
"""Mutations of each seed."""
__all__ = ["ROUNDS", "Case", "files", "images", "subtitles"]


def files(folder: Path, rounds: int = ROUNDS) -> Iterator[Case]:
    """What is uploaded as a video: `folder` is where the good files are made that these are spoilt from."""
    found = seeds.films(folder)
    yield from lists.cases()
    yield from lists.polyglots(found)
    yield from bombs.films(folder)
    yield from headers.cases(found)
    yield from cuts.cases(found)
    for name, data in found.items():
        others = [other for key, other in found.items() if key != name]
        for number in range(rounds):
            how, bad = mutated(data, f"{name} {number}", others)
            yield Case(f"{name}: {how} (seed {number})", name, bad)


def subtitles(rounds: int = 4 * ROUNDS) -> Iterator[Case]:
    """What is given as a subtitle file."""
    yield from texts.cases()
    for name, data in texts.GOOD.items():
        others = [other for key, other in texts.GOOD.items() if key != name]
        for number in range(rounds):
            how, bad = mutated(data, f"{name} {number}", others)
            yield Case(f"{name}: {how} (seed {number})", name, bad)


def images(rounds: int = 4 * ROUNDS) -> Iterator[Case]:
    """What is given as a picture."""
    yield from pictures.cases()
    good = pictures.good()
    for name, data in good.items():
        others = [other for key, other in good.items() if key != name]
        for number in range(rounds):
            how, bad = mutated(data, f"{name} {number}", others)
            yield Case(f"{name}: {how} (seed {number})", name, bad)
