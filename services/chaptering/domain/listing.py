"""Chapters as files list them."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from services.core.chapters import Chapter
from services.core.errors import InvalidInput
from services.core.times import MILLISECOND, SECOND, TimeRange

MOST = 500
LONGEST_TITLE = 200
FREE = SECOND
"""What chapters leave out and is as long is free for other chapters; what is shorter belongs to the one beside it."""


class Entry(NamedTuple):
    """A chapter as a file names it; times in ns. Without an `end` after its start it lasts until the next one."""

    start: int
    title: str
    end: int | None = None


def listed(entries: Iterable[Entry], duration: int) -> tuple[Chapter, ...]:
    """The entries as locked chapters, and what is free between them as chapters that are not, without titles.

    They cover the video. One that lasts beyond where the next begins, or the video ends, ends there. Entries at one
    time, or at or after the end, cannot be chapters: raises InvalidInput, and for none or too many.
    """
    found = sorted(entries, key=lambda entry: entry.start)
    if not 1 <= len(found) <= MOST:
        raise _wrong(f"{len(found)} chapters; wanted 1 to {MOST}")
    _check(found, duration)
    chapters: list[Chapter] = []
    at = 0
    for entry, next_ in zip(found, [*(entry.start for entry in found[1:]), duration], strict=True):
        if entry.start - at >= FREE:
            chapters.append(Chapter(TimeRange(at, entry.start), ""))
            at = entry.start
        end = next_ if entry.end is None or entry.end - entry.start < MILLISECOND else min(next_, entry.end)
        end = next_ if next_ - end < FREE else end
        chapters.append(Chapter(TimeRange(at, end), one_line(entry.title), locked=True))
        at = end
    if at < duration:
        chapters.append(Chapter(TimeRange(at, duration), ""))
    return tuple(chapters)


def _check(found: Sequence[Entry], duration: int) -> None:
    if found[0].start < 0:
        raise _wrong("the first chapter begins before the video")
    for i, (start, title, _) in enumerate(found, 1):
        if start >= duration:
            raise _wrong(
                f"chapter {i} begins at {start / SECOND:.3f} s, but the video ends at {duration / SECOND:.3f} s"
            )
        if len(title) > LONGEST_TITLE:
            raise _wrong(f"the title of chapter {i} has {len(title)} characters; at most {LONGEST_TITLE}")
        if i > 1 and start == found[i - 2].start:
            raise _wrong(f"two chapters begin at {start / SECOND:.3f} s")


def one_line(title: str) -> str:
    """A title without line feeds, control characters or runs of blanks."""
    return " ".join("".join(c if c.isprintable() else " " for c in title).split())


def titles(chapters: Sequence[Chapter]) -> list[str]:
    """One line each; a chapter without a title is counted."""
    return [one_line(chapter.title) or f"Chapter {i}" for i, chapter in enumerate(chapters, 1)]


def _wrong(what: str) -> InvalidInput:
    return InvalidInput(what, fields={"content": what})
