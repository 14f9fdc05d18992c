"""FFmetadata: written by its rules (ffmpeg.org/ffmpeg-formats.html#Metadata-2), read by FFmpeg itself through PyAV."""

import io
import re
from collections.abc import Sequence

import av
from av.error import FFmpegError

from services.chaptering.domain.film import Film
from services.chaptering.domain.listing import Entry, listed, one_line, titles
from services.core.chapters import Chapter
from services.core.errors import InvalidInput
from services.core.times import SECOND

HEAD = ";FFMETADATA1"


def write(chapters: Sequence[Chapter], film: Film) -> str:
    """Times are exact: the time base is a nanosecond."""
    lines = [HEAD]
    if film.title:
        lines.append(f"title={_escaped(one_line(film.title))}")
    for chapter, title in zip(chapters, titles(chapters), strict=True):
        start, end = chapter.range.start, chapter.range.end
        lines += ["", "[CHAPTER]", f"TIMEBASE=1/{SECOND}", f"START={start}", f"END={end}", f"title={_escaped(title)}"]
    return "\n".join(lines) + "\n"


def read(text: str, duration: int) -> tuple[Chapter, ...]:
    """Raises InvalidInput when FFmpeg cannot read it, or its chapters do not fit the video."""
    if not text.startswith(HEAD):
        raise InvalidInput(f"not FFmetadata: it does not begin with {HEAD}", fields={"content": f"begins with {HEAD}"})
    try:
        with av.open(io.BytesIO(text.encode()), format="ffmetadata") as file:
            found = file.chapters()
    except (FFmpegError, ValueError, UnicodeDecodeError) as error:
        raise InvalidInput(f"not FFmetadata: {error}", fields={"content": "FFmetadata"}) from error
    entries = []
    for chapter in found:
        base = chapter["time_base"]
        if base is None or base <= 0:
            raise InvalidInput("a chapter's TIMEBASE is not above 0", fields={"content": "TIMEBASE above 0"})
        start, end = (round(chapter[edge] * base * SECOND) for edge in ("start", "end"))
        # Without an END, FFmpeg lets a chapter end where the next begins, and the last one where it begins itself.
        entries.append(Entry(start, chapter["metadata"].get("title", ""), end))
    return listed(entries, duration)


def _escaped(value: str) -> str:
    return re.sub(r"([=;#\\\n])", r"\\\1", value)
