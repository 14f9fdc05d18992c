"""Chapters as SRT subtitles with pysubs2, for players that know nothing else."""

from collections.abc import Sequence

import pysubs2

from services.chaptering.domain.film import Film
from services.chaptering.domain.listing import titles
from services.core.chapters import Chapter
from services.core.times import MILLISECOND


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
