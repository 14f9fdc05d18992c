"""Chapters in files of other tools: `write` makes one, `read` takes one in."""

from collections.abc import Callable, Mapping, Sequence

from services.chaptering.domain import youtube
from services.chaptering.domain.film import Film
from services.chaptering.formats import edl, ffmetadata, otio, subtitles, webvtt
from services.chaptering.ports import File
from services.core.chapters import Chapter
from services.core.errors import InvalidInput

LONGEST_FILE = 1 << 20
"""Bytes that are read."""
WRITERS: Mapping[str, tuple[Callable[[Sequence[Chapter], Film], str], str, str]] = {
    "webvtt": (webvtt.write, "text/vtt", "vtt"),
    "youtube": (lambda chapters, _: youtube.write(chapters), "text/plain", "txt"),
    "ffmetadata": (ffmetadata.write, "text/plain", "ffmetadata"),
    "srt": (subtitles.write, "application/x-subrip", "srt"),
    "edl": (edl.write, "text/plain", "edl"),
    "otio": (otio.write, "application/json", "otio"),
}
"""By format: what writes it, its media type, and the ending of its files."""
READERS: Mapping[str, Callable[[str, int], tuple[Chapter, ...]]] = {
    "webvtt": webvtt.read,
    "youtube": youtube.read,
    "ffmetadata": ffmetadata.read,
    "srt": subtitles.read,
}


def write(format_: str, chapters: Sequence[Chapter], film: Film) -> File:
    """A file of the chapters, at least one. Raises InvalidInput for an unknown format, or chapters that do not fit."""
    if format_ not in WRITERS:
        rule = f"one of {', '.join(sorted(WRITERS))}"
        raise InvalidInput(f"format {format_[:40]!r} is not {rule}", fields={"format": rule})
    if not chapters:
        raise InvalidInput("there are no chapters to write", fields={"chapters": "at least one"})
    writer, media_type, ending = WRITERS[format_]
    return File(writer(chapters, film).encode(), media_type, ending)


def read(format_: str, content: bytes, duration: int) -> tuple[Chapter, ...]:
    """The chapters of a file; they cover the video of `duration` ns, and those that the file names are locked.

    Raises InvalidInput for a file that cannot be read, or whose chapters do not fit the video.
    """
    check(format_, content)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"the file is not UTF-8: {error}", fields={"content": "UTF-8"}) from error
    return READERS[format_](text, duration)


def check(format_: str, content: bytes) -> None:
    """Raises InvalidInput for a format that is not read, or a file that is too long."""
    if format_ not in READERS:
        rule = f"one of {', '.join(sorted(READERS))}"
        raise InvalidInput(f"format {format_[:40]!r} is not {rule}", fields={"format": rule})
    if len(content) > LONGEST_FILE:
        rule = f"at most {LONGEST_FILE} bytes"
        raise InvalidInput(f"{len(content)} bytes; {rule}", fields={"content": rule})
