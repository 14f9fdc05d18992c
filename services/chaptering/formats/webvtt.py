"""WebVTT chapter tracks with webvtt-py."""

import html
import io
from collections.abc import Sequence

import webvtt
from webvtt.errors import MalformedCaptionError, MalformedFileError

from services.chaptering.domain.film import Film
from services.chaptering.domain.listing import Entry, listed, titles
from services.core.chapters import Chapter
from services.core.errors import InvalidInput
from services.core.times import MILLISECOND


def write(chapters: Sequence[Chapter], film: Film) -> str:
    """A cue a chapter; times to the millisecond."""
    track = webvtt.WebVTT()
    for i, (chapter, title) in enumerate(zip(chapters, titles(chapters), strict=True), 1):
        text = html.escape(title, quote=False)
        track.captions.append(
            webvtt.Caption(stamp(chapter.range.start), stamp(chapter.range.end), text, identifier=str(i))
        )
    out = io.StringIO()
    track.write(out)
    return out.getvalue().rstrip("\n") + "\n"


def read(text: str, duration: int) -> tuple[Chapter, ...]:
    """Raises InvalidInput when it is no WebVTT, or its chapters do not fit the video."""
    try:
        found = webvtt.WebVTT.from_buffer(io.StringIO(text)).captions
    except (MalformedFileError, MalformedCaptionError) as error:
        raise InvalidInput(f"not WebVTT: {error}", fields={"content": "WebVTT, beginning with WEBVTT"}) from error
    entries = [
        Entry(
            cue.start_time.in_milliseconds() * MILLISECOND,
            html.unescape(cue.text),
            cue.end_time.in_milliseconds() * MILLISECOND,
        )
        for cue in found
    ]
    return listed(entries, duration)


def stamp(ns: int) -> str:
    """hh:mm:ss.mmm, to the nearest millisecond."""
    seconds, ms = divmod((ns + MILLISECOND // 2) // MILLISECOND, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{ms:03}"
