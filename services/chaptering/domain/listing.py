"""Chapters as lists of starts, which is what most formats hold."""

from collections.abc import Iterable, Sequence

from services.core.chapters import Chapter, TitleSource
from services.core.errors import InvalidInput
from services.core.times import SECOND, TimeRange

MOST = 500
LONGEST_TITLE = 200
NONE_BEFORE = SECOND
"""A list that begins later than this has a chapter before its first, without a title."""


def listed(entries: Iterable[tuple[int, str]], duration: int) -> tuple[Chapter, ...]:
    """Locked chapters from (start in ns, title), each up to the next; they cover the video.

    Entries at one time, or at or after the end, cannot be chapters: raises InvalidInput, and for none or too many.
    """
    found = sorted(entries, key=lambda entry: entry[0])
    if not 1 <= len(found) <= MOST:
        raise _wrong(f"{len(found)} chapters; wanted 1 to {MOST}")
    if found[0][0] < 0:
        raise _wrong("the first chapter begins before the video")
    for i, (start, title) in enumerate(found, 1):
        if start >= duration:
            raise _wrong(
                f"chapter {i} begins at {start / SECOND:.3f} s, but the video ends at {duration / SECOND:.3f} s"
            )
        if len(title) > LONGEST_TITLE:
            raise _wrong(f"the title of chapter {i} has {len(title)} characters; at most {LONGEST_TITLE}")
        if i > 1 and start == found[i - 2][0]:
            raise _wrong(f"two chapters begin at {start / SECOND:.3f} s")
    if found[0][0] >= NONE_BEFORE:
        found.insert(0, (0, ""))
    starts = [0, *(start for start, _ in found[1:]), duration]
    return tuple(
        Chapter(TimeRange(a, b), one_line(title), bool(title), TitleSource.EDITED)
        for a, b, (_, title) in zip(starts, starts[1:], found, strict=False)
    )


def one_line(title: str) -> str:
    """A title without line feeds, control characters or runs of blanks."""
    return " ".join("".join(c if c.isprintable() else " " for c in title).split())


def titles(chapters: Sequence[Chapter]) -> list[str]:
    """One line each; a chapter without a title is counted."""
    return [one_line(chapter.title) or f"Chapter {i}" for i, chapter in enumerate(chapters, 1)]


def _wrong(what: str) -> InvalidInput:
    return InvalidInput(what, fields={"content": what})
