"""What a summary is written from: texts, each with the video's own sentences that it rests on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from services.chaptering.domain.phrases import words
from services.core.jobs import Progress
from services.core.times import TimeRange

MOST_RANGES = 8


@dataclass(frozen=True)
class Note:
    """A text, and the video's own sentences that it rests on, by their places among the passages."""

    text: str
    rows: tuple[int, ...]


class Made:
    """Counts the parts of a summary, of which more turn out to be needed while they are made."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._done = self._total = 0

    def more(self, parts: int) -> None:
        self._total += parts
        self._progress(self._done, self._total)

    def one(self) -> None:
        self._done += 1
        self._progress(self._done, self._total)


def fit(notes: Sequence[Note], room: float) -> list[Note]:
    """The first notes, of about so many words together; the first one in any case."""
    kept: list[Note] = []
    for note in notes:
        room -= len(words(note.text))
        if room < 0 and kept:
            break
        kept.append(note)
    return kept


def ranges(rests_on: Iterable[TimeRange]) -> tuple[TimeRange, ...]:
    """Ranges in order of time; those that touch are one."""
    found: list[TimeRange] = []
    for r in sorted(rests_on):
        if found and r.start <= found[-1].end:
            found[-1] = found[-1].span(r)
        else:
            found.append(r)
    return tuple(found[:MOST_RANGES])
