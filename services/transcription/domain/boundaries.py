"""Which of two neighbouring segments hears what is said about their boundary.

The boundary between two segments is moved into the pause of speech that lies nearest to it. Both neighbours look at the
same samples on either side of it, from the same state, so both find the same place; each then hears the sound on its
own side alone. So no word is cut, none is lost and none is heard twice. Only where somebody speaks for half a minute
without a pause do both hear some sound beyond the boundary, and a word is its whose side its middle lies on.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from services.transcription.domain.sound import RATE, WINDOW, Chances, Span

REACH = 15 * RATE
"""Samples on either side of the boundary in which a pause is looked for."""
PAUSE = RATE // 5
"""Samples of silence that count as a pause between words."""
QUIET = 0.35
"""Chance of speech below which a window is silent."""
MARGIN = RATE // 10
"""Samples kept between a word and the boundary, where the pause is long enough."""
OVERLAP = 3 * RATE
"""Samples heard beyond a boundary that lies in speech: longer than a word, and what a recognizer needs before one."""


@dataclass(frozen=True)
class Boundary:
    """A place between two samples, and how many beyond it are heard as well."""

    at: int
    overlap: int = 0


def reach(before: int, after: int) -> int:
    """Samples to look at on either side of a boundary between segments of so many samples.

    Never more than half a segment, so that the boundaries of a short one keep their order; whole windows.
    """
    return min(REACH, before // 2, after // 2) // WINDOW * WINDOW


def place(chances: Chances, size: int) -> Boundary:
    """Where the boundary goes within `size` samples in whose middle it lies.

    Into the nearest pause, as near as its margins allow. Speech without any pause is cut at the longest silence, else
    where speech is least likely, the nearest of equals.
    """
    middle = size // 2
    silences = list(_silences(chances, size))
    pauses = [s for s in silences if s.size >= PAUSE]
    if pauses:
        return Boundary(min((_inside(pause, middle) for pause in pauses), key=lambda at: (abs(at - middle), at)))
    if silences:
        longest = max(silences, key=lambda s: (s.size, -abs((s.start + s.end) // 2 - middle), -s.start))
        return Boundary((longest.start + longest.end) // 2, min(OVERLAP, middle))
    if not len(chances):
        return Boundary(middle)
    centres = [min(size, i * WINDOW + WINDOW // 2) for i in range(len(chances))]
    best = min(range(len(chances)), key=lambda i: (float(chances[i]), abs(centres[i] - middle), i))
    return Boundary(centres[best], min(OVERLAP, middle))


def _inside(pause: Span, middle: int) -> int:
    margin = min(MARGIN, pause.size // 2)
    return min(max(middle, pause.start + margin), pause.end - margin)


def _silences(chances: Chances, size: int) -> Iterator[Span]:
    begin: int | None = None
    for i, chance in enumerate(chances):
        if chance < QUIET:
            begin = i * WINDOW if begin is None else begin
        elif begin is not None:
            yield Span(begin, i * WINDOW)
            begin = None
    if begin is not None:
        yield Span(begin, size)
