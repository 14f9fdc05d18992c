"""Chapters as SRT subtitles with pysubs2, for players that know nothing else."""

from collections.abc import Sequence

import pysubs2

from services.chaptering.domain.film import Film
from services.chaptering.domain.listing import Entry, listed, titles
from services.core.chapters import Chapter
from services.core.errors import InvalidInput
from services.core.times import MILLISECOND

LONGEST_TEXT = 4_000
"""Characters of a subtitle with its marks, far more than a title has: the library looks for the end of each open mark
in all that follows."""


def write(chapters: Sequence[Chapter], film: Film) -> str:
    """A subtitle a chapter, shown as long as it lasts; times to the millisecond."""
    track = pysubs2.SSAFile()
    for chapter, title in zip(chapters, titles(chapters), strict=True):
        start, end = (round(time / MILLISECOND) for time in (chapter.range.start, chapter.range.end))
        # Braces and backslashes are markup to the library.
        shown = title.replace("{", "(").replace("}", ")").replace("\\", "/")
        track.append(pysubs2.SSAEvent(start, end, text=shown))
    text: str = track.to_string("srt")
    return text


def read(text: str, duration: int) -> tuple[Chapter, ...]:
    """Raises InvalidInput when there are no subtitles, or they do not fit the video."""
    if (longest := max(map(len, text.split("-->")))) > LONGEST_TEXT:
        rule = f"a subtitle has {longest} characters; the title of a chapter has fewer than {LONGEST_TEXT}"
        raise InvalidInput(rule, fields={"content": rule})
    try:
        found = pysubs2.SSAFile.from_string(text, format_="srt")
    except (pysubs2.exceptions.Pysubs2Error, ValueError) as error:
        raise InvalidInput(f"not SRT: {error}", fields={"content": "SRT"}) from error
    if not found.events:
        raise InvalidInput("not SRT: it has no subtitle", fields={"content": "SRT"})
    entries = [Entry(e.start * MILLISECOND, e.plaintext, e.end * MILLISECOND) for e in found]
    return listed(entries, duration)
