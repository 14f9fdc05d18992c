"""Chapters as lines of a YouTube description.

YouTube takes them when the first is at 0:00, there are at least three in ascending order, and each lasts ten seconds
(support.google.com/youtube/answer/9884579).
"""

import re
from collections.abc import Sequence

from services.chaptering.domain.listing import Entry, listed, titles
from services.core.chapters import Chapter
from services.core.errors import InvalidInput
from services.core.times import MILLISECOND, SECOND

FEWEST = 3
SHORTEST = 10
"""Seconds."""
_TIME = r"(?:(?P<h>\d{1,3}):)?(?P<m>\d{1,3}):(?P<s>[0-5]\d)(?:[.,](?P<ms>\d{1,3}))?(?![:.,]?\d)"
_END = r"(?:\s*[-–—]\s*(?:\d{1,3}:)?\d{1,3}:[0-5]\d(?!\d))?"
_LINE = re.compile(rf"^\W*?{_TIME}(?!\s*-->){_END}\W*?[\s\-–—:.)\]]+(?P<title>\S.*)$")


def write(chapters: Sequence[Chapter]) -> str:
    """Lines such as "1:02:03 Title". A chapter too short for YouTube is left to the one before it.

    Raises InvalidInput when fewer than three are left.
    """
    lines: list[tuple[int, str]] = []
    ends = [chapter.range.end // SECOND for chapter in chapters]
    for chapter, end, title in zip(chapters, ends, titles(chapters), strict=True):
        start = round(chapter.range.start / SECOND) if lines else 0
        if lines and (start - lines[-1][0] < SHORTEST or (end == ends[-1] and end - start < SHORTEST)):
            continue
        # The site takes angle brackets for markup and refuses the text.
        lines.append((start, title.replace("<", "‹").replace(">", "›")))
    if len(lines) < FEWEST:
        rule = f"at least {FEWEST} chapters of {SHORTEST} seconds"
        raise InvalidInput(f"{len(lines)} chapters can be listed; YouTube wants {rule}", fields={"format": rule})
    return "".join(f"{stamp(start)} {title}\n" for start, title in lines)


def read(text: str, duration: int) -> tuple[Chapter, ...]:
    """Chapters of the lines that begin with a time; other lines are passed over. Raises InvalidInput."""
    found = []
    for line in text.splitlines():
        match = _LINE.match(line)
        if match:
            seconds = (int(match["h"] or 0) * 60 + int(match["m"])) * 60 + int(match["s"])
            ms = int((match["ms"] or "0").ljust(3, "0"))
            found.append(Entry(seconds * SECOND + ms * MILLISECOND, match["title"].strip()))
    if not found:
        rule = "lines such as 0:00 Title"
        raise InvalidInput(f"no chapters found; wanted {rule}", fields={"content": rule})
    return listed(found, duration)


def stamp(seconds: int) -> str:
    """Such as 0:07, 12:34 or 1:02:03."""
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
