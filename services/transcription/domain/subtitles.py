"""What makes cues of a subtitle file's entries."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from services.core.errors import InvalidInput
from services.core.text import Cue
from services.core.times import SECOND, TimeRange, to_seconds

LONGEST_FILE = 8 << 20
"""Bytes."""
MOST_CUES = 100_000
LATEST = 100 * 3600 * SECOND
"""Nanoseconds; no video lasts longer."""
LONGEST_CUE = 10_000
"""Characters."""


@dataclass(frozen=True)
class Entry:
    """A cue as the file has it: line (from 1), times in ns, text without markup, lines parted by line feeds."""

    line: int
    start: int
    end: int
    text: str


@dataclass(frozen=True)
class SubtitleFile:
    """What a reader found; language and title as the file states them, else ""."""

    entries: Sequence[Entry]
    language: str = ""
    title: str = ""


def wrong_line(line: int, what: str) -> InvalidInput:
    """The error for a file that cannot be read because of one line."""
    return InvalidInput(f"line {line}: {what}", fields={"content": f"line {line}: {what}"})


def check_count(cues: int) -> None:
    """Raises InvalidInput for more cues than are read."""
    if cues > MOST_CUES:
        raise InvalidInput(f"{cues} cues; at most {MOST_CUES} are read", fields={"content": f"{MOST_CUES} cues"})


def cues(entries: Iterable[Entry]) -> tuple[Cue, ...]:
    """Cues in order of time. Entries that are not shown, or say nothing, are left out; overlaps stay.

    Raises InvalidInput naming the line of a cue that ends before it begins, or lies before 0 or beyond 100 hours.
    """
    found = []
    for entry in entries:
        if entry.start < 0:
            raise wrong_line(entry.line, "the cue begins before the video does")
        if entry.end < entry.start:
            span = f"{to_seconds(entry.start):.3f} s to {to_seconds(entry.end):.3f} s"
            raise wrong_line(entry.line, f"the cue ends before it begins ({span})")
        if entry.end > LATEST:
            raise wrong_line(entry.line, f"the cue ends later than {LATEST // SECOND // 3600} hours")
        if len(entry.text) > LONGEST_CUE:
            raise wrong_line(entry.line, f"the cue has {len(entry.text)} characters; at most {LONGEST_CUE} are read")
        text = tidy(entry.text)
        if text and entry.end > entry.start:
            found.append(Cue(TimeRange(entry.start, entry.end), text))
    return tuple(sorted(found, key=lambda cue: (cue.range.start, cue.range.end)))


def tidy(text: str) -> str:
    """Lines without blanks around them, and without what cannot be shown; none are empty."""
    lines = (" ".join("".join(c if c.isprintable() else " " for c in line).split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line)
